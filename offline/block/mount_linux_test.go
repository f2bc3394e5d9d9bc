package block

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Numbers of the system calls, the same on every architecture that has them.
const (
	sysFsopen   = 430
	sysFsconfig = 431
	sysFsmount  = 432

	fsconfigSetString = 1
	fsconfigCreate    = 6
	closeOnExec       = 1
)

// mounted mounts a device detached: the mount is in no namespace, so that no
// other process can copy it and keep it alive after the unmount. It lasts
// until the returned function is called, at the latest until the end of the
// test.
func mounted(t testing.TB, dev, typ string) (dir string, unmount func()) {
	t.Helper()
	needRoot(t)
	fd, err := detached(dev, typ)
	if err != nil {
		cannotRun(t, "cannot mount %s: %v", typ, err)
	}
	unmount = sync.OnceFunc(func() {
		_ = syscall.Close(fd)
		waitReleased(t, dev)
	})
	t.Cleanup(unmount)
	return fmt.Sprintf("/proc/%d/fd/%d/", os.Getpid(), fd), unmount
}

// waitReleased waits until no filesystem claims the device: a child of another
// test that is between fork and exec holds a copy of the mount a little longer.
func waitReleased(t testing.TB, dev string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		f, err := os.OpenFile(dev, os.O_RDONLY|syscall.O_EXCL, 0)
		if err == nil {
			_ = f.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the filesystem on %s is still there: %v", dev, err)
		}
	}
}

func detached(dev, typ string) (int, error) {
	name, err := syscall.BytePtrFromString(typ)
	if err != nil {
		return -1, err
	}
	ctx, _, errno := syscall.Syscall(sysFsopen, uintptr(unsafe.Pointer(name)), closeOnExec, 0)
	if errno != 0 {
		return -1, os.NewSyscallError("fsopen", errno)
	}
	defer syscall.Close(int(ctx))
	if err := fsconfig(ctx, fsconfigSetString, "source", dev); err != nil {
		return -1, err
	}
	if err := fsconfig(ctx, fsconfigCreate, "", ""); err != nil {
		return -1, err
	}
	fd, _, errno := syscall.Syscall(sysFsmount, ctx, closeOnExec, 0)
	if errno != 0 {
		return -1, os.NewSyscallError("fsmount", errno)
	}
	return int(fd), nil
}

func fsconfig(ctx uintptr, command int, key, value string) error {
	var k, v *byte
	if key != "" {
		var err error
		if k, err = syscall.BytePtrFromString(key); err != nil {
			return err
		}
		if v, err = syscall.BytePtrFromString(value); err != nil {
			return err
		}
	}
	_, _, errno := syscall.Syscall6(sysFsconfig, ctx, uintptr(command), uintptr(unsafe.Pointer(k)), uintptr(unsafe.Pointer(v)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("fsconfig", errno)
	}
	return nil
}
