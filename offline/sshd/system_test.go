package sshd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// newRoot is a sound Debian 12 tree that lets admin in with the key.
func newRoot(t testing.TB) *root {
	t.Helper()
	testdisk.Need(t, "mmdebstrap")
	dir := memoryDir(t)
	if _, err := testdisk.NewTree(t.Context(), dir, testdisk.Bookworm); err != nil {
		t.Fatal(err)
	}
	r := &root{t: t, dir: dir, key: other}
	r.write(keyFile, other+"\n")
	return r
}

// withUnit makes the tree one that systemd boots.
func withUnit(r *root) {
	base, err := testdisk.Directory(r.t.Context(), testdisk.Bookworm, testdisk.Small)
	r.must(err)
	unit, err := os.ReadFile(filepath.Join(base, "usr/lib/systemd/system/ssh.service"))
	r.must(err)
	r.write("usr/lib/systemd/system/ssh.service", string(unit))
	r.link("/lib/systemd/system/ssh.service", "etc/systemd/system/multi-user.target.wants/ssh.service")
}

func labelled(label string, names ...string) func(*root) {
	return func(r *root) {
		r.write("etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
		r.write("usr/sbin/load_policy", "")
		for _, n := range append(names, "etc/passwd") {
			l := label
			if n == "etc/passwd" {
				l = "system_u:object_r:passwd_file_t:s0"
			}
			r.must(unix.Setxattr(r.path(n), offline.XattrLabel, []byte(l+"\x00"), 0))
		}
	}
}

// TestWhatNoChrootShows has the causes that a server in a chroot cannot meet.
func TestWhatNoChrootShows(t *testing.T) {
	cases := []struct {
		name   string
		change func(r *root)
		want   offline.Answer
		reason string
	}{
		{"sound", withUnit, accepted, "linux/sshd-starts"},
		{"masked", all(withUnit, func(r *root) { r.link("/dev/null", "etc/systemd/system/ssh.service") }), refused, "linux/sshd-start"},
		{"not enabled", all(withUnit, func(r *root) { r.remove("etc/systemd/system/multi-user.target.wants/ssh.service") }), refused, "linux/sshd-start"},
		{"not to be run", all(withUnit, file("etc/ssh/sshd_not_to_be_run", "")), refused, "linux/sshd-start"},
		{"command line beats the file", all(withUnit, file("etc/default/ssh", "SSHD_OPTS=-oPubkeyAuthentication=no\n")), refused, "linux/pubkey-authentication"},
		{"no sshd", func(r *root) { r.remove("usr/sbin/sshd") }, refused, "linux/sshd-missing"},
		{"no version", func(r *root) { r.write("usr/sbin/sshd", "#!/bin/sh\n"); r.remove("var/lib/dpkg/status") }, unknown, "linux/sshd-version"},
		{"user of another name service", all(file("etc/nsswitch.conf", "passwd: files ldap\n"), func(r *root) { r.replace("etc/passwd", "\nadmin:", "\nbob:") }), unknown, "linux/user-unknown"},
		{"groups of another name service", all(file("etc/nsswitch.conf", "group: files ldap\n"), config("AllowGroups staff")), unknown, "linux/allow-groups"},
		{"group in the files all the same", all(file("etc/nsswitch.conf", "group: files ldap\n"), config("AllowGroups sudo")), accepted, "linux/allow-groups"},
		{"sssd without configuration", all(file("etc/nsswitch.conf", "group: files sss\n"), config("AllowGroups staff")), refused, "linux/allow-groups"},
		{"enforcing, no labels", all(labelled("x"), func(r *root) { r.must(unix.Removexattr(r.path("etc/passwd"), offline.XattrLabel)) }), refused, "linux/selinux-unlabelled"},
		{"enforcing, right label", labelled("system_u:object_r:ssh_home_t:s0", keyFile, dotSSH), accepted, "linux/key-found"},
		{"enforcing, wrong label", labelled("unconfined_u:object_r:default_t:s0", keyFile, dotSSH), refused, "linux/selinux-label"},
		{"enforcing, doubtful label", labelled("unconfined_u:object_r:user_home_t:s0", keyFile, dotSSH), unknown, "linux/selinux-label"},
		{"enforcing, wrong label, to be relabelled", all(labelled("unconfined_u:object_r:default_t:s0", keyFile, dotSSH), file(".autorelabel", "")), accepted, ""},
		{"key file too large", func(r *root) { r.keys(strings.Repeat("#", offline.MaxKeys) + "\nKEY\n") }, unknown, "linux/authorized-keys-size"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRoot(t)
			c.change(r)
			v := judge(t, r.dir, "admin", r.key)
			has := slices.ContainsFunc(v.Reasons, func(r sshd.Reason) bool { return r.ID == c.reason && r.Answer == c.want })
			if v.Answer != c.want || c.reason != "" && !has {
				t.Errorf("want %s because of %s, got %s\n%s", c.want, c.reason, v.Answer, explain(v))
			}
			for _, reason := range slices.Concat(v.Reasons, v.Notes) {
				wantCause(t, reason)
			}
		})
	}
}

func TestHomeOnAnAbsentVolume(t *testing.T) {
	r := newRoot(t)
	v := openTree(t, r.dir)
	v.MarkAbsent("/home")
	s, err := sshd.Load(v, sshd.LoadOptions{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	verdict := mustJudge(t, s, "admin", r.key)
	if verdict.Answer != unknown || !hasReason(verdict, "linux/home-volume-absent", unknown) {
		t.Errorf("got %s\n%s", verdict.Answer, explain(verdict))
	}
	paths, err := s.KeyPaths("admin")
	if err != nil || len(paths) != 2 || !paths[0].Absent {
		t.Errorf("key paths %+v, %v", paths, err)
	}
}

// TestPreview asks before and after changes that nobody has made yet.
func TestPreview(t *testing.T) {
	r := newRoot(t)
	r.remove(dotSSH)
	r.chmod(home, 0o757)
	v := openTree(t, r.dir)
	s, err := sshd.Load(v, sshd.LoadOptions{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if before := mustJudge(t, s, "admin", r.key); before.Answer != refused {
		t.Fatalf("before: %s\n%s", before.Answer, explain(before))
	}
	dir, err := v.Snapshot("/home/admin", 0)
	if err != nil {
		t.Fatal(err)
	}
	mended := dir.Clone()
	mended.Mode = 0o755
	preview := v.Preview([]offline.Change{
		{Path: "/home/admin", Before: dir, After: mended},
		{Path: "/home/admin/.ssh", After: &offline.File{Kind: offline.Dir, Mode: 0o700, UID: 1000, GID: 1000}},
		{Path: "/home/admin/.ssh/authorized_keys", After: &offline.File{Kind: offline.Regular, Mode: 0o600, UID: 1000, GID: 1000, Data: []byte(r.key + "\n")}},
	})
	after, err := s.On(preview)
	if err != nil {
		t.Fatal(err)
	}
	if verdict := mustJudge(t, after, "admin", r.key); verdict.Answer != accepted || verdict.KeyPath != "/home/admin/.ssh/authorized_keys" || verdict.KeyLine != 1 {
		t.Errorf("after: %+v\n%s", verdict, explain(verdict))
	}
}

func TestKeyPathsTellWhatIsWrong(t *testing.T) {
	r := newRoot(t)
	r.config("AuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys none")
	r.mkdir("etc/ssh/keys", 0o777, 0, 0)
	r.chmod(keyFile, 0o666)
	paths, err := load(t, r.dir).KeyPaths("admin")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range paths {
		got = append(got, fmt.Sprintf("%s exists=%v home=%v [%s]", p.Canonical, p.Exists, p.UnderHome, found(p.Offences)))
	}
	want := []string{
		"/etc/ssh/keys/admin exists=false home=false [/etc/ssh/keys world-writable refused, /etc/ssh/keys group-writable refused]",
		"/home/admin/.ssh/authorized_keys exists=true home=true [/home/admin/.ssh/authorized_keys world-writable refused]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSystemFacts(t *testing.T) {
	r := newRoot(t)
	s := load(t, r.dir)
	if !s.RootLogin() || s.MainConfig() != "/etc/ssh/sshd_config" || !s.Version().AtLeast(9, 2) {
		t.Errorf("root %v, main %q, version %+v", s.RootLogin(), s.MainConfig(), s.Version())
	}
	r.config("PermitRootLogin no", "AuthorizedKeysFile a %h/b")
	s = load(t, r.dir)
	if got := s.AuthorizedKeysFile("admin"); s.RootLogin() || !slices.Equal(got, []string{"a", "%h/b"}) {
		t.Errorf("root %v, files %q", s.RootLogin(), got)
	}
	if _, err := s.KeyPaths("bob"); err == nil {
		t.Error("key paths of nobody")
	}
}

func hasReason(v sshd.Verdict, id string, a offline.Answer) bool {
	return slices.ContainsFunc(v.Reasons, func(r sshd.Reason) bool { return r.ID == id && r.Answer == a })
}

func mustJudge(t testing.TB, s *sshd.System, user, key string) sshd.Verdict {
	t.Helper()
	v, err := s.Judge(user, *sshkey.Parse([]byte(key)).Lines[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// BenchmarkThousandUsers judges everybody on a system of 1,000 users.
func BenchmarkThousandUsers(b *testing.B) {
	r := newRoot(b)
	var passwd, shadow, group strings.Builder
	for n := range 1000 {
		name := fmt.Sprintf("u%d", n)
		fmt.Fprintf(&passwd, "%s:x:%d:%d::/home/%s:/bin/bash\n", name, 2000+n, 2000+n, name)
		fmt.Fprintf(&shadow, "%s:!:19000:0:99999:7:::\n", name)
		fmt.Fprintf(&group, "%s:x:%d:\n", name, 2000+n)
		r.mkdir("home/"+name+"/.ssh", 0o700, 2000+n, 2000+n)
		r.own("home/"+name, 2000+n, 2000+n)
		r.chmod("home/"+name, 0o775)
		r.keyFile("home/"+name+"/.ssh/authorized_keys", 0o600, 2000+n, 2000+n)
	}
	r.append("etc/passwd", passwd.String())
	r.append("etc/shadow", shadow.String())
	r.append("etc/group", group.String())
	v := openTree(b, r.dir)
	b.ResetTimer()
	for b.Loop() {
		s, err := sshd.Load(v, sshd.LoadOptions{Now: time.Now()})
		if err != nil {
			b.Fatal(err)
		}
		for n := range 1000 {
			if got := mustJudge(b, s, fmt.Sprintf("u%d", n), r.key); got.Answer != accepted {
				b.Fatalf("%s\n%s", got.Answer, explain(got))
			}
		}
	}
}

// BenchmarkLoad and BenchmarkPreview tell what a second look costs.
func BenchmarkLoad(b *testing.B) {
	v := openTree(b, newRoot(b).dir)
	for b.Loop() {
		if _, err := sshd.Load(v, sshd.LoadOptions{Now: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPreview(b *testing.B) {
	v := openTree(b, newRoot(b).dir)
	s, err := sshd.Load(v, sshd.LoadOptions{Now: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.On(v.Preview(nil)); err != nil {
			b.Fatal(err)
		}
	}
}
