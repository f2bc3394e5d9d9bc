package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// The user of the trees, and what is the user's.
const (
	admin   = "/home/admin"
	dotSSH  = admin + "/.ssh"
	keyFile = dotSSH + "/authorized_keys"
	dropIns = "/etc/ssh/sshd_config.d"
	main    = "/etc/ssh/sshd_config"
)

// Keys whose private halves nobody has.
const (
	newKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f new@example"
	oldKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/ old@example"
)

func public(t *testing.T, line string) sshkey.Public {
	t.Helper()
	key, err := sshkey.ParsePublicInput([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// system is a Debian tree on which decisions are made.
type system struct {
	t   *testing.T
	dir string
}

// breakage changes a tree before the decision.
type breakage func(*system)

func newSystem(t *testing.T, broken ...breakage) *system {
	t.Helper()
	testdisk.Need(t, "mmdebstrap")
	s := &system{t, filepath.Join(t.TempDir(), "tree")}
	if _, err := testdisk.NewTree(t.Context(), s.dir, testdisk.Bookworm); err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		b(s)
	}
	return s
}

func (s *system) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) path(name string) string { return filepath.Join(s.dir, name) }

// volume opens the tree; a Volume remembers what it saw, so each look has its own.
func (s *system) volume() *offline.Volume {
	s.t.Helper()
	fd, err := unix.Open(s.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	s.must(err)
	v, err := offline.OpenVolume(fd)
	s.must(err)
	s.t.Cleanup(func() { v.Close() })
	return v
}

func (s *system) load(v *offline.Volume) *sshd.System {
	s.t.Helper()
	system, err := sshd.Load(v, sshd.LoadOptions{Now: time.Now()})
	s.must(err)
	return system
}

// wish asks for newKey for a user.
func (s *system) wish(system *sshd.System, user string, change ...func(*access.Wish)) access.Wish {
	s.t.Helper()
	u, err := system.Accounts().User(user)
	s.must(err)
	w := access.Wish{User: u, Key: public(s.t, newKey), Run: "run-1"}
	for _, c := range change {
		c(&w)
	}
	return w
}

// decide plans for a user, without changing anything.
func (s *system) decide(user string, change ...func(*access.Wish)) access.Plan {
	s.t.Helper()
	v := s.volume()
	system := s.load(v)
	decider, err := access.New(v, system, nil)
	s.must(err)
	plan, err := decider.Decide(s.wish(system, user, change...))
	s.must(err)
	return plan
}

func (s *system) apply(changes ...offline.Change) {
	s.t.Helper()
	v := s.volume()
	for _, c := range changes {
		s.must(v.Apply(c))
	}
}

func (s *system) judge(user, key string) sshd.Verdict {
	s.t.Helper()
	verdict, err := s.load(s.volume()).Judge(user, public(s.t, key))
	s.must(err)
	return verdict
}

// rescue plans, checks that the promise is kept on the real tree, that a second
// plan finds nothing to do, and that the inverse brings all back. It leaves the
// tree rescued.
func (s *system) rescue(user string, change ...func(*access.Wish)) access.Plan {
	s.t.Helper()
	was := s.photo()
	plan := s.decide(user, change...)
	if plan.Verdict.Answer != offline.Accepted {
		s.t.Fatalf("the plan's verdict is %s: %v; rejected: %q", plan.Verdict.Answer, plan.Verdict.Reasons, plan.Rejected)
	}
	s.apply(plan.Changes...)
	for i := len(plan.Changes) - 1; i >= 0; i-- {
		s.apply(plan.Changes[i].Invert())
	}
	s.same(was)
	s.apply(plan.Changes...)
	if v := s.judge(user, newKey); v.Answer != offline.Accepted {
		s.t.Errorf("what was promised is not so: %s %v", v.Answer, v.Reasons)
	}
	if again := s.decide(user, change...); len(again.Changes) != 0 {
		s.t.Errorf("a second time there is still something to do: %s", describe(again.Changes))
	}
	return plan
}

// photo notes all files that a plan could change.
func (s *system) photo() map[string]*offline.File {
	s.t.Helper()
	v := s.volume()
	files := map[string]*offline.File{}
	for _, top := range []string{"/home", "/etc", "/root", "/srv", "/data"} {
		err := filepath.Walk(s.path(top), func(p string, info os.FileInfo, err error) error {
			if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
				return nil // not there, or never changed
			}
			name := strings.TrimPrefix(p, s.dir)
			files[name], err = v.Snapshot(name, offline.MaxAccount)
			return err
		})
		s.must(err)
	}
	return files
}

func (s *system) same(was map[string]*offline.File) {
	s.t.Helper()
	is := s.photo()
	for p, f := range was {
		if !f.Equal(is[p]) || f.Flags != is[p].Flags {
			s.t.Errorf("%s is not as it was: %+v, now %+v", p, f, is[p])
		}
	}
	for p := range is {
		if was[p] == nil {
			s.t.Errorf("%s is new", p)
		}
	}
}

// describe is the plan in short: a line for each change.
func describe(changes []offline.Change) string {
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.Path+" "+c.Action())
	}
	return strings.Join(lines, "\n")
}

func find(changes []offline.Change, path string) *offline.File {
	var found *offline.File
	for _, c := range changes {
		if c.Path == path {
			found = c.After
		}
	}
	return found
}

func write(name, content string, mode uint32, uid, gid int) breakage {
	return func(s *system) {
		s.t.Helper()
		s.must(os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
		s.must(os.WriteFile(s.path(name), []byte(content), 0o600))
		own(name, mode, uid, gid)(s)
	}
}

func own(name string, mode uint32, uid, gid int) breakage {
	return func(s *system) {
		s.t.Helper()
		s.must(os.Chown(s.path(name), uid, gid))
		s.must(unix.Chmod(s.path(name), mode))
	}
}

func mkdir(name string, mode uint32, uid, gid int) breakage {
	return func(s *system) { s.t.Helper(); s.must(os.MkdirAll(s.path(name), 0o755)); own(name, mode, uid, gid)(s) }
}

func remove(name string) breakage {
	return func(s *system) { s.t.Helper(); s.must(os.RemoveAll(s.path(name))) }
}

func link(target, name string) breakage {
	return func(s *system) {
		s.t.Helper()
		s.must(os.RemoveAll(s.path(name)))
		s.must(os.Symlink(target, s.path(name)))
	}
}

func hard(file, name string) breakage {
	return func(s *system) {
		s.t.Helper()
		s.must(os.RemoveAll(s.path(name)))
		s.must(os.Link(s.path(file), s.path(name)))
	}
}

// edit replaces text in a file.
func edit(name, old, now string) breakage {
	return func(s *system) {
		s.t.Helper()
		data, err := os.ReadFile(s.path(name))
		s.must(err)
		if !strings.Contains(string(data), old) {
			s.must(errors.New(name + " does not hold " + old))
		}
		s.must(os.WriteFile(s.path(name), []byte(strings.ReplaceAll(string(data), old, now)), 0o600))
	}
}

// person adds an account; the home is a directory of its own unless it is there.
func person(name, uid, home string) breakage {
	ids := map[string]int{"1001": 1001, "1002": 1002}
	return func(s *system) {
		s.t.Helper()
		for file, line := range map[string]string{
			"/etc/passwd": name + ":x:" + uid + ":" + uid + "::" + home + ":/bin/bash\n", "/etc/shadow": name + ":!:20000:0:99999:7:::\n", "/etc/group": name + ":x:" + uid + ":\n",
		} {
			data, err := os.ReadFile(s.path(file))
			s.must(err)
			s.must(os.WriteFile(s.path(file), append(data, line...), 0o600))
		}
		if _, err := os.Stat(s.path(home)); err != nil {
			mkdir(home, 0o755, ids[uid], ids[uid])(s)
		}
	}
}
