package acl_test

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setgroups changes this thread alone, where the package syscall would change all.
func setgroups(gids []uint32) {
	must(unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(gids)), uintptr(unsafe.Pointer(&gids[0])), 0))
}

func must(_, _ uintptr, err syscall.Errno) {
	if err != 0 {
		panic(err)
	}
}
