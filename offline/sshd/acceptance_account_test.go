package sshd_test

import (
	"os"
	"path/filepath"
)

// shadow sets the fields of admin behind the name.
func shadow(fields string) func(*root) {
	return func(r *root) {
		text, err := os.ReadFile(r.path("etc/shadow"))
		r.must(err)
		var out string
		for _, line := range splitLines(string(text)) {
			if len(line) > 6 && line[:6] == "admin:" {
				line = "admin:" + fields + "\n"
			}
			out += line
		}
		r.write("etc/shadow", out)
	}
}

func splitLines(s string) (lines []string) {
	for start, i := 0, 0; i < len(s); i++ {
		if s[i] == '\n' || i == len(s)-1 {
			lines = append(lines, s[start:i+1])
			start = i + 1
		}
	}
	return lines
}

func shell(path string) func(*root) {
	return func(r *root) { r.replace("etc/passwd", "/home/admin:/bin/bash", "/home/admin:"+path) }
}

var accountCases = []acceptance{
	{name: "no such user", user: "bob", want: refused, reason: "linux/user-unknown"},
	{name: "locked password with PAM", change: shadow("!:19000:0:99999:7:::"), want: accepted},
	{name: "locked password without PAM", change: all(shadow("!:19000:0:99999:7:::"), config("UsePAM no")), want: refused, reason: "linux/account-locked"},
	{name: "star password without PAM", change: all(shadow("*:19000:0:99999:7:::"), config("UsePAM no")), want: accepted},
	{name: "expired with PAM", change: shadow("*:19000:0:99999:7::2:"), want: refused},
	{name: "expired without PAM", change: all(shadow("*:19000:0:99999:7::2:"), config("UsePAM no")), want: refused, reason: "linux/account-expired"},
	{name: "expires in far future", change: shadow("*:19000:0:99999:7::99999:"), want: accepted},
	{name: "password to be changed", change: shadow("*:0:0:99999:7:::"), want: refused},
	{name: "password to be changed without PAM", change: all(shadow("*:0:0:99999:7:::"), config("UsePAM no")), want: accepted},
	{name: "password aged", change: shadow("*:19000:0:30:7:::"), want: refused},
	{name: "password aged and inactive", change: shadow("*:19000:0:30:7:10::"), want: refused},
	{name: "nologin file", change: file("etc/nologin", "down\n"), want: refused},
	{name: "nologin file without PAM", change: all(file("etc/nologin", "down\n"), config("UsePAM no")), want: refused, reason: "linux/nologin-file"},
	{name: "nologin file, root", user: "root", change: file("etc/nologin", "down\n"), want: accepted},
	{name: "broken uid", change: func(r *root) { r.replace("etc/passwd", "admin:x:1000:", "admin:x:1o00:") }, want: unknown, reason: "linux/account-line"},
	{name: "no shadow line", change: func(r *root) { r.replace("etc/shadow", "admin:", "nobody2:") }, want: refused},
	{name: "no shadow line without PAM", change: all(func(r *root) { r.replace("etc/shadow", "admin:", "nobody2:") }, config("UsePAM no")), want: accepted},
	{name: "home is a file", change: func(r *root) {
		r.replace("etc/passwd", ":/home/admin:", ":/etc/hostname:")
		r.keyFile("etc/ssh/keys/admin", 0o644, 0, 0)
		r.config("AuthorizedKeysFile /etc/ssh/keys/%u")
	}, want: accepted, reason: "linux/key-found"},
}

var shellCases = []acceptance{
	{name: "no shell field", change: shell(""), want: accepted},
	{name: "sh", change: shell("/bin/sh"), want: accepted},
	{name: "shell missing", change: shell("/bin/zsh"), want: refused, reason: "linux/shell-missing"},
	{name: "shell is a directory", change: shell("/etc"), want: refused, reason: "linux/shell-not-executable"},
	{name: "shell is not executable", change: shell("/etc/passwd"), want: refused, reason: "linux/shell-not-executable"},
	{name: "nologin", change: shell("/usr/sbin/nologin"), want: refused, reason: "linux/nologin-shell"},
	{name: "false", change: shell("/bin/false"), want: refused, reason: "linux/nologin-shell"},
	{name: "link to false", change: func(r *root) {
		r.link("/bin/false", "opt/bash")
		shell("/opt/bash")(r)
	}, want: refused, reason: "linux/nologin-shell"},
	{name: "shell for root only", change: func(r *root) {
		copyShell(r, "opt/bash", 0o700)
		shell("/opt/bash")(r)
	}, want: refused, reason: "linux/shell-not-executable"},
	{name: "shell in a closed directory", change: func(r *root) {
		copyShell(r, "opt/x/bash", 0o755)
		r.chmod("opt/x", 0o700)
		shell("/opt/x/bash")(r)
	}, want: refused, reason: "linux/shell-not-executable"},
	{name: "shell elsewhere", change: func(r *root) {
		copyShell(r, "opt/bash", 0o755)
		shell("/opt/bash")(r)
	}, want: accepted},
	{name: "text with an execute bit for a shell", change: func(r *root) {
		r.write("opt/bash", "exec /bin/bash\n")
		r.chmod("opt/bash", 0o755)
		shell("/opt/bash")(r)
	}, want: refused, reason: "linux/shell-not-executable"},
	{name: "script for a shell", change: func(r *root) {
		r.write("opt/bash", "#!/bin/sh\nexec /bin/bash \"$@\"\n")
		r.chmod("opt/bash", 0o755)
		shell("/opt/bash")(r)
	}, want: accepted},
	{name: "empty shell file", change: func(r *root) {
		r.write("opt/bash", "")
		r.chmod("opt/bash", 0o755)
		shell("/opt/bash")(r)
	}, want: refused, reason: "linux/shell-not-executable"},
	{name: "a program of no renown", change: func(r *root) {
		copyShell(r, "opt/wizard", 0o755)
		shell("/opt/wizard")(r)
	}, want: unknown, reason: "linux/shell-unusual"},
	{name: "a program in /etc/shells", change: func(r *root) {
		copyShell(r, "opt/wizard", 0o755)
		r.append("etc/shells", "/opt/wizard\n")
		shell("/opt/wizard")(r)
	}, want: accepted},
}

func copyShell(r *root, name string, mode os.FileMode) {
	r.t.Helper()
	data, err := os.ReadFile(r.path("usr/bin/bash"))
	r.must(err)
	r.must(os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
	r.must(os.WriteFile(r.path(name), data, 0o755))
	r.chmod(name, mode)
}
