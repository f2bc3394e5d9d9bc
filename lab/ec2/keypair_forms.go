package ec2

import (
	"crypto/ed25519"
	"crypto/md5" // EC2 shows the fingerprint of an imported RSA key so
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// importedFingerprint is how EC2 shows a public key that it was given: MD5 of the DER of
// an RSA key, SHA-256 of an ED25519 key.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html
func importedFingerprint(public ssh.PublicKey) (string, error) {
	key := public.(ssh.CryptoPublicKey).CryptoPublicKey()
	if _, ok := key.(ed25519.PublicKey); ok {
		sum := sha256.Sum256(public.Marshal())
		return base64.StdEncoding.EncodeToString(sum[:]), nil
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("cannot write a public key: %w", err)
	}
	return colons(md5.Sum(der)), nil
}

// colons writes a digest as pairs of hexadecimal digits.
func colons[T ~[16]byte | ~[20]byte](sum T) string {
	var pairs []string
	for n := range len(sum) {
		pairs = append(pairs, fmt.Sprintf("%02x", sum[n]))
	}
	return strings.Join(pairs, ":")
}

func keyType(public ssh.PublicKey) string {
	if public.Type() == ssh.KeyAlgoED25519 {
		return "ed25519"
	}
	return "rsa"
}

func authorized(public ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}
