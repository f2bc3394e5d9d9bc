package linuxroot

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// maxSubvolumes bounds how many directories of a btrfs top level are looked at.
const maxSubvolumes = 512

// rootSubvolumes lists the directories at the top of a filesystem, and one
// level below, that look like a root. They need not be subvolumes.
func rootSubvolumes(v *offline.Volume) []string {
	var out []string
	looked := 0
	for _, name := range subdirectories(v, "/") {
		if looked++; looked > maxSubvolumes {
			break
		}
		if looksLikeRoot(v, "/"+name) {
			out = append(out, name)
			continue
		}
		for _, inner := range subdirectories(v, "/"+name) {
			if looked++; looked > maxSubvolumes {
				break
			}
			if looksLikeRoot(v, path.Join("/", name, inner)) {
				out = append(out, path.Join(name, inner))
			}
		}
	}
	return out
}

func subdirectories(v *offline.Volume, dir string) []string {
	names, err := v.ReadDir(dir)
	if err != nil {
		return nil
	}
	names = names[:min(len(names), maxSubvolumes)]
	return slices.DeleteFunc(names, func(name string) bool {
		info, err := v.Lstat(path.Join(dir, name))
		return err != nil || info.Kind != offline.Dir
	})
}

// Subvolume names a btrfs subvolume: by path from the top level, or by id.
type Subvolume struct {
	Path string // without a leading slash, "@" for example; empty: not named by path
	ID   uint64 // subvolid=; 0: not named by id
}

// Named tells whether s names a subvolume at all.
func (s Subvolume) Named() bool { return s.Path != "" || s.ID != 0 }

// parseSubvolume reads subvol= and subvolid= (btrfs(5)) from mount options.
// The top level, subvol=/ or subvolid=5, is ID 5.
func parseSubvolume(options []string) Subvolume {
	var s Subvolume
	for _, o := range options {
		if p, ok := strings.CutPrefix(o, "subvol="); ok {
			if s.Path = strings.Trim(path.Clean("/"+p), "/"); s.Path == "" {
				s.ID = topLevelID
			}
		}
		if id, ok := strings.CutPrefix(o, "subvolid="); ok {
			if n, err := parseUint(id); err == nil && n == 0 {
				s.ID = topLevelID // btrfs(5): 0 means the top level
			} else if err == nil {
				s.ID = n
			}
		}
	}
	return s
}

// topLevelID is BTRFS_FS_TREE_OBJECTID, the id of every btrfs's top level.
const topLevelID = 5

// RootSubvolume chooses the subvolume that boots as /, where v is the top level
// of a btrfs and boot is what a separate boot filesystem says (nil: none). It
// returns the subvolume's path and the reason, or an error that lists what was
// found.
func RootSubvolume(v *offline.Volume, boot *Args) (Subvolume, string, error) {
	if boot != nil {
		if s := parseSubvolume(boot.RootFlags); s.Named() {
			return s, fmt.Sprintf("rootflags= on the kernel command line (%s)", boot.Source), nil
		}
	}
	found := rootSubvolumes(v)
	var own []string // those whose own files say that they boot
	for _, sub := range found {
		if why := namesItself(v, sub); why != "" {
			own = append(own, sub)
		}
	}
	switch {
	case len(own) == 1:
		return Subvolume{Path: own[0]}, namesItself(v, own[0]), nil
	case len(own) == 0 && len(found) == 1:
		return Subvolume{Path: found[0]}, "the only subvolume that holds a root", nil
	case len(found) == 0:
		return Subvolume{}, "", fmt.Errorf("cannot choose the root subvolume: no subvolume holds a Linux root")
	}
	return Subvolume{}, "", fmt.Errorf("cannot choose the root subvolume: %d hold a root (%q) and %d name themselves (%q)",
		len(found), found[:min(len(found), 8)], len(own), own[:min(len(own), 8)])
}

// namesItself tells why sub is what its own fstab or boot entry mounts as /:
// a snapshot's copies name the original instead.
func namesItself(v *offline.Volume, sub string) string {
	fstab := path.Join("/", sub, "etc/fstab")
	if data, err := v.ReadFile(fstab, offline.MaxConfig); err == nil {
		mounts, _ := parseFstab(data, fstab)
		for _, m := range mounts {
			if m.Point == "/" && m.Subvolume().Path == sub {
				return fmt.Sprintf("named for / in its own fstab (%s)", m.Where())
			}
		}
	}
	args, _ := kernelArgsAt(v, path.Join("/", sub))
	if parseSubvolume(args.RootFlags).Path == sub {
		return fmt.Sprintf("rootflags= on its kernel command line (%s)", args.Source)
	}
	return ""
}
