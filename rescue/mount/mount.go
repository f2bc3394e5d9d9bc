// Package mount opens the filesystems of a foreign disk without leaving a trace
// on the helper: byte ranges become loop devices that clear themselves, and
// filesystems are mounted detached (fsopen, fsmount), so that they never enter
// the mount table and go with the process, however it ends.
//
// The kernel is never asked to guess: the type comes from the caller and must
// be on a short list. NTFS alone is served by a program, ntfs-3g, in a mount
// namespace that nobody else sees, and by the kernel's ntfs3 where the helper does
// not have it. The package executes nothing besides (no mount, losetup or modprobe
// of its own), reads no partition table, triggers no scan for other devices, and
// imports nothing else of this module but offline/block, to know before a driver
// does what it would find.
package mount

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Types are the filesystems that Detached mounts.
var types = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "vfat"}

// Options say how a filesystem is mounted. Always set besides: nosuid, nodev,
// noexec, noatime; for xfs nouuid, since a copy has the UUID of its original;
// for ext errors=remount-ro, since errors=panic may stand in the superblock.
type Options struct {
	Type     string // ext2, ext3, ext4, xfs, btrfs or vfat
	ReadOnly bool
	// NoRecovery leaves the journal alone, so that a dirty filesystem opens on
	// a read-only device. What is seen may be stale. Only with ReadOnly.
	NoRecovery bool
	// Subvolume is the path of a btrfs subvolume inside the filesystem, and
	// SubvolumeID its number; the kernel wants them to agree. Without either it
	// takes the default subvolume.
	Subvolume   string
	SubvolumeID uint64
}

// param is one key of fsconfig(2); an empty value makes it a flag.
type param struct{ key, value string }

// windowsNames has ntfs3 make no file whose name Windows does not allow.
var windowsNames = param{key: "windows_names"}

func (p param) String() string {
	if p.value == "" {
		return p.key
	}
	return p.key + "=" + p.value
}

func (o Options) check() error {
	switch {
	case !slices.Contains(types, o.Type):
		return fmt.Errorf("type %q is not one of %s", o.Type, strings.Join(types, ", "))
	case o.NoRecovery && !o.ReadOnly:
		return errors.New("the journal can be left alone only on a read-only mount")
	case o.Type != "btrfs" && (o.Subvolume != "" || o.SubvolumeID != 0):
		return fmt.Errorf("%s has no subvolumes", o.Type)
	}
	return nil
}

func (o Options) params(device string) []param {
	ps := []param{{"source", device}}
	if o.ReadOnly {
		ps = append(ps, param{key: "ro"})
	}
	switch o.Type {
	case "ext2", "ext3", "ext4":
		ps = append(ps, param{"errors", "remount-ro"})
	case "xfs":
		ps = append(ps, param{key: "nouuid"})
	case "btrfs":
		ps = append(ps, o.subvolume()...)
	case ntfs3: // names as they are spelled, no compression, no discard, no force: all by default
		ps = append(ps, param{"iocharset", "utf8"}, windowsNames)
	}
	if o.NoRecovery {
		ps = append(ps, noRecovery(o.Type)...)
	}
	return ps
}

func (o Options) subvolume() (ps []param) {
	if o.Subvolume != "" {
		ps = append(ps, param{"subvol", o.Subvolume})
	}
	if o.SubvolumeID != 0 {
		ps = append(ps, param{"subvolid", fmt.Sprint(o.SubvolumeID)})
	}
	return ps
}

// noRecovery is how a driver is told not to replay (ext4(5), xfs(5), btrfs(5)).
// ext2 and vfat have nothing to replay, and the ext4 driver refuses noload for
// the former.
func noRecovery(fstype string) []param {
	switch fstype {
	case "ext3", "ext4":
		return []param{{key: "noload"}}
	case "xfs":
		return []param{{key: "norecovery"}}
	case "btrfs":
		return []param{{"rescue", "nologreplay"}}
	}
	return nil
}
