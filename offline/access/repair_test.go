package access_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/acl"
)

// TestRepairs: exactly the components that stand in the way are changed.
func TestRepairs(t *testing.T) {
	for name, c := range map[string]struct {
		broken []breakage
		path   string
		want   string // mode and owner afterwards; empty: unchanged
	}{
		"home for all":            {[]breakage{own(admin, 0o777, 1000, 1000)}, admin, "0755 1000:1000"},
		"sticky stays":            {[]breakage{own(admin, 0o1777, 1000, 1000)}, admin, "1755 1000:1000"},
		"setgid stays":            {[]breakage{own(admin, 0o2777, 1000, 100)}, admin, "2755 1000:100"},
		"ssh directory of root's": {[]breakage{own(dotSSH, 0o700, 0, 0)}, dotSSH, "0700 1000:1000"},
		"nobody may enter":        {[]breakage{own(admin, 0, 1000, 1000)}, admin, "0700 1000:1000"},
		"home of a lost uid":      {[]breakage{own(admin, 0o755, 4242, 4242)}, admin, "0755 1000:1000"},
		"private group may write": {[]breakage{own(admin, 0o775, 1000, 1000)}, admin, ""},
		"home of root, passable":  {[]breakage{own(admin, 0o755, 0, 0)}, admin, ""},
		"another group":           {[]breakage{own(keyFile, 0o600, 1000, 100)}, keyFile, "0600 1000:100"},
		"closed /home":            {[]breakage{own("/home", 0o700, 0, 0)}, "/home", "0711 0:0"},
		"foreign /home":           {[]breakage{own("/home", 0o755, 1001, 1001)}, "/home", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, c.broken...)
			plan := s.rescue("admin")
			f := find(plan.Changes, c.path)
			got := ""
			if f != nil {
				got = fmt.Sprintf("%04o %d:%d", f.Mode, f.UID, f.GID)
			}
			if got != c.want || plan.Fallback {
				t.Errorf("%s becomes %q, want %q; all:\n%s\nrejected: %q", c.path, got, c.want, describe(plan.Changes), plan.Rejected)
			}
		})
	}
}

// TestNobodyElseLoses: what belongs to other accounts, or to the system, is not
// taken for the user. The key goes into the root-owned file.
func TestNobodyElseLoses(t *testing.T) {
	home := func(at string) breakage { return edit("/etc/passwd", ":"+admin+":", ":"+at+":") }
	for name, broken := range map[string][]breakage{
		"home of another account":  {person("bob", "1001", admin), own(admin, 0o755, 1001, 1001), own(dotSSH, 0o700, 1001, 1001)},
		"home is root's":           {home("/root"), own("/root", 0o700, 0, 0)},
		"home is another's":        {person("bob", "1001", "/home/bob"), home("/home/bob"), own("/home/bob", 0o700, 1001, 1001)},
		"home is /etc/ssh, closed": {home("/etc/ssh"), own("/etc/ssh", 0o700, 0, 0)},
		"home is /home":            {home("/home"), own("/home", 0o777, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, broken...)
			plan := s.rescue("admin")
			for _, c := range plan.Changes {
				if c.Before != nil && c.Before.UID != c.After.UID {
					t.Errorf("%s goes from uid %d to %d", c.Path, c.Before.UID, c.After.UID)
				}
			}
		})
	}
}

// TestACLs: a named entry loses its right to write, and nothing else; default
// lists of directories do not reach new files.
func TestACLs(t *testing.T) {
	list := acl.ACL{{Tag: acl.UserObj, Perm: 7}, {Tag: acl.User, Perm: 7, ID: 1001}, {Tag: acl.GroupObj, Perm: 5}, {Tag: acl.Mask, Perm: 7}, {Tag: acl.Other, Perm: 5}}
	set := func(name, attribute string) breakage {
		return func(s *system) { s.must(unix.Setxattr(s.path(name), attribute, list.Encode(), 0)) }
	}
	s := newSystem(t, own(admin, 0o755, 1000, 100), remove(dotSSH), set(admin, offline.XattrACL), set(admin, offline.XattrDefaultACL))
	plan := s.rescue("admin")
	home := find(plan.Changes, admin)
	got, err := acl.Decode(home.Xattr[offline.XattrACL])
	if mask, ok := got.Mask(); err != nil || !ok || mask != 5 || home.Mode != 0o755 {
		t.Errorf("home: %v %o, %v", got, home.Mode, err)
	}
	if string(home.Xattr[offline.XattrDefaultACL]) != string(list.Encode()) {
		t.Error("the default list is another one")
	}
	for _, p := range []string{dotSSH, keyFile} {
		f, err := s.volume().Snapshot(p, 1000)
		if err != nil || len(f.Xattr) != 0 || f.Mode&0o077 != 0 {
			t.Errorf("%s: %+v, %v", p, f, err)
		}
	}
}

// TestLabels: what is made or mended carries the label of the policy; on a
// system without a policy there is none.
func TestLabels(t *testing.T) {
	const ours = "system_u:object_r:"
	label := func(typ string, names ...string) breakage {
		return func(s *system) {
			for _, n := range names {
				s.must(unix.Setxattr(s.path(n), offline.XattrLabel, []byte(ours+typ+":s0\x00"), 0))
			}
		}
	}
	policy := []breakage{
		write("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n", 0o644, 0, 0), write("/usr/sbin/load_policy", "", 0o755, 0, 0),
		write("/etc/selinux/targeted/policy/policy.33", "policy", 0o644, 0, 0),
		write("/etc/selinux/targeted/contexts/files/file_contexts", "/etc(/.*)?\tsystem_u:object_r:etc_t:s0\n", 0o644, 0, 0),
		write("/etc/selinux/targeted/contexts/files/file_contexts.homedirs", "/home/[^/]+/\\.ssh(/.*)?\tsystem_u:object_r:ssh_home_t:s0\n/home/[^/]+\t-d\tsystem_u:object_r:user_home_dir_t:s0\n", 0o644, 0, 0),
		label("etc_t", "/etc", "/etc/passwd", "/etc/ssh", main, dropIns), label("user_home_dir_t", admin),
	}
	for name, c := range map[string]struct {
		broken []breakage
		change func(*access.Wish)
		want   map[string]string
	}{
		"no policy":   {[]breakage{remove(dotSSH)}, nil, map[string]string{dotSSH: "", keyFile: ""}},
		"new":         {append(slices.Clone(policy), remove(dotSSH)), nil, map[string]string{dotSSH: "ssh_home_t", keyFile: "ssh_home_t"}},
		"wrong label": {append(slices.Clone(policy), label("admin_home_t", dotSSH, keyFile)), nil, map[string]string{dotSSH: "ssh_home_t", keyFile: "ssh_home_t"}},
		"fallback":    {policy, allowFallback, map[string]string{"/etc/ssh/regain.d": "etc_t", "/etc/ssh/regain.d/admin": "etc_t", dropIns + "/00-regain.conf": "etc_t"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, c.broken...)
			if c.change == nil {
				c.change = func(*access.Wish) {}
			}
			s.rescue("admin", c.change)
			for p, want := range c.want {
				got, err := s.volume().Label(p)
				if want != "" {
					want = ours + want + ":s0"
				}
				if err != nil || got != want {
					t.Errorf("%s is labelled %q, %v, want %q", p, got, err, want)
				}
			}
		})
	}
}

// TestRepairNone: without repairs the key is added where that is enough, and
// nothing else is planned.
func TestRepairNone(t *testing.T) {
	none := func(w *access.Wish) { w.Repair.None = true }
	s := newSystem(t)
	if plan := s.rescue("admin", none); describe(plan.Changes) != keyFile+" create" && describe(plan.Changes) != keyFile+" edit" {
		t.Errorf("changes: %s", describe(plan.Changes))
	}
	s = newSystem(t, own(admin, 0o777, 1000, 1000))
	if plan := s.decide("admin", none); plan.Verdict.Answer == offline.Accepted || find(plan.Changes, admin) != nil || plan.Fallback {
		t.Errorf("%s: %s", plan.Verdict.Answer, describe(plan.Changes))
	}
}

// TestRandomBreakage: whatever the owners, modes and files of a home, either a
// plan keeps its promise and can be taken back, or nothing is promised; and
// other people's files are never touched.
func TestRandomBreakage(t *testing.T) {
	s := newSystem(t, person("bob", "1001", "/home/bob"), write("/home/bob/.ssh/authorized_keys", oldKey+"\n", 0o600, 1001, 1001))
	s.must(os.MkdirAll(s.path(dotSSH), 0o700))
	mode := rapid.SampledFrom([]uint32{0o700, 0o755, 0o777, 0o775, 0o2775, 0o1777, 0, 0o600, 0o644, 0o400})
	id := rapid.SampledFrom([]int{1000, 0, 1001, 4242})
	content := rapid.SampledFrom([]string{"", oldKey, oldKey + "\r\n", newKey + "\n", "junk\n", "command=\"x\" " + newKey + "\n"})
	rapid.Check(t, func(r *rapid.T) {
		write(keyFile, content.Draw(r, "content"), 0o600, 1000, 1000)(s)
		for _, name := range []string{"/home", admin, dotSSH, keyFile} {
			if rapid.Bool().Draw(r, "break") {
				own(name, mode.Draw(r, name+" mode"), id.Draw(r, name+" uid"), id.Draw(r, name+" gid"))(s)
			}
		}
		defer func() {
			own("/home", 0o755, 0, 0)(s)
			own(admin, 0o755, 1000, 1000)(s)
			own(dotSSH, 0o700, 1000, 1000)(s)
		}()
		was := s.photo()
		plan := s.decide("admin")
		for _, c := range plan.Changes {
			if strings.HasPrefix(c.Path, "/home/bob") {
				r.Errorf("bob's %s would be changed", c.Path)
			}
		}
		if plan.Verdict.Answer != offline.Accepted {
			r.Fatalf("no way in: %q", plan.Rejected)
		}
		s.apply(plan.Changes...)
		if v := s.judge("admin", newKey); v.Answer != offline.Accepted {
			r.Errorf("broken promise: %v\n%s", v.Reasons, describe(plan.Changes))
		}
		for i := len(plan.Changes) - 1; i >= 0; i-- {
			s.apply(plan.Changes[i].Invert())
		}
		s.same(was)
	})
}
