package rescue_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/acl"
)

// The user of the test's trees, and what is the user's.
const (
	admin   = "/home/admin"
	dotSSH  = admin + "/.ssh"
	keyFile = dotSSH + "/authorized_keys"
)

// otherKeys are valid keys whose private halves nobody has.
var otherKeys = []string{
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f one@example",
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/ two@example",
}

// world is a tree to be broken, and what names in contents stand for.
type world struct {
	t    *testing.T
	root string
	pub  string
}

// change breaks something in a tree.
type change func(*world)

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.root, name) }

// text puts the keys into a content.
func (w *world) text(s string) []byte {
	return []byte(strings.NewReplacer("{pub}", w.pub, "{one}", otherKeys[0], "{two}", otherKeys[1], "{beside}", filepath.Join(filepath.Dir(w.root), "beside")).Replace(s))
}

func (w *world) own(name string, mode uint32, uid, gid int) {
	w.t.Helper()
	w.must(os.Chown(w.path(name), uid, gid))
	w.must(unix.Chmod(w.path(name), mode))
}

func chmod(name string, mode uint32) change {
	return func(w *world) { w.t.Helper(); w.must(unix.Chmod(w.path(name), mode)) }
}

func chown(name string, uid, gid int) change {
	return func(w *world) { w.t.Helper(); w.must(os.Lchown(w.path(name), uid, gid)) }
}

func mkdir(name string, mode uint32, uid, gid int) change {
	return func(w *world) {
		w.t.Helper()
		w.must(os.MkdirAll(w.path(name), 0o755))
		w.own(name, mode, uid, gid)
	}
}

// write makes a file, with directories of root's above it where they are missing.
func write(name, content string, mode uint32, uid, gid int) change {
	return func(w *world) {
		w.t.Helper()
		w.must(os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
		w.must(os.WriteFile(w.path(name), w.text(content), 0o600))
		w.own(name, mode, uid, gid)
	}
}

// root's file that everybody may read.
func config(name, content string) change { return write(name, content, 0o644, 0, 0) }

// keys replaces the content of the user's key file.
func keys(content string) change { return write(keyFile, content, 0o600, 1000, 1000) }

// sshd makes lines the first of sshd_config.
func sshd(lines string) change {
	return replace("/etc/ssh/sshd_config", "Include /etc", lines+"\nInclude /etc")
}

func add(name, text string) change {
	return func(w *world) {
		w.t.Helper()
		f, err := os.OpenFile(w.path(name), os.O_APPEND|os.O_WRONLY, 0)
		w.must(err)
		_, err = f.Write(w.text(text))
		w.must(err)
		w.must(f.Close())
	}
}

func replace(name, old, now string) change {
	return func(w *world) {
		w.t.Helper()
		data, err := os.ReadFile(w.path(name))
		w.must(err)
		if !bytes.Contains(data, []byte(old)) {
			w.t.Fatalf("%s does not hold %q", name, old)
		}
		w.must(os.WriteFile(w.path(name), bytes.ReplaceAll(data, []byte(old), w.text(now)), 0o600))
	}
}

func remove(names ...string) change {
	return func(w *world) {
		w.t.Helper()
		for _, name := range names {
			w.must(os.RemoveAll(w.path(name)))
		}
	}
}

func rename(old, now string) change {
	return func(w *world) {
		w.t.Helper()
		w.must(os.MkdirAll(filepath.Dir(w.path(now)), 0o755))
		w.must(os.Rename(w.path(old), w.path(now)))
	}
}

// link puts a symbolic link in the place of name.
func link(target, name string) change {
	return func(w *world) {
		w.t.Helper()
		w.must(os.RemoveAll(w.path(name)))
		w.must(os.Symlink(string(w.text(target)), w.path(name)))
	}
}

// hard puts another name of a file in the place of name.
func hard(file, name string) change {
	return func(w *world) {
		w.t.Helper()
		w.must(os.RemoveAll(w.path(name)))
		w.must(os.Link(w.path(file), w.path(name)))
	}
}

// special puts a FIFO, device or socket of the user's in the place of name.
func special(name string, kind uint32, major, minor uint32) change {
	return func(w *world) {
		w.t.Helper()
		w.must(os.RemoveAll(w.path(name)))
		w.must(unix.Mknod(w.path(name), kind|0o600, int(unix.Mkdev(major, minor))))
		w.must(os.Chown(w.path(name), 1000, 1000))
	}
}

// grant gives a file a POSIX ACL that lets uid 1001 do as it likes.
func grant(name, attribute string, group acl.Perm) change {
	list := acl.ACL{{Tag: acl.UserObj, Perm: 7}, {Tag: acl.User, Perm: 7, ID: 1001}, {Tag: acl.GroupObj, Perm: group}, {Tag: acl.Mask, Perm: 7}, {Tag: acl.Other, Perm: 5}}
	return func(w *world) { w.t.Helper(); w.must(unix.Setxattr(w.path(name), attribute, list.Encode(), 0)) }
}

func xattr(name, attribute, value string) change {
	return func(w *world) { w.t.Helper(); w.must(unix.Lsetxattr(w.path(name), attribute, []byte(value), 0)) }
}

// label writes SELinux labels as libselinux does.
func label(typ string, names ...string) change {
	return func(w *world) {
		w.t.Helper()
		for _, name := range names {
			xattr(name, offline.XattrLabel, "system_u:object_r:"+typ+":s0\x00")(w)
		}
	}
}

// flags sets the immutable and append-only flags of the names.
func flags(value uint32, names ...string) change {
	return func(w *world) {
		w.t.Helper()
		for _, name := range names {
			f, err := os.Open(w.path(name))
			w.must(err)
			all, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
			w.must(err)
			w.must(unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(all|value)))
			w.must(f.Close())
		}
	}
}

// all is several changes as one.
func all(changes ...change) change {
	return func(w *world) {
		w.t.Helper()
		for _, c := range changes {
			c(w)
		}
	}
}

// person adds an account with a home and a key of its own.
func person(name, uid string) change {
	id := map[string]int{"1001": 1001, "1002": 1002}[uid]
	home := "/home/" + name
	return all(
		add("/etc/passwd", name+":x:"+uid+":"+uid+"::"+home+":/bin/bash\n"),
		add("/etc/shadow", name+":!:20000:0:99999:7:::\n"),
		add("/etc/group", name+":x:"+uid+":\n"),
		mkdir(home, 0o755, id, id), mkdir(home+"/.ssh", 0o700, id, id),
		write(home+"/.ssh/authorized_keys", "{two}\n", 0o600, id, id),
	)
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
