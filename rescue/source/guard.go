package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Reason is why a source may not be used.
type Reason string

// The reasons, in the order in which Guard looks for them.
const (
	NotBlock Reason = "is not a usable block device"
	OwnRoot  Reason = "holds the helper's own system"
	Swap     Reason = "is the helper's swap space"
	Mounted  Reason = "is mounted"
	Held     Reason = "is held by another device"
	ReadOnly Reason = "is read-only"
	Busy     Reason = "is in use by another process"
)

// Refusal is the error for a source that is in use or cannot serve.
type Refusal struct {
	Path   string
	Reason Reason
	Detail string
}

func (r *Refusal) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("cannot use %q: it %s", r.Path, r.Reason)
	}
	return fmt.Sprintf("cannot use %q: it %s: %s", r.Path, r.Reason, r.Detail)
}

// ownPoints are the mount points whose devices the helper itself lives on.
var ownPoints = []string{"/", "/boot", "/boot/efi", "/efi", "/usr", "/var"}

// Guard refuses the block device with a *Refusal when anything uses it, its
// disk, or a partition of that disk: a mount (of this mount namespace by name,
// of others because the device cannot be opened exclusively), swap, a device
// built on it, a loop device, and before all the helper's own system. With
// write it refuses a device that the kernel holds to be read-only.
func (f Finder) Guard(device string, write bool) error {
	f = f.filled()
	if err := f.guard(device, write); err != nil {
		return err
	}
	return f.claim(device)
}

func (f Finder) guard(device string, write bool) error {
	number, err := deviceNumber(device)
	if err != nil {
		return &Refusal{device, NotBlock, err.Error()}
	}
	u, err := f.users()
	if err != nil {
		return fmt.Errorf("cannot guard %q: %w", device, err)
	}
	dev := u.tree.byNumber(number)
	if dev == nil {
		return &Refusal{device, NotBlock, "the kernel knows no device " + number}
	}
	for _, look := range []struct {
		reason Reason
		at     func([]string) string
	}{{OwnRoot, u.ownRoot}, {Swap, u.swapOn}, {Mounted, u.mountOf}, {Held, u.holderOf}} {
		if detail := look.at(u.tree.family(dev)); detail != "" {
			return &Refusal{device, look.reason, detail}
		}
	}
	if write && (dev.readOnly || u.tree[dev.disk].readOnly) {
		return &Refusal{device, ReadOnly, ""}
	}
	return nil
}

// users is who uses which device, at one moment.
type users struct {
	tree   blockTree
	mounts []mountEntry
	named  map[string]string   // source of a mount or swap area, as written: device name
	swaps  []string            // device names
	btrfs  map[string][]string // filesystem's directory in sysfs: names of its devices
	loops  map[string][]string // name of loop device: what it maps, by name or number
}

func (f Finder) users() (*users, error) {
	u := &users{named: map[string]string{}, btrfs: map[string][]string{}, loops: map[string][]string{}}
	var err error
	if u.tree, err = readTree(f.Sys); err != nil {
		return nil, err
	}
	if u.mounts, err = readMounts(f.Mountinfo); err != nil {
		return nil, err
	}
	swaps, err := readSwaps(f.Swaps)
	if err != nil {
		return nil, err
	}
	for _, s := range swaps {
		u.swaps = append(u.swaps, f.deviceName(s))
	}
	for _, m := range u.mounts {
		u.named[m.source] = f.deviceName(m.source)
	}
	for _, fsid := range names(filepath.Join(f.Sys, "fs", "btrfs")) {
		u.btrfs[fsid] = names(filepath.Join(f.Sys, "fs", "btrfs", fsid, "devices"))
	}
	for _, d := range u.tree {
		if d.backing != "" {
			u.loops[d.name] = []string{f.deviceName(d.backing), f.loopTarget(d).rdev}
		}
	}
	return u, nil
}

// devicesOf are the names of the devices that a mount stands on: by number; by
// its source, since btrfs shows a made-up number; and the other devices of
// the same btrfs.
func (u *users) devicesOf(m mountEntry) (out []string) {
	if d := u.tree.byNumber(m.number); d != nil {
		out = append(out, d.name)
	}
	name := u.named[m.source]
	if u.tree[name] == nil {
		return out
	}
	out = append(out, name)
	for _, devices := range u.btrfs {
		if slices.Contains(devices, name) {
			out = append(out, devices...)
		}
	}
	return out
}

func (u *users) ownRoot(family []string) string {
	for _, m := range u.mounts {
		if !slices.Contains(ownPoints, m.point) {
			continue
		}
		below := map[string]bool{}
		for _, name := range u.devicesOf(m) {
			u.tree.below(name, below)
		}
		for _, name := range family {
			if below[name] {
				return fmt.Sprintf("%s is below %q", name, m.point)
			}
		}
	}
	return ""
}

func (u *users) swapOn(family []string) string {
	if name, ok := firstCommon(family, u.swaps); ok {
		return "on " + name
	}
	return ""
}

func (u *users) mountOf(family []string) string {
	for _, m := range u.mounts {
		if name, ok := firstCommon(family, u.devicesOf(m)); ok {
			return fmt.Sprintf("%s at %q", name, m.point)
		}
	}
	for _, fsid := range u.btrfs {
		if name, ok := firstCommon(family, fsid); ok {
			return name + " as part of a btrfs"
		}
	}
	return ""
}

func (u *users) holderOf(family []string) string {
	for _, name := range family {
		d := u.tree[name]
		if d == nil {
			continue
		}
		if len(d.holders) > 0 {
			return fmt.Sprintf("%s by %s", name, strings.Join(d.holders, ", "))
		}
		for _, loop := range u.tree.sorted() {
			if maps := u.loops[loop.name]; slices.Contains(maps, name) || slices.Contains(maps, d.number) {
				return fmt.Sprintf("%s by %s", name, loop.name)
			}
		}
	}
	return ""
}
