package sshd

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/seed-77750964/regain/offline/sshkey"
)

// A key revocation list is OpenSSH's binary format (PROTOCOL.krl): a header and
// sections, each a type byte and a string.
const (
	krlMagic = "SSHKRL\n\x00"

	krlCertificates    = 1 // about certificates, which are not judged here
	krlExplicitKeys    = 2
	krlSHA1            = 3
	krlSignature       = 4
	krlSHA256          = 5
	krlFixed           = 4 + 8 + 8 + 8 // format, version, date, flags
	krlFormat          = 1
	krlCriticalMissing = "the key revocation list has a section that is not known here"
)

var errKRL = errors.New("the key revocation list is damaged")

func isKRL(data []byte) bool { return bytes.HasPrefix(data, []byte(krlMagic)) }

// inKRL tells whether the list revokes the plain key. An unknown section or a
// damaged list is an error: what sshd does then depends on its release.
func inKRL(data []byte, key sshkey.Public) (bool, error) {
	rest := data[len(krlMagic):]
	if len(rest) < krlFixed || binary.BigEndian.Uint32(rest) != krlFormat {
		return false, errKRL
	}
	rest = rest[krlFixed:]
	for range 2 { // reserved, comment
		var ok bool
		if _, rest, ok = krlString(rest); !ok {
			return false, errKRL
		}
	}
	for len(rest) > 0 {
		kind := rest[0]
		section, after, ok := krlString(rest[1:])
		if !ok {
			return false, errKRL
		}
		rest = after
		if kind == krlSignature { // the signature covers what stands before it
			return false, errors.New("the key revocation list is signed, which only old releases check")
		}
		listed, err := inSection(kind, section, key)
		if listed || err != nil {
			return listed, err
		}
	}
	return false, nil
}

func inSection(kind byte, section []byte, key sshkey.Public) (bool, error) {
	var wanted []byte
	switch kind {
	case krlCertificates:
		return false, nil
	case krlExplicitKeys:
		wanted = key.Blob
	case krlSHA1:
		sum := sha1.Sum(key.Blob)
		wanted = sum[:]
	case krlSHA256:
		sum := sha256.Sum256(key.Blob)
		wanted = sum[:]
	default:
		return false, errors.New(krlCriticalMissing)
	}
	for len(section) > 0 {
		item, rest, ok := krlString(section)
		if !ok {
			return false, errKRL
		}
		if bytes.Equal(item, wanted) {
			return true, nil
		}
		section = rest
	}
	return false, nil
}

// krlString cuts a string with its length in front.
func krlString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}
