package sshd_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"strings"
	"unicode/utf16"
)

func keys(text string) func(*root) { return func(r *root) { r.keys(text) } }

// other is a key that nobody has.
const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g other"

func utf16le(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

var contentCases = []acceptance{
	{name: "empty file", change: keys(""), want: refused, reason: "linux/key-not-found"},
	{name: "another key", change: keys(other + "\n"), want: refused, reason: "linux/key-not-found"},
	{name: "behind another key", change: keys("# c\n\n" + other + "\nKEY"), want: accepted},
	{name: "commented out", change: keys("#KEY\n"), want: refused, reason: "linux/key-not-found"},
	{name: "indented", change: keys(" \tKEY\n"), want: accepted},
	{name: "crlf", change: keys(other + "\r\nKEY\r\n"), want: accepted},
	{name: "nul in an earlier line", change: keys("a\x00b\nKEY\n"), want: accepted},
	{name: "nul on its own line", change: keys("\x00KEY\n"), want: refused},
	{name: "byte order mark", change: keys("\ufeffKEY\n"), want: refused},
	{name: "byte order mark on another line", change: keys("\ufeff" + other + "\nKEY\n"), want: accepted},
	{name: "utf-16", change: func(r *root) { r.write(keyFile, utf16le(r.key+"\n")) }, want: refused},
	{name: "glued to the line before", change: keys(other + "KEY\n"), want: refused},
	{name: "junk of 3 MB before", change: keys(strings.Repeat("x", 3<<20) + "\nKEY\n"), want: accepted},
	{name: "latin-1 comment", change: keys("KEY h\xe9l\xe8ne\n"), want: accepted},
	{name: "earlier with command", change: keys(`command="exit 3" KEY` + "\nKEY\n"), want: refused, reason: "linux/forced-command"},
	{name: "cloud-init's command", change: keys(`no-port-forwarding,command="echo no;exit 142" KEY` + "\n"), want: refused, reason: "linux/forced-command"},
	{name: "later with command", change: keys("KEY\n" + `command="exit 3" KEY` + "\n"), want: accepted},
	{name: "from elsewhere only", change: keys(`from="203.0.113.7" KEY` + "\n"), want: unknown, reason: "linux/key-line-open"},
	{name: "from elsewhere, then plain", change: keys(`from="203.0.113.7" KEY` + "\nKEY\n"), want: accepted},
	{name: "from elsewhere with command, then plain", change: keys(`from="203.0.113.7",command="x" KEY` + "\nKEY\n"), want: unknown, reason: "linux/forced-command"},
	{name: "from anywhere", change: keys(`from="*" KEY` + "\n"), want: accepted},
	{name: "from with an invalid entry", change: keys(`from="10.0.0.1/8" KEY` + "\n"), want: refused, reason: "linux/key-line-ignored"},
	{name: "expired", change: keys(`expiry-time="20200101" KEY` + "\n"), want: refused, reason: "linux/key-line-ignored"},
	{name: "expired, then plain", change: keys(`expiry-time="20200101" KEY` + "\nKEY\n"), want: accepted},
	{name: "not yet expired", change: keys(`expiry-time="20990101" KEY` + "\n"), want: accepted},
	{name: "unknown option", change: keys("nonsense KEY\n"), want: refused, reason: "linux/key-line-ignored"},
	{name: "unknown option, then plain", change: keys("nonsense KEY\nKEY\n"), want: accepted},
	{name: "cert-authority", change: keys("cert-authority KEY\n"), want: refused, reason: "linux/key-line-ignored"},
	{name: "restrict", change: keys("restrict KEY\n"), want: accepted},
	{name: "several options", change: keys(`no-pty,environment="A=b",permitopen="localhost:80" KEY` + "\n"), want: accepted},
	{name: "unclosed quote", change: keys(`command="x KEY` + "\n"), want: refused},
	{name: "in the second file", change: func(r *root) {
		r.keys(other + "\n")
		r.keyFile(keyFile+"2", 0o600, 1000, 1000)
	}, want: accepted},
	{name: "second file, first one has bad modes", change: func(r *root) {
		r.chmod(keyFile, 0o666)
		r.keyFile(keyFile+"2", 0o600, 1000, 1000)
	}, want: accepted},
}

var keyCases = []acceptance{
	{name: "rsa", kind: "rsa", want: accepted},
	{name: "ecdsa", kind: "ecdsa", want: accepted},
	{name: "rsa too small for the configuration", kind: "rsa", change: config("RequiredRSASize 4096"), want: refused, reason: "linux/rsa-size"},
	{name: "rsa size does not concern others", change: config("RequiredRSASize 4096"), want: accepted},
	{name: "type left out", change: config("PubkeyAcceptedAlgorithms -ssh-ed25519"), want: refused, reason: "linux/key-type"},
	{name: "type left out, old name", change: config("PubkeyAcceptedKeyTypes rsa-sha2-512,rsa-sha2-256"), want: refused, reason: "linux/key-type"},
	{name: "rsa with sha-512", kind: "rsa", change: config("PubkeyAcceptedAlgorithms rsa-sha2-512"), want: accepted},
	{name: "rsa with sha-256", kind: "rsa", change: config("PubkeyAcceptedAlgorithms rsa-sha2-256"), want: accepted, suite: "trixie"},
	{name: "rsa with sha-256, old sshd", kind: "rsa", change: config("PubkeyAcceptedAlgorithms rsa-sha2-256"), want: unknown, suite: "bookworm"},
	{name: "rsa with sha-1 only", kind: "rsa", change: config("PubkeyAcceptedAlgorithms ssh-rsa"), want: unknown, reason: "linux/key-type"},
	{name: "type by wildcard", change: config("PubkeyAcceptedAlgorithms ssh-ed*"), want: accepted},
	{name: "type left out for the user", change: config("Match User adm*", "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256"), want: refused, reason: "linux/key-type"},
	{name: "revoked by list", change: func(r *root) {
		r.write("etc/ssh/revoked", "# list\n"+other+"\n"+r.key+"\n")
		r.config("RevokedKeys /etc/ssh/revoked")
	}, want: refused, reason: "linux/revoked-keys"},
	{name: "another revoked by list", change: func(r *root) {
		r.write("etc/ssh/revoked", "# list\n\n"+other+"\n")
		r.config("RevokedKeys /etc/ssh/revoked")
	}, want: accepted},
	{name: "revocation list with junk", change: func(r *root) {
		r.write("etc/ssh/revoked", other+"\nnonsense\n")
		r.config("RevokedKeys /etc/ssh/revoked")
	}, want: refused, reason: "linux/revoked-keys"},
	{name: "revocation list with options", change: func(r *root) {
		r.write("etc/ssh/revoked", "no-pty "+other+"\n")
		r.config("RevokedKeys /etc/ssh/revoked")
	}, want: refused, reason: "linux/revoked-keys"},
	{name: "revocation list missing", change: config("RevokedKeys /etc/ssh/revoked"), want: refused, reason: "linux/revoked-keys"},
	{name: "revocation none", change: config("RevokedKeys none"), want: accepted},
	{name: "revoked by krl", change: krl("KEY\n"), want: refused, reason: "linux/revoked-keys"},
	{name: "revoked by krl, sha1", change: krl("sha1: KEY\n"), want: refused, reason: "linux/revoked-keys"},
	{name: "revoked by krl, sha256", change: krl("sha256: KEY\n"), want: refused, reason: "linux/revoked-keys"},
	{name: "another revoked by krl", change: krl(other + "\n"), want: accepted},
}

// krl makes a key revocation list with ssh-keygen.
func krl(spec string) func(*root) {
	return func(r *root) {
		file := r.path("etc/ssh/spec")
		r.must(os.WriteFile(file, []byte(strings.ReplaceAll(spec, "KEY", r.key)), 0o644))
		out, err := exec.Command("ssh-keygen", "-k", "-f", r.path("etc/ssh/krl"), file).CombinedOutput()
		if err != nil {
			r.t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		r.config("RevokedKeys /etc/ssh/krl")
	}
}
