package block

import (
	"fmt"
	"hash/crc32"
)

// Feature bits that decide what an ext filesystem is or how it was left.
const (
	extCompatJournal     = 0x4
	extCompatOrphanFile  = 0x1000
	extIncompatRecover   = 0x4
	extIncompatJournal   = 0x8
	extROCompatMetaCsum  = 0x400
	extROCompatOrphans   = 0x10000
	extIncompat64bit     = 0x80
	ext2IncompatKnown    = 0x2 | 0x10
	ext3IncompatKnown    = ext2IncompatKnown | extIncompatRecover
	ext3ROCompatKnown    = 0x1 | 0x2 | 0x4
	extStateClean        = 0x1
	extStateErrors       = 0x2
	extStateOrphans      = 0x4
	extErrorsPanic       = 3
	extMaxLogBlockSize   = 6 // 64 KiB, the kernel's EXT4_MAX_BLOCK_LOG_SIZE
	extSuperblockOffset  = 1024
	extSuperblockSize    = 1024
	extChecksumOffset    = 0x3fc
	extDynamicRevision   = 1
	extMagic             = 0xef53
	extSmallestBlockSize = 1024
)

// extWords are the three feature words, zero for the revision without them.
type extWords struct{ compat, incompat, roCompat uint64 }

func probeExt(s *source) *Superblock {
	b := s.bytes(extSuperblockOffset, extSuperblockSize)
	if b == nil || le16(b, 56) != extMagic || le32(b, 24) > extMaxLogBlockSize {
		return nil
	}
	var w extWords
	if le32(b, 76) >= extDynamicRevision {
		w = extWords{uint64(le32(b, 92)), uint64(le32(b, 96)), uint64(le32(b, 100))}
	}
	sb := &Superblock{
		Type:      w.typ(),
		Version:   fmt.Sprintf("%d.%d", le32(b, 76), le16(b, 62)),
		UUID:      uuidString(b[104:120]),
		Label:     cstring(b[120:136]),
		BlockSize: extSmallestBlockSize << le32(b, 24),
	}
	if w.roCompat&extROCompatMetaCsum != 0 && !extChecksumGood(b) {
		sb.warn("superblock checksum does not match")
	}
	w.describe(sb)
	sb.Size = extSize(b, w, sb.BlockSize)
	extDirty(sb, b, w)
	if le16(b, 60) == extErrorsPanic {
		sb.warn("the superblock asks for errors=panic")
	}
	return sb
}

// typ tells the three apart as blkid does: by what an ext2 or ext3 driver
// would not understand.
func (w extWords) typ() Type {
	beyond3 := w.incompat&^ext3IncompatKnown != 0 || w.roCompat&^ext3ROCompatKnown != 0
	switch {
	case w.incompat&extIncompatJournal != 0:
		return JBD
	case beyond3:
		return Ext4
	case w.compat&extCompatJournal != 0:
		return Ext3
	case w.incompat&^ext2IncompatKnown != 0:
		return Ext4
	}
	return Ext2
}

func (w extWords) describe(sb *Superblock) {
	sb.Incompat = bitNames(w.incompat, "incompat", extIncompatBits)
	sb.ROCompat = bitNames(w.roCompat, "ro_compat", extROCompatBits)
	sb.Features = append(bitNames(w.compat, "compat", extCompatBits), sb.Incompat...)
	sb.Features = append(sb.Features, sb.ROCompat...)
}

func extSize(b []byte, w extWords, blockSize int64) int64 {
	blocks := uint64(le32(b, 4))
	if w.incompat&extIncompat64bit != 0 {
		blocks |= uint64(le32(b, 336)) << 32
	}
	return product(blocks, uint64(blockSize))
}

// extDirty reads the three places where an unclean end shows: the journal's
// recovery flag, the state word and the orphan lists.
func extDirty(sb *Superblock, b []byte, w extWords) {
	sb.DirtyKnown = true
	if sb.Type == JBD {
		sb.DirtyKnown, sb.Why = false, "an external journal: its filesystem knows"
		return
	}
	state := le16(b, 58)
	if w.incompat&extIncompatRecover != 0 {
		sb.markDirty("the journal needs recovery")
	}
	if state&extStateClean == 0 {
		sb.markDirty("not cleanly unmounted")
	}
	if state&extStateErrors != 0 {
		sb.markDirty("errors were recorded")
	}
	if state&extStateOrphans != 0 || le32(b, 232) != 0 {
		sb.markDirty("orphan inodes are waiting")
	}
	if w.compat&extCompatOrphanFile != 0 && w.roCompat&extROCompatOrphans != 0 {
		sb.markDirty("the orphan file is in use")
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// extChecksumGood verifies crc32c over all but the last word, without the
// final inversion that the usual crc32c has.
func extChecksumGood(b []byte) bool {
	return ^crc32.Checksum(b[:extChecksumOffset], castagnoli) == le32(b, extChecksumOffset)
}
