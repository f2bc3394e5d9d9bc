package controller_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
	"github.com/seed-77750964/regain/internal/testdisk"
)

// byOpenSSL is a fingerprint as the EC2 User Guide has one compute it.
func byOpenSSL(t *testing.T, digest string, form ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	der, err := exec.CommandContext(t.Context(), "openssl", append(form, "-in", path, "-outform", "DER")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	sum := exec.CommandContext(t.Context(), "openssl", digest, "-c", "-r")
	sum.Stdin = bytes.NewReader(der)
	out, err := sum.Output()
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(out), " ")
	raw, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, b := range raw {
		parts = append(parts, hex.EncodeToString([]byte{b}))
	}
	return strings.Join(parts, ":")
}

// TestForeignKey: who waits with a key that is not the key pair's is told so at once.
func TestForeignKey(t *testing.T) {
	testdisk.Need(t, "openssl")
	for name, tt := range map[string]struct {
		pair    controller.KeyPair
		foreign bool
	}{
		"made by EC2":      {controller.KeyPair{Type: "rsa", Fingerprint: byOpenSSL(t, "sha1", "pkcs8", "-topk8", "-nocrypt")}, false},
		"imported":         {controller.KeyPair{Type: "rsa", Fingerprint: byOpenSSL(t, "md5", "rsa", "-pubout")}, false},
		"another, made":    {controller.KeyPair{Type: "rsa", Fingerprint: strings.Repeat("00:", 19) + "00"}, true},
		"another imported": {controller.KeyPair{Type: "rsa", Fingerprint: strings.Repeat("00:", 15) + "00"}, true},
		"in a new form":    {controller.KeyPair{Type: "rsa", Fingerprint: "AAAA"}, false},
		"not RSA":          {controller.KeyPair{Type: "ed25519", Fingerprint: strings.Repeat("00:", 15) + "00"}, false},
	} {
		w := newWorld(t, sim.Options{}, windowsPatient())
		tt.pair.Name = "lost"
		w.cloud.AddKeyPair(tt.pair)
		said := ""
		w.Watch = func(e controller.Event) { said += e.Why }
		_, err := w.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Timeout: time.Minute})
		if err == nil || strings.Contains(said, "may not open it") != tt.foreign {
			t.Errorf("%s: %q, %v", name, said, err)
		}
	}
}
