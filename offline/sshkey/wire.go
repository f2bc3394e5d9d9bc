package sshkey

import (
	"crypto/ecdh"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
)

const (
	certSuffix = "-cert-v01@openssh.com"

	// Limits of sshd: sshkey.h SSH_RSA_MINIMUM_MODULUS_SIZE and sshbuf.h SSHBUF_MAX_BIGNUM.
	minRSABits   = 1024
	maxNumberLen = 16384 / 8

	// maxText bounds the base64 field that is decoded. The largest real key (RSA-16384 inside a certificate with many
	// principals) stays far below.
	maxText = 1 << 20
)

// blobError is the reason why key data is not a key; it is worded to follow "cannot use key: ".
type blobError string

func (e blobError) Error() string { return string(e) }

func quote(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return fmt.Sprintf("%q", s)
}

// wire reads the length-prefixed fields of a key blob; the first error stays.
type wire struct {
	rest []byte
	err  error
}

func (w *wire) fail(text string) {
	if w.err == nil {
		w.err = blobError(text)
	}
	w.rest = nil
}

func (w *wire) take(n int) []byte {
	if w.err != nil || n < 0 || n > len(w.rest) {
		w.fail("the key data ends early")
		return nil
	}
	b := w.rest[:n:n]
	w.rest = w.rest[n:]
	return b
}

func (w *wire) uint32() uint32 {
	b := w.take(4)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func (w *wire) bytes() []byte {
	n := w.uint32()
	if w.err == nil && uint64(n) > uint64(len(w.rest)) {
		w.fail("the key data ends early")
		return nil
	}
	return w.take(int(n))
}

// number reads an unsigned big integer without its leading zeros (sshbuf-getput-basic.c: negative is refused, too long is
// refused, leading zeros are trimmed).
func (w *wire) number() []byte {
	b := w.bytes()
	if len(b) > 0 && b[0]&0x80 != 0 {
		w.fail("a number in the key is negative")
		return nil
	}
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) > maxNumberLen {
		w.fail("a number in the key is too long")
		return nil
	}
	return b
}

func bitLen(b []byte) int { return new(big.Int).SetBytes(b).BitLen() }

// algorithm is one row of sshd's key type table.
type algorithm struct {
	parse func(w *wire, name string) (bits int) // reads everything behind the type name
	plain bool                                  // usable for a login as a plain key
}

// algorithms lists the key types that OpenSSH writes, by the name inside the blob. DSA is known here in order to be named;
// OpenSSH 10.0 no longer reads it.
var algorithms = map[string]algorithm{
	"ssh-ed25519":                                 {parseEd25519, true},
	"ssh-rsa":                                     {parseRSA, true},
	"ecdsa-sha2-nistp256":                         {parseECDSA, true},
	"ecdsa-sha2-nistp384":                         {parseECDSA, true},
	"ecdsa-sha2-nistp521":                         {parseECDSA, true},
	"sk-ssh-ed25519@openssh.com":                  {parseSKEd25519, true},
	"sk-ecdsa-sha2-nistp256@openssh.com":          {parseSKECDSA, true},
	"ssh-dss":                                     {parseDSA, true},
	"ssh-ed25519-cert-v01@openssh.com":            {certificate(parseEd25519), false},
	"ssh-rsa-cert-v01@openssh.com":                {certificate(parseRSA), false},
	"ssh-dss-cert-v01@openssh.com":                {certificate(parseDSA), false},
	"ecdsa-sha2-nistp256-cert-v01@openssh.com":    {certificate(parseECDSA), false},
	"ecdsa-sha2-nistp384-cert-v01@openssh.com":    {certificate(parseECDSA), false},
	"ecdsa-sha2-nistp521-cert-v01@openssh.com":    {certificate(parseECDSA), false},
	"sk-ssh-ed25519-cert-v01@openssh.com":         {certificate(parseSKEd25519), false},
	"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com": {certificate(parseSKECDSA), false},
}

// family returns the type that sshd compares with the blob's own for an outer name. The signature names of RSA are rows of
// its table too, so a line that begins with rsa-sha2-256 and holds an ssh-rsa blob is read (sshkey.c peek_type_nid).
func family(name string) string {
	switch name {
	case "rsa-sha2-256", "rsa-sha2-512":
		return "ssh-rsa"
	}
	return name
}

func parseEd25519(w *wire, _ string) int {
	if pk := w.bytes(); w.err == nil && len(pk) != 32 {
		w.fail(fmt.Sprintf("an Ed25519 key has 32 bytes, this one has %d", len(pk)))
	}
	return 256
}

func parseSKEd25519(w *wire, name string) int {
	bits := parseEd25519(w, name)
	w.bytes() // application
	return bits
}

func parseRSA(w *wire, _ string) int {
	e, n := w.number(), w.number()
	if w.err != nil {
		return 0
	}
	bits := bitLen(n)
	switch {
	case bits < minRSABits:
		w.fail(fmt.Sprintf("the RSA modulus has %d bits, sshd wants at least %d", bits, minRSABits))
	case n[len(n)-1]&1 == 0:
		w.fail("the RSA modulus is even")
	case len(e) == 0 || e[len(e)-1]&1 == 0 || len(e) == 1 && e[0] == 1:
		w.fail("the RSA exponent is not an odd number above 1")
	}
	return bits
}

func parseDSA(w *wire, _ string) int {
	p := w.number()
	w.number()
	w.number()
	w.number()
	return bitLen(p)
}

func curve(name string) (ecdh.Curve, string, int) {
	switch {
	case strings.Contains(name, "nistp256"):
		return ecdh.P256(), "nistp256", 256
	case strings.Contains(name, "nistp384"):
		return ecdh.P384(), "nistp384", 384
	default:
		return ecdh.P521(), "nistp521", 521
	}
}

func parseECDSA(w *wire, name string) int {
	c, want, bits := curve(name)
	got, point := string(w.bytes()), w.bytes()
	switch {
	case w.err != nil:
	case got != want:
		w.fail("the curve is " + quote(got) + ", the type says " + want)
	case len(point) == 0 || point[0] != 4:
		w.fail("the ECDSA point is not in uncompressed form") // sshbuf-getput-crypto.c get_ec
	default:
		if _, err := c.NewPublicKey(point); err != nil {
			w.fail("the ECDSA point is not on curve " + want)
		}
	}
	return bits
}

func parseSKECDSA(w *wire, name string) int {
	bits := parseECDSA(w, name)
	w.bytes() // application
	return bits
}

// certificate wraps a plain key's parser into that of its certificate form (PROTOCOL.certkeys): nonce, key, serial, type,
// key id, principals, two times, critical options, extensions, reserved, signing key, signature.
func certificate(key func(*wire, string) int) func(*wire, string) int {
	return func(w *wire, name string) int {
		w.bytes()
		bits := key(w, name)
		w.take(8)
		w.take(4)
		w.bytes()
		w.bytes()
		w.take(16)
		for range 5 {
			w.bytes()
		}
		return bits
	}
}

// rsaNumbers returns exponent and modulus in a canonical form for comparison.
func rsaNumbers(blob []byte) []byte {
	r := wire{rest: blob}
	r.bytes()
	e, n := r.number(), r.number()
	out := binary.BigEndian.AppendUint32(nil, uint32(len(e)))
	return append(append(out, e...), n...)
}
