package runs

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the file for this process; it is free again when the process ends.
// What is locked is a byte far behind the end, since Windows lets nobody read
// what is locked.
func lock(f *os.File) error {
	far := &windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, far)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrBusy
	}
	return err
}

// syncDir does nothing: NTFS journals its directories, and Windows syncs none.
func syncDir(string) error { return nil }
