package agent

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/offline"
)

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encoded(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func opensshLine(t *testing.T, key any) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

// TestReadRSAKey: every usual form of a public key is the same line, and nothing
// of a private one is quoted.
func TestReadRSAKey(t *testing.T) {
	key := rsaKey(t, 2048)
	line := opensshLine(t, &key.PublicKey)
	short := opensshLine(t, &rsaKey(t, 1024).PublicKey)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	spki := encoded(t, "PUBLIC KEY", pkix, err)
	private := encoded(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil)
	file := filepath.Join(t.TempDir(), "key")
	for name, tt := range map[string]struct{ text, code string }{
		"PEM": {spki, ""}, "PKCS#1": {encoded(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey), nil), ""},
		"OpenSSH": {line + " someone@host\n", ""}, "comment before": {"of mine:\n" + spki, ""},
		"private": {private, "private-key"}, "private in OpenSSH's form": {encoded(t, "OPENSSH PRIVATE KEY", []byte("x"), nil), "private-key"},
		"short": {short, "key-size"}, "ECDSA": {opensshLine(t, &curve.PublicKey), "key-type"},
		"two keys": {line + "\n" + line + "\n", "usage"}, "torn": {spki[:100], "usage"}, "empty": {"", "usage"}, "garbage": {"\x00\xff", "usage"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadRSAKey(file)
			var usage *UsageError
			switch {
			case tt.code == "" && (err != nil || !strings.HasPrefix(got, line)):
				t.Errorf("%q, %v", got, err)
			case tt.code != "" && !errors.As(err, &usage):
				t.Fatalf("%q, %v", got, err)
			case tt.code != "":
				if code, _ := usage.Details(); code != tt.code {
					t.Errorf("%v has the code %q, want %q", err, code, tt.code)
				}
				if lines := strings.Split(tt.text, "\n"); len(lines) > 2 && strings.Contains(err.Error(), lines[1]) {
					t.Errorf("the error quotes the key: %v", err)
				}
			}
		})
	}
	if got, err := ReadRSAKey(spki); err != nil || got != line {
		t.Errorf("the text itself: %q, %v", got, err)
	}
	if _, err := ReadRSAKey(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there")
	}
}

// TestWindowsTasks: which key and which consents a task comes to.
func TestWindowsTasks(t *testing.T) {
	line := opensshLine(t, &rsaKey(t, 2048).PublicKey)
	for name, tt := range map[string]struct {
		spoil    func(*offline.Task)
		fallback bool
		allow    string
	}{
		"nothing":     {func(*offline.Task) {}, false, ""},
		"fallback":    {func(t *offline.Task) { t.Store, t.WindowsFallback = "", line }, true, ""},
		"given RSA":   {func(t *offline.Task) { t.Store, t.PublicKey = "", line }, true, ""},
		"given other": {func(t *offline.Task) { t.Store, t.PublicKey = "", someKey }, false, ""},
		"consents": {func(t *offline.Task) {
			t.Repair, t.Accept = "windows/service-disabled", "windows/sysprep, windows/setup"
		}, false, "windows/service-disabled windows/sysprep windows/setup"},
		"one list":     {func(t *offline.Task) { t.Repair = KeyFallback + ",windows/sysprep" }, false, "windows/sysprep"},
		"all repairs":  {func(t *offline.Task) { t.Repair = "all" }, false, "windows/service-disabled windows/config-task-missing windows/config-tab"},
		"none of them": {func(t *offline.Task) { t.Repair = "none" }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := check(rescueTask(tt.spoil))
			if err != nil || (j.fallback != nil) != tt.fallback || strings.Join(j.allow, " ") != tt.allow {
				t.Errorf("%v, fallback %v, allow %q", err, j.fallback, j.allow)
			}
		})
	}
}

// TestParseAccept: an id that is not known is a usage error that lists those that
// are, and all of them is no id.
func TestParseAccept(t *testing.T) {
	for _, id := range Accepts() {
		if got, err := ParseAccept(" " + id + " "); err != nil || len(got) != 1 || got[0] != id {
			t.Errorf("%s: %q, %v", id, got, err)
		}
		if _, allow, err := ParseRepair(id); err != nil || len(allow) != 1 {
			t.Errorf("--repair %s: %q, %v", id, allow, err)
		}
	}
	for _, text := range []string{"all", "windows/hibernated", "windows/service-disabled", "windows/sysprep,", "Windows/Sysprep", "none"} {
		var usage *UsageError
		if _, err := ParseAccept(text); !errors.As(err, &usage) || !strings.Contains(usage.Hint, strings.Join(Accepts(), ", ")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
