package sshd_test

import (
	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/acl"
)

const (
	home    = "home/admin"
	dotSSH  = "home/admin/.ssh"
	keyFile = "home/admin/.ssh/authorized_keys"
)

func mode(name string, bits uint32) func(*root) {
	return func(r *root) { r.must(unix.Chmod(r.path(name), bits)) }
}

func owner(name string, uid, gid int) func(*root) {
	return func(r *root) { r.own(name, uid, gid) }
}

func all(changes ...func(*root)) func(*root) {
	return func(r *root) {
		for _, c := range changes {
			c(r)
		}
	}
}

// list gives a file a POSIX ACL.
func list(name string, entries ...acl.Entry) func(*root) {
	return func(r *root) {
		r.must(unix.Setxattr(r.path(name), offline.XattrACL, acl.ACL(entries).Encode(), 0))
	}
}

func entries(owner, user acl.Perm, uid uint32, group, mask, other acl.Perm) []acl.Entry {
	return []acl.Entry{{Tag: acl.UserObj, Perm: owner}, {Tag: acl.User, Perm: user, ID: uid}, {Tag: acl.GroupObj, Perm: group},
		{Tag: acl.Mask, Perm: mask}, {Tag: acl.Other, Perm: other}}
}

func sudoMembers(names string) func(*root) {
	return func(r *root) { r.replace("etc/group", "sudo:x:27:admin", "sudo:x:27:"+names) }
}

var modeCases = []acceptance{
	{name: "sound", want: accepted, reason: "linux/key-found"},
	{name: "file 0666", change: mode(keyFile, 0o666), want: refused, reason: "linux/authorized-keys-mode"},
	{name: "file 0664, private group", change: mode(keyFile, 0o664), want: accepted},
	{name: "file 0644", change: mode(keyFile, 0o644), want: accepted},
	{name: "file 0044", change: mode(keyFile, 0o044), want: refused, reason: "linux/authorized-keys-unreadable"},
	{name: "ssh dir 0777", change: mode(dotSSH, 0o777), want: refused, reason: "linux/ssh-dir-mode"},
	{name: "ssh dir 0775, private group", change: mode(dotSSH, 0o775), want: accepted},
	{name: "ssh dir 0300", change: mode(dotSSH, 0o300), want: accepted},
	{name: "ssh dir 0600", change: mode(dotSSH, 0o600), want: refused, reason: "linux/authorized-keys-unreadable"},
	{name: "home 0775, private group", change: mode(home, 0o775), want: accepted},
	{name: "home 0775, memberless group", change: all(owner(home, 1000, 100), mode(home, 0o775)), want: refused, reason: "linux/home-mode"},
	{name: "home 0775, group with the user alone", change: all(owner(home, 1000, 27), mode(home, 0o775)), want: accepted},
	{name: "home 0775, shared group", change: all(sudoMembers("admin,sshd"), owner(home, 1000, 27), mode(home, 0o775)), want: refused, reason: "linux/home-mode"},
	{name: "home 0775, another's primary group", change: all(func(r *root) {
		r.append("etc/passwd", "bob:x:1001:1000::/home/bob:/bin/bash\n")
	}, mode(home, 0o775)), want: refused, reason: "linux/home-mode"},
	{name: "home 0775, group without a name", change: all(owner(home, 1000, 4711), mode(home, 0o775)), want: refused, reason: "linux/home-mode"},
	{name: "home 0775 of root, group lists the user", change: all(owner(home, 0, 27), mode(home, 0o775)), want: refused, reason: "linux/home-mode"},
	{name: "home 0775 of root, user's private group", change: all(owner(home, 0, 1000), mode(home, 0o775)), want: accepted},
	{name: "home 0757", change: mode(home, 0o757), want: refused, reason: "linux/home-mode"},
	{name: "above home 0777", change: mode("home", 0o777), want: accepted},
	{name: "root 0777", change: mode("", 0o777), want: accepted},
	{name: "home 0700 below 0711", change: all(mode(home, 0o700), mode("home", 0o711)), want: accepted},
	{name: "home below an unsearchable directory", change: mode("home", 0o700), want: refused, reason: "linux/authorized-keys-unreadable"},
	{name: "StrictModes no, home 0777", change: all(mode(home, 0o777), func(r *root) { r.config("StrictModes no") }), want: accepted},
	{name: "StrictModes no, root's unreadable file", change: all(owner(keyFile, 0, 0), mode(keyFile, 0o600), func(r *root) { r.config("StrictModes no") }), want: refused},
	{name: "user root, directory 0777", user: "root", change: mode("root/.ssh", 0o777), want: refused, reason: "linux/ssh-dir-mode"},
	{name: "user root, sound", user: "root", want: accepted},
}

var ownerCases = []acceptance{
	{name: "file of another uid", change: all(owner(keyFile, 1337, 1000), mode(keyFile, 0o644)), want: refused, reason: "linux/authorized-keys-owner"},
	{name: "home of another uid", change: all(owner(home, 1337, 1000), mode(home, 0o755)), want: refused, reason: "linux/home-owner"},
	{name: "home of root 0755", change: all(owner(home, 0, 0), mode(home, 0o755)), want: accepted},
	{name: "home of root 0700", change: all(owner(home, 0, 0), mode(home, 0o700)), want: refused, reason: "linux/authorized-keys-unreadable"},
	{name: "ssh dir of root 0700", change: all(owner(dotSSH, 0, 0), mode(dotSSH, 0o700)), want: refused, reason: "linux/authorized-keys-unreadable"},
	{name: "file of root 0600", change: owner(keyFile, 0, 0), want: refused, reason: "linux/authorized-keys-unreadable"},
	{name: "file of root 0644", change: all(owner(keyFile, 0, 0), mode(keyFile, 0o644)), want: accepted},
	{name: "file of root 0640, user's group", change: all(owner(keyFile, 0, 1000), mode(keyFile, 0o640)), want: accepted},
	{name: "file of root 0640, user's other group", change: all(owner(keyFile, 0, 27), mode(keyFile, 0o640)), want: accepted},
	{name: "file of root 0604, user's group is shut out", change: all(owner(keyFile, 0, 27), mode(keyFile, 0o604)), want: refused},
	{name: "gid differs from uid", change: all(owner(keyFile, 1000, 100), owner(dotSSH, 1000, 100)), want: accepted},
	{name: "acl for another on home, private group", change: list(home, entries(7, 7, 1001, 5, 7, 5)...), want: accepted},
	{name: "acl for another on home, shared group", change: all(owner(home, 1000, 100), list(home, entries(7, 7, 1001, 5, 7, 5)...)), want: refused, reason: "linux/home-mode"},
	{name: "acl lets the user read root's file", change: all(owner(keyFile, 0, 0), list(keyFile, entries(6, 4, 1000, 0, 4, 0)...)), want: accepted},
	{name: "acl mask takes it away again", change: all(owner(keyFile, 0, 0), list(keyFile, entries(6, 4, 1000, 0, 0, 4)...)), want: accepted},
	{name: "acl shuts the user out", change: all(owner(keyFile, 0, 0), list(keyFile, entries(6, 0, 1000, 4, 4, 4)...)), want: refused, reason: "linux/authorized-keys-unreadable"},
	{name: "acl lets the user through root's directory", change: all(owner(dotSSH, 0, 0), list(dotSSH, entries(7, 5, 1000, 0, 5, 0)...)), want: accepted},
}

var placeCases = []acceptance{
	{name: "no file", change: func(r *root) { r.remove(keyFile) }, want: refused, reason: "linux/authorized-keys-missing"},
	{name: "no ssh dir", change: func(r *root) { r.remove(dotSSH) }, want: refused, reason: "linux/authorized-keys-missing"},
	{name: "no home", change: func(r *root) { r.remove(home) }, want: refused, reason: "linux/authorized-keys-missing"},
	{name: "no home, key elsewhere", change: func(r *root) {
		r.remove(home)
		r.keyFile("etc/ssh/keys/admin", 0o644, 0, 0)
		r.config("AuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys")
	}, want: accepted},
	{name: "authorized_keys2", change: func(r *root) {
		r.must(unix.Rename(r.path(keyFile), r.path(keyFile+"2")))
	}, want: accepted},
	{name: "directory in place of the file", change: func(r *root) { r.remove(keyFile); r.mkdir(keyFile, 0o700, 1000, 1000) }, want: refused, reason: "linux/authorized-keys-not-regular"},
	{name: "fifo in place of the file", change: func(r *root) {
		r.remove(keyFile)
		r.must(unix.Mkfifo(r.path(keyFile), 0o600))
		r.own(keyFile, 1000, 1000)
	}, want: refused, reason: "linux/authorized-keys-not-regular"},
	{name: "device in place of the file", change: func(r *root) {
		r.remove(keyFile)
		r.must(unix.Mknod(r.path(keyFile), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
		r.own(keyFile, 1000, 1000)
	}, want: refused, reason: "linux/authorized-keys-not-regular"},
	{name: "file in place of the ssh dir", change: func(r *root) { r.remove(dotSSH); r.write(dotSSH, "x") }, want: refused},
	{name: "dangling link", change: func(r *root) { r.link("gone", keyFile) }, want: refused, reason: "linux/authorized-keys-missing"},
	{name: "looping link", change: func(r *root) { r.link("authorized_keys", keyFile) }, want: refused},
	{name: "link inside the ssh dir", change: func(r *root) {
		r.must(unix.Rename(r.path(keyFile), r.path(dotSSH+"/real")))
		r.link("real", keyFile)
	}, want: accepted},
	{name: "hard link", change: func(r *root) { r.must(unix.Link(r.path(keyFile), r.path(dotSSH+"/other"))) }, want: accepted},
	{name: "link to root's clean place", change: func(r *root) {
		r.keyFile("etc/keys/admin", 0o644, 0, 0)
		r.link("/etc/keys/admin", keyFile)
	}, want: accepted},
	{name: "link to root's place, a directory 0777", change: func(r *root) {
		r.keyFile("etc/keys/admin", 0o644, 0, 0)
		r.chmod("etc/keys", 0o777)
		r.link("/etc/keys/admin", keyFile)
	}, want: refused, reason: "linux/authorized-keys-path-mode"},
	{name: "link below a sticky directory", change: func(r *root) {
		r.keyFile("var/tmp/admin", 0o644, 0, 0)
		r.link("/var/tmp/admin", keyFile)
	}, want: refused, reason: "linux/authorized-keys-path-mode"},
	{name: "home is an absolute link", change: func(r *root) {
		r.mkdir("data", 0o755, 0, 0)
		r.must(unix.Rename(r.path(home), r.path("data/admin")))
		r.link("/data/admin", home)
	}, want: accepted},
	{name: "home is a chain of links", change: func(r *root) {
		r.mkdir("data", 0o777, 0, 0)
		r.must(unix.Rename(r.path(home), r.path("data/admin")))
		r.link("../srv/admin", home)
		r.link("../data/../data/admin", "srv/admin")
	}, want: accepted},
	{name: "ssh dir is a link out of home, parent 0777", change: func(r *root) {
		r.mkdir("data", 0o777, 0, 0)
		r.must(unix.Rename(r.path(dotSSH), r.path("data/ssh")))
		r.link("/data/ssh", dotSSH)
	}, want: refused, reason: "linux/authorized-keys-path-mode"},
	{name: "root is 0777 and the key lies outside home", change: func(r *root) {
		r.keyFile("etc/ssh/keys/admin", 0o644, 0, 0)
		r.config("AuthorizedKeysFile /etc/ssh/keys/%u")
		r.chmod("", 0o777)
	}, want: refused, reason: "linux/authorized-keys-path-mode"},
	{name: "key outside home of another uid", change: func(r *root) {
		r.keyFile("etc/ssh/keys/admin", 0o644, 1337, 0)
		r.config("AuthorizedKeysFile /etc/ssh/keys/%u")
	}, want: refused, reason: "linux/authorized-keys-owner"},
	{name: "tokens", change: func(r *root) {
		r.keyFile("home/admin/k-1000-admin-%", 0o600, 1000, 1000)
		r.config("AuthorizedKeysFile %h/k-%U-%u-%%")
	}, want: accepted},
	{name: "glob in the path", change: func(r *root) {
		r.keyFile("etc/ssh/keys/admin.pub", 0o644, 0, 0)
		r.config("AuthorizedKeysFile /etc/ssh/keys/%u.*")
	}, want: accepted, suite: "trixie"},
	{name: "no glob before 10.0", change: func(r *root) {
		r.keyFile("etc/ssh/keys/admin.pub", 0o644, 0, 0)
		r.config("AuthorizedKeysFile /etc/ssh/keys/%u.*")
	}, want: refused, suite: "bookworm"},
}
