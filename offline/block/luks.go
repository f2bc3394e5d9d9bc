package block

import (
	"bytes"
	"crypto/sha256"
	"strconv"
)

// LUKSInfo names the encryption, as far as the header says without a key.
type LUKSInfo struct {
	Cipher    string // LUKS1: for instance "aes-xts-plain64"; LUKS2 keeps it in JSON: empty
	Subsystem string // LUKS2 only
	Secondary bool   // the primary header was unusable, the copy was read
}

const (
	luksMagic       = "LUKS\xba\xbe"
	luksSecondMagic = "SKUL\xba\xbe"
	luks2Smallest   = 0x4000
	luks2Largest    = 0x400000
)

func probeLUKS(s *source) *Superblock {
	b := s.bytes(0, 512)
	if b != nil && string(b[:6]) == luksMagic {
		switch be16(b, 6) {
		case 1:
			return luks1(b)
		case 2:
			return luks2(s, 0)
		}
	}
	// The copy stands behind the primary, whose size is one of ten.
	for off := int64(luks2Smallest); off <= luks2Largest; off *= 2 {
		if b := s.bytes(off, 512); b != nil && string(b[:6]) == luksSecondMagic &&
			be16(b, 6) == 2 && be64(b, 256) == uint64(off) {
			sb := luks2(s, off)
			sb.LUKS.Secondary = true
			sb.warn("the primary header is damaged, the copy was read")
			return sb
		}
	}
	return nil
}

func luks1(b []byte) *Superblock {
	return &Superblock{
		Type: LUKS, Version: "1", UUID: cstring(b[168:208]), BlockSize: 512,
		LUKS: &LUKSInfo{Cipher: cstring(b[8:40]) + "-" + cstring(b[40:72])},
	}
}

func luks2(s *source, off int64) *Superblock {
	b := s.bytes(off, 512)
	sb := &Superblock{
		Type: LUKS, Version: strconv.Itoa(int(be16(b, 6))),
		UUID: cstring(b[168:208]), Label: cstring(b[24:72]),
		LUKS: &LUKSInfo{Subsystem: cstring(b[208:256])},
	}
	if cstring(b[72:104]) == "sha256" && !luks2ChecksumGood(s, off, be64(b, 8)) {
		sb.warn("header checksum does not match")
	}
	return sb
}

// luks2ChecksumGood sums the binary header with its own field zero, and the
// JSON area behind it.
func luks2ChecksumGood(s *source, off int64, size uint64) bool {
	if size < luks2Smallest || size > luks2Largest {
		return false
	}
	b := s.bytes(off, int64(size))
	if b == nil {
		return false
	}
	want := bytes.Clone(b[448 : 448+sha256.Size])
	clear(b[448:512])
	sum := sha256.Sum256(b)
	return bytes.Equal(sum[:], want)
}
