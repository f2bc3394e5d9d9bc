package rescue_test

import (
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

func TestModes(t *testing.T) { trials(t, modeTrials) }

func TestOwners(t *testing.T) { trials(t, ownerTrials) }

func and(more ...string) []string { return append(more, added...) }

var modeTrials = []trial{
	{name: "key lost", finding: "linux/key-not-found", live: true},
	{name: "key lost, Debian 13", suite: testdisk.Trixie, live: true},
	{name: "home 0777", in: []change{chmod(admin, 0o777)}, finding: "linux/home-mode", out: and(admin + ": mode 0777 -> 0755"), live: true},
	{name: "ssh dir 0777", in: []change{chmod(dotSSH, 0o777)}, finding: "linux/ssh-dir-mode", out: and(dotSSH + ": mode 0777 -> 0755"), live: true},
	{name: "file 0777", in: []change{chmod(keyFile, 0o777)}, finding: "linux/authorized-keys-mode",
		out: []string{keyFile + ": mode 0777 -> 0755, +{key}"}, live: true},
	{name: "everything 0777", in: []change{chmod(admin, 0o777), chmod(dotSSH, 0o777), chmod(keyFile, 0o777), chmod("/home", 0o777), chmod("/", 0o777)},
		out: []string{admin + ": mode 0777 -> 0755", dotSSH + ": mode 0777 -> 0755", keyFile + ": mode 0777 -> 0755, +{key}"}, live: true},
	{name: "the key is there, home 0777", in: []change{keys("{pub}\n"), chmod(admin, 0o777)}, finding: "linux/home-mode",
		out: []string{admin + ": mode 0777 -> 0755"}, live: true},
	{name: "home 0775, private group", in: []change{chmod(admin, 0o775), chmod(dotSSH, 0o775), chmod(keyFile, 0o664)}, live: true},
	{name: "home 0775, shared group", in: []change{chown(admin, 1000, 100), chmod(admin, 0o775)}, finding: "linux/home-mode",
		out: and(admin + ": mode 0775 -> 0755"), live: true},
	{name: "home 1777", in: []change{chmod(admin, 0o1777)}, out: and(admin + ": mode 1777 -> 1755")},
	{name: "home 0000", in: []change{chmod(admin, 0)}, finding: "linux/authorized-keys-unreadable", out: and(admin + ": mode 0000 -> 0700")},
	{name: "home setgid, no ssh dir", in: []change{chown(admin, 1000, 100), chmod(admin, 0o2755), remove(dotSSH)},
		out: []string{dotSSH + ": new dir 0700 1000:1000", keyFile + ": new file 0600 1000:1000 {key}"}, live: true},
	{name: "file 0000", in: []change{chmod(keyFile, 0)}, finding: "linux/authorized-keys-unreadable", out: []string{keyFile + ": mode 0000 -> 0400, +{key}"}, live: true},
	{name: "file 0200", in: []change{chmod(keyFile, 0o200)}, out: []string{keyFile + ": mode 0200 -> 0600, +{key}"}},
	{name: "ssh dir 0000", in: []change{chmod(dotSSH, 0)}, out: and(dotSSH + ": mode 0000 -> 0700"), live: true},
	{name: "ssh dir 0644", in: []change{chmod(dotSSH, 0o644)}, out: and(dotSSH + ": mode 0644 -> 0744")},
	{name: "/home 0700", in: []change{chmod("/home", 0o700)}, finding: "linux/authorized-keys-unreadable", out: and("/home: mode 0700 -> 0711"), live: true},
	{name: "StrictModes no", in: []change{sshd("StrictModes no"), chmod(admin, 0o777), chown(dotSSH, 1337, 1337), chmod(dotSSH, 0o777)}, live: true},
	{name: "repair none, home 0777", in: []change{chmod(admin, 0o777)}, ask: nothing, outcome: offline.Refused, finding: "linux/home-mode"},
	{name: "repair none, only the key is missing", ask: nothing, live: true},
	{name: "ACL on home, private group", in: []change{grant(admin, offline.XattrACL, 5)}, live: true},
	{name: "ACL on home, shared group", in: []change{chown(admin, 1000, 100), grant(admin, offline.XattrACL, 5)}, finding: "linux/home-mode",
		out: and(admin + ": mode 0775 -> 0755, acl [user::rwx user:1001:rwx group::r-x mask::rwx other::r-x] -> [user::rwx user:1001:rwx group::r-x mask::r-x other::r-x]"), live: true},
	{name: "default ACL on ssh dir, no file", in: []change{remove(keyFile), grant(dotSSH, offline.XattrDefaultACL, 7)},
		out: []string{keyFile + ": new file 0600 1000:1000 {key}"}, live: true},
	{name: "attributes of the file stay", in: []change{xattr(keyFile, "user.note", "mine"), chmod(keyFile, 0o640)}},
	{name: "/etc 0777, fallback", in: []change{chmod("/etc", 0o777)}, ask: fallback, out: and2("/etc: mode 0777 -> 0755", viaDropIn)},
	{name: "/etc/ssh 0700, fallback", in: []change{chmod("/etc/ssh", 0o700)}, ask: fallback, out: and2("/etc/ssh: mode 0700 -> 0711", viaDropIn), live: true},
	{name: "/ 0777, fallback", in: []change{chmod("/", 0o777)}, ask: fallback, out: and2("/: mode 0777 -> 0755", viaDropIn)},
	{name: "sshd_config 0777", in: []change{chmod("/etc/ssh/sshd_config", 0o777)}},
}

var ownerTrials = []trial{
	{name: "home of root 0700", in: []change{chown(admin, 0, 0), chmod(admin, 0o700)}, out: and(admin + ": owner 0:0 -> 1000:1000"), live: true},
	{name: "home of root 0755", in: []change{chown(admin, 0, 0)}, live: true},
	{name: "home of another uid", in: []change{chown(admin, 1337, 1337)}, finding: "linux/home-owner", out: and(admin + ": owner 1337:1337 -> 1000:1000"), live: true},
	{name: "ssh dir of root 0700", in: []change{chown(dotSSH, 0, 0)}, finding: "linux/authorized-keys-unreadable", out: and(dotSSH + ": owner 0:0 -> 1000:1000"), live: true},
	{name: "file of root 0600", in: []change{chown(keyFile, 0, 0)}, finding: "linux/authorized-keys-unreadable",
		out: []string{keyFile + ": owner 0:0 -> 1000:1000, +{key}"}, live: true},
	{name: "file of root 0644", in: []change{chown(keyFile, 0, 0), chmod(keyFile, 0o644)}},
	{name: "file of another uid", in: []change{chown(keyFile, 1337, 1337)}, finding: "linux/authorized-keys-owner",
		out: []string{keyFile + ": owner 1337:1337 -> 1000:1000, +{key}"}, live: true},
	{name: "another uid and 0666", in: []change{chown(keyFile, 1337, 1337), chmod(keyFile, 0o666)},
		out: []string{keyFile + ": mode 0666 -> 0644, owner 1337:1337 -> 1000:1000, +{key}"}},
	{name: "the whole home has another uid", in: []change{chown(admin, 1337, 1337), chown(dotSSH, 1337, 1337), chown(keyFile, 1337, 1337)},
		out: []string{admin + ": owner 1337:1337 -> 1000:1000", dotSSH + ": owner 1337:1337 -> 1000:1000", keyFile + ": owner 1337:1337 -> 1000:1000, +{key}"}, live: true},
	{name: "/home of another uid", in: []change{chown("/home", 1337, 1337)}},
	{name: "/etc/ssh of another uid, fallback", in: []change{chown("/etc/ssh", 1337, 1337)}, ask: fallback, out: and2("/etc/ssh: owner 1337:1337 -> 0:0", viaDropIn), live: true},
	{name: "setuid home of another uid", in: []change{chown(admin, 1337, 1337), chmod(admin, 0o6755)}, out: and(admin + ": mode 6755 -> 0755, owner 1337:1337 -> 1000:1000")},
	{name: "gid differs from uid", in: []change{replace("/etc/passwd", "admin:x:1000:1000:", "admin:x:1000:100:"), chown(admin, 1000, 100), remove(dotSSH)},
		out: []string{dotSSH + ": new dir 0700 1000:100", keyFile + ": new file 0600 1000:100 {key}"}, live: true},
}

// viaDropIn is what the root-owned fallback of admin adds to a tree.
var viaDropIn = []string{
	"/etc/ssh/regain.d: new dir 0755 0:0",
	"/etc/ssh/regain.d/admin: new file 0644 0:0 {key}",
	dropIn + dropInText,
}

const dropIn = "/etc/ssh/sshd_config.d/00-regain.conf: new file 0644 0:0 "

const dropInText = `"{mark}\nAuthorizedKeysFile /etc/ssh/regain.d/%u .ssh/authorized_keys .ssh/authorized_keys2\n"`

func and2(one string, rest []string) []string { return append([]string{one}, rest...) }
