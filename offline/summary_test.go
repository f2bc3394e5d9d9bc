package offline_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline"
)

func TestDiff(t *testing.T) {
	old := &offline.File{Kind: offline.Regular, Data: []byte("a\n\x1b[2Jb"), Mode: 0o666, UID: 0, GID: 0}
	now := &offline.File{Kind: offline.Regular, Data: []byte("a\n\x1b[2Jb\nnew\n"), Mode: 0o600, UID: 1000, GID: 1001}
	got := offline.Change{Path: "/k\x07", Before: old, After: now}.Diff()
	want := "mode /k\\a: 0666 -> 0600\n" +
		"owner /k\\a: 0:0 -> 1000:1001\n" +
		"--- a/k\\a\n+++ b/k\\a\n@@ -1,2 +1,3 @@\n a\n-\\x1b[2Jb\n\\ No newline at end of file\n+\\x1b[2Jb\n+new\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDiffOfSecretsShowsDigestsOnly(t *testing.T) {
	c := offline.Change{Path: "/etc/shadow",
		Before: &offline.File{Kind: offline.Regular, Data: []byte("root:$y$hash:1::::::\n")},
		After:  &offline.File{Kind: offline.Regular, Data: []byte("root:$y$hash:2::::::\n")}}
	got := c.Diff()
	if strings.Contains(got, "hash") || strings.Count(got, "sha256") != 2 {
		t.Errorf("diff of shadow:\n%s", got)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain\tü": "plain\tü", "\x1b[31m": `\x1b[31m`, "a\xe9b": `a\xe9b`, "\u202e": `\u202e`, "l\r\n": `l\r\n`, "\ufffd": "\ufffd",
	} {
		if got := offline.Printable(in); got != want {
			t.Errorf("Printable(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestActionNamesWhatHappens(t *testing.T) {
	f, g := keyFile("a", 0o600), keyFile("a", 0o644)
	for want, c := range map[string]offline.Change{
		"create": {After: f}, "remove": {Before: f}, "edit": {Before: f, After: keyFile("b", 0o600)}, "set attributes": {Before: f, After: g},
		"create directory": {After: dirFile(0o700)}, "set flags": {Before: f, After: flagged(keyFile("a", 0o600))}, "nothing": {},
	} {
		if got := c.Action(); got != want {
			t.Errorf("Action = %q, want %q", got, want)
		}
	}
}

// TestPrintableIsHarmless: whatever the bytes, what is printed is valid, has no
// byte that steers a terminal, and stays as it is when printed again.
func TestPrintableIsHarmless(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(r, "in")
		out := offline.Printable(in)
		if !utf8.ValidString(out) || offline.Printable(out) != out {
			r.Errorf("%q becomes %q", in, out)
		}
		for _, c := range out {
			if c != '\t' && !unicode.IsPrint(c) {
				r.Errorf("%q becomes %q, with %q in it", in, out, c)
			}
		}
	})
}

// A private key that somebody put into a key file is shown to nobody.
func TestDiffHidesPrivateKeys(t *testing.T) {
	old := &offline.File{Kind: offline.Regular, Data: []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n")}
	now := old.Clone()
	now.Data = append(now.Data, "ssh-ed25519 AAAA new\n"...)
	for _, c := range []offline.Change{{Path: "/k", Before: old, After: now}, {Path: "/k", Before: now, After: old}, {Path: "/k", Before: old}} {
		if got := c.Diff(); strings.Contains(got, "c2VjcmV0") || !strings.Contains(got, "sha256") {
			t.Errorf("diff:\n%s", got)
		}
	}
}
