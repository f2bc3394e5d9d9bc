package sshd_test

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// asUser calls f on a thread whose user is 1000, groups 1000 and 50. The thread
// ends with the goroutine, so its ids go to nobody else. The path to the tree
// must be open to all.
func asUser(f func() error) error {
	runtime.LockOSThread() // not unlocked
	groups := []uint32{1000, 50}
	if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, 2, uintptr(unsafe.Pointer(&groups[0])), 0); e != 0 {
		return fmt.Errorf("cannot set groups: %w", e)
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, ^uintptr(0), 1000, ^uintptr(0)); e != 0 {
		return fmt.Errorf("cannot set the group: %w", e)
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), 1000, ^uintptr(0)); e != 0 {
		return fmt.Errorf("cannot set the user: %w", e)
	}
	return f()
}
