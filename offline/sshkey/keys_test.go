package sshkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// need ends the test when a program is missing: by skipping, or by failing where CI says that nothing may be skipped.
func need(t *testing.T, program string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf("%s is missing and REGAIN_MUST_RUN is set", program)
	}
	t.Skipf("%s is missing", program)
	return ""
}

// signers makes one private key of each kind once, since RSA is slow.
var signers = sync.OnceValue(func() map[string]crypto.Signer {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	_, ed2, _ := ed25519.GenerateKey(rand.Reader)
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	r2048, _ := rsa.GenerateKey(rand.Reader, 2048)
	return map[string]crypto.Signer{"ed25519": ed, "other": ed2, "p256": p256, "p384": p384, "p521": p521, "rsa": r2048}
})

func newKey(t testing.TB, kind string) Public {
	t.Helper()
	pub, err := ssh.NewPublicKey(signers()[kind].Public())
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseBlob(pub.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// text returns the key as "type base64".
func text(t testing.TB, kind string) string { return newKey(t, kind).String() }

func sshSigner(t testing.TB, kind string) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromSigner(signers()[kind])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// certText returns a certificate line for the ed25519 key, signed by the other one.
func certText(t testing.TB) string {
	t.Helper()
	cert := &ssh.Certificate{Key: sshSigner(t, "ed25519").PublicKey(), CertType: ssh.UserCert, KeyId: "id", ValidPrincipals: []string{"root"}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, sshSigner(t, "other")); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert)))
}
