package rescue_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

func TestLinks(t *testing.T) { trials(t, linkTrials) }

func TestOtherThings(t *testing.T) { trials(t, thingTrials) }

func TestHardLinks(t *testing.T) { trials(t, hardLinkTrials) }

// aside is a case that ends with the root-owned file, and says why.
func aside(name, says string, in ...change) trial {
	return trial{name: name, in: in, out: viaDropIn, says: says}
}

// second is a case that ends with the second file that sshd reads, and says why.
func second(name, says string, in ...change) trial {
	return trial{name: name, in: in, out: []string{keyFile + "2: new file 0600 1000:1000 {key}"}, says: says}
}

// only is a case of second where sshd reads one file alone.
func only(name, says string, in ...change) trial {
	in = append(in, sshd("AuthorizedKeysFile .ssh/authorized_keys"))
	return trial{name: name + ", no second file", in: in, says: says, live: true,
		out: viaTop(" .ssh/authorized_keys")}
}

var linkTrials = []trial{
	{name: "home is an absolute link", in: []change{rename(admin, "/srv/people/admin"), link("/srv/people/admin", admin)},
		out: []string{"/srv/people/admin/.ssh/authorized_keys: +{key}"}, live: true},
	{name: "home is a relative link", in: []change{rename(admin, "/srv/people/admin"), link("../srv/people/admin", admin), chmod("/srv/people/admin", 0o777)},
		out: []string{"/srv/people/admin: mode 0777 -> 0755", "/srv/people/admin/.ssh/authorized_keys: +{key}"}, live: true},
	{name: "home is a chain of links", in: []change{rename(admin, "/srv/people/admin"), link("../opt/a", admin), link("/opt/b", "/opt/a"), link("../srv/./people/../people/admin", "/opt/b")},
		out: []string{"/srv/people/admin/.ssh/authorized_keys: +{key}"}, live: true},
	aside("home is a loop", "too many levels", remove(admin), link("admin2", admin), link("admin", "/home/admin2")),
	aside("home leads nowhere", "home directory does not exist", remove(admin), link("/srv/nowhere", admin)),
	aside("home leads out of the tree", "does not exist", remove(admin), link("{beside}", admin)),
	aside("home climbs out of the tree", "", remove(admin), link("../../../../../../../../../../../..{beside}", admin)),
	{name: "ssh dir is a link in home", in: []change{rename(dotSSH, admin+"/keys"), link("keys", dotSSH)},
		out: []string{admin + "/keys/authorized_keys: +{key}"}, live: true},
	{name: "ssh dir is a link to a missing directory in home", in: []change{link("keys", dotSSH)}, live: true,
		out: []string{admin + "/keys: new dir 0700 1000:1000", admin + "/keys/authorized_keys: new file 0600 1000:1000 {key}"}},
	aside("ssh dir leads to a directory for all", "everybody may write", link("/tmp/ssh", dotSSH), mkdir("/tmp/ssh", 0o777, 1000, 1000)),
	aside("ssh dir is a loop", "too many levels", link(".ssh", dotSSH)),
	aside("ssh dir leads out of the tree", "", link("{beside}/.ssh", dotSSH)),
	aside("ssh dir climbs out of the tree", "", link("../../../../../../../..{beside}/.ssh", dotSSH)),
	{name: "file is a link beside it", in: []change{rename(keyFile, dotSSH+"/real"), link("real", keyFile)},
		out: []string{dotSSH + "/real: +{key}"}, live: true},
	{name: "file is a link that leads nowhere yet", in: []change{link("later", keyFile)},
		out: []string{dotSSH + "/later: new file 0600 1000:1000 {key}"}, live: true},
	{name: "file is a link to root's clean place", in: []change{write("/etc/keys/admin", "{one}\n", 0o644, 0, 0), link("/etc/keys/admin", keyFile)},
		out: []string{"/etc/keys/admin: +{key}"}, live: true},
	second("file is a loop", "too many levels", link("authorized_keys", keyFile)),
	second("file leads to passwd", "is no key", link("/etc/passwd", keyFile)),
	second("file leads to shadow", "is no key", link("../../../etc/shadow", keyFile)),
	only("file leads to passwd", "is no key", link("/etc/passwd", keyFile)),
	only("file leads to shadow", "is no key", link("../../../etc/shadow", keyFile)),
	only("file leads out of the tree", "", link("{beside}/authorized_keys", keyFile)),
	second("file leads to another's", "", person("bob", "1001"), link("/home/bob/.ssh/authorized_keys", keyFile)),
	second("file leads out of the tree", "", link("{beside}/authorized_keys", keyFile)),
	second("file climbs out of the tree", "", link("../../../../../../../..{beside}/authorized_keys", keyFile)),
	second("file leads to /proc", "", link("/proc/self/root{beside}/authorized_keys", keyFile)),
	second("file leads to a device", "", link("/dev/null", keyFile)),
	second("the chain is too long", "too many levels", chain("/srv/l", 60), link("/srv/l0", keyFile)),
	{name: "fallback directory is a link", in: []change{remove(admin), link("{beside}", "/etc/ssh/regain.d")}, outcome: offline.Refused,
		finding: "linux/authorized-keys-missing", says: "does not exist"},
	{name: "drop-in directory is a link", in: []change{remove(admin), rename("/etc/ssh/sshd_config.d", "/etc/dropins"), link("../dropins", "/etc/ssh/sshd_config.d")},
		out: []string{viaDropIn[0], viaDropIn[1], "/etc/dropins/00-regain.conf: new file 0644 0:0 " + dropInText}, live: true},
}

// chain makes links of which each leads to the next.
func chain(prefix string, n int) change {
	return func(w *world) {
		for i := range n {
			link(prefix+string(rune('A'+i)), prefix+string(rune('A'+i-1)))(w)
		}
		link(prefix+"A", prefix+"0")(w)
	}
}

var thingTrials = []trial{
	second("FIFO in place of the file", "", special(keyFile, unix.S_IFIFO, 0, 0)),
	second("device in place of the file", "", special(keyFile, unix.S_IFCHR, 1, 5)),
	second("block device in place of the file", "", special(keyFile, unix.S_IFBLK, 7, 0)),
	second("socket in place of the file", "", special(keyFile, unix.S_IFSOCK, 0, 0)),
	second("directory in place of the file", "a directory stands in its place", remove(keyFile), mkdir(keyFile, 0o700, 1000, 1000)),
	only("FIFO in place of the file", "", special(keyFile, unix.S_IFIFO, 0, 0)),
	only("device in place of the file", "", special(keyFile, unix.S_IFCHR, 1, 5)),
	only("directory in place of the file", "a directory stands in its place", remove(keyFile), mkdir(keyFile, 0o700, 1000, 1000)),
	aside("file in place of the ssh dir", "", remove(dotSSH), write(dotSSH, "not a directory", 0o600, 1000, 1000)),
	aside("FIFO in place of the ssh dir", "", special(dotSSH, unix.S_IFIFO, 0, 0)),
	aside("file in place of home", "", remove(admin), write(admin, "not a directory", 0o600, 1000, 1000)),
	aside("home is /dev/null", "", replace("/etc/passwd", ":/home/admin:", ":/dev/null:")),
	{name: "home is /", in: []change{replace("/etc/passwd", ":/home/admin:", ":/:")}, live: true,
		out: []string{"/.ssh: new dir 0755 0:0", "/.ssh/authorized_keys: new file 0644 0:0 {key}"}},
}

var hardLinkTrials = []trial{
	only("file is shadow", "hard links", hard("/etc/shadow", keyFile)),
	only("file is passwd", "hard links", hard("/etc/passwd", keyFile)),
	second("file is shadow", "hard links", hard("/etc/shadow", keyFile)),
	second("file is passwd", "hard links", hard("/etc/passwd", keyFile)),
	second("file is another's key file", "hard links", person("bob", "1001"), hard("/home/bob/.ssh/authorized_keys", keyFile)),
	second("file is another's key file, mode 0666", "hard links", person("bob", "1001"), chmod("/home/bob/.ssh/authorized_keys", 0o666), hard("/home/bob/.ssh/authorized_keys", keyFile)),
	{name: "two names of the user's own", in: []change{hard(keyFile, admin+"/copy")},
		out: []string{admin + "/copy: links 2 -> 1", keyFile + ": links 2 -> 1, +{key}"}, live: true, once: []string{keyFile, admin + "/copy"}},
	{name: "two names of the user's own, 0666", in: []change{keys("{pub}\n"), hard(keyFile, admin+"/copy"), chmod(keyFile, 0o666)},
		out: []string{admin + "/copy: links 2 -> 1", keyFile + ": mode 0666 -> 0644, links 2 -> 1"}, live: true, once: []string{keyFile, admin + "/copy"}},
}
