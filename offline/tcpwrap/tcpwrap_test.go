package tcpwrap

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

// judge evaluates tables given as text; an empty text is an absent file.
func judge(files map[string]string) Result {
	e := evaluation{daemon: "sshd", read: func(path string) ([]byte, error) {
		if files[path] == "" {
			return nil, fs.ErrNotExist
		}
		return []byte(files[path]), nil
	}}
	return e.run()
}

func TestTables(t *testing.T) {
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	cases := []struct {
		name, allow, deny string
		want              offline.Answer
		where             string // path:line of the rule
	}{
		{"no files", "", "", yes, ":0"},
		{"comments only", "# sshd: ALL\n", "#\n\n  \t\n", yes, ":0"},
		{"deny all", "", "ALL: ALL\n", no, "/etc/hosts.deny:1"},
		{"deny sshd", "", "# first\nsshd: ALL\n", no, "/etc/hosts.deny:2"},
		{"another daemon", "", "vsftpd, in.telnetd: ALL\n", yes, ":0"},
		{"case does not matter", "", "SSHD : all\n", no, "/etc/hosts.deny:1"},
		{"allow comes first", "sshd: ALL\n", "ALL: ALL\n", yes, "/etc/hosts.allow:1"},
		{"some are allowed", "sshd: 10.0.0.0/8\n", "ALL: ALL\n", open, "/etc/hosts.deny:1"},
		{"some are allowed, none denied", "sshd: 10.0.0.0/8\n", "", yes, "/etc/hosts.allow:1"},
		{"some are denied", "", "sshd: .example.com\n", open, "/etc/hosts.deny:1"},
		{"all except some", "", "ALL: ALL EXCEPT 10.\n", open, "/etc/hosts.deny:1"},
		{"all except all", "", "ALL: ALL EXCEPT ALL\n", yes, ":0"},
		{"all daemons except ours", "", "ALL EXCEPT sshd: ALL\n", yes, ":0"},
		{"exception of an exception", "", "ALL EXCEPT ALL EXCEPT sshd: ALL\n", no, "/etc/hosts.deny:1"},
		{"deny in the allow table", "sshd: ALL: deny\n", "", no, "/etc/hosts.allow:1"},
		{"allow in the deny table", "", "sshd: ALL: allow\n", yes, "/etc/hosts.deny:1"},
		{"spawn goes on", "sshd: ALL: spawn (echo %h \\: yes) & : allow\n", "ALL: ALL\n", yes, "/etc/hosts.allow:1"},
		{"old style command is a bad option", "sshd: ALL: /bin/echo hello\n", "", no, "/etc/hosts.allow:1"},
		{"allow must be last", "sshd: ALL: allow : spawn x\n", "", no, "/etc/hosts.allow:1"},
		{"twist", "sshd: ALL: twist /bin/echo go away\n", "", no, "/etc/hosts.allow:1"},
		{"aclexec asks a program", "sshd: ALL: aclexec /usr/bin/check %a\n", "ALL: ALL\n", open, "/etc/hosts.allow:1"},
		{"continuation", "", "sshd \\\n: \\\nALL\n", no, "/etc/hosts.deny:1"},
		{"continued comment", "", "# off \\\nsshd: ALL\n", yes, ":0"},
		{"no newline at the end of the deny table", "", "ftpd: ALL", no, "/etc/hosts.deny:1"},
		{"no newline behind a comment", "", "\n# local", no, "/etc/hosts.deny:2"},
		{"no newline at the end of the allow table", "sshd: ALL", "ALL: ALL\n", no, "/etc/hosts.deny:1"},
		{"a line too long", "", "ftpd: " + strings.Repeat("x", maxLine) + "\n", no, "/etc/hosts.deny:1"},
		{"a port for a daemon", "", "22: ALL\n", open, "/etc/hosts.deny:1"},
		{"no colon", "", "sshd ALL\n", yes, ":0"},
		{"PARANOID", "", "ALL: PARANOID\n", open, "/etc/hosts.deny:1"},
		{"LOCAL and KNOWN", "sshd: LOCAL, KNOWN\n", "ALL: ALL\n", open, "/etc/hosts.deny:1"},
		{"daemon at address", "", "sshd@10.0.0.1: ALL\n", open, "/etc/hosts.deny:1"},
		{"daemon at ALL", "", "sshd@ALL: ALL\n", no, "/etc/hosts.deny:1"},
		{"user at host", "", "sshd: root@ALL\n", open, "/etc/hosts.deny:1"},
		{"any user at host", "", "sshd: ALL@ALL\n", no, "/etc/hosts.deny:1"},
		{"wildcards", "", "s*d: *\n", no, "/etc/hosts.deny:1"},
		{"address in brackets", "sshd: [2001:db8::]/32 : allow\n", "ALL: ALL\n", open, "/etc/hosts.deny:1"},
		{"pattern file", "", "sshd: /etc/hosts.evil\n", open, "/etc/hosts.deny:1"},
		{"pattern file with ALL", "", "sshd: /etc/all\n", no, "/etc/hosts.deny:1"},
		{"pattern file that is empty", "", "sshd: /etc/none\n", yes, ":0"},
		{"crlf", "", "ALL: ALL\r\n", no, "/etc/hosts.deny:1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := judge(map[string]string{AllowTable: c.allow, DenyTable: c.deny, "/etc/all": "10.0.0.1\nALL\n", "/etc/none": "\n"})
			if where := fmt.Sprintf("%s:%d", got.Path, got.Line); got.Answer != c.want || where != c.where {
				t.Errorf("got %v at %s (%s), want %v at %s", got.Answer, where, got.Text, c.want, c.where)
			}
		})
	}
}

func TestUnreadableTable(t *testing.T) {
	e := evaluation{daemon: "sshd", read: func(string) ([]byte, error) { return nil, offline.ErrTooLarge }}
	if got := e.run(); got.Answer != offline.Unknown || got.Path != AllowTable {
		t.Errorf("got %+v, want unknown", got)
	}
}

func FuzzTables(f *testing.F) {
	f.Add([]byte("sshd: ALL: spawn (echo) : allow\n"), []byte("ALL EXCEPT in.ftpd@[::1] : ALL EXCEPT /x .y @z\\\n\n"))
	f.Add([]byte("[[[:\n:::\n \x00 \n"), []byte("a@b@c: d@: umask 022: nice: linger x\n"))
	f.Fuzz(func(t *testing.T, allow, deny []byte) {
		e := evaluation{daemon: "sshd", read: func(path string) ([]byte, error) {
			if path == AllowTable {
				return allow, nil
			}
			return deny, nil
		}}
		if got := e.run(); got.Answer == "" || got.Text == "" {
			t.Errorf("no answer: %+v", got)
		}
	})
}
