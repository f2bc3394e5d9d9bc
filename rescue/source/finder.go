package source

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Finder looks for devices and their users. The zero value looks at the running
// system; the paths serve tests, which build a tree of their own.
type Finder struct {
	Sys       string // "/sys"
	Dev       string // "/dev"
	Mountinfo string // "/proc/thread-self/mountinfo"
	Swaps     string // "/proc/swaps"

	// Attached is the name under which the volume was attached, as in
	// "/dev/sdf". Only a Xen helper needs it: its disks carry no volume id.
	Attached string
	// Bytes is the volume's size by the cloud's account; a device of another
	// size is not taken for it. 0: not known.
	Bytes int64
	// Every is the interval at which Volume looks again; 0: half a second.
	Every time.Duration

	claim func(path string) error // opens exclusively for a moment; nil: for real
}

func (f Finder) filled() Finder {
	for _, d := range []struct {
		field *string
		value string
	}{{&f.Sys, "/sys"}, {&f.Dev, "/dev"}, {&f.Mountinfo, "/proc/thread-self/mountinfo"}, {&f.Swaps, "/proc/swaps"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if f.Every == 0 {
		f.Every = 500 * time.Millisecond
	}
	if f.claim == nil {
		f.claim = claimExclusively
	}
	return f
}

// deviceName turns a path that the kernel or the user wrote as "/dev/…" into
// the name that sysfs uses, through links such as /dev/mapper/x; "" when it is
// not such a path. A slash in a name is "!" in sysfs.
func (f Finder) deviceName(path string) string {
	rel, ok := strings.CutPrefix(path, "/dev/")
	if !ok {
		return ""
	}
	if dev, err := filepath.EvalSymlinks(f.Dev); err == nil {
		if real, err := filepath.EvalSymlinks(filepath.Join(dev, rel)); err == nil {
			if r, err := filepath.Rel(dev, real); err == nil {
				rel = r
			}
		}
	}
	return strings.ReplaceAll(rel, "/", "!")
}

// firstCommon tells whether any of the names is in the set, and which.
func firstCommon(names, set []string) (string, bool) {
	for _, n := range names {
		if slices.Contains(set, n) {
			return n, true
		}
	}
	return "", false
}
