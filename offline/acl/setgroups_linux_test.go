package acl_test

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// setgroups changes this thread alone, where the package syscall would change all.
func setgroups(gids []uint32) {
	unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(gids)), uintptr(unsafe.Pointer(&gids[0])), 0)
}
