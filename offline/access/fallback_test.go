package access_test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
)

func allowFallback(w *access.Wish) { w.Repair.Fallback = true }

// TestFallback: where the settings go, and that all that was read before still is.
func TestFallback(t *testing.T) {
	const line = "AuthorizedKeysFile /etc/ssh/regain.d/%u "
	const usual = line + ".ssh/authorized_keys .ssh/authorized_keys2\n"
	first := "# regain run run-1\n"
	for name, c := range map[string]struct {
		broken []breakage
		in     string // the file that gets the setting
		text   string // and what it begins with
	}{
		"drop-in":                   {nil, dropIns + "/00-regain.conf", first + usual},
		"list is kept":              {[]breakage{edit(main, "Include /etc", "Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile \"/data/my keys/%u\" .ssh/k\n#")}, dropIns + "/00-regain.conf", first + line + "\"/data/my keys/%u\" .ssh/k\n"},
		"none is dropped":           {[]breakage{edit(main, "Include /etc", "Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile none\n#")}, dropIns + "/00-regain.conf", first + line[:len(line)-1] + "\n"},
		"a name before it":          {[]breakage{write(dropIns+"/00-a.conf", "PrintMotd no\n", 0o644, 0, 0)}, dropIns + "/0-regain.conf", first + usual},
		"no drop-in sorts first":    {[]breakage{write(dropIns+"/!.conf", "PrintMotd no\n", 0o644, 0, 0)}, main, first + usual},
		"drop-ins are not included": {[]breakage{edit(main, "Include /etc", "#Include /etc")}, main, first + usual},
		"no drop-in directory":      {[]breakage{remove(dropIns)}, main, first + usual},
		"set before the drop-ins":   {[]breakage{edit(main, "Include /etc", "AuthorizedKeysFile .ssh/k\nInclude /etc")}, main, first + line + ".ssh/k\n"},
		"drop-in is a link":         {[]breakage{write("/etc/empty", "", 0o644, 0, 0), link("/etc/empty", dropIns+"/00-regain.conf")}, main, first + usual},
		"drop-in is there":          {[]breakage{write(dropIns+"/00-regain.conf", "# mine\n", 0o644, 0, 0)}, dropIns + "/00-regain.conf", first + usual + "# mine\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, c.broken...)
			plan := s.rescue("admin", allowFallback)
			f := find(plan.Changes, c.in)
			if f == nil || !strings.HasPrefix(string(f.Data), c.text) {
				t.Fatalf("%s: %+v\n%s\nrejected: %q", c.in, f, describe(plan.Changes), plan.Rejected)
			}
			if !plan.Fallback || plan.Path != "/etc/ssh/regain.d/admin" {
				t.Errorf("the key is in %s", plan.Path)
			}
			if key := find(plan.Changes, plan.Path); key.Mode != 0o644 || key.UID != 0 {
				t.Errorf("key file: %+v", key)
			}
		})
	}
}

// TestFallbackTakesNothingFromOthers: where a Match block sets the user's files,
// a setting for all is of no use, and one for the user is made that leaves alone
// what others get.
func TestFallbackTakesNothingFromOthers(t *testing.T) {
	bob := []breakage{person("bob", "1001", "/home/bob"), mkdir("/home/bob/.ssh", 0o700, 1001, 1001)}
	for name, c := range map[string]struct {
		match string
		file  string // where bob's key is, and must be read
	}{
		"bob has a file of his own":      {"Match User bob\n\tAuthorizedKeysFile /etc/keys/%u\n", "/etc/keys/bob"},
		"bob's group has one":            {"Match Group bob\n\tAuthorizedKeysFile /etc/keys/%u\n", "/etc/keys/bob"},
		"admin has one":                  {"Match User admin\n\tAuthorizedKeysFile /data/%u\n", "/home/bob/.ssh/authorized_keys"},
		"admin has none":                 {"Match User admin\n\tAuthorizedKeysFile none\n", "/home/bob/.ssh/authorized_keys"},
		"drop-in with a setting for all": {"", "/home/bob/.ssh/authorized_keys"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, append(bob, remove(admin), write(c.file, oldKey+"\n", 0o644, 0, 0))...)
			data, err := os.ReadFile(s.path(main))
			s.must(err)
			s.must(os.WriteFile(s.path(main), append(append(data, '\n'), c.match...), 0o644))
			if v := s.judge("bob", oldKey); v.Answer != offline.Accepted {
				t.Fatalf("bob before: %s %v", v.Answer, v.Reasons)
			}
			plan := s.rescue("admin")
			if v := s.judge("bob", oldKey); v.Answer != offline.Accepted {
				t.Errorf("bob was locked out: %s %v\n%s", v.Answer, v.Reasons, describe(plan.Changes))
			}
			s.rescue("bob", allowFallback, func(w *access.Wish) { w.Run = "run-2" })
			for user, key := range map[string]string{"admin": newKey, "bob": oldKey} {
				if v := s.judge(user, key); v.Answer != offline.Accepted {
					t.Errorf("%s after the second: %s %v", user, v.Answer, v.Reasons)
				}
			}
		})
	}
}

// TestFallbackOfTwoUsersInOneRun: the second plan starts from what the first one
// leaves, and both together can be taken back.
func TestFallbackOfTwoUsersInOneRun(t *testing.T) {
	s := newSystem(t, person("bob", "1001", "/home/bob"), remove(admin), remove("/home/bob"), mkdir("/etc/keys", 0o755, 0, 0),
		edit(main, "Include /etc", "Include /etc/ssh/sshd_config.d/*.conf\nMatch User carol\n\tAuthorizedKeysFile /etc/keys/carol\nMatch all\n#"), person("carol", "1002", "/home/carol"))
	was := s.photo()
	v := s.volume()
	system := s.load(v)
	var changes []offline.Change
	for _, user := range []string{"admin", "bob"} {
		decider, err := access.New(v, system, nil)
		s.must(err)
		plan, err := decider.Decide(s.wish(system, user))
		s.must(err)
		if plan.Verdict.Answer != offline.Accepted {
			t.Fatalf("%s: %v %q", user, plan.Verdict.Reasons, plan.Rejected)
		}
		changes = append(changes, plan.Changes...)
		v = v.Preview(plan.Changes)
		system, err = system.On(v)
		s.must(err)
	}
	s.apply(changes...)
	for _, user := range []string{"admin", "bob"} {
		if v := s.judge(user, newKey); v.Answer != offline.Accepted {
			t.Errorf("%s: %s %v", user, v.Answer, v.Reasons)
		}
	}
	for i := len(changes) - 1; i >= 0; i-- {
		s.apply(changes[i].Invert())
	}
	s.same(was)
}

// TestFallbackFilesThatAreNot: links, hard links and directories in the places
// of the fallback are not followed and not written through.
func TestFallbackFilesThatAreNot(t *testing.T) {
	secret := write("/etc/secret", secretText, 0o600, 0, 0)
	for name, b := range map[string]breakage{
		"key file is a link": func(s *system) {
			mkdir("/etc/ssh/regain.d", 0o755, 0, 0)(s)
			link("/etc/secret", "/etc/ssh/regain.d/admin")(s)
		},
		"key file is a directory": mkdir("/etc/ssh/regain.d/admin", 0o755, 0, 0),
		"key file is a hard link": func(s *system) {
			mkdir("/etc/ssh/regain.d", 0o755, 0, 0)(s)
			hard("/etc/secret", "/etc/ssh/regain.d/admin")(s)
		},
		"directory is a link":     link("/etc", "/etc/ssh/regain.d"),
		"directory is a file":     write("/etc/ssh/regain.d", "", 0o644, 0, 0),
		"directory leads nowhere": link("/nowhere/at/all", "/etc/ssh/regain.d"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, secret, remove(admin), b)
			was := s.photo()
			plan := s.decide("admin", allowFallback)
			if plan.Verdict.Answer == offline.Accepted {
				t.Errorf("accepted: %s", describe(plan.Changes))
			}
			for _, c := range plan.Changes {
				if c.Before != nil && strings.Contains(string(c.Before.Data), "secret") || strings.Contains(string(c.After.Data), "secret") {
					t.Errorf("the secret would be changed: %s", c.Path)
				}
			}
			s.same(was)
		})
	}
}

// TestImmutable: flags of files and directories are lifted for the edit and set
// again, in changes of their own, and the way back does the same.
func TestImmutable(t *testing.T) {
	setFlags := func(flags uint32, names ...string) breakage {
		return func(s *system) {
			for _, name := range names {
				f, err := os.Open(s.path(name))
				s.must(err)
				now, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
				s.must(err)
				now = now&^(offline.FlagImmutable|offline.FlagAppend) | flags
				s.must(unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(now)))
				s.must(f.Close())
			}
		}
	}
	for name, names := range map[string][]string{
		"file": {keyFile}, "ssh directory": {dotSSH}, "both": {keyFile, dotSSH}, "home": {admin}, "all": {keyFile, dotSSH, admin},
	} {
		for what, flag := range map[string]uint32{"immutable": offline.FlagImmutable, "append-only": offline.FlagAppend} {
			t.Run(name+" "+what, func(t *testing.T) {
				broken := []breakage{own(admin, 0o777, 1000, 1000), setFlags(flag, names...)}
				if name == "home" {
					broken = append([]breakage{remove(dotSSH)}, broken...)
				}
				s := newSystem(t, broken...)
				t.Cleanup(func() { setFlags(0, names...)(s) })
				s.rescue("admin")
				for _, p := range names {
					if got, err := s.volume().Flags(p); err != nil || got != flag {
						t.Errorf("%s: flags %#x, %v", p, got, err)
					}
				}
			})
		}
	}
}
