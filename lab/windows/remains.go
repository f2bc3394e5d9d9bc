package windows

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/machine"
)

// Remains are what machines below a directory have left on this host, a line each:
// those of package machine, and drivers of NTFS.
func Remains(dir string) []string { return remains(dir, machine.Remains, nil) }

// Remains are those that belong to no machine of this Host or the one below.
func (h *Host) Remains(dir string) []string {
	look := machine.Remains
	if below, ok := h.Host.(interface{ Remains(dir string) []string }); ok {
		look = below.Remains
	}
	h.mu.Lock()
	mine := maps.Clone(h.inUse)
	h.mu.Unlock()
	return remains(dir, look, mine)
}

// remains passes over the volumes and mount points of machines that are on.
func remains(dir string, look func(string) []string, mine map[string]bool) (found []string) {
	for _, line := range look(dir) {
		_, image, _ := strings.Cut(line, " over ")
		if !mine[image] {
			found = append(found, line)
		}
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is sound
	for _, file := range lines {
		text, _ := os.ReadFile(file) // it may have ended
		words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		point := words[len(words)-1]
		if words[0] == driver && strings.HasPrefix(point, strings.TrimSuffix(dir, "/")+"/") && !mine[point] {
			found = append(found, fmt.Sprintf("process %s mounts NTFS at %s", strings.Split(file, "/")[2], point))
		}
	}
	slices.Sort(found)
	return found
}

// use notes that what belongs to a machine is in use, or no longer.
func (h *Host) use(x *session, is bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, path := range []string{x.spec.Root.Image, x.dir()} {
		if h.inUse[path] = true; !is {
			delete(h.inUse, path)
		}
	}
}
