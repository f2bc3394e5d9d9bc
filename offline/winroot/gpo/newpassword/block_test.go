package newpassword_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline/winroot/gpo/newpassword"
)

const run = "20261122T155300Z-3fa2c1"

func newKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// shared is one key for the tests to which any will do.
var shared = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func sharedKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func seal(t testing.TB, key *rsa.PrivateKey, plain string) string {
	t.Helper()
	cipher, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &key.PublicKey, []byte(plain), nil)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(cipher)
}

// lines writes a block as the package documents it.
func lines(run, attempt, status, data string) []string {
	var parts, all []string
	for len(data) > 48 {
		parts, data = append(parts, data[:48]), data[48:]
	}
	parts = append(parts, data)
	for i, p := range parts {
		head := fmt.Sprintf("regain1:%s:%s:%s:%d:%d:%s:", run, attempt, status, i+1, len(parts), p)
		sum := sha1.Sum([]byte(head))
		all = append(all, "<"+head+hex.EncodeToString(sum[:4])+">")
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	key := sharedKey(t)
	for _, status := range []string{"sealed", "disabled"} {
		console := strings.Join(lines(run, "0a1b2c3d", status, seal(t, key, run+"\x00Admin é\x00pass:word")), "\r\n")
		b, err := newpassword.ParseBlock([]byte(console), run)
		if err != nil || string(b.Status) != status || b.Attempt != "0a1b2c3d" {
			t.Fatalf("%+v, %v", b, err)
		}
		login, err := newpassword.Open(b, key)
		if err != nil || login.User != "Admin é" || login.Password != "pass:word" {
			t.Errorf("%q %q, %v", login.User, login.Password, err)
		}
		if s := fmt.Sprintf("%v %+v %#v", login, login, login); strings.Contains(s, "pass:word") {
			t.Errorf("the login prints as %s", s)
		}
	}
}

func TestOtherEnds(t *testing.T) {
	console := "x" + lines(run, "00000001", "failed", "set.COMException.800708C5")[0] + "y"
	b, err := newpassword.ParseBlock([]byte(console), run)
	if err != nil || b.Status != newpassword.Failed || b.Cause != "set.COMException.800708C5" {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := newpassword.Open(b, sharedKey(t)); err == nil || !strings.Contains(err.Error(), `"failed"`) {
		t.Errorf("opened: %v", err)
	}
	b, err = newpassword.ParseBlock([]byte(lines(run, "00000002", "domain-controller", "none")[0]), run)
	if err != nil || b.Status != newpassword.DomainController {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestNewestWholeBlock(t *testing.T) {
	first := strings.Join(lines(run, "0000000a", "sealed", strings.Repeat("AAAA", 30)), "\n")
	second := lines(run, "0000000b", "sealed", strings.Repeat("BBBB", 30))
	whole := strings.Join(second, "\n")
	torn := second[0] + "\n" + second[2]
	other := strings.Join(lines("another-run", "0000000c", "sealed", "CCCC"), "\n")
	for name, tt := range map[string]struct{ console, want string }{
		"one":                 {first, "0000000a"},
		"the later":           {first + whole, "0000000b"},
		"the first again":     {first + whole + first, "0000000a"},
		"the later is torn":   {first + torn, "0000000a"},
		"torn but twice":      {torn + first + second[1], "0000000b"},
		"another run's":       {first + other, "0000000a"},
		"beyond a megabyte":   {first + strings.Repeat(".", 1<<20), ""},
		"of one another's":    {lines(run, "0000000a", "sealed", strings.Repeat("A", 96))[0] + second[1], ""},
		"a line of no number": {strings.Replace(first, ":1:3:", ":0:3:", 1), ""},
		"nothing":             {"Windows is Ready", ""},
		"another run's alone": {other, ""},
	} {
		b, err := newpassword.ParseBlock([]byte(tt.console), run)
		if b.Attempt != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s: %q, %v", name, b.Attempt, err)
		}
	}
	if _, err := newpassword.ParseBlock([]byte(torn), run); !errors.Is(err, newpassword.ErrTorn) {
		t.Errorf("a torn block alone: %v", err)
	}
	if _, err := newpassword.ParseBlock(nil, run); !errors.Is(err, newpassword.ErrNoBlock) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := newpassword.ParseBlock(nil, "a|.*"); err == nil {
		t.Error("a pattern was taken for a run")
	}
}

// TestNoise mixes the block, written twice, with what a serial console does to it: line ends anywhere, other output between
// lines, one line damaged in each copy but not the same.
func TestNoise(t *testing.T) {
	data := strings.Repeat("Zm9vYmFy", 86)
	block := lines(run, "0a1b2c3d", "sealed", data)
	noise := rapid.StringMatching(`[ -~\r\n]{0,30}`)
	rapid.Check(t, func(t *rapid.T) {
		var console strings.Builder
		bad := rapid.Permutation(block).Draw(t, "bad")
		for copies := range 2 {
			for _, l := range block {
				if l == bad[copies] {
					l = l[:20] + "?" + l[20:]
				}
				for at := 30; at < len(l); at += rapid.IntRange(25, 80).Draw(t, "wrap") {
					l = l[:at] + rapid.SampledFrom([]string{"\r\n", "\n", "\r", "\t", ""}).Draw(t, "break") + l[at:]
				}
				console.WriteString(l + rapid.SampledFrom([]string{"\r\n", "\n"}).Draw(t, "end") + noise.Draw(t, "noise"))
			}
		}
		b, err := newpassword.ParseBlock([]byte(console.String()), run)
		if err != nil || base64.StdEncoding.EncodeToString(b.Cipher) != data {
			t.Fatalf("%+v, %v in\n%s", b, err, console.String())
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	key := sharedKey(t)
	block := func(plain string) newpassword.Block {
		cipher, _ := base64.StdEncoding.DecodeString(seal(t, key, plain))
		return newpassword.Block{Run: run, Status: newpassword.Sealed, Cipher: cipher}
	}
	const secret = "s3cret"
	sound := block(run + "\x00user\x00" + secret)
	short := sound
	short.Cipher = short.Cipher[1:]
	for name, tt := range map[string]struct {
		block newpassword.Block
		key   *rsa.PrivateKey
		want  string
	}{
		"no key":      {sound, nil, "no RSA key"},
		"another key": {sound, newKey(t, 2048), "another key"},
		"other size":  {sound, newKey(t, 3072), "this one has 3072"},
		"cut":         {short, key, "this one has 2048"},
		"other run":   {block("run\x00user\x00" + secret), key, "not of this run"},
		"two fields":  {block(run + "\x00" + secret), key, "not of this run"},
		"no user":     {block(run + "\x00\x00" + secret), key, "no login"},
		"no password": {block(run + "\x00" + secret + "\x00"), key, "no login"},
		"not UTF-8":   {block(run + "\x00\xff\x00" + secret), key, "no login"},
	} {
		login, err := newpassword.Open(tt.block, tt.key)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) || login.Password != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseBlock(f *testing.F) {
	f.Add([]byte(strings.Join(lines(run, "0a1b2c3d", "sealed", strings.Repeat("AAAA", 30)), "\r\n")))
	f.Add([]byte(lines(run, "0a1b2c3d", "failed", "set.X.0")[0]))
	f.Fuzz(func(t *testing.T, console []byte) {
		b, err := newpassword.ParseBlock(console, run)
		if err == nil && (b.Run != run || len(b.Cipher) > 32*48) {
			t.Errorf("%+v", b)
		}
	})
}
