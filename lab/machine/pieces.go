package machine

import (
	"fmt"
	"os"
	"slices"

	"github.com/seed-77750964/regain/offline/block"
)

// linuxRoots are the GPT types of root partitions (Discoverable Partitions Specification).
var linuxRoots = []string{
	"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", // x86-64
	"b921b045-1df0-41c3-af44-4c6f280d3fae", // arm64
}

// bootable are the filesystems that a guest may be on.
var bootable = []block.Type{block.Ext2, block.Ext3, block.Ext4, block.XFS, block.Btrfs, block.VFAT}

// extent is a filesystem in an image.
type extent struct {
	piece
	offset, size int64
	likely       bool // its partition says that it is a root
	loader       bool // the disk begins with a boot loader
}

// extents are the filesystems of a disk, the likeliest root first. An image of
// another format than raw is refused: its header could name any file.
func extents(image string, root bool) ([]extent, error) {
	file, err := os.Open(image)
	if err != nil {
		return nil, fmt.Errorf("cannot open image: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot open image: %w", err)
	}
	if format := block.ImageFormat(file, info.Size()); format != "" {
		return nil, fmt.Errorf("cannot use image %s: it is %s, not raw", image, format)
	}
	disk, err := block.Scan(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("cannot read image %s: %w", image, err)
	}
	code := make([]byte, 1)
	if _, err := file.ReadAt(code, 0); err != nil {
		return nil, fmt.Errorf("cannot read image %s: %w", image, err)
	}
	var found []extent
	for _, c := range disk.Contents {
		if c.Superblock == nil || !slices.Contains(bootable, c.Superblock.Type) {
			continue
		}
		found = append(found, extent{
			piece: piece{
				Type: string(c.Superblock.Type), UUID: c.Superblock.UUID, Label: c.Superblock.Label,
				PartUUID: c.Partition.UUID, PartLabel: c.Partition.Name, Root: root,
			},
			offset: c.Partition.Start, size: c.Partition.Size,
			likely: slices.Contains(linuxRoots, c.Partition.TypeGUID) || c.Partition.MBRType != 0 && c.Partition.Bootable,
			loader: disk.Table.Scheme != block.SchemeNone && code[0] != 0,
		})
	}
	slices.SortStableFunc(found, func(a, b extent) int {
		switch {
		case a.likely == b.likely:
			return 0
		case a.likely:
			return -1
		}
		return 1
	})
	return found, nil
}
