package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// release takes a block device away from the programs that use it, as a forced
// detachment does: who has it open, or a file of a filesystem on it, is killed,
// and what is mounted from it is unmounted.
func release(device uint64) {
	devices := map[uint64]bool{device: true}
	for i := range freeLoops { // loops over it
		if behind(filepath.Join("/dev", "loop"+strconv.Itoa(i))) == device {
			devices[unix.Mkdev(loopMajor, uint32(i))] = true
		}
	}
	unmountFrom(devices)
	for _, pid := range users(devices) {
		fmt.Fprintf(os.Stderr, "machine: process %d has lost its volume\n", pid)
		_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
	}
}

// behind is the block device that a loop device maps; 0 when there is none.
func behind(loop string) uint64 {
	fd, err := unix.Open(loop, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	info, err := unix.IoctlLoopGetStatus64(fd)
	if err != nil {
		return 0
	}
	return info.Rdevice
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
