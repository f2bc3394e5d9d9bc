package main

import (
	"context"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// keyFile has ssh-keygen or openssl make a private key in a form.
func keyFile(t *testing.T, form, phrase string) string {
	t.Helper()
	testdisk.Need(t, "ssh-keygen", "openssl")
	path := filepath.Join(t.TempDir(), "key")
	commands := map[string][][]string{
		"OpenSSH":        {{"ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", phrase, "-f", path}},
		"PKCS #1":        {{"ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", phrase, "-f", path}},
		"PKCS #8":        {{"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", path}},
		"locked PKCS #8": {{"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-aes256", "-pass", "pass:" + phrase, "-out", path}},
		"locked, genrsa": {{"openssl", "genrsa", "-aes256", "-passout", "pass:" + phrase, "-out", path, "2048"}},
		"locked, 3DES":   {{"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", path + ".plain"}, {"openssl", "pkcs8", "-topk8", "-v2", "des3", "-v2prf", "hmacWithSHA1", "-in", path + ".plain", "-passout", "pass:" + phrase, "-out", path}},
		"locked, SHA512": {{"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", path + ".plain"}, {"openssl", "pkcs8", "-topk8", "-v2", "aes128", "-v2prf", "hmacWithSHA512", "-iter", "7", "-in", path + ".plain", "-passout", "pass:" + phrase, "-out", path}},
		"locked, scrypt": {{"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", path + ".plain"}, {"openssl", "pkcs8", "-topk8", "-scrypt", "-in", path + ".plain", "-passout", "pass:" + phrase, "-out", path}},
		"locked curve":   {{"openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-aes256", "-pass", "pass:" + phrase, "-out", path}},
		"1024 bits":      {{"openssl", "genrsa", "-traditional", "-out", path, "1024"}},
		"4096 bits":      {{"openssl", "genrsa", "-traditional", "-out", path, "4096"}},
		"public":         {{"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", path + ".plain"}, {"openssl", "pkey", "-in", path + ".plain", "-pubout", "-out", path}},
		"ed25519":        {{"ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-f", path}},
	}[form]
	for _, c := range commands {
		if out, err := exec.CommandContext(t.Context(), c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", c, err, out)
		}
	}
	return path
}

func TestPrivateKeys(t *testing.T) {
	for _, tt := range []struct{ form, phrase, typed, says string }{
		{"OpenSSH", "", "", ""}, {"PKCS #1", "", "", ""}, {"PKCS #8", "", "", ""},
		{"OpenSSH", "open sesame", "open sesame", ""}, {"PKCS #1", "open sesame", "open sesame", ""},
		{"OpenSSH", "open sesame", "wrong", "passphrase does not open"},
		{"locked PKCS #8", "open sesame", "open sesame", ""}, {"locked PKCS #8", "open sesame", "wrong", "passphrase does not open"},
		{"locked, genrsa", "open sesame", "open sesame", ""}, {"locked, 3DES", "open sesame", "open sesame", ""}, {"locked, SHA512", "öffne dich", "öffne dich", ""},
		{"locked, scrypt", "open sesame", "open sesame", "in a way that this program does not read"},
		{"locked curve", "open sesame", "open sesame", "not RSA"},
		{"1024 bits", "", "", ""}, {"4096 bits", "", "", ""}, {"public", "", "", "holds a public key"},
		{"ed25519", "", "", "not RSA"},
	} {
		path, asked := keyFile(t, tt.form, tt.phrase), 0
		p := &program{asks: true, secret: func(string) ([]byte, error) { asked++; return []byte(tt.typed), nil }}
		key, err := p.readRSAKey(path)
		if (tt.says == "") != (err == nil && key != nil) || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s, %q: %v, want %q", tt.form, tt.typed, err, tt.says)
		}
		if (asked > 0) != (tt.typed != "") {
			t.Errorf("%s: the passphrase was asked for %d times", tt.form, asked)
		}
	}
	for path, says := range map[string]string{
		keyFile(t, "OpenSSH", "x"): "nobody to ask", filepath.Join(t.TempDir(), "none"): "cannot read", "/dev/null": "holds no private key", t.TempDir(): "cannot read",
	} {
		if _, err := (&program{}).readRSAKey(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// TestNoPrivateKey: of a file that is not there it is said once.
func TestNoPrivateKey(t *testing.T) {
	_, err := (&program{}).readRSAKey(filepath.Join(t.TempDir(), "none"))
	if err == nil || strings.Count(err.Error(), "no such file") != 1 {
		t.Errorf("got %v", err)
	}
}

// TestPassphraseInterrupted: a signal at the question is no mistake of usage.
func TestPassphraseInterrupted(t *testing.T) {
	p := &program{asks: true, secret: func(string) ([]byte, error) { return nil, context.Canceled }}
	for _, form := range []string{"OpenSSH", "locked PKCS #8"} {
		if _, err := p.readRSAKey(keyFile(t, form, "open sesame")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// FuzzOpenPKCS8: no bytes of a key file are more than refused.
func FuzzOpenPKCS8(f *testing.F) {
	data, err := os.ReadFile("testdata/locked.pem")
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(data)
	f.Add(block.Bytes)
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		if strings.Contains(string(der), "\x02\x03") || strings.Contains(string(der), "\x02\x04") {
			return // so many rounds that the machine is busy
		}
		if key, err := openPKCS8(der, []byte("wrong")); err == nil {
			t.Errorf("it is opened: %T", key)
		}
	})
}
