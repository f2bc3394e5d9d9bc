package selinux_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/selinux"
)

const contextsFile = "etc/selinux/targeted/contexts/files/file_contexts"

func load(t *testing.T, files map[string]string) (*selinux.Contexts, []selinux.Problem) {
	t.Helper()
	c, problems, err := selinux.LoadContexts(plant(t, files).Volume, "targeted")
	if err != nil {
		t.Fatal(err)
	}
	return c, problems
}

func TestLookup(t *testing.T) {
	c, problems := load(t, map[string]string{
		contextsFile: `# a comment
/.*			u:r:default_t:s0
/etc/.*			u:r:etc_t:s0
/etc/passwd	--	u:r:passwd_file_t:s0
/etc/pass.*		u:r:late_t:s0
/usr/(.*/)?lib(/.*)?	u:r:lib_t:s0
/usr/bin/ssh-.+	--	u:r:bin_t:s0
/run/.*			<<none>>
/a/b\.c			u:r:escaped_t:s0
/a/[^/]+\.d(/.*)?	u:r:d_t:s0
/x/one|/x/two		u:r:or_t:s0
/dev/[sh]d[^/]*	-b	u:r:disk_t:s0
/home		-d	u:r:home_root_t:s0
`,
		contextsFile + ".homedirs":  "/home/[^/]+/\\.ssh(/.*)?\tunconfined_u:object_r:ssh_home_t:s0\n/root/\\.ssh(/.*)? u:r:ssh_home_t:s0\n",
		contextsFile + ".local":     "/srv/keys(/.*)? u:r:ssh_home_t:s0\n/etc/motd u:r:local_t:s0\n",
		contextsFile + ".subs":      "/data/home /home\n/deep /\n",
		contextsFile + ".subs_dist": "# x\n/var/home /home\n/sbin /usr/bin\n/bin /usr/bin\n",
	})
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	tests := []struct {
		path string
		kind offline.Kind
		want string
	}{
		{"/", offline.Dir, "default_t"},
		{"/etc/ssh/sshd_config", offline.Regular, "etc_t"},
		{"/etc/passwd", offline.Regular, "passwd_file_t"}, // exact beats the later pattern
		{"/etc/passwd", offline.Dir, "late_t"},
		{"/etc/passwd-", offline.Regular, "late_t"},
		{"/etc/motd", offline.Regular, "local_t"},
		{"/usr/x/lib/y", offline.Regular, "lib_t"},
		{"/usr/bin/ssh-add", offline.Regular, "bin_t"},
		{"/bin/ssh-add", offline.Regular, "bin_t"},
		{"/usr/bin/ssh-add", offline.Symlink, "default_t"},
		{"/run/sshd", offline.Dir, ""},
		{"/a/b.c", offline.Regular, "escaped_t"},
		{"/a/bxc", offline.Regular, "default_t"},
		{"/a/q.d/r", offline.Regular, "d_t"},
		{"/dev/sda", offline.Special, "disk_t"},
		{"/dev/sda", offline.Regular, "default_t"},
		{"/home/u/.ssh", offline.Dir, "ssh_home_t"},
		{"/home/u/.ssh/authorized_keys", offline.Regular, "ssh_home_t"},
		{"/home//u///.ssh", offline.Dir, "ssh_home_t"},
		{"/data/home/u/.ssh", offline.Dir, "ssh_home_t"},
		{"/data/homes/u/.ssh", offline.Dir, "default_t"},
		{"/deep/var/home/u/.ssh", offline.Dir, "ssh_home_t"}, // .subs, then .subs_dist
		{"/home", offline.Dir, "home_root_t"},
		{"/home", offline.Regular, "default_t"},
		{"/srv/keys/u", offline.Regular, "ssh_home_t"},
		{"/root/.ssh/authorized_keys", offline.Regular, "ssh_home_t"},
	}
	for _, tt := range tests {
		got, found := c.Lookup(tt.path, tt.kind)
		if selinux.Type(got) != tt.want || found != (tt.want != "") {
			t.Errorf("Lookup(%q, %s) = %q, %v, want %q", tt.path, tt.kind, got, found, tt.want)
		}
	}
}

func TestBrokenContexts(t *testing.T) {
	long := "/long" + strings.Repeat("x", 2000)
	c, problems := load(t, map[string]string{contextsFile: strings.Join([]string{
		"/opt/(a u:r:bad_regex_t:s0",
		"/opt/[[:alfa:]]x u:r:bad_class_t:s0",
		"/opt/(?=look)x u:r:lookahead_t:s0",
		"/opt/only-a-path",
		"/opt/kind -x u:r:t:s0",
		"/opt/caf\xc3\xa9 u:r:t:s0",
		long + " u:r:t:s0",
		"/opt/.* u:r:good_t:s0\r",
		"\\",
	}, "\n")})
	if got, _ := c.Lookup("/opt/a", offline.Regular); got != "u:r:good_t:s0" {
		t.Errorf("a good spec among bad ones: %q", got)
	}
	if got, found := c.Lookup("/opt", offline.Dir); found {
		t.Errorf("nothing matches, but got %q", got)
	}
	lines := []int{}
	for _, p := range problems {
		lines = append(lines, p.Line)
	}
	if len(lines) != 5 || lines[0] != 4 || lines[4] != 9 {
		t.Errorf("problems in lines %v: %v", lines, problems)
	}
}

func TestPatternsThatDoNotCompile(t *testing.T) {
	c, _ := load(t, map[string]string{contextsFile: "/opt/.* u:r:good_t:s0\n/opt/(a u:r:bad_t:s0\n/opt/(?=b).* u:r:bad_t:s0\n"})
	if got, _ := c.Lookup("/opt/a", offline.Regular); got != "u:r:good_t:s0" {
		t.Errorf("got %q", got)
	}
	if p := c.Problems(); len(p) != 2 || p[0].Line != 3 || !strings.Contains(p[0].String(), "file_contexts:3: cannot compile") {
		t.Errorf("problems: %v", p)
	}
}

func TestTooManySpecs(t *testing.T) {
	c, problems := load(t, map[string]string{contextsFile: strings.Repeat("/a/.*x u:r:t:s0\n", 20_100)})
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "more than 20000") {
		t.Errorf("problems: %v", problems)
	}
	if _, found := c.Lookup("/a/y", offline.Regular); found {
		t.Error("found a label for what no spec matches")
	}
	if p := c.Problems(); len(p) == 1 || len(p) > 50 {
		t.Errorf("%d problems after a lookup that needs 20,000 expressions", len(p))
	}
}

func TestLoadWithoutContexts(t *testing.T) {
	if _, _, err := selinux.LoadContexts(plant(t, nil).Volume, "targeted"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	var none *selinux.Contexts
	if label, found := none.Lookup("/etc", offline.Dir); found || none.Problems() != nil {
		t.Errorf("no contexts, but %q", label)
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("/home/[^/]+/\\.ssh(/.*)?\tu:r:ssh_home_t:s0\n", "/var/home /home\n", "/home/u/.ssh")
	f.Add("/a|b -- u:r:t\n/[[:alpha:]\\", "/ /x\n", "//")
	f.Add("/x{2}y{3}z* u:r:t\n/\\d u:r:t", "/a / b", "/xxyyyzz")
	f.Fuzz(func(t *testing.T, specs, subs, p string) {
		v := plant(t, map[string]string{contextsFile: specs, contextsFile + ".subs": subs})
		c, _, err := selinux.LoadContexts(v.Volume, "targeted")
		if err != nil {
			return
		}
		label, found := c.Lookup(p, offline.Regular)
		if found != (label != "") {
			t.Errorf("Lookup(%q) = %q, %v", p, label, found)
		}
	})
}
