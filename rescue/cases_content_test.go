package rescue_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

func TestContent(t *testing.T) { trials(t, contentTrials) }

func TestSameKey(t *testing.T) { trials(t, sameKeyTrials) }

func is(what string) []string { return []string{keyFile + ": " + what} }

// first is the key before all other lines.
func first(old string) trial {
	return trial{in: []change{keys(old)}, out: is(`"{key}\n"+`), live: true}
}

func (c trial) called(name string) trial {
	c.name = name
	return c
}

// wide is UTF-16 with a byte order mark, as some editors save.
func wide(s string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

var contentTrials = []trial{
	{name: "3 MB of junk in a line", in: []change{keys(strings.Repeat("x", 3<<20) + "\n")}},
	{name: "no ssh dir", in: []change{remove(dotSSH)}, finding: "linux/authorized-keys-missing",
		out: []string{dotSSH + ": new dir 0700 1000:1000", keyFile + ": new file 0600 1000:1000 {key}"}, live: true},
	{name: "no file", in: []change{remove(keyFile)}, out: is("new file 0600 1000:1000 {key}"), live: true},
	{name: "empty file", in: []change{keys("")}},
	{name: "no home", in: []change{remove(admin)}, out: viaDropIn, finding: "linux/home-missing", says: "the home directory does not exist", live: true},
	{name: "no line break at the end", in: []change{keys("{one}\n{two}")}, out: is(`+"\n{key}\n"`), live: true},
	{name: "CRLF", in: []change{keys("{one}\r\n{two}\r\n")}, out: is(`+"{key}\r\n"`)},
	{name: "CRLF without the last", in: []change{keys("{one}\r\n{two}\r\n# end")}, out: is(`+"\r\n{key}\r\n"`)},
	{name: "byte order mark", in: []change{keys("\xef\xbb\xbf{one}\n")}},
	{name: "the key behind a byte order mark", in: []change{keys("\xef\xbb\xbf{pub}\n")}, live: true},
	{name: "UTF-16", in: []change{keys(wide("ssh-ed25519 AAAA someone\r\n"))}, out: is(`+"\n{key}\n"`), live: true},
	{name: "zeros at the end", in: []change{keys("{one}\n" + strings.Repeat("\x00", 512))}, out: is(`+"\n{key}\n"`)},
	{name: "nothing but zeros", in: []change{keys(strings.Repeat("\x00", 4096))}, out: is(`+"\n{key}\n"`), live: true},
	{name: "the key glued to another", in: []change{keys("{one}{pub}\n")}, live: true},
	{name: "wrapped over lines", in: []change{keys("ssh-ed25519\nAAAAC3NzaC1lZDI1NTE5\nAAAAIAAB me\n")}},
	{name: "Latin-1 comments", in: []change{keys("# Schl\xfcssel f\xfcr J\xf6rg\n{one}\n")}},
	{name: "a private key in the file", in: []change{keys("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n")}},
	{name: "escape sequences in comments", in: []change{keys("{one} \x1b[2J\x1b]0;owned\x07\n# \x9b31m\n")}},
	{name: "5 MB of comments", in: []change{keys(strings.Repeat("# nothing\n", 500_000))}, out: []string{keyFile + "2: new file 0600 1000:1000 {key}"}},
	{name: "the key in authorized_keys2", in: []change{write(keyFile+"2", "{pub}\n", 0o600, 1000, 1000)}, outcome: offline.Unchanged},
	{name: "the key in a file that sshd does not read", in: []change{write(dotSSH+"/authorized_keys3", "{pub}\n", 0o600, 1000, 1000)}},
	{name: "the key that expires", ask: expiring, in: []change{keys("{one}\n")}, out: is(`+"{mark}\nexpiry-time=\"20400102000000Z\" {pub}\n"`), live: true},
}

var sameKeyTrials = []trial{
	{name: "there already", in: []change{keys("{one}\n{pub}\n")}, outcome: offline.Unchanged},
	{name: "there twice", in: []change{keys("{pub}\n{one}\n{pub}\n")}, outcome: offline.Unchanged},
	{name: "there, Debian 13", suite: testdisk.Trixie, in: []change{keys("{pub}\n")}, outcome: offline.Unchanged},
	{name: "there on the last line without its end", in: []change{keys("{one}\n{pub}")}, outcome: offline.Unchanged},
	first("command=\"/bin/false\" {pub}\n").called("earlier with a command"),
	first("{one}\ncommand=\"exit 3\",no-pty {pub}\n{two}\n").called("earlier with a command, among others"),
	first("restrict,command=\"exit 1\" {pub}\n").called("earlier with restrict and a command"),
	{name: "earlier with restrict", in: []change{keys("restrict {pub}\n")}, outcome: offline.Unchanged},
	{name: "earlier with from elsewhere", in: []change{keys("from=\"192.0.2.1\" {pub}\n")}, out: is(`"{key}\n"+`), live: true},
	{name: "earlier and expired", in: []change{keys("expiry-time=\"20200101\" {pub}\n")}, live: true},
	{name: "earlier with an unknown option", in: []change{keys("no-such-option {pub}\n")}, live: true},
	{name: "earlier with an unclosed quote", in: []change{keys("command=\"exit 1 {pub}\n")}},
	{name: "as an authority", in: []change{keys("cert-authority {pub}\n")}, live: true},
	{name: "in a comment", in: []change{keys("# {pub}\n")}},
	{name: "command, then plain", in: []change{keys("command=\"exit 1\" {pub}\n{pub}\n")}, out: is(`"{key}\n"+`), live: true},
	{name: "plain, then command", in: []change{keys("{pub}\ncommand=\"exit 1\" {pub}\n")}, outcome: offline.Unchanged},
}

// expiring asks on the first day of 2040 for a key that lasts a day.
func expiring(r *rescue.Request) {
	r.Now, r.Expires = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), 24*time.Hour
}
