package linuxroot

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// SpecKind is how the first field of fstab names what to mount.
type SpecKind string

// The kinds of names.
const (
	SpecUUID      SpecKind = "uuid"
	SpecLabel     SpecKind = "label"
	SpecPartUUID  SpecKind = "partuuid"
	SpecPartLabel SpecKind = "partlabel"
	SpecDevice    SpecKind = "device"  // a disk or partition by kernel name: /dev/xvda1
	SpecVolume    SpecKind = "volume"  // by EBS volume id: /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol…
	SpecRoot      SpecKind = "root"    // /dev/root
	SpecMapper    SpecKind = "mapper"  // device mapper and md: LVM, LUKS, RAID
	SpecNetwork   SpecKind = "network" // host:/path, //host/share, or an EFS id
	SpecPath      SpecKind = "path"    // a file or directory of the tree: bind mounts, loop and swap files
	SpecOther     SpecKind = "other"   // a word: tmpfs, proc, none, a ZFS data set; or a device name not understood
)

// Spec is the first field of fstab, understood.
type Spec struct {
	Raw       string
	Kind      SpecKind
	Value     string // the UUID, label, disk name ("xvda"), volume id ("vol-0123"), path or word
	Partition int    // SpecDevice and SpecVolume: partition number; 0: the whole disk
}

// byDisk maps the directories below /dev/disk to the tag they stand for.
var byDisk = map[string]SpecKind{"by-uuid": SpecUUID, "by-label": SpecLabel, "by-partuuid": SpecPartUUID, "by-partlabel": SpecPartLabel}

var (
	// kernelDisk is a disk's kernel name; those that end in a digit put a p before the partition.
	kernelDisk = regexp.MustCompile(`^((?:sd|xvd|vd|hd)[a-z]{1,3})([0-9]{1,3})?$|^((?:nvme[0-9]{1,4}n|mmcblk)[0-9]{1,4})(?:p([0-9]{1,3}))?$`)
	// ebsLink is the link that udev makes for an EBS volume on Nitro.
	ebsLink = regexp.MustCompile(`^nvme-Amazon_Elastic_Block_Store_vol-?([0-9a-f]{8,17})(?:_[0-9]+|-ns-[0-9]+)?(?:-part([0-9]{1,3}))?$`)
	// efsID is the short form that amazon-efs-utils accepts.
	efsID = regexp.MustCompile(`^fs-[0-9a-f]{8,17}(?:\.|:|$)`)
	// remote is host:/path, the host possibly an address in brackets.
	remote = regexp.MustCompile(`^(?:[^/:\s]+|\[[^\]]+\]):`)
)

// ParseSpec understands the first field of fstab, escapes already resolved.
func ParseSpec(raw string) Spec {
	if tag, value, ok := strings.Cut(raw, "="); ok {
		if kind, known := tags[tag]; known {
			return Spec{Raw: raw, Kind: kind, Value: unquote(value)}
		}
	}
	if name, ok := strings.CutPrefix(raw, "/dev/"); ok {
		return parseDevice(raw, name)
	}
	s := Spec{Raw: raw, Value: raw}
	switch {
	case strings.HasPrefix(raw, "//"), efsID.MatchString(raw), remote.MatchString(raw):
		s.Kind = SpecNetwork
	case strings.HasPrefix(raw, "/"):
		s.Kind = SpecPath
	default:
		s.Kind = SpecOther
	}
	return s
}

var tags = map[string]SpecKind{"UUID": SpecUUID, "LABEL": SpecLabel, "PARTUUID": SpecPartUUID, "PARTLABEL": SpecPartLabel}

func parseDevice(raw, name string) Spec {
	s := Spec{Raw: raw, Kind: SpecOther, Value: name}
	if rest, ok := strings.CutPrefix(name, "disk/"); ok {
		return parseDiskLink(s, rest)
	}
	if m := kernelDisk.FindStringSubmatch(name); m != nil {
		s.Kind, s.Value = SpecDevice, m[1]+m[3]
		s.Partition = number(m[2] + m[4])
		return s
	}
	switch {
	case name == "root":
		s.Kind = SpecRoot
	case strings.HasPrefix(name, "mapper/"), strings.HasPrefix(name, "dm-"), strings.HasPrefix(name, "md"):
		s.Kind, s.Value = SpecMapper, strings.TrimPrefix(name, "mapper/")
	case strings.Count(name, "/") == 1 && !strings.HasPrefix(name, "cdrom") && !strings.HasPrefix(name, "zvol/"):
		s.Kind = SpecMapper // /dev/VG/LV
	}
	return s
}

func parseDiskLink(s Spec, rest string) Spec {
	dir, name, _ := strings.Cut(rest, "/")
	if kind, ok := byDisk[dir]; ok {
		s.Kind, s.Value = kind, unhex(name)
		return s
	}
	if dir != "by-id" {
		return s
	}
	if m := ebsLink.FindStringSubmatch(name); m != nil {
		s.Kind, s.Value, s.Partition = SpecVolume, "vol-"+m[1], number(m[2])
	} else if strings.HasPrefix(name, "dm-") || strings.HasPrefix(name, "md-") || strings.HasPrefix(name, "lvm-") {
		s.Kind = SpecMapper
	}
	return s
}

// number reads the digits that a regular expression has matched; none is 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// unhex resolves the \x20 escapes of names below /dev/disk (udev's encoding of
// characters that are not safe in a file name).
func unhex(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// networkTypes are filesystem types that need another machine (mount(8), _netdev).
var networkTypes = []string{"nfs", "nfs4", "efs", "cifs", "smb3", "smbfs", "glusterfs", "ceph", "lustre", "beegfs", "afs", "davfs", "fuse.sshfs", "fuse.s3fs", "s3fs", "fuse.glusterfs", "9p", "ocfs2", "gfs2"}

// virtualTypes hold no files of the disk.
var virtualTypes = []string{"proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "pstore", "efivarfs", "bpf", "configfs", "hugetlbfs", "mqueue", "fusectl", "binfmt_misc", "rpc_pipefs", "selinuxfs", "nfsd", "usbfs", "swap", "rootfs"}

// Network tells whether another machine is needed.
func (m Mount) Network() bool {
	return slices.Contains(networkTypes, m.Type) || m.Spec.Kind == SpecNetwork && !slices.Contains(virtualTypes, m.Type) || m.Has("_netdev") && m.Spec.Kind == SpecOther
}

// Virtual tells whether the entry holds no files of any disk (proc and its kin).
func (m Mount) Virtual() bool { return slices.Contains(virtualTypes, m.Type) }
