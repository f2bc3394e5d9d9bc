// Package sshkey reads and edits OpenSSH public keys and authorized_keys files as bytes: strict key parsing, a lossless
// line model, and the question "which line would sshd act on for this key". It does no I/O, runs nothing, generates no
// keys, and imports neither net nor golang.org/x/crypto/ssh, so that it can be used on files of an untrusted volume.
package sshkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Public is one parsed public key.
type Public struct {
	Algorithm string // name inside the blob, e.g. "ssh-ed25519" or "ssh-rsa-cert-v01@openssh.com"
	Blob      []byte // wire encoding, as in the base64 field of a key line
	Comment   []byte // text after the key, bytes as found; may be nil
	Bits      int    // size as ssh-keygen -l prints it: modulus, field or 256 for Ed25519
}

// Fingerprint returns the SHA-256 fingerprint in the form of ssh-keygen -l, e.g. "SHA256:1f…" without padding. A
// certificate has the fingerprint of its whole blob here, not of the key it certifies.
func (p Public) Fingerprint() string {
	sum := sha256.Sum256(p.Blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// IsCertificate reports whether the key is an OpenSSH certificate. Such a line in authorized_keys never admits anybody.
func (p Public) IsCertificate() bool { return strings.HasSuffix(p.Algorithm, certSuffix) }

// Equal reports whether sshd would take both for the same key (sshkey.c sshkey_equal compares numbers, not bytes, so that
// an RSA key encoded with superfluous zero bytes still matches).
func (p Public) Equal(q Public) bool {
	if bytes.Equal(p.Blob, q.Blob) {
		return len(p.Blob) > 0
	}
	if family(p.Algorithm) != "ssh-rsa" || family(q.Algorithm) != "ssh-rsa" {
		return false
	}
	return p.IsCertificate() == q.IsCertificate() && !p.IsCertificate() && bytes.Equal(rsaNumbers(p.Blob), rsaNumbers(q.Blob))
}

// String returns the key as one line without options: algorithm, base64 and comment.
func (p Public) String() string { return string(FormatLine(nil, p, string(p.Comment))) }

// ParseBlob parses the wire encoding of a public key strictly: known algorithm, exact lengths, a point on the named curve,
// a sane RSA modulus, nothing behind the key. The blob is not copied.
func ParseBlob(blob []byte) (Public, error) {
	r := wire{rest: blob}
	name := string(r.bytes())
	if r.err != nil {
		return Public{}, blobError("the key data is too short to name its type")
	}
	alg, ok := algorithms[name]
	if !ok {
		return Public{}, blobError("unknown key type " + quote(name))
	}
	bits := alg.parse(&r, name)
	if r.err != nil {
		return Public{}, r.err
	}
	if len(r.rest) != 0 {
		return Public{}, blobError("there is data behind the key")
	}
	return Public{Algorithm: name, Blob: blob, Bits: bits}, nil
}
