package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

var errNoNode = errors.New("no such device")

// deviceNumber is "major:minor" of a block device's node.
func deviceNumber(path string) (string, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	switch {
	case errors.Is(err, unix.ENOENT):
		return "", fmt.Errorf("%w: %s", errNoNode, path)
	case err != nil:
		return "", &os.PathError{Op: "stat", Path: path, Err: err}
	case st.Mode&unix.S_IFMT != unix.S_IFBLK:
		return "", errors.New("it is something else")
	}
	return numberText(st.Rdev), nil
}

func numberText(dev uint64) string {
	return fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev))
}

// claimExclusively fails with EBUSY when anybody holds the device or a
// partition of it: a mount in any namespace, md, dm, swap, another rescue.
func claimExclusively(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EBUSY) {
		return &Refusal{path, Busy, ""}
	}
	if err != nil {
		return fmt.Errorf("cannot open device %w", quoted(path, err))
	}
	return unix.Close(fd)
}

// OpenDevice guards the device and opens it exclusively, so that nobody else
// can mount it or begin a second rescue while the file is open. Its size is in
// bytes. Because the device is claimed, mount it through a loop device only.
func (f Finder) OpenDevice(path string, write bool) (*os.File, int64, error) {
	f = f.filled()
	if err := f.guard(path, write); err != nil {
		return nil, 0, err
	}
	mode := os.O_RDONLY
	if write {
		mode = os.O_RDWR
	}
	file, err := os.OpenFile(path, mode|unix.O_EXCL, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, 0, &Refusal{path, Busy, ""}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot open device %w", quoted(path, err))
	}
	size, err := f.recheck(file, write)
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, size, nil
}

// recheck looks again now that nobody can come between: the node may have
// changed, and a mount may have begun and ended.
func (f Finder) recheck(file *os.File, write bool) (int64, error) {
	if err := f.guard(file.Name(), write); err != nil {
		return 0, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return 0, fmt.Errorf("cannot open device %w", quoted(file.Name(), err))
	}
	if number, err := deviceNumber(file.Name()); err != nil || numberText(st.Rdev) != number {
		return 0, &Refusal{file.Name(), NotBlock, "it changed while it was opened"}
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("cannot open device %w", quoted(file.Name(), err))
	}
	if size == 0 {
		return 0, &Refusal{file.Name(), NotBlock, "it is empty"}
	}
	return size, nil
}

// loopFile is what a loop device maps, by the numbers of the file behind it.
type loopFile struct {
	dev, ino uint64
	rdev     string // "259:1" when it is a block device
}

// loopTarget asks the loop device itself, since the path in sysfs may belong to
// another mount namespace or to a name that is gone, and takes the path only
// when the device cannot be asked.
func (f Finder) loopTarget(d *blockDev) (out loopFile) {
	path := filepath.Join(f.Dev, d.name)
	if number, err := deviceNumber(path); err == nil && number == d.number {
		if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err == nil {
			defer unix.Close(fd)
			if info, err := unix.IoctlLoopGetStatus64(fd); err == nil {
				out.dev, out.ino = info.Device, info.Inode
				if info.Rdevice != 0 {
					out.rdev = numberText(info.Rdevice)
				}
				return out
			}
		}
	}
	var st unix.Stat_t
	if unix.Stat(d.backing, &st) == nil {
		out.dev, out.ino = st.Dev, st.Ino
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			out.rdev = numberText(st.Rdev)
		}
	}
	return out
}
