package block

import (
	"fmt"
	"strings"
)

const (
	isoSector      = 2048
	isoFirst       = 16 // sector of the first volume descriptor
	isoDescriptors = 32 // how many are read
	isoMagic       = "CD001"
	isoPrimary     = 1
	isoSupplement  = 2
	isoTerminator  = 255
)

func probeISO9660(s *source) *Superblock {
	var sb *Superblock
	for i := range int64(isoDescriptors) {
		b := s.bytes((isoFirst+i)*isoSector, isoSector)
		if b == nil || string(b[1:6]) != isoMagic || b[0] == isoTerminator {
			break
		}
		switch {
		case b[0] == isoPrimary && sb == nil:
			sb = isoVolume(b)
		case b[0] == isoSupplement && sb != nil && isJoliet(b):
			sb.Version = "Joliet Extension"
			isoJolietLabel(sb, b)
		}
	}
	return sb
}

func isoVolume(b []byte) *Superblock {
	block := uint64(le16(b, 128))
	return &Superblock{
		Type: ISO9660, Label: cstring(b[40:72]), UUID: isoUUID(b),
		Size: product(uint64(le32(b, 80)), block), BlockSize: int64(block),
		DirtyKnown: true,
	}
}

// isoUUID is made of the date of the last change, else of creation.
func isoUUID(b []byte) string {
	for _, d := range [][]byte{b[830:847], b[813:830]} {
		if strings.Trim(string(d[:16]), "0") == "" && d[16] == 0 || allZero(d) {
			continue
		}
		if strings.Trim(string(d[:16]), "0123456789") != "" {
			continue
		}
		return fmt.Sprintf("%s-%s-%s-%s-%s-%s-%s", d[:4], d[4:6], d[6:8], d[8:10], d[10:12], d[12:14], d[14:16])
	}
	return ""
}

// isJoliet knows the three escape sequences of the Joliet levels.
func isJoliet(b []byte) bool {
	switch string(b[88:91]) {
	case "%/@", "%/C", "%/E":
		return true
	}
	return false
}

// isoJolietLabel takes Joliet's label, which keeps case and letters that the
// primary one loses, unless its 16 characters only cut the primary one short.
func isoJolietLabel(sb *Superblock, b []byte) {
	label := utf16Text(b[40:72], be16)
	if label != "" && !strings.HasPrefix(sb.Label, label) {
		sb.Label = label
	}
}
