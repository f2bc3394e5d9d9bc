package offline

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// moveNTFS takes the file at loc to what it is to be, in place: a file that is
// renamed over another would have a descriptor of its own, open to everybody.
// Cut off anywhere, it leaves what underWayNTFS recognises.
func (v *Volume) moveNTFS(loc location, now, after *File) error {
	switch {
	case after == nil && now == nil:
		return nil
	case after == nil:
		return v.removeNTFS(loc, now)
	case now == nil:
		return v.createNTFS(loc, after)
	default:
		return v.editNTFS(loc, now, after)
	}
}

func (v *Volume) removeNTFS(loc location, now *File) error {
	fd, err := v.openSeen(loc, now, readFlags)
	if err != nil {
		return err
	}
	err = v.undress(fd, now)
	if err == nil {
		err = v.restorable(loc, fd)
	}
	unix.Close(fd) // ntfs-3g would keep an open file under another name
	if err != nil {
		return err
	}
	return v.remove(loc, now)
}

// checkNTFS refuses a file that would be left to what the driver gives new files.
func checkNTFS(after *File) error {
	if after != nil && (len(after.Xattr[XattrNTFSDescriptor]) == 0 || len(after.Xattr[XattrNTFSAttributes]) != 4) {
		return errors.New("a file on NTFS needs a security descriptor and attributes")
	}
	return nil
}

// createNTFS gives the new file its descriptor while it is still empty.
func (v *Volume) createNTFS(loc location, after *File) error {
	dir, name, err := v.openParent(loc)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	v.step("create")
	flags := 0
	if after.Kind == Dir {
		flags = unix.AT_REMOVEDIR
		err = unix.Mkdirat(dir, name, 0o700)
	} else {
		err = makeFile(dir, name)
	}
	if err != nil {
		return &fs.PathError{Op: "create", Path: fmt.Sprintf("%q", loc.path), Err: err}
	}
	v.seen.forget()
	now, err := v.Snapshot(loc.path, maxSnapshot)
	if err == nil && now == nil {
		err = ErrDrift
	}
	if err == nil {
		err = v.editNTFS(loc, now, after)
	}
	if err != nil {
		return errors.Join(err, unix.Unlinkat(dir, name, flags))
	}
	v.step("sync directory")
	return unix.Fsync(dir)
}

func makeFile(dir int, name string) error {
	fd, err := openBelow(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// undress takes off what the driver has added to a file that it has made, and that
// we have not finished: its descriptor is set only once this is done.
func (v *Volume) undress(fd int, now *File) error {
	if !now.isOpen() || len(now.Data) > 0 {
		return nil
	}
	v.step("undress")
	if err := errors.Join(undressNTFS(fd), unix.Fsync(fd)); err != nil {
		return fmt.Errorf("cannot take off what the driver has added: %w", err)
	}
	return nil
}

// editNTFS sets the descriptor, writes from the first byte that changes, and puts
// the attributes back, which writing touches. The inode stays the same.
func (v *Volume) editNTFS(loc location, now, after *File) error {
	flags := unix.O_RDWR
	if now.Kind == Dir {
		flags = readFlags
	}
	fd, err := v.openSeen(loc, now, flags)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), loc.path)
	defer f.Close()
	if err := v.undress(fd, now); err != nil {
		return err
	}
	if err := v.setNTFS(fd, now, after, XattrNTFSDescriptor); err != nil {
		return err
	}
	if err := v.writeNTFS(f, now.Data, after.Data); err != nil {
		return err
	}
	if err := v.dressNTFS(fd, after); err != nil {
		return err
	}
	v.step("sync")
	if err := f.Sync(); err != nil {
		return err
	}
	return v.sameInode(loc, fd)
}

// writeNTFS turns the content of f from now into after.
func (v *Volume) writeNTFS(f *os.File, now, after []byte) error {
	from := 0
	for from < len(now) && from < len(after) && now[from] == after[from] {
		from++
	}
	to := len(after)
	for len(now) == len(after) && to > from && now[to-1] == after[to-1] {
		to--
	}
	if from < to {
		v.step("write")
		if _, err := f.WriteAt(after[from:to], int64(from)); err != nil {
			return err
		}
	}
	if len(after) < len(now) {
		v.step("truncate")
		return f.Truncate(int64(len(after)))
	}
	return nil
}

// dressNTFS sets what Snapshot tells of a file beside its content, as far as it
// is not so already.
func (v *Volume) dressNTFS(fd int, after *File) error {
	info, err := fstat(fd)
	if err != nil {
		return err
	}
	now, err := v.outline(fd, info)
	if err != nil {
		return err
	}
	for name := range now.Xattr {
		if _, keep := after.Xattr[name]; !keep {
			v.step("remove " + name)
			if err := unix.Fremovexattr(fd, name); err != nil {
				return fmt.Errorf("cannot remove the attribute %q: %w", name, err)
			}
		}
	}
	names := slices.Sorted(maps.Keys(after.Xattr)) // streams (user.) last: they would set the archive bit
	slices.Reverse(names)
	for _, name := range names {
		if err := v.setNTFS(fd, now, after, name); err != nil {
			return err
		}
	}
	return nil
}

func (v *Volume) setNTFS(fd int, now, after *File, name string) error {
	value := after.Xattr[name]
	if bytes.Equal(now.Xattr[name], value) {
		return nil
	}
	v.step("set " + name)
	if err := setNTFSXattr(fd, name, value); err != nil {
		return fmt.Errorf("cannot set the attribute %q: %w", name, err)
	}
	return nil
}

func (v *Volume) sameInode(loc location, fd int) error {
	was, err := fstat(fd)
	if err != nil {
		return err
	}
	is, err := v.lstatKernel(loc.path)
	if err == nil && is.Ino != was.Ino {
		err = ErrDrift
	}
	return err
}
