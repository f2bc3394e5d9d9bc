package mount

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const attributes = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_NOATIME

// Detached mounts the block device and returns a descriptor of the root
// directory, opened as O_PATH (fsmount(2)). The mount is in no mount table and
// ends when the last descriptor inside it is closed, at the latest with the
// process. A failure is an *Error.
//
// Always give it a loop device, for a whole disk too: the read-only flag of a
// loop holds where a driver would write in spite of a read-only mount.
func Detached(device string, o Options) (fd int, err error) {
	if err := o.check(); err != nil {
		return -1, fmt.Errorf("cannot mount %s: %w", device, err)
	}
	return detach(device, o)
}

func detach(device string, o Options) (fd int, err error) {
	number, err := deviceNumber(device)
	if err != nil {
		return -1, fmt.Errorf("cannot mount %s: %w", device, err)
	}
	log := openKernelLog(filepath.Base(device))
	defer log.close()
	if o.Type == "btrfs" {
		forgetBtrfs(device)
	}
	fsfd, err := unix.Fsopen(o.Type, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, &Error{Device: device, Type: o.Type, Reason: reason(o, err, nil), Err: os.NewSyscallError("fsopen", err)}
	}
	defer unix.Close(fsfd)
	fd, err = create(fsfd, o.params(device), o.ReadOnly)
	if err == nil {
		if err = sameDevice(fd, device, number, o.Type); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		messages := append(contextMessages(fsfd), log.messages()...)
		why := reason(o, err, messages)
		if errors.Is(err, ErrWrongDevice) {
			why = nil
		}
		return -1, &Error{Device: device, Type: o.Type, Reason: why, Err: err, Messages: messages}
	}
	return fd, nil
}

func create(fsfd int, params []param, readonly bool) (int, error) {
	for _, p := range params {
		if err := set(fsfd, p); errors.Is(err, unix.EINVAL) && p == windowsNames {
			continue // Linux before 6.2
		} else if err != nil {
			return -1, fmt.Errorf("option %q: %w", p, err)
		}
	}
	if err := unix.FsconfigCreate(fsfd); err != nil {
		return -1, os.NewSyscallError("fsconfig", err)
	}
	attr := attributes
	if readonly {
		attr |= unix.MOUNT_ATTR_RDONLY
	}
	fd, err := unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, attr)
	return fd, os.NewSyscallError("fsmount", err)
}

func set(fsfd int, p param) error {
	if p.value == "" {
		return unix.FsconfigSetFlag(fsfd, p.key)
	}
	return unix.FsconfigSetString(fsfd, p.key, p.value)
}

func deviceNumber(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0, errors.New("not a block device")
	}
	return st.Rdev, nil
}

// sameDevice proves that the mount is of this device and not of a twin. btrfs
// numbers its mounts anonymously and, before Linux 6.7, took the device that it
// knew for the fsid, whichever had been named.
func sameDevice(fd int, device string, number uint64, fstype string) error {
	if fstype == "btrfs" {
		return sameBtrfs(fd, filepath.Base(device))
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Dev != number {
		return fmt.Errorf("%w: device %d:%d", ErrWrongDevice, unix.Major(st.Dev), unix.Minor(st.Dev))
	}
	return nil
}

// SyncFS writes the filesystem of the mount out and waits (syncfs(2)), which
// the O_PATH descriptor of a mount does not allow by itself.
func SyncFS(fd int) error {
	dir, err := openRoot(fd)
	if err != nil {
		return fmt.Errorf("cannot sync filesystem: %w", err)
	}
	defer unix.Close(dir)
	if err := unix.Syncfs(dir); err != nil {
		return fmt.Errorf("cannot sync filesystem: %w", os.NewSyscallError("syncfs", err))
	}
	return nil
}

func openRoot(fd int) (int, error) {
	dir, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return dir, os.NewSyscallError("openat", err)
}
