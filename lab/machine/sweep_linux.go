package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Remains are what machines have left on this host, a line each: loop devices
// over images below a directory, mounts below it, and first processes. Nothing of
// a Rack that is closed remains; of one that was killed, loop devices that a
// helper made for keeps.
func Remains(dir string) []string { return remains(dir, nil, nil) }

// Remains are those that belong to none of this Rack's machines.
func (r *Rack) Remains(dir string) []string {
	devices, processes := map[uint64]bool{}, map[int]bool{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.machines {
		m.mu.Lock()
		processes[m.cmd.Process.Pid] = true
		for _, v := range m.volumes {
			for _, l := range v.loops {
				devices[l.device()] = true
			}
		}
		m.mu.Unlock()
	}
	return remains(dir, devices, processes)
}

func remains(dir string, devices map[uint64]bool, processes map[int]bool) (found []string) {
	for _, l := range loopsOf(dir) {
		if devices[l.device] {
			continue
		}
		found = append(found, fmt.Sprintf("loop device %s over %s", l.path, l.image))
		for _, over := range loopsOver(l.device) {
			found = append(found, fmt.Sprintf("loop device %s over %s", over.path, l.path))
		}
	}
	table, _ := os.ReadFile("/proc/self/mountinfo") // without proc there are no mounts to see
	for line := range strings.Lines(string(table)) {
		if point := unescape(strings.Fields(line)[4]); within(point, dir) {
			found = append(found, "mount "+point)
		}
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is sound
	for _, file := range lines {
		text, _ := os.ReadFile(file) // it may have ended
		args := strings.Split(string(text), "\x00")
		pid, err := strconv.Atoi(strings.Split(file, "/")[2])
		if err == nil && args[0] == marker && len(args) > 1 && within(args[1], dir) && !processes[pid] {
			found = append(found, fmt.Sprintf("process %d of machine %s", pid, args[1]))
		}
	}
	slices.Sort(found)
	return found
}

// Sweep takes away the loop devices that a killed lab has left behind over
// images below a directory. No Rack may be at work there.
func Sweep(dir string) {
	for _, l := range loopsOf(dir) {
		clearAbove(l.device)
		if fd, err := unix.Open(l.path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.IoctlSetInt(fd, unix.LOOP_CLR_FD, 0) // it clears itself with its last user otherwise
			unix.Close(fd)
		}
	}
}

// imageLoop is a loop device over an image.
type imageLoop struct {
	upper
	image string
}

func loopsOf(dir string) (found []imageLoop) {
	used, _ := filepath.Glob("/sys/block/loop*/loop/backing_file") // the pattern is sound
	for _, file := range used {
		image, _ := os.ReadFile(file) // it may be cleared meanwhile
		path := filepath.Join("/dev", strings.Split(file, "/")[3])
		var st unix.Stat_t
		name := strings.TrimSuffix(strings.TrimSpace(string(image)), " (deleted)")
		if within(name, dir) && unix.Stat(path, &st) == nil {
			found = append(found, imageLoop{upper{path, st.Rdev}, name})
		}
	}
	return found
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
