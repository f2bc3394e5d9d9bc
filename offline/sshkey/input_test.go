package sshkey

import (
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestParsePublicInputAccepts(t *testing.T) {
	for _, kind := range []string{"ed25519", "p256", "p384", "p521", "rsa"} {
		for _, in := range []string{text(t, kind) + " me@host", "\n# mine\n  " + text(t, kind) + "\tme@host\r\n\r\n", text(t, kind) + "  me@host  "} {
			key, err := ParsePublicInput([]byte(in))
			if err != nil || !key.Equal(newKey(t, kind)) || string(key.Comment) != "me@host" {
				t.Errorf("%q: %+v, %v", in, key, err)
			}
		}
	}
}

func privatePEM(t testing.TB, kind string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(signers()[kind], "secret comment")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func wide(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }

func TestParsePublicInputRefuses(t *testing.T) {
	ed, rsaText := text(t, "ed25519"), text(t, "rsa")
	private := privatePEM(t, "ed25519")
	blob := strings.Fields(rsaText)[1]
	for _, c := range []struct{ name, in, code string }{
		{"nothing", "", "empty"},
		{"blanks", " \n\t\n# c\n", "empty"},
		{"long", strings.Repeat("a", maxInput+1), "too-long"},
		{"private key", private, "private-key"},
		{"private key without its frame", strings.Split(private, "\n")[1], "private-key"},
		{"private key in UTF-16", wide(private), "private-key"},
		{"public and private", ed + "\n" + private, "private-key"},
		{"PKCS8", "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n", "private-key"},
		{"encrypted PKCS8", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n", "private-key"},
		{"PEM RSA", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "private-key"},
		{"PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 2\nAAAA\nPrivate-Lines: 1\nAAAA\n", "ppk"},
		{"PEM public", "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n", "pem-public"},
		{"PEM RSA public", "-----BEGIN RSA PUBLIC KEY-----\nMCow\n", "pem-public"},
		{"X.509", "-----BEGIN CERTIFICATE-----\nMIIC\n", "x509"},
		{"RFC 4716", "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"x\"\nAAAA\n---- END SSH2 PUBLIC KEY ----\n", "ssh2"},
		{"UTF-16", "\xff\xfe" + wide(ed), "utf-16"},
		{"UTF-16 without mark", wide(ed), "utf-16"},
		{"byte order mark", "\xef\xbb\xbf" + ed, "control"},
		{"NUL", ed + "\x00", "control"},
		{"escape", ed + " \x1b[31mred", "control"},
		{"two keys", ed + "\n" + rsaText + "\n", "several"},
		{"wrapped", "ssh-rsa " + blob[:60] + "\n" + blob[60:120] + "\n" + blob[120:] + " me\n", "wrapped"},
		{"wrapped after the type", "ssh-rsa\n" + blob + "\n", "wrapped"},
		{"lines of text", "hello\nworld\n", "malformed"},
		{"options", "no-pty " + ed, "options"},
		{"command", `command="ls -l" ` + ed, "options"},
		{"certificate", certText(t), "certificate"},
		{"DSA", "ssh-dss " + dsaText(t), "dsa"},
		{"inner type", "ssh-ed25519 " + blob, "type-mismatch"},
		{"base64", strings.Replace(ed, "AAAAC3", "AAAA-3", 1), "base64"},
		{"cut", rsaText[:len(rsaText)-16], "malformed"},
		{"blank inside", "ssh-rsa " + blob[:64] + " " + blob[64:], "malformed"},
		{"short RSA", "ssh-rsa " + shortRSA(t), "short-rsa"},
		{"fingerprint", newKey(t, "rsa").Fingerprint(), "unknown-type"},
		{"no type", blob, "unknown-type"},
		{"quotes", `"` + ed + `"`, "malformed"},
		{"file name", "~/.ssh/id_ed25519.pub", "unknown-type"},
		{"empty type", "ssh-ed25519 ", "unknown-type"},
	} {
		_, err := ParsePublicInput([]byte(c.in))
		var e *InputError
		if !errors.As(err, &e) || e.Code != c.code || !strings.HasPrefix(err.Error(), "cannot use public key: ") {
			t.Errorf("%s: %v, want code %s", c.name, err, c.code)
			continue
		}
		if shown := e.Message + e.Hint; looksPrivate([]byte(c.in)) && strings.Contains(shown, strings.TrimSpace(c.in)[:12]) || len(shown) > 250 {
			t.Errorf("%s: the error repeats its input: %q", c.name, shown)
		}
	}
}

func dsaText(t testing.TB) string {
	blob := append(field([]byte("ssh-dss")), field(modulus(1024), modulus(160), []byte{2}, modulus(1020))...)
	return strings.Fields(encodeLine(t, "ssh-dss", blob))[1]
}

func shortRSA(t testing.TB) string {
	return strings.Fields(encodeLine(t, "ssh-rsa", rsaBlob([]byte{3}, modulus(768))))[1]
}

// encodeLine encodes a blob that ParseBlob may refuse.
func encodeLine(t testing.TB, name string, blob []byte) string {
	t.Helper()
	return string(FormatLine(nil, Public{Algorithm: name, Blob: blob}, ""))
}

// TestHintsWork runs the commands that the hints name on the files they are for.
func TestHintsWork(t *testing.T) {
	keygen, dir := need(t, "ssh-keygen"), t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(privatePEM(t, "rsa")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []struct{ name, code string }{{"RFC4716", "ssh2"}, {"PKCS8", "pem-public"}, {"PEM", "pem-public"}} {
		out, err := exec.Command(keygen, "-e", "-m", format.name, "-f", key).Output()
		if err != nil {
			t.Fatal(err)
		}
		var e *InputError
		if _, err := ParsePublicInput(out); !errors.As(err, &e) || e.Code != format.code {
			t.Fatalf("%s: %v", format.name, err)
		}
		file := filepath.Join(dir, format.name)
		if err := os.WriteFile(file, out, 0o600); err != nil {
			t.Fatal(err)
		}
		_, command, _ := strings.Cut(e.Hint, "ssh-keygen ")
		args := strings.Fields(strings.Replace(command, "FILE", file, 1))
		converted, err := exec.Command(keygen, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v %s", keygen, args, err, converted)
		}
		if got, err := ParsePublicInput(converted); err != nil || !got.Equal(newKey(t, "rsa")) {
			t.Errorf("%s: the hint's command gives %q: %v", format.name, converted, err)
		}
	}
}

func FuzzParsePublicInput(f *testing.F) {
	f.Add([]byte(text(f, "ed25519") + " me"))
	f.Add([]byte("no-pty " + text(f, "rsa")))
	f.Add([]byte(privatePEM(f, "ed25519")))
	f.Add([]byte("ssh-rsa AAAA\nBBBB\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := ParsePublicInput(b)
		var e *InputError
		if err != nil && (!errors.As(err, &e) || e.Code == "" || e.Message == "") {
			t.Fatalf("error %v", err)
		}
		if err != nil {
			return
		}
		line := FormatLine(nil, key, string(key.Comment))
		if got := Parse(line).Match(key, MatchContext{}); got.Verdict != Accepted || got.Grants.HasForced {
			t.Errorf("%q was taken as a key, but its line %q is not", b, line)
		}
		if key.IsCertificate() || looksPrivate(b) {
			t.Errorf("took %q", b)
		}
	})
}
