package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// nvme is a volume as a machine sees it: a device node under the name of an NVMe
// disk, udev's links to it, and in a helper a directory in sysfs.
type nvme struct {
	Name         string // nvme1n1
	Volume       string // vol-…
	Attached     string // what EC2 calls the device, without /dev/
	Major, Minor uint32
	Bytes        int64
}

// serial is how the volume's id stands on the disk itself: NVMe has 20 characters.
func (d *nvme) serial() string { return strings.Replace(d.Volume, "-", "", 1) }

func (d *nvme) node() string { return filepath.Join("/dev", d.Name) }

func (d *nvme) links() []string {
	links := []string{filepath.Join("/dev/disk/by-id", "nvme-Amazon_Elastic_Block_Store_"+d.serial())}
	if d.Attached != d.Name && d.Attached != "." {
		links = append(links, filepath.Join("/dev", d.Attached))
	}
	return links
}

// show runs in the machine. The node comes first: who finds the disk finds it.
func (d *nvme) show(sysfs bool) error {
	err := node{d.Name, unix.S_IFBLK, d.Major, d.Minor, 0o660}.make("/dev")
	if err == nil && sysfs {
		err = d.describe()
	}
	for _, link := range d.links() {
		if err == nil {
			err = os.MkdirAll(filepath.Dir(link), 0o755)
		}
		if err == nil {
			var target string
			if target, err = filepath.Rel(filepath.Dir(link), d.node()); err == nil {
				err = os.Symlink(target, link)
			}
		}
	}
	if err != nil {
		d.hide(sysfs)
		return fmt.Errorf("cannot show %s: %w", d.Volume, err)
	}
	return nil
}

// describe writes what the kernel has in /sys/block about an NVMe disk, the
// serial number last: who goes by it finds everything else.
func (d *nvme) describe() error {
	dir := filepath.Join("/sys/block", d.Name)
	for _, sub := range []string{"holders", "slaves", "queue", "device"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	for _, a := range [][2]string{
		{"dev", fmt.Sprintf("%d:%d", d.Major, d.Minor)}, {"size", strconv.FormatInt(d.Bytes/512, 10)}, {"ro", "0"}, {"removable", "0"},
		{"hidden", "0"}, {"queue/logical_block_size", "512"}, {"queue/physical_block_size", "4096"}, {"queue/rotational", "0"},
		{"device/model", fmt.Sprintf("%-40s", "Amazon Elastic Block Store")}, {"device/firmware_rev", "1.0"},
		{"device/serial", d.serial()},
	} {
		if err := os.WriteFile(filepath.Join(dir, a[0]), []byte(a[1]+"\n"), 0o444); err != nil {
			return err
		}
	}
	return nil
}

// hide takes everything away again; what is not there needs no taking.
func (d *nvme) hide(sysfs bool) {
	for _, link := range d.links() {
		_ = os.Remove(link)
	}
	if sysfs {
		dir := filepath.Join("/sys/block", d.Name)
		_ = os.Remove(filepath.Join(dir, "device/serial"))
		_ = os.RemoveAll(dir)
	}
	_ = os.Remove(d.node())
}
