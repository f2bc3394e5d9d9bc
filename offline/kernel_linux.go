package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

// confined is how every name on the volume is opened: inside the mount, no way
// into another filesystem, and no links at all: resolve has followed them, and
// one that shows up since then was put there to mislead.
const confined = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV

// openBelow opens rel inside dir. The kernel answers EAGAIN when the tree was
// renamed under the walk (openat2(2)); it is asked again a bounded number of times.
func openBelow(dir int, rel string, flags int) (int, error) {
	if flags&(unix.O_PATH|unix.O_DIRECTORY) == 0 { // openat2 refuses these two beside O_PATH; a directory has no use for them
		flags |= unix.O_NOCTTY | unix.O_NONBLOCK
	}
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: confined}
	if flags&unix.O_CREAT != 0 {
		how.Mode = 0o600
	}
	for range 128 {
		fd, err := unix.Openat2(dir, rel, &how)
		if err == unix.EXDEV { // something is mounted there that is not in the Volume's table
			return -1, ErrAbsentVolume
		}
		if err != unix.EAGAIN && err != unix.EINTR {
			return fd, err
		}
	}
	return -1, unix.EAGAIN
}

// readFlags opens for reading without touching the access time, which on a
// writable mount would be a write.
const readFlags = unix.O_RDONLY | unix.O_NOATIME

func (v *Volume) lstatCanonical(p string) (Info, error) {
	if f, ok := v.overlay[p]; ok {
		if f == nil {
			return Info{}, notExist("stat", p)
		}
		return v.overlayInfo(p, f), nil
	}
	return v.seen.stat(p, v.lstatKernel)
}

func (v *Volume) lstatKernel(p string) (Info, error) {
	loc, err := v.locate(p)
	if err != nil {
		return Info{}, err
	}
	fd, err := openBelow(loc.m.fd, loc.rel, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return Info{}, &fs.PathError{Op: "stat", Path: fmt.Sprintf("%q", p), Err: err}
	}
	defer unix.Close(fd)
	return fstat(fd)
}

// overlayInfo is what lstat would say once the previewed file is written.
func (v *Volume) overlayInfo(p string, f *File) Info {
	info := Info{Kind: f.Kind, Mode: f.Mode, UID: f.UID, GID: f.GID, Size: int64(len(f.Data)), Nlink: 1, Mtime: time.Unix(0, 0)}
	if loc, err := v.locate(p); err == nil {
		if fd, err := openBelow(loc.m.fd, ".", unix.O_PATH); err == nil {
			if root, err := fstat(fd); err == nil {
				info.Dev = root.Dev
			}
			unix.Close(fd)
		}
	}
	return info
}

func fstat(fd int) (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Info{}, err
	}
	info := Info{
		Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Size: st.Size, Nlink: uint64(st.Nlink),
		Dev: uint64(st.Dev), Ino: st.Ino, Mtime: time.Unix(st.Mtim.Unix()),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		info.Kind = Regular
	case unix.S_IFDIR:
		info.Kind = Dir
	case unix.S_IFLNK:
		info.Kind = Symlink
	default:
		info.Kind = Special
	}
	return info, nil
}

func (v *Volume) readlinkCanonical(p string) (string, error) {
	if f := v.overlay[p]; f != nil {
		return string(f.Data), nil
	}
	return v.seen.readlink(p, v.readlinkKernel)
}

func (v *Volume) readlinkKernel(p string) (string, error) {
	loc, err := v.locate(p)
	if err != nil {
		return "", err
	}
	fd, err := openBelow(loc.m.fd, loc.rel, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: fmt.Sprintf("%q", p), Err: err}
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: fmt.Sprintf("%q", p), Err: err}
	}
	return string(buf[:n]), nil
}

// open opens a regular file or directory, and tells what it is. It looks first,
// and then opens the very inode that it has looked at, whatever the name has
// come to mean since: to open a device or FIFO can have effects.
func (v *Volume) open(loc location, flags int) (int, Info, error) {
	look, err := v.openLocation(loc, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return -1, Info{}, err
	}
	defer unix.Close(look)
	info, err := fstat(look)
	if err != nil {
		return -1, Info{}, err
	}
	if info.Kind != Regular && info.Kind != Dir {
		return -1, Info{}, ErrNotRegular
	}
	fd, err := unix.Open(procFD(look), flags|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, Info{}, &fs.PathError{Op: "open", Path: fmt.Sprintf("%q", loc.path), Err: err}
	}
	return fd, info, nil
}

// openLocation opens a canonical name, its last component never followed.
func (v *Volume) openLocation(loc location, flags int) (int, error) {
	fd, err := openBelow(loc.m.fd, loc.rel, flags)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: fmt.Sprintf("%q", loc.path), Err: err}
	}
	return fd, nil
}

func notExist(op, p string) error {
	return &fs.PathError{Op: op, Path: fmt.Sprintf("%q", p), Err: fs.ErrNotExist}
}

func isNoXattr(err error) bool {
	return errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOTSUP)
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
