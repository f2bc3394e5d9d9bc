package rescue_test

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

func TestUsers(t *testing.T) { trials(t, userTrials) }

func TestRoot(t *testing.T) { trials(t, rootTrials) }

func TestAccountFiles(t *testing.T) { trials(t, accountFileTrials) }

const rootKeys = "/root/.ssh/authorized_keys"

// homeAt moves the user's home.
func homeAt(dir string) change {
	return all(rename(admin, dir), replace("/etc/passwd", ":/home/admin:", ":"+dir+":"))
}

// nobodyElse leaves root as the only account with a shell.
var nobodyElse = all(replace("/etc/passwd", "admin:x:1000:1000:Debian:/home/admin:/bin/bash\n", ""), remove(admin, "/etc/sudoers.d/90-cloud-init-users"))

// failed is a run that ends before anything is decided.
func failed(name, code, says string, ask func(*rescue.Request), in ...change) trial {
	return trial{name: name, in: in, ask: ask, outcome: offline.Refused, code: code, says: says}
}

// crowd adds n people with homes and keys.
func crowd(n int) change {
	return func(w *world) {
		for i := range n {
			name, id := fmt.Sprintf("user%d", i), 2000+i
			home := "/home/" + name
			add("/etc/passwd", fmt.Sprintf("%s:x:%d:%d::%s:/bin/bash\n", name, id, id, home))(w)
			add("/etc/shadow", name+":!:20000:0:99999:7:::\n")(w)
			add("/etc/group", fmt.Sprintf("%s:x:%d:\n", name, id))(w)
			w.must(os.Mkdir(w.path(home), 0o755))
			w.must(os.Mkdir(w.path(home+"/.ssh"), 0))
			chmod(home+"/.ssh", 0o777)(w)
			write(home+"/.ssh/authorized_keys", "{two}\n", 0o666, id, id)(w)
		}
	}
}

var userTrials = []trial{
	{name: "home outside /home", in: []change{homeAt("/srv/people/admin")}, out: []string{"/srv/people/admin/.ssh/authorized_keys: +{key}"}, live: true},
	{name: "home outside /home, no ssh dir, 0777", in: []change{homeAt("/srv/people/admin"), remove("/srv/people/admin/.ssh"), chmod("/srv/people/admin", 0o777)},
		out: []string{"/srv/people/admin: mode 0777 -> 0755", "/srv/people/admin/.ssh: new dir 0700 1000:1000", "/srv/people/admin/.ssh/authorized_keys: new file 0600 1000:1000 {key}"}},
	{name: "home outside /home, above it 0700", in: []change{homeAt("/srv/people/admin"), chmod("/srv/people", 0o700)}, out: viaDropIn, says: "cannot pass it", live: true},
	{name: "home with a slash at the end", in: []change{replace("/etc/passwd", ":/home/admin:", ":/home//admin/:")}},
	{name: "home that is not UTF-8", in: []change{homeAt("/home/J\xf6rg")}, out: []string{"/home/J\xf6rg/.ssh/authorized_keys: +{key}"}, live: true},
	{name: "home with escape sequences", in: []change{homeAt("/home/\x1b[31mred"), chmod("/home/\x1b[31mred/.ssh", 0o777)}, live: true,
		out: []string{"/home/\x1b[31mred/.ssh: mode 0777 -> 0755", "/home/\x1b[31mred/.ssh/authorized_keys: +{key}"}},
	{name: "name that is not UTF-8", ask: users("j\xf6rg"), login: "j\xf6rg", in: []change{replace("/etc/passwd", "admin:x", "j\xf6rg:x"), replace("/etc/shadow", "admin:", "j\xf6rg:")}, live: true},
	{name: "a thousand users", in: []change{crowd(1000)}, live: true},
	{name: "one of a thousand, by name", in: []change{crowd(1000)}, ask: users("user500"),
		out: []string{"/home/user500/.ssh: mode 0777 -> 0755", "/home/user500/.ssh/authorized_keys: mode 0666 -> 0644, +{key}"}},
	{name: "two by name", in: []change{person("bob", "1001"), chmod("/home/bob", 0o777)}, ask: users("admin", "bob"), login: "bob", live: true,
		out: []string{keyFile + ": +{key}", "/home/bob: mode 0777 -> 0755", "/home/bob/.ssh/authorized_keys: +{key}"}},
	{name: "the same twice", ask: users("admin", "admin")},
	{name: "two by name, one refused", in: []change{person("bob", "1001"), sshd("DenyUsers bob")}, ask: users("admin", "bob"), outcome: offline.Refused, finding: "linux/deny-users"},
	{name: "two without home", in: []change{person("bob", "1001"), remove(admin, "/home/bob")}, ask: users("admin", "bob"), login: "bob",
		out: append([]string{"/etc/ssh/regain.d/bob: new file 0644 0:0 {key}"}, viaDropIn...)},
	{name: "two accounts, one uid", in: []change{add("/etc/passwd", "twin:x:1000:1000::/home/twin:/bin/bash\n")}},
	failed("unknown user", "unknown-user", `candidates: "admin"`, users("nobody-here")),
	failed("one of two is unknown", "unknown-user", "candidates", users("admin", "mallory")),
	failed("a path for a name", "unknown-user", "", users("../../etc")),
	failed("an empty name", "unknown-user", "", users("")),
	failed("a name with escape sequences", "unknown-user", `\x1b`, users("\x1b[2J")),
}

var rootTrials = []trial{
	{name: "the only account", in: []change{nobodyElse}, login: "root", out: []string{rootKeys + ": +{key}"}, live: true},
	{name: "by name", ask: users("root"), login: "root", out: []string{rootKeys + ": +{key}"}, live: true},
	{name: "the key under cloud-init's command", ask: users("root"), login: "root", live: true,
		in:  []change{write(rootKeys, `no-port-forwarding,command="echo no;sleep 1;exit 142" {pub}`+"\n", 0o600, 0, 0)},
		out: []string{rootKeys + `: "{key}\n"+`}},
	{name: "ssh dir 0777 of another uid", in: []change{nobodyElse, chmod("/root/.ssh", 0o777), chown("/root/.ssh", 1000, 1000)}, login: "root",
		out: []string{"/root/.ssh: mode 0777 -> 0755, owner 1000:1000 -> 0:0", rootKeys + ": +{key}"}},
	{name: "no ssh dir", ask: users("root"), in: []change{remove("/root/.ssh")}, login: "root", live: true,
		out: []string{"/root/.ssh: new dir 0700 0:0", rootKeys + ": new file 0600 0:0 {key}"}},
	{name: "PermitRootLogin no", in: []change{sshd("PermitRootLogin no")}, ask: users("root"), outcome: offline.Refused, finding: "linux/permit-root-login"},
	{name: "PermitRootLogin forced-commands-only", in: []change{sshd("PermitRootLogin forced-commands-only")}, ask: users("root"), outcome: offline.Refused, finding: "linux/permit-root-login"},
	{name: "PermitRootLogin yes", in: []change{sshd("PermitRootLogin yes")}, ask: users("root"), login: "root", out: []string{rootKeys + ": +{key}"}},
	failed("the only account, PermitRootLogin no", "no-login-user", "", nil, nobodyElse, sshd("PermitRootLogin no")),
	{name: "nologin file stops others only", in: []change{config("/etc/nologin", "down\n")}, ask: users("root"), login: "root", out: []string{rootKeys + ": +{key}"}, live: true},
	{name: "uid 0 under another name", in: []change{add("/etc/passwd", "toor:x:0:0::/root:/bin/bash\n"), add("/etc/shadow", "toor:*:20000:0:99999:7:::\n")}, ask: users("toor"), login: "toor",
		out: []string{rootKeys + ": +{key}"}, live: true},
}

var accountFileTrials = []trial{
	failed("broken uid", "unknown-user", "uid", users("admin"), replace("/etc/passwd", "admin:x:1000:", "admin:x:10x0:")),
	failed("empty uid", "unknown-user", "uid", users("admin"), replace("/etc/passwd", "admin:x:1000:", "admin:x::")),
	failed("uid beyond 32 bits", "unknown-user", "uid", users("admin"), replace("/etc/passwd", "admin:x:1000:", "admin:x:4294968296:")),
	failed("negative uid", "unknown-user", "uid", users("admin"), replace("/etc/passwd", "admin:x:1000:", "admin:x:-1:")),
	failed("broken gid", "unknown-user", "gid", users("admin"), replace("/etc/passwd", "admin:x:1000:1000:", "admin:x:1000:users:")),
	failed("too few fields", "unknown-user", "", users("admin"), replace("/etc/passwd", "admin:x:1000:1000:Debian:/home/admin:/bin/bash", "admin:x:1000")),
	failed("passwd is empty", "no-login-user", "", nil, config("/etc/passwd", "")),
	failed("passwd is a FIFO", "no-login-user", "", nil, special("/etc/passwd", unix.S_IFIFO, 0, 0)),
	{name: "NIS lines", in: []change{add("/etc/passwd", "+::::::\n"), add("/etc/group", "+:::\n"), add("/etc/shadow", "+::::::::\n")}},
	{name: "a second line for the user", in: []change{add("/etc/passwd", "admin:x:0:0::/root:/bin/false\n")}, finding: "linux/account-line", live: true},
	{name: "junk lines", in: []change{add("/etc/passwd", "\x00\xff\x1b[31m\n:::::::::\nhalf:x:\n\n# comment\n")}},
	{name: "no line break at the end", in: []change{replace("/etc/passwd", "/home/admin:/bin/bash\n", "/home/admin:/bin/bash")}},
	refused("CRLF in passwd", "linux/shell-missing", replace("/etc/passwd", "/home/admin:/bin/bash\n", "/home/admin:/bin/bash\r\n")),
	{name: "no shadow", in: []change{remove("/etc/shadow")}, outcome: offline.Refused},
	{name: "no group", in: []change{remove("/etc/group")}},
	{name: "uid 4294967294", in: []change{replace("/etc/passwd", "admin:x:1000:1000:", "admin:x:4294967294:4294967294:"), chown(admin, 4294967294, 4294967294), remove(dotSSH)},
		out: []string{dotSSH + ": new dir 0700 4294967294:4294967294", keyFile + ": new file 0600 4294967294:4294967294 {key}"}, live: true},
}
