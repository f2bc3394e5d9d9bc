package sshd_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/sshd"
)

var accountsForModes = account.Parse(
	[]byte("root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n"), nil, []byte("u:x:1000:\nshared:x:50:u,v\n"), nil)

// sound makes a home with a key file and returns the tree's root.
func sound(t *testing.T) *root {
	t.Helper()
	testdisk.Need(t)
	r := &root{t: t, dir: memoryDir(t)}
	r.chmod("", 0o755)
	r.mkdir("home", 0o755, 0, 0)
	r.mkdir("home/u", 0o755, 1000, 1000)
	r.mkdir("home/u/.ssh", 0o700, 1000, 1000)
	r.write("home/u/.ssh/authorized_keys", "x\n")
	r.own("home/u/.ssh/authorized_keys", 1000, 1000)
	r.chmod("home/u/.ssh/authorized_keys", 0o600)
	return r
}

func found(offences []sshd.Offence) string {
	var all []string
	for _, o := range offences {
		text := fmt.Sprintf("%s %s %s", o.Path, o.Kind, o.Answer)
		if o.ACL {
			text += " acl"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestStrictModesListsAllComponents(t *testing.T) {
	const file = "home/u/.ssh/authorized_keys"
	cases := []struct {
		name    string
		change  func(r *root)
		private bool
		others  []string
		want    string
	}{
		{"sound", nil, false, nil, ""},
		{"private group, upstream", mode("home/u", 0o775), false, nil, "/home/u group-writable refused"},
		{"private group, debian", mode("home/u", 0o775), true, nil, ""},
		{"private group, another name service", mode("home/u", 0o775), true, []string{"ldap"}, "/home/u group-writable unknown"},
		{"shared group, debian", all(owner("home/u", 1000, 50), mode("home/u", 0o775)), true, nil, "/home/u group-writable refused"},
		{"everything at once", all(mode(file, 0o666), owner(file, 7, 7), mode("home/u/.ssh", 0o777), owner("home/u", 8, 1000)), false, nil,
			"/home/u/.ssh/authorized_keys owner refused, /home/u/.ssh/authorized_keys world-writable refused, /home/u/.ssh/authorized_keys group-writable refused, " +
				"/home/u/.ssh world-writable refused, /home/u/.ssh group-writable refused, /home/u owner refused"},
		{"above home does not count", all(mode("home", 0o777), mode("", 0o777)), false, nil, ""},
		{"directory in place of the file", func(r *root) { r.remove(file); r.mkdir(file, 0o777, 7, 7) }, false, nil, "/home/u/.ssh/authorized_keys not-regular refused"},
		{"file missing", all(func(r *root) { r.remove(file) }, mode("home/u/.ssh", 0o777)), false, nil, "/home/u/.ssh world-writable refused, /home/u/.ssh group-writable refused"},
		{"directory missing", all(func(r *root) { r.remove("home/u/.ssh") }, mode("home/u", 0o757)), false, nil, "/home/u world-writable refused"},
		{"home missing: up to the root", all(func(r *root) { r.remove("home/u") }, mode("home", 0o777)), false, nil, "/home world-writable refused, /home group-writable refused"},
		{"acl", list("home/u", entries(7, 7, 1001, 5, 7, 5)...), false, nil, "/home/u group-writable refused acl"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := sound(t)
			if c.change != nil {
				c.change(r)
			}
			user, err := accountsForModes.User("u")
			if err != nil {
				t.Fatal(err)
			}
			m := sshd.Modes{User: user, DB: accountsForModes, PrivateGroups: c.private, OtherSources: c.others}
			got, err := m.Check(openTree(t, r.dir), "/"+file)
			if err != nil || found(got) != c.want {
				t.Errorf("got %s, %v\nwant %s", found(got), err, c.want)
			}
		})
	}
}

func TestReachLooksAtLinksToo(t *testing.T) {
	r := sound(t)
	r.mkdir("data", 0o700, 0, 0)
	r.mkdir("data/in", 0o755, 0, 0)
	r.link("/home/u/.ssh/authorized_keys", "data/in/keys")
	r.link("../data/in/keys", "home/keys")
	v := openTree(t, r.dir)
	user := account.User{Name: "u", UID: 1000, GID: 1000}
	got, err := sshd.Reach(v, user, []uint32{1000}, "/home/keys")
	if err != nil || found(got) != "/data unsearchable refused" {
		t.Errorf("got %s, %v", found(got), err)
	}
	if got, err = sshd.Reach(v, account.User{Name: "root"}, nil, "/home/keys"); err != nil || len(got) > 0 {
		t.Errorf("root: %s, %v", found(got), err)
	}
	r.link("keys", "home/keys")
	if _, err = sshd.Reach(openTree(t, r.dir), user, nil, "/home/keys"); !errors.Is(err, offline.ErrLoop) {
		t.Errorf("loop: %v", err)
	}
}

// TestReachAsTheKernel tries every mode of file and directory under the user's
// own ids.
func TestReachAsTheKernel(t *testing.T) {
	r := sound(t)
	user := account.User{Name: "u", UID: 1000, GID: 1000}
	bits := []uint32{0, 4, 5, 1, 6, 7}
	for _, owner := range [][2]int{{1000, 50}, {0, 1000}, {0, 50}, {0, 7}} {
		for _, place := range []string{"home/u/.ssh", "home/u/.ssh/authorized_keys"} {
			r.own("home/u/.ssh", 1000, 1000)
			r.own("home/u/.ssh/authorized_keys", 1000, 1000)
			r.chmod("home/u/.ssh", 0o700)
			r.own(place, owner[0], owner[1])
			for _, a := range bits {
				for _, b := range bits {
					r.chmod(place, os.FileMode(a<<6|b<<3|a))
					offences, err := sshd.Reach(openTree(t, r.dir), user, []uint32{1000, 50}, "/home/u/.ssh/authorized_keys")
					if err != nil {
						t.Fatal(err)
					}
					if can := opensAs(t, r.path("home/u/.ssh/authorized_keys")); can != (len(offences) == 0) {
						t.Errorf("%s %v %o%o%o: kernel %v, we say %s", place, owner, a, b, a, can, found(offences))
					}
				}
			}
			r.chmod("home/u/.ssh/authorized_keys", 0o600)
		}
	}
}

// opensAs opens a file on a thread that has the user's ids, as sshd does.
func opensAs(t *testing.T, path string) bool {
	t.Helper()
	result := make(chan error)
	go func() {
		result <- asUser(func() error {
			fd, err := unix.Open(path, unix.O_RDONLY, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		})
	}()
	err := <-result
	if err != nil && !errors.Is(err, unix.EACCES) {
		t.Fatal(err)
	}
	return err == nil
}
