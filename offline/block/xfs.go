package block

import "hash/crc32"

const (
	xfsMagic           = "XFSB"
	xfsChecksumVersion = 5
	xfsMinSector       = 512
	xfsMaxSector       = 32768
	xfsMaxBlock        = 65536
	xfsChecksumOffset  = 224
	xfsMoreBits        = 0x8000
)

func probeXFS(s *source) *Superblock {
	b := s.bytes(0, xfsMinSector)
	if b == nil || string(b[:4]) != xfsMagic || !xfsSane(b) {
		return nil
	}
	sb := &Superblock{
		Type:      XFS,
		Version:   "4",
		UUID:      uuidString(b[32:48]),
		Label:     cstring(b[108:120]),
		BlockSize: int64(be32(b, 4)),
		Size:      product(be64(b, 8), uint64(be32(b, 4))),
	}
	if be16(b, 100)&0xf == xfsChecksumVersion {
		xfsVersion5(s, sb, b)
	} else {
		xfsVersion4(sb, b)
	}
	if b[126] != 0 {
		sb.warn("mkfs or growfs was interrupted")
	}
	xfsDirty(s, sb, b)
	return sb
}

// xfsSane checks what every later computation relies on.
func xfsSane(b []byte) bool {
	block, sector := uint64(be32(b, 4)), uint64(be16(b, 102))
	version := be16(b, 100) & 0xf
	switch {
	case !powerOfTwo(block) || block < 512 || block > xfsMaxBlock:
		return false
	case !powerOfTwo(sector) || sector < xfsMinSector || sector > xfsMaxSector:
		return false
	case 1<<(b[120]&63) != block || 1<<(b[121]&63) != sector:
		return false
	case be32(b, 84) == 0 || be32(b, 88) == 0 || b[124] > 31:
		return false
	}
	return version >= 1 && version <= xfsChecksumVersion
}

func xfsVersion5(s *source, sb *Superblock, b []byte) {
	sb.Version = "5"
	sb.ROCompat = bitNames(uint64(be32(b, 212)), "ro_compat", xfsROCompatBits)
	sb.Incompat = bitNames(uint64(be32(b, 216)), "incompat", xfsIncompatBits)
	sb.Incompat = append(sb.Incompat, bitNames(uint64(be32(b, 220)), "log_incompat", xfsLogBits)...)
	sb.Features = append([]string{"crc"}, bitNames(uint64(be32(b, 208)), "compat", nil)...)
	sb.Features = append(append(sb.Features, sb.Incompat...), sb.ROCompat...)
	sector := s.bytes(0, int64(be16(b, 102)))
	if sector == nil || !xfsChecksumGood(sector) {
		sb.warn("superblock checksum does not match")
	}
}

func xfsVersion4(sb *Superblock, b []byte) {
	word := uint64(be16(b, 100)) &^ 0xf
	sb.Incompat = append([]string{"v4"}, bitNames(word&^xfsMoreBits, "version", xfsVersionBits)...)
	if word&xfsMoreBits != 0 {
		sb.Incompat = append(sb.Incompat, bitNames(uint64(be32(b, 200)), "features2", xfsMoreFeatureBits)...)
	}
	sb.Features = append(sb.Features, sb.Incompat...)
}

// xfsChecksumGood verifies the crc32c over the sector with its own field zero.
// The field is little-endian, unlike all others.
func xfsChecksumGood(sector []byte) bool {
	sum := crc32.Update(0, castagnoli, sector[:xfsChecksumOffset])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	sum = crc32.Update(sum, castagnoli, sector[xfsChecksumOffset+4:])
	return sum == le32(sector, xfsChecksumOffset)
}

// Names as mkfs.xfs and xfs_db's "version" command spell them.

var xfsROCompatBits = []bit{
	{0x1, "finobt"},
	{0x2, "rmapbt"},
	{0x4, "reflink"},
	{0x8, "inobtcount"},
}

var xfsIncompatBits = []bit{
	{0x1, "ftype"},
	{0x2, "sparse"},
	{0x4, "meta_uuid"},
	{0x8, "bigtime"},
	{0x10, "needsrepair"},
	{0x20, "nrext64"},
	{0x40, "exchange"},
	{0x80, "parent"},
	{0x100, "metadir"},
	{0x200, "zoned"},
	{0x400, "zone_gaps"},
}

var xfsLogBits = []bit{{0x1, "logged_xattrs"}}

var xfsVersionBits = []bit{
	{0x10, "attr"},
	{0x20, "nlink"},
	{0x40, "quota"},
	{0x80, "align"},
	{0x100, "dalign"},
	{0x200, "shared"},
	{0x400, "logv2"},
	{0x800, "sector"},
	{0x1000, "extflg"},
	{0x2000, "dirv2"},
	{0x4000, "ascii-ci"},
}

var xfsMoreFeatureBits = []bit{
	{0x2, "lazy-count"},
	{0x8, "attr2"},
	{0x10, "parent"},
	{0x80, "projid32bit"},
	{0x100, "crc"},
	{0x200, "ftype"},
}
