package block

import (
	"fmt"
	"strings"
)

// fat is the geometry of a FAT volume after its boot sector was checked.
type fat struct {
	sector, cluster   int64 // bytes
	reserved, fats    int64 // bytes, bytes of all tables together
	rootSize          int64 // bytes of the fixed root directory; 0 on FAT32
	clusters, sectors int64
	wide              bool // FAT32
	rootCluster       uint32
}

const (
	fat12Clusters   = 0xff5
	fat16Clusters   = 0xfff5
	fat32Clusters   = 0x0ffffff7
	fatMaxChain     = 64 // clusters of a FAT32 root directory that are read
	fatNoName       = "NO NAME"
	fatEntrySize    = 32
	fatAttrLongName = 0x0f
	fatAttrVolume   = 0x08
	fatAttrDir      = 0x10
	fatDeleted      = 0xe5
)

func probeFAT(s *source) *Superblock {
	b := s.bytes(0, 512)
	f, ok := readFAT(b)
	if !ok {
		return nil
	}
	serial, label, state := b[39:43], b[43:54], b[37]
	if f.wide {
		serial, label, state = b[67:71], b[71:82], b[65]
	}
	sb := &Superblock{
		Type:      VFAT,
		Version:   f.version(),
		Size:      product(uint64(f.sectors), uint64(f.sector)),
		BlockSize: f.cluster,
	}
	if !allZero(serial) {
		sb.UUID = fmt.Sprintf("%02X%02X-%02X%02X", serial[3], serial[2], serial[1], serial[0])
	}
	sb.Label = fatLabel(f.rootLabel(s), label)
	f.dirty(s, sb, state)
	return sb
}

// fatLabel prefers the entry in the root directory to the boot sector.
func fatLabel(root string, boot []byte) string {
	if root != "" && root != fatNoName {
		return root
	}
	if label := cstring(boot); label != fatNoName {
		return label
	}
	return ""
}

// readFAT checks a boot sector as strictly as a format without a real magic
// needs; the MBR reader uses it too, to tell a FAT from a table.
func readFAT(b []byte) (fat, bool) {
	if b == nil || !fatSigned(b) {
		return fat{}, false
	}
	sector, perCluster := int64(le16(b, 11)), int64(b[13])
	reserved, tables := int64(le16(b, 14)), int64(b[16])
	switch {
	case !powerOfTwo(uint64(sector)) || sector < 512 || sector > 4096:
		return fat{}, false
	case !powerOfTwo(uint64(perCluster)) || reserved == 0 || tables == 0:
		return fat{}, false
	case b[21] != 0xf0 && b[21] < 0xf8:
		return fat{}, false
	}
	f := fat{sector: sector, cluster: sector * perCluster, reserved: reserved * sector}
	length := int64(le16(b, 22))
	if length == 0 {
		length, f.wide, f.rootCluster = int64(le32(b, 36)), true, le32(b, 44)
	}
	f.sectors = int64(le16(b, 19))
	if f.sectors == 0 {
		f.sectors = int64(le32(b, 32))
	}
	f.fats = tables * length * sector
	f.rootSize = (int64(le16(b, 17))*fatEntrySize + sector - 1) / sector * sector
	data := f.sectors*sector - f.reserved - f.fats - f.rootSize
	f.clusters = data / f.cluster
	return f, length > 0 && data > 0 && f.clusters < f.limit()
}

// fatSigned wants the boot signature or a type string, and none of the other
// filesystems that begin like a FAT.
func fatSigned(b []byte) bool {
	switch string(b[3:11]) {
	case "NTFS    ", bitlockerSignature, "EXFAT   ":
		return false
	}
	narrow, wide := string(b[54:62]), string(b[82:90])
	switch {
	case strings.HasPrefix(narrow, "JFS ") || strings.HasPrefix(narrow, "HPFS "):
		return false
	case wide == "FAT32   " || strings.HasPrefix(wide, "MSWIN"):
		return true
	case narrow == "FAT12   " || narrow == "FAT16   " || narrow == "FAT     ", strings.HasPrefix(narrow, "MSDOS"):
		return true
	}
	jump := b[0] == 0xeb || b[0] == 0xe9
	return jump && b[510] == 0x55 && b[511] == 0xaa
}

func (f fat) limit() int64 {
	if f.wide {
		return fat32Clusters
	}
	return fat16Clusters
}

func (f fat) version() string {
	switch {
	case f.wide:
		return "FAT32"
	case f.clusters < fat12Clusters:
		return "FAT12"
	}
	return "FAT16"
}

// rootLabel is the volume entry of the root directory.
func (f fat) rootLabel(s *source) string {
	data := f.reserved + f.fats
	if !f.wide {
		label, _ := volumeEntry(s.bytes(data, f.rootSize))
		return label
	}
	next := f.rootCluster
	for range fatMaxChain {
		if next < 2 || int64(next) >= f.clusters+2 {
			break
		}
		label, end := volumeEntry(s.bytes(data+int64(next-2)*f.cluster, f.cluster))
		if end {
			return label
		}
		b := s.bytes(f.reserved+int64(next)*4, 4)
		if b == nil {
			break
		}
		next = le32(b, 0) & 0x0fffffff
	}
	return ""
}

// volumeEntry finds the volume label; end means that looking on is useless.
func volumeEntry(dir []byte) (label string, end bool) {
	for ; len(dir) >= fatEntrySize; dir = dir[fatEntrySize:] {
		attr := dir[11] & 0x3f
		switch {
		case dir[0] == 0:
			return "", true
		case dir[0] == fatDeleted || attr == fatAttrLongName || le16(dir, 20) != 0 || le16(dir, 26) != 0:
		case attr&(fatAttrVolume|fatAttrDir) == fatAttrVolume:
			return cstring(dir[:11]), true
		}
	}
	return "", false
}

// dirty reads the flag that Linux keeps in the boot sector and the one that
// Windows keeps in the second table entry. FAT12 has only the first.
func (f fat) dirty(s *source, sb *Superblock, state byte) {
	sb.DirtyKnown = true
	if state&1 != 0 {
		sb.markDirty("the boot sector says not cleanly unmounted")
	}
	entry := s.bytes(f.reserved, 8)
	if entry == nil || sb.Version == "FAT12" {
		return
	}
	clean := le16(entry, 2)&0x8000 != 0
	if f.wide {
		clean = le32(entry, 4)&0x08000000 != 0
	}
	if !clean {
		sb.markDirty("the table says not cleanly unmounted")
	}
}
