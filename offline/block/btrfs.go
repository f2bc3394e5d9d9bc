package block

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
)

// BtrfsInfo is what one device of a btrfs says about the whole.
type BtrfsInfo struct {
	NumDevices uint64 // devices the filesystem needs
	DeviceID   uint64 // number of this device in it
	DeviceUUID string // blkid's UUID_SUB
	DeviceSize int64  // bytes of this device that the filesystem uses
	Checksum   string // crc32c, xxhash64, sha256, blake2b, or the number as "csum:N"
	Generation uint64
}

const (
	btrfsMagic  = "_BHRfS_M"
	btrfsSize   = 4096
	btrfsOffset = 64 << 10
	btrfsMirror = 64 << 20
	// incompat bit: the metadata carries another UUID than users see
	btrfsMetadataUUID = 1 << 10
)

func probeBtrfs(s *source) *Superblock {
	b := s.bytes(btrfsOffset, btrfsSize)
	if b == nil || !btrfsSane(b, btrfsOffset) {
		return nil
	}
	var warnings []string
	if !btrfsChecksumGood(b) {
		warnings = []string{"superblock checksum does not match"}
		m := s.bytes(btrfsMirror, btrfsSize)
		if m != nil && btrfsSane(m, btrfsMirror) && btrfsChecksumGood(m) && bytes.Equal(m[32:48], b[32:48]) {
			b, warnings = m, append(warnings, "read from the copy at 64 MiB instead")
		}
	}
	return btrfsSuperblock(b, warnings)
}

func btrfsSane(b []byte, at uint64) bool {
	sector := uint64(le32(b, 144))
	return string(b[64:72]) == btrfsMagic && le64(b, 48) == at &&
		powerOfTwo(sector) && sector >= 512 && sector <= 64<<10
}

func btrfsSuperblock(b []byte, warnings []string) *Superblock {
	sb := &Superblock{
		Type:       Btrfs,
		UUID:       uuidString(b[32:48]),
		Label:      cstring(b[299:555]),
		Size:       product(le64(b, 112), 1),
		BlockSize:  int64(le32(b, 144)),
		DirtyKnown: true,
		Warnings:   warnings,
		Btrfs: &BtrfsInfo{
			NumDevices: le64(b, 136),
			DeviceID:   le64(b, 201),
			DeviceUUID: uuidString(b[267:283]),
			DeviceSize: product(le64(b, 209), 1),
			Checksum:   btrfsChecksumName(le16(b, 196)),
			Generation: le64(b, 72),
		},
	}
	sb.ROCompat = bitNames(le64(b, 180), "ro_compat", btrfsROCompatBits)
	sb.Incompat = bitNames(le64(b, 188), "incompat", btrfsIncompatBits)
	sb.Features = append(bitNames(le64(b, 172), "compat", nil), sb.Incompat...)
	sb.Features = append(sb.Features, sb.ROCompat...)
	if le64(b, 96) != 0 {
		sb.markDirty("the log tree needs replay")
	}
	return sb
}

// btrfsChecksumGood verifies the two sums that the standard library can
// compute; the others count as good.
func btrfsChecksumGood(b []byte) bool {
	switch le16(b, 196) {
	case 0:
		return crc32.Checksum(b[32:], castagnoli) == le32(b, 0)
	case 2:
		sum := sha256.Sum256(b[32:])
		return bytes.Equal(sum[:], b[:32])
	}
	return true
}

func btrfsChecksumName(n uint16) string {
	names := []string{"crc32c", "xxhash64", "sha256", "blake2b"}
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("csum:%d", n)
}

// Names as in /sys/fs/btrfs/features.

var btrfsROCompatBits = []bit{
	{0x1, "free_space_tree"},
	{0x2, "free_space_tree_valid"},
	{0x4, "verity"},
	{0x8, "block_group_tree"},
}

var btrfsIncompatBits = []bit{
	{0x1, "mixed_backref"},
	{0x2, "default_subvol"},
	{0x4, "mixed_groups"},
	{0x8, "compress_lzo"},
	{0x10, "compress_zstd"},
	{0x20, "big_metadata"},
	{0x40, "extended_iref"},
	{0x80, "raid56"},
	{0x100, "skinny_metadata"},
	{0x200, "no_holes"},
	{btrfsMetadataUUID, "metadata_uuid"},
	{0x800, "raid1c34"},
	{0x1000, "zoned"},
	{0x2000, "extent_tree_v2"},
	{0x4000, "raid_stripe_tree"},
	{0x10000, "simple_quota"},
}
