package sshkey

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func field(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	return b
}

func rsaBlob(e, n []byte) []byte { return field([]byte("ssh-rsa"), e, n) }

// modulus returns an odd number of the given length with a leading zero byte, as the wire form wants it.
func modulus(bits int) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return append([]byte{0}, n.Add(n, big.NewInt(1)).Bytes()...)
}

func TestParseBlobAndFingerprintAgreeWithSSHKeygen(t *testing.T) {
	keygen := need(t, "ssh-keygen")
	for _, kind := range []string{"ed25519", "p256", "p384", "p521", "rsa"} {
		key := newKey(t, kind)
		path := filepath.Join(t.TempDir(), "k.pub")
		if err := os.WriteFile(path, FormatLine(nil, key, "a comment"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(keygen, "-lf", path).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
		if want := fmt.Sprintf("%d %s a comment (", key.Bits, key.Fingerprint()); !strings.HasPrefix(string(out), want) {
			t.Errorf("%s: ssh-keygen says %q, we say %q", kind, out, want)
		}
	}
}

func TestParseBlobSecurityKeysAndCertificate(t *testing.T) {
	ed := newKey(t, "ed25519").Blob[len(field([]byte("ssh-ed25519"))):]
	p256 := newKey(t, "p256").Blob[len(field([]byte("ecdsa-sha2-nistp256"))):]
	cert, _, _, _, err := ssh.ParseAuthorizedKey([]byte(certText(t)))
	if err != nil {
		t.Fatal(err)
	}
	for name, blob := range map[string][]byte{
		"sk-ssh-ed25519@openssh.com":         append(append(field([]byte("sk-ssh-ed25519@openssh.com")), ed...), field([]byte("ssh:"))...),
		"sk-ecdsa-sha2-nistp256@openssh.com": append(append(field([]byte("sk-ecdsa-sha2-nistp256@openssh.com")), p256...), field([]byte("ssh:"))...),
		"ssh-ed25519-cert-v01@openssh.com":   cert.Marshal(),
	} {
		key, err := ParseBlob(blob)
		if err != nil || key.Algorithm != name || key.Bits != 256 {
			t.Errorf("%s: got %+v, %v", name, key, err)
		}
		if key.IsCertificate() != strings.Contains(name, "cert") {
			t.Errorf("%s: IsCertificate is %v", name, key.IsCertificate())
		}
	}
}

func TestParseBlobRefuses(t *testing.T) {
	ed, p256 := newKey(t, "ed25519").Blob, newKey(t, "p256").Blob
	offCurve := bytes.Clone(p256)
	offCurve[len(offCurve)-1] ^= 1
	compressed := field([]byte("ecdsa-sha2-nistp256"), []byte("nistp256"), append([]byte{2}, make([]byte, 32)...))
	wrongCurve := bytes.Replace(bytes.Clone(p256), []byte("\x00\x00\x00\x08nistp256"), []byte("\x00\x00\x00\x08nistp384"), 1)
	for _, c := range []struct {
		name string
		blob []byte
		want string
	}{
		{"empty", nil, "too short"},
		{"one length only", []byte{0, 0, 0, 11}, "too short"},
		{"huge length", []byte{0xff, 0xff, 0xff, 0xff, 'a'}, "too short"},
		{"unknown type", field([]byte("ssh-new")), "unknown key type"},
		{"ed25519 cut", ed[:len(ed)-1], "ends early"},
		{"ed25519 short", field([]byte("ssh-ed25519"), make([]byte, 31)), "has 32 bytes"},
		{"ed25519 trailing", append(bytes.Clone(ed), 0), "behind the key"},
		{"point off curve", offCurve, "not on curve"},
		{"point compressed", compressed, "uncompressed"},
		{"curve name", wrongCurve, "the curve is"},
		{"rsa small", rsaBlob([]byte{1, 0, 1}, modulus(1023)), "1023 bits"},
		{"rsa negative", rsaBlob([]byte{1, 0, 1}, modulus(2048)[1:]), "negative"},
		{"rsa even exponent", rsaBlob([]byte{2}, modulus(2048)), "exponent"},
		{"rsa exponent 1", rsaBlob([]byte{1}, modulus(2048)), "exponent"},
		{"rsa no exponent", rsaBlob(nil, modulus(2048)), "exponent"},
		{"rsa too long", rsaBlob([]byte{3}, modulus(16392)), "too long"},
	} {
		if _, err := ParseBlob(c.blob); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestEqualIgnoresSuperfluousZeros(t *testing.T) {
	plain, err1 := ParseBlob(rsaBlob([]byte{1, 0, 1}, modulus(2048)))
	padded, err2 := ParseBlob(rsaBlob([]byte{0, 1, 0, 1}, append([]byte{0}, modulus(2048)...)))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if !plain.Equal(padded) || plain.Equal(newKey(t, "rsa")) || plain.Equal(newKey(t, "ed25519")) || (Public{}).Equal(Public{}) {
		t.Error("Equal compares wrongly")
	}
}

func FuzzParseBlob(f *testing.F) {
	for _, kind := range []string{"ed25519", "p256", "rsa"} {
		f.Add(newKey(f, kind).Blob)
	}
	cert, _ := base64.StdEncoding.DecodeString(strings.Fields(certText(f))[1])
	f.Add(cert)
	f.Fuzz(func(t *testing.T, blob []byte) {
		key, err := ParseBlob(blob)
		if err != nil {
			return
		}
		if !key.Equal(key) || !bytes.Equal(key.Blob, blob) {
			t.Errorf("%x: not equal to itself", blob)
		}
		theirs, err := ssh.ParsePublicKey(blob)
		if err == nil && ssh.FingerprintSHA256(theirs) != key.Fingerprint() && bytes.Equal(theirs.Marshal(), blob) && !key.IsCertificate() {
			t.Errorf("fingerprint %s, x/crypto says %s", key.Fingerprint(), ssh.FingerprintSHA256(theirs))
		}
	})
}
