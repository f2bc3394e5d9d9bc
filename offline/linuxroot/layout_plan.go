package linuxroot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Layout is what the running system sees where.
type Layout struct {
	Root     Mount    // what fstab says of /; without Type when it says nothing
	Mounts   []Placed // filesystems of this volume below /, in the order to mount them
	Binds    []Bind   // directories shown at a second place, in order; after the Mounts
	Absent   []Absent // places where something is mounted that is not here
	Swap     []int    // candidates used as swap
	Problems []Problem
}

// Placed is a filesystem of this volume at its place.
type Placed struct {
	Candidate int // index into the candidates given to Plan
	Point     string
	Role      string // home, boot, efi, usr, var, data
	Subvolume Subvolume
	Mount     Mount
}

// Bind shows the directory Source at Point.
type Bind struct {
	Source, Point, Role string
	Mount               Mount
}

// Absent is a place below which the tree must not be touched: the running
// system shows something else there.
type Absent struct {
	Point string
	Role  string
	Why   string // for a person: what is mounted there and where that is written
}

// Plan decides what is mounted where inside the tree of root filesystem v. The
// candidate with Root set is /; only filesystems that the system mounts by
// itself are placed. Homes that hide in other ways are HiddenHomes.
func Plan(v *offline.Volume, mounts []Mount, candidates []Candidate) Layout {
	var l Layout
	for _, m := range l.effective(v, mounts) {
		l.place(v, m, candidates)
	}
	l.gptAuto(v, candidates)
	slices.SortStableFunc(l.Mounts, func(a, b Placed) int { return byDepth(a.Point, b.Point) })
	slices.SortStableFunc(l.Absent, func(a, b Absent) int { return byDepth(a.Point, b.Point) })
	return l
}

// byDepth puts a mount point before everything below it.
func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
}

// effective drops what is not mounted, and all but one entry for each place.
// systemd's generator keeps the first and refuses the second; mount -a mounts
// both, the last on top.
func (l *Layout) effective(v *offline.Volume, mounts []Mount) []Mount {
	firstWins := hasSystemd(v)
	at := map[string]int{}
	var out []Mount
	for _, m := range mounts {
		if m.Swap() {
			out = append(out, m)
			continue
		}
		if m.Virtual() || !m.Automatic() {
			continue
		}
		m.Point = resolved(v, m.Point)
		i, twice := at[m.Point]
		switch {
		case !twice:
			at[m.Point] = len(out)
			out = append(out, m)
			continue
		case !firstWins:
			m, out[i] = out[i], m
		}
		l.problem(m, "%q is mounted by %s as well: this line loses", m.Point, out[i].Where())
	}
	return out
}

// resolved is where a mount point really lies; mount(8) follows links.
func resolved(v *offline.Volume, point string) string {
	if real, err := v.Realpath(point); err == nil {
		return real
	}
	return point
}

func (l *Layout) problem(m Mount, format string, args ...any) {
	l.Problems = append(l.Problems, Problem{m.Path, m.Line, fmt.Sprintf(format, args...)})
}

func (l *Layout) place(v *offline.Volume, m Mount, candidates []Candidate) {
	found := l.find(m, candidates)
	switch {
	case m.Swap():
		if found >= 0 {
			l.Swap = append(l.Swap, found)
		}
	case m.Point == "/":
		l.Root = m
		if found >= 0 && !candidates[found].Root {
			l.problem(m, "/ is named as another filesystem of this volume (%q)", m.Spec.Raw)
		}
	case m.Bind() && m.Spec.Kind == SpecPath:
		l.Binds = append(l.Binds, Bind{m.Spec.Value, m.Point, RoleOf(m.Point), m})
	case found >= 0 && candidates[found].Type != "swap":
		l.Mounts = append(l.Mounts, Placed{found, m.Point, RoleOf(m.Point), m.Subvolume(), m})
	case !harmless(m):
		why := fmt.Sprintf("%s (%s)", m.absence(v), m.Where())
		if m.NoFail() {
			why += "; the system starts without it (nofail)"
		}
		l.Absent = append(l.Absent, Absent{m.Point, RoleOf(m.Point), why})
	}
}

// find is the index of the candidate that the entry names, or -1.
func (l *Layout) find(m Mount, candidates []Candidate) int {
	found := -1
	for i, c := range candidates {
		switch {
		case !m.Matches(c):
		case found < 0:
			found = i
		default:
			l.problem(m, "%q names partitions %d and %d: the running system may take either", m.Spec.Raw, candidates[found].Partition, c.Partition)
		}
	}
	if found >= 0 && m.caseDiffers(candidates[found]) {
		l.problem(m, "%q differs from the filesystem's own spelling in case: the running system may not find it", m.Spec.Raw)
	}
	return found
}

// harmless tells of mounts over directories that hold nothing of the disk anyway.
func harmless(m Mount) bool {
	if m.Type != "tmpfs" && m.Type != "ramfs" {
		return false
	}
	for _, dir := range []string{"/tmp", "/run", "/dev", "/var/run", "/var/lock", "/var/tmp", "/var/log", "/var/cache"} {
		if m.Point == dir || strings.HasPrefix(m.Point, dir+"/") {
			return true
		}
	}
	return false
}

// absence says what the thing is that is not here.
func (m Mount) absence(v *offline.Volume) string {
	switch {
	case m.Type == "tmpfs" || m.Type == "ramfs":
		return "a memory filesystem, empty at each start"
	case m.Type == "zfs":
		return fmt.Sprintf("ZFS data set %q: ZFS is not supported", m.Spec.Raw)
	case m.Type == "overlay":
		return "an overlay, which hides the directory"
	case m.Network():
		return fmt.Sprintf("network filesystem %q", m.Spec.Raw)
	case m.Spec.Kind == SpecMapper && encrypted(v, m.Spec.Value):
		return fmt.Sprintf("%q, encrypted by /etc/crypttab", m.Spec.Raw)
	case m.Spec.Kind == SpecMapper:
		return fmt.Sprintf("%q, a logical volume, encrypted or RAID device, which this version does not open", m.Spec.Raw)
	case m.Spec.Kind == SpecPath:
		return fmt.Sprintf("the image file %q", m.Spec.Raw)
	}
	return fmt.Sprintf("%q, which is not on this volume", m.Spec.Raw)
}

func encrypted(v *offline.Volume, name string) bool {
	lines, _ := ReadCrypttab(v) // problems there are reported by who asks for them
	return slices.ContainsFunc(lines, func(c Crypt) bool { return c.Name == name })
}

// RoleOf names what is mounted at a place: root, home, boot, efi, usr, var, or data.
func RoleOf(point string) string {
	switch point {
	case "/":
		return "root"
	case "/boot", "/usr", "/var":
		return point[1:]
	case "/boot/efi", "/efi":
		return "efi"
	case "/home", "/root", "/var/home", "/var/roothome":
		return "home"
	}
	if strings.HasPrefix(point, "/home/") || strings.HasPrefix(point, "/var/home/") {
		return "home"
	}
	return "data"
}

// gptTypes are partition types that systemd mounts without being told (the
// Discoverable Partitions Specification).
var gptTypes = map[string]string{
	"933ac7e1-2eb4-4f13-b844-0e14e2aef915": "/home",
	"3b8f8425-20e0-4f3b-907f-1a25a76f98e8": "/srv",
}

// gptAuto adds what systemd-gpt-auto-generator(8) mounts: only where nothing
// else is configured and the directory is empty.
func (l *Layout) gptAuto(v *offline.Volume, candidates []Candidate) {
	const name = "systemd/system-generators/systemd-gpt-auto-generator"
	if !exists(v, "/usr/lib/"+name) && !exists(v, "/lib/"+name) {
		return
	}
	for i, c := range candidates {
		point, known := gptTypes[strings.ToLower(c.PartType)]
		if !known || l.covers(point) {
			continue
		}
		if names, err := v.ReadDir(point); err == nil && len(names) == 0 {
			m := Mount{Point: point, Type: "auto", Path: "the partition's GPT type"}
			l.Mounts = append(l.Mounts, Placed{Candidate: i, Point: point, Role: RoleOf(point), Mount: m})
		}
	}
}

func (l *Layout) covers(point string) bool {
	return slices.ContainsFunc(l.Mounts, func(p Placed) bool { return p.Point == point }) ||
		slices.ContainsFunc(l.Absent, func(a Absent) bool { return a.Point == point }) ||
		slices.ContainsFunc(l.Binds, func(b Bind) bool { return b.Point == point })
}
