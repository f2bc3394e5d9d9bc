package source

import (
	"fmt"
	"path/filepath"
	"strings"
)

// disk is a whole disk with what it says about itself.
type disk struct {
	*blockDev
	model  string
	serial string
}

// disks lists real disks: no loop, ram, dm or md devices, no hidden NVMe paths.
func (f Finder) disks(tree blockTree) (out []disk) {
	for _, d := range tree.sorted() {
		if d.disk != d.name || d.hidden || len(d.slaves) > 0 || virtual(d.name) {
			continue
		}
		dir := filepath.Join(f.Sys, "block", d.name)
		serial := attribute(dir, "device", "serial")
		if serial == "" {
			serial = attribute(dir, "serial") // virtio
		}
		out = append(out, disk{d, attribute(dir, "device", "model"), serial})
	}
	return out
}

func virtual(name string) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "dm-", "md", "nbd", "sr", "fd"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// volume is the id that the disk's serial number spells, or "". NVMe leaves the
// dash out (20 characters are all it has).
func (d disk) volume() string {
	id := "vol-" + strings.TrimPrefix(strings.TrimPrefix(d.serial, "vol"), "-")
	if d.serial == "" || !strings.HasPrefix(d.serial, "vol") || !volumeID.MatchString(id) {
		return ""
	}
	return id
}

// xen tells whether the disk is one of Xen's, which have no serial number.
func (d disk) xen() bool { return strings.HasPrefix(d.name, "xvd") }

func describe(disks []disk) string {
	var out []string
	for _, d := range disks {
		what := "no volume id"
		switch {
		case d.volume() != "":
			what = d.volume()
		case d.model != "":
			what = fmt.Sprintf("%q", d.model)
		}
		out = append(out, fmt.Sprintf("%s (%s, %s)", d.name, what, gib(d.size)))
	}
	if out == nil {
		return "no disks"
	}
	return strings.Join(out, ", ")
}

func gib(bytes int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(bytes)/(1<<30)), ".0") + " GiB"
}

func bySerial(id string, disks []disk) (*disk, error) {
	var found *disk
	for _, d := range disks {
		if d.volume() != id || !strings.HasPrefix(d.name, "nvme") {
			continue
		}
		if d.model != ebsModel {
			return nil, fmt.Errorf("%s reports its serial number, but is %q, not %q", d.name, d.model, ebsModel)
		}
		if found != nil {
			return nil, fmt.Errorf("%s and %s both report its serial number", found.name, d.name)
		}
		found = &d
	}
	return found, nil
}

// byLink looks for links that udev named after the serial number. All of them
// must agree, and the disk must not contradict.
func (f Finder) byLink(id string, disks []disk) (*disk, error) {
	byID := filepath.Join(f.Dev, "disk", "by-id")
	var found *disk
	for _, name := range names(byID) {
		if !namesVolume(name, id) {
			continue
		}
		target := f.deviceName("/dev/disk/by-id/" + name)
		for _, d := range disks {
			switch {
			case d.name != target:
			case found != nil && found.name != d.name:
				return nil, fmt.Errorf("the links in %s lead to both %s and %s", byID, found.name, d.name)
			case d.serial != "" && d.volume() != id:
				return nil, fmt.Errorf("%s leads to %s, whose serial number is %q", filepath.Join(byID, name), d.name, d.serial)
			default:
				found = &d
			}
		}
	}
	return found, nil
}

// namesVolume recognises nvme-Amazon_Elastic_Block_Store_vol0123…, with the
// namespace behind it or not, and the links of other buses that end in the
// serial number. Links of partitions end in -partN.
func namesVolume(link, id string) bool {
	serial := strings.Replace(id, "-", "", 1)
	for _, s := range []string{serial, id} {
		for _, tail := range []string{"", "_1", "-ns-1"} {
			if strings.HasSuffix(link, "_"+s+tail) || strings.HasSuffix(link, "-"+s+tail) {
				return true
			}
		}
	}
	return false
}

// byAttachName serves Xen helpers only: there /dev/sdf of the attachment is
// xvdf (or sdf on old kernels), and nothing else tells. Without a name to go by
// there is no point in waiting.
func (f Finder) byAttachName(id string, disks []disk) (*disk, string, error) {
	letters := strings.TrimPrefix(strings.TrimPrefix(filepath.Base(f.Attached), "sd"), "xvd")
	var found *disk
	var seenXen, seenNVMe bool
	for _, d := range disks {
		seenXen = seenXen || d.xen()
		seenNVMe = seenNVMe || strings.HasPrefix(d.name, "nvme")
		if f.Attached != "" && d.serial == "" && (d.name == "xvd"+letters || d.name == "sd"+letters) {
			if found != nil {
				return nil, "", fmt.Errorf("attach name %q fits both %s and %s", f.Attached, found.name, d.name)
			}
			found = &d
		}
	}
	switch {
	case seenNVMe || !seenXen:
		return nil, "", nil
	case found != nil:
		return found, fmt.Sprintf("%s is taken to be %s by its attach name %q: Xen disks carry no volume id", found.name, id, f.Attached), nil
	case f.Attached == "":
		return nil, "", fmt.Errorf("%w (Xen): name the device instead; attached are: %s", ErrNoSerial, describe(disks))
	}
	return nil, "", nil
}
