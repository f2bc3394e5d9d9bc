// Package block reads partition tables and superblocks of a foreign disk: what
// is on it, how it is called, which features it needs and whether it was left
// clean. Every byte is taken for hostile: all reads are bounded, no size found
// on the disk is believed before it is checked against the disk itself, and
// what does not fit is reported as a warning.
//
// The package reads through an io.ReaderAt and never writes. It opens nothing,
// mounts nothing, makes no system call, logs nothing, and imports nothing but
// the standard library.
package block

import "errors"

// Type names what a range of bytes holds, in the words of blkid's TYPE tag.
type Type string

// The types that Probe knows. SwSuspend is a swap area that holds the memory
// of a hibernated system; JBD is an external ext3/ext4 journal.
const (
	Ext2      Type = "ext2"
	Ext3      Type = "ext3"
	Ext4      Type = "ext4"
	JBD       Type = "jbd"
	XFS       Type = "xfs"
	Btrfs     Type = "btrfs"
	VFAT      Type = "vfat"
	Swap      Type = "swap"
	SwSuspend Type = "swsuspend"
	LVM2      Type = "LVM2_member"
	LUKS      Type = "crypto_LUKS"
	LinuxRAID Type = "linux_raid_member"
	NTFS      Type = "ntfs"
	BitLocker Type = "BitLocker"
	ReFS      Type = "ReFS"
	ISO9660   Type = "iso9660"
	SquashFS  Type = "squashfs"
)

// Container tells whether the type wraps other block devices, so that nothing
// found inside the raw bytes may be mounted.
func (t Type) Container() bool {
	switch t {
	case LVM2, LUKS, LinuxRAID, BitLocker:
		return true
	}
	return false
}

// A Superblock is what one filesystem, swap area or container says about
// itself. All strings come from the disk and are not safe to print unquoted.
type Superblock struct {
	Type    Type
	Version string // blkid's VERSION; for xfs "4" or "5"
	UUID    string // as blkid spells it; empty if there is none
	Label   string // raw bytes up to the first NUL, trailing blanks removed
	// Size is the length in bytes that the superblock claims, 0 if it claims
	// none. For a btrfs of several devices it is the sum over all of them.
	Size      int64
	BlockSize int64 // filesystem block in bytes, 0 if unknown

	// Features names every feature bit, in the spelling of mkfs or of the
	// kernel. An unknown bit is "compat:0x…", "ro_compat:0x…" or "incompat:0x…".
	Features []string
	// Incompat is the part of Features that a kernel must know to mount at
	// all. An xfs without checksums lists "v4" here: kernels built without
	// XFS_SUPPORT_V4 refuse it.
	Incompat []string
	// ROCompat is the part of Features that a kernel must know to write.
	ROCompat []string

	// Dirty: the journal or log has to be replayed, or the filesystem was not
	// cleanly unmounted or has recorded errors. It means something only when
	// DirtyKnown is set. Why says what made it so, or why it is not known.
	Dirty      bool
	DirtyKnown bool
	Why        string

	// Warnings are oddities that make a mount doubtful: checksum mismatch,
	// filesystem longer than its device, a stored errors=panic.
	Warnings []string

	Btrfs *BtrfsInfo
	MD    *MDInfo
	LVM   *LVMInfo
	LUKS  *LUKSInfo
	NTFS  *NTFSInfo
}

// ErrAmbiguous means that two things claim the same bytes, as after a mkfs
// that left an older signature in place. blkid -p refuses in the same way.
var ErrAmbiguous = errors.New("ambiguous content")

func (s *Superblock) warn(text string) { s.Warnings = append(s.Warnings, text) }

// markDirty records one reason for a replay; several are joined.
func (s *Superblock) markDirty(why string) {
	if s.Dirty && s.Why != "" {
		why = s.Why + ", " + why
	}
	s.Dirty, s.DirtyKnown, s.Why = true, true, why
}
