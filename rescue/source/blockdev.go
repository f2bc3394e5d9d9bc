package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// blockDev is a disk or partition as sysfs shows it.
type blockDev struct {
	name     string
	number   string // "259:1"
	disk     string // the disk of a partition; of a disk, itself
	parts    []string
	holders  []string // devices built on top: dm, md
	slaves   []string // devices below
	backing  string   // a loop device's file
	readOnly bool
	hidden   bool  // one path of a multipath NVMe disk: has no device node
	size     int64 // bytes
}

// blockTree is all of them by name.
type blockTree map[string]*blockDev

func readTree(sys string) (blockTree, error) {
	root := filepath.Join(sys, "block")
	disks, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("cannot list block devices: %w", err)
	}
	tree := blockTree{}
	for _, d := range disks {
		dir := filepath.Join(root, d.Name())
		disk := readDev(dir, d.Name())
		tree[disk.name] = disk
		for _, p := range names(dir) {
			if !strings.HasPrefix(p, disk.name) || attribute(dir, p, "partition") == "" {
				continue // partitions are named after their disk: sda1, nvme0n1p1
			}
			part := readDev(filepath.Join(dir, p), disk.name)
			tree[part.name] = part
			disk.parts = append(disk.parts, part.name)
		}
	}
	return tree, nil
}

// sysfsSector is the unit of "size" in sysfs, whatever the disk's sectors are.
const sysfsSector = 512

func readDev(dir, disk string) *blockDev {
	backing := attribute(dir, "loop", "backing_file")
	if strings.HasPrefix(disk, "loop") && backing == "" { // not set up: nobody can use it
		return &blockDev{name: filepath.Base(dir), disk: disk, number: attribute(dir, "dev")}
	}
	sectors, err := strconv.ParseInt(attribute(dir, "size"), 10, 64)
	if err != nil || sectors < 0 || sectors > 1<<53 {
		sectors = 0
	}
	return &blockDev{
		name: filepath.Base(dir), disk: disk,
		number:   attribute(dir, "dev"),
		holders:  names(filepath.Join(dir, "holders")),
		slaves:   names(filepath.Join(dir, "slaves")),
		backing:  backing,
		readOnly: attribute(dir, "ro") == "1",
		hidden:   attribute(dir, "hidden") == "1",
		size:     sectors * sysfsSector,
	}
}

// attribute is a file of sysfs without blanks around it; "" when it is not there.
func attribute(elem ...string) string {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// names lists a directory of sysfs; a device may vanish while it is looked at.
func names(dir string) (out []string) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// sorted are the devices in the order of their names, so that messages repeat.
func (t blockTree) sorted() []*blockDev {
	out := make([]*blockDev, 0, len(t))
	for _, d := range t {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b *blockDev) int { return strings.Compare(a.name, b.name) })
	return out
}

func (t blockTree) byNumber(number string) *blockDev {
	for _, d := range t {
		if d.number == number {
			return d
		}
	}
	return nil
}

// family is the disk that holds the device, and all its partitions.
func (t blockTree) family(d *blockDev) []string {
	disk := t[d.disk]
	if disk == nil {
		return []string{d.name}
	}
	return append([]string{disk.name}, disk.parts...)
}

// below collects what stands under the named device: itself, its disk, and
// the same of every device that it is built from.
func (t blockTree) below(name string, seen map[string]bool) {
	d := t[name]
	if d == nil || seen[name] {
		return
	}
	seen[name] = true
	t.below(d.disk, seen)
	for _, s := range d.slaves {
		t.below(s, seen)
	}
}
