package linuxroot

import (
	"slices"
	"strings"
)

// Candidate is a filesystem of the volume, as its superblock, its partition
// entry and EC2 describe it.
type Candidate struct {
	UUID      string // as blkid(8) prints it
	Label     string
	PartUUID  string // GPT: the GUID; MBR: disk signature and number, "1234abcd-01"
	PartLabel string
	PartType  string // GPT type GUID; empty on other tables
	Partition int    // 0: the filesystem fills the disk
	Type      string // ext4, xfs, btrfs, vfat, swap, …
	Device    string // the disk's device name at its instance, "/dev/xvda" or "/dev/sda1"; empty: the root disk
	Volume    string // EBS volume id, "vol-…"; empty when it is not known
	Root      bool   // the filesystem that was taken for /
}

// rootDisks are the names under which instances know their root disk: Xen and
// its old guests, Nitro, virtio.
var rootDisks = []string{"xvda", "sda", "nvme0n1", "vda", "hda", "xvde"}

// Matches tells whether the entry names this filesystem. Case does not count in
// UUIDs here, while the running system compares it: Plan reports the difference.
func (m Mount) Matches(c Candidate) bool {
	switch m.Spec.Kind {
	case SpecUUID:
		return same(m.Spec.Value, c.UUID)
	case SpecPartUUID:
		return same(m.Spec.Value, c.PartUUID)
	case SpecLabel:
		return c.Label != "" && m.Spec.Value == c.Label
	case SpecPartLabel:
		return c.PartLabel != "" && m.Spec.Value == c.PartLabel
	case SpecRoot:
		return c.Root
	case SpecVolume:
		return c.Volume != "" && m.Spec.Value == c.Volume && m.Spec.Partition == c.Partition
	case SpecDevice:
		return m.Spec.Partition == c.Partition && sameDisk(m.Spec.Value, c.Device)
	}
	return false
}

func same(a, b string) bool { return a != "" && strings.EqualFold(a, b) }

// sameDisk compares the disk name in fstab with the name that EC2 has for the
// volume: /dev/sdf may appear as xvdf, and on Nitro under a number that follows
// the order of attachment, of which only the root disk's 0 is certain enough.
func sameDisk(disk, device string) bool {
	if device == "" {
		return slices.Contains(rootDisks, disk)
	}
	name := strings.TrimRight(strings.TrimPrefix(device, "/dev/"), "0123456789")
	if strings.HasPrefix(device, "/dev/nvme") {
		name, _, _ = strings.Cut(strings.TrimPrefix(device, "/dev/"), "p")
	}
	if slices.Contains(rootDisks, name) || name == "nvme0n1" {
		return slices.Contains(rootDisks, disk)
	}
	return letter(disk) != "" && letter(disk) == letter(name)
}

// letter is what sdf, xvdf and vdf have in common.
func letter(disk string) string {
	for _, prefix := range []string{"xvd", "sd", "vd", "hd"} {
		if rest, ok := strings.CutPrefix(disk, prefix); ok {
			return rest
		}
	}
	return ""
}

// caseDiffers tells whether the entry names the candidate's UUID in another
// case than the running system would accept (fstab(5)).
func (m Mount) caseDiffers(c Candidate) bool {
	switch m.Spec.Kind {
	case SpecUUID:
		return m.Spec.Value != c.UUID
	case SpecPartUUID:
		return m.Spec.Value != c.PartUUID
	}
	return false
}
