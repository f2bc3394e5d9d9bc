package testdisk

import (
	"fmt"
	"slices"
	"strings"
)

// A Layout names how a disk is divided and formatted.
type Layout string

// The layouts, after what the clouds' images and their users have.
const (
	GPTExt4  Layout = "gpt-ext4"  // as Debian's images: root, BIOS boot, EFI system partition
	GPTXFS   Layout = "gpt-xfs"   // root on XFS
	GPTBtrfs Layout = "gpt-btrfs" // root in subvolume @, /home in @home; the default subvolume is the top
	GPTHome  Layout = "gpt-home"  // ext4 root, /home on a second ext4 partition
	MBRExt4  Layout = "mbr-ext4"  // MBR with an ext4 root
	BareExt4 Layout = "bare-ext4" // no partition table: ext4 from byte 0
)

// Layouts lists them all.
func Layouts() []Layout {
	return []Layout{GPTExt4, GPTXFS, GPTBtrfs, GPTHome, MBRExt4, BareExt4}
}

const mib = 1 << 20

// A partition is a piece of the disk. One without a filesystem stays empty.
type partition struct {
	offset, size int64  // bytes
	kind         string // sfdisk's name or number of the type
	fs           string // ext4, xfs, btrfs, vfat
	mount        string // where fstab puts it
	options      string // fstab's options
	subvolumes   []subvolume
}

type subvolume struct{ name, mount string }

type disk struct {
	table      string // gpt, dos, or none
	size       int64
	partitions []partition // the root comes first
}

const (
	linuxRoot = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709" // x86-64 root, as Debian's images have it
	rootStart = 128 * mib
	rootSize  = 1792 * mib
	homeSize  = 256 * mib
)

func (l Layout) disk() (disk, error) {
	table, name, _ := strings.Cut(string(l), "-")
	if !slices.Contains(Layouts(), l) {
		return disk{}, fmt.Errorf("cannot lay out a disk: unknown layout %q", l)
	}
	root := partition{offset: rootStart, size: rootSize, kind: linuxRoot, fs: "ext4", mount: "/", options: "rw,discard,errors=remount-ro"}
	switch name {
	case "xfs":
		root.fs, root.options = "xfs", "defaults"
	case "btrfs":
		root.fs, root.options = "btrfs", "defaults"
		root.subvolumes = []subvolume{{"@", "/"}, {"@home", "/home"}}
	}
	switch table {
	case "bare":
		root.offset = 0
		return disk{size: rootSize, partitions: []partition{root}}, nil
	case "mbr":
		root.offset, root.kind = mib, "83"
		return disk{table: "dos", size: rootSize + 2*mib, partitions: []partition{root}}, nil
	}
	d := disk{table: "gpt", size: rootStart + rootSize + mib, partitions: []partition{
		root,
		{offset: mib, size: 3 * mib, kind: "21686148-6449-6E6F-744E-656564454649"}, // BIOS boot
		{offset: 4 * mib, size: 124 * mib, kind: "U", fs: "vfat", mount: "/boot/efi", options: "umask=0077"},
	}}
	if name == "home" {
		d.partitions = append(d.partitions, partition{
			offset: rootStart + rootSize, size: homeSize, kind: "933AC7E1-2EB4-4F13-B844-0E14E2AEF915",
			fs: "ext4", mount: "/home", options: "defaults",
		})
		d.size += homeSize
	}
	return d, nil
}

// script is what sfdisk reads. Debian's images number the root 1 and put the
// boot partitions at 14 and 15, before it on the disk.
func (d disk) script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "label: %s\n", d.table)
	numbers := map[string]int{"/": 1, "": 14, "/boot/efi": 15, "/home": 2}
	for _, p := range d.partitions {
		fmt.Fprintf(&b, "%d : start=%d, size=%d, type=%s\n", numbers[p.mount], p.offset/512, p.size/512, p.kind)
	}
	return b.String()
}
