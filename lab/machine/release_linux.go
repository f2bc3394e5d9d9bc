package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// release takes a block device away from the programs of this machine, as a
// forced detachment does: who has it open, or a file of a filesystem on it, is
// killed, and what is mounted from it is unmounted.
func release(device uint64) {
	devices := map[uint64]bool{device: true}
	for _, l := range loopsOver(device) {
		devices[l.device] = true
	}
	unmountFrom(devices)
	for _, pid := range users(devices) {
		fmt.Fprintf(os.Stderr, "machine: process %d has lost its volume\n", pid)
		_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
	}
}

// upper is a loop device whose file is another block device.
type upper struct {
	path   string
	device uint64
}

// loopsOver are the loop devices that somebody has made over a block device.
// Only those that are in use are looked at: to open one makes it.
func loopsOver(device uint64) (found []upper) {
	used, _ := filepath.Glob("/sys/block/loop*/loop/backing_file") // the pattern is sound
	for _, file := range used {
		path := filepath.Join("/dev", strings.Split(file, "/")[3])
		var st unix.Stat_t
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		info, err := unix.IoctlLoopGetStatus64(fd)
		if err == nil && info.Rdevice == device && unix.Fstat(fd, &st) == nil {
			found = append(found, upper{path, st.Rdev})
		}
		unix.Close(fd)
	}
	return found
}

// clearAbove removes the loop devices that a machine has made over a device and
// left behind: without the flag autoclear they outlive the machine.
func clearAbove(device uint64) {
	for _, l := range loopsOver(device) {
		if fd, err := unix.Open(l.path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.IoctlSetInt(fd, unix.LOOP_CLR_FD, 0) // it clears itself with its last user otherwise
			unix.Close(fd)
		}
	}
}

func unmountFrom(devices map[uint64]bool) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(table)) {
		point := unescape(strings.Fields(line)[4])
		var st unix.Stat_t
		if unix.Stat(point, &st) == nil && devices[st.Dev] {
			_ = unix.Unmount(point, unix.MNT_DETACH) // it may be gone with the one above it
		}
	}
}

// users are the processes of this machine, but for this one, that have one of
// the devices open or a file on it.
func users(devices map[uint64]bool) (pids []int) {
	names, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is sound
	names2, _ := filepath.Glob("/proc/[0-9]*/cwd")
	seen := map[int]bool{os.Getpid(): true}
	for _, name := range append(names, names2...) {
		pid, err := strconv.Atoi(strings.Split(name, "/")[2])
		var st unix.Stat_t
		if err != nil || seen[pid] || unix.Stat(name, &st) != nil {
			continue
		}
		if devices[st.Dev] || st.Mode&unix.S_IFMT == unix.S_IFBLK && devices[st.Rdev] {
			seen[pid] = true
			pids = append(pids, pid)
		}
	}
	return pids
}
