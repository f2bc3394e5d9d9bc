package offline

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// tempName is the one name that the writer uses beside a file. It is fixed, so
// that what a crash leaves is found and cleared by the next attempt.
func tempName(name string) string { return "." + name + ".regain-tmp" }

// IsTemp tells whether a name is one that a writer cut off may have left.
func IsTemp(name string) bool {
	return len(name) > len("..regain-tmp") && name[0] == '.' && bytes.HasSuffix([]byte(name), []byte(".regain-tmp"))
}

// sweep removes what an attempt cut off may have left beside loc.
func (v *Volume) sweep(loc location) error {
	if loc.rel == "." {
		return nil
	}
	dir, name, err := v.openParent(loc)
	if isNotExist(err) {
		return nil
	} else if err != nil {
		return err
	}
	defer unix.Close(dir)
	return sweepTemp(dir, name)
}

func sweepTemp(dir int, name string) error {
	err := unix.Unlinkat(dir, tempName(name), 0)
	if errors.Is(err, unix.EISDIR) {
		err = unix.Unlinkat(dir, tempName(name), unix.AT_REMOVEDIR)
	}
	if err == nil || isNotExist(err) || errors.Is(err, unix.ENOTEMPTY) { // ours are empty: it stays, and to write there fails
		return nil
	}
	return fmt.Errorf("cannot clear %q: %w", tempName(name), err)
}

// replace puts a new file in the place of the old one: written beside it, with
// owner, label and mode set, synced and read back before the rename, so that
// each moment shows the old file or the new one. When there is no room or no
// inode for a second file, and the new content only adds to the old, it is
// appended in place instead (a reserved block or the rest of the last one can
// still hold it).
func (v *Volume) replace(loc location, now, after *File) error {
	dir, name, err := v.openParent(loc)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	err = v.writeTemp(dir, name, after)
	if err != nil {
		err = errors.Join(err, sweepTemp(dir, name))
	}
	if noRoom(err) && now != nil {
		return v.editInPlace(loc, now, after)
	}
	if err != nil {
		return err
	}
	return v.rename(dir, name, loc, now, after)
}

func noRoom(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

func (v *Volume) writeTemp(dir int, name string, after *File) error {
	v.step("create")
	fd, err := openBelow(dir, tempName(name), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	v.step("write")
	if _, err := f.Write(after.Data); err != nil {
		return err
	}
	if err := v.dress(fd, after); err != nil {
		return err
	}
	v.step("sync")
	if err := f.Sync(); err != nil {
		return err
	}
	written, err := readAll(&offsetReader{fd: fd}, int64(len(after.Data)))
	if err == nil && !bytes.Equal(written, after.Data) {
		err = errors.New("what was read back is not what was written")
	}
	return err
}

// rename moves the finished file over the old one. The flags of the old file
// are lifted for it, and set on the new one afterwards, since the kernel
// renames neither an immutable file nor over one.
func (v *Volume) rename(dir int, name string, loc location, now, after *File) error {
	flags := uint(unix.RENAME_NOREPLACE)
	if now != nil {
		flags = 0
		if err := v.liftFlags(loc, now); err != nil {
			return errors.Join(err, sweepTemp(dir, name))
		}
	}
	v.step("rename")
	if err := unix.Renameat2(dir, tempName(name), dir, name, flags); err != nil {
		return errors.Join(err, sweepTemp(dir, name))
	}
	v.step("sync directory")
	if err := unix.Fsync(dir); err != nil {
		return err
	}
	return v.setFlags(loc, after.Flags)
}

// editInPlace sets attributes, and appends. It never makes the file shorter
// than it was, except to take back what it appended itself.
func (v *Volume) editInPlace(loc location, now, after *File) error {
	info, err := v.lstatCanonical(loc.path)
	if err != nil {
		return err
	}
	if info.Nlink > 1 && !bytes.Equal(now.Data, after.Data) {
		return fmt.Errorf("there is no room for a new file, and this one has %d hard links", info.Nlink)
	}
	if info.Nlink > 1 {
		return v.replaceLinked(loc, now, after)
	}
	if err := v.liftFlags(loc, now); err != nil {
		return err
	}
	if err := v.appendInPlace(loc, now, after.Data); err != nil {
		return errors.Join(err, v.setFlags(loc, now.Flags))
	}
	return v.setAttributes(loc, now, after)
}

// replaceLinked parts the file from its other names, so that an attribute
// meant for this name does not change what the others show.
func (v *Volume) replaceLinked(loc location, now, after *File) error {
	if now.sameAttributes(after) {
		return v.setFlags(loc, after.Flags)
	}
	dir, name, err := v.openParent(loc)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := v.writeTemp(dir, name, after); err != nil {
		return errors.Join(err, sweepTemp(dir, name))
	}
	return v.rename(dir, name, loc, now, after)
}

// appendInPlace turns now into after where one begins with the other: it
// appends, or takes back what an earlier append added.
func (v *Volume) appendInPlace(loc location, seen *File, after []byte) error {
	now := seen.Data
	if bytes.Equal(now, after) {
		return nil
	}
	if !bytes.HasPrefix(after, now) && !bytes.HasPrefix(now, after) {
		return fmt.Errorf("there is no room for a new file beside the old one: %w", unix.ENOSPC)
	}
	fd, err := v.openSeen(loc, seen, unix.O_RDWR)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), loc.path)
	defer f.Close()
	if len(after) < len(now) {
		v.step("truncate")
		return errors.Join(f.Truncate(int64(len(after))), f.Sync())
	}
	v.step("append")
	_, err = f.WriteAt(after[len(now):], int64(len(now)))
	if err == nil {
		v.step("sync append")
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.Truncate(int64(len(now))), f.Sync())
	}
	return nil
}

func (v *Volume) remove(loc location, now *File) error {
	dir, name, err := v.openParent(loc)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := v.liftFlags(loc, now); err != nil {
		return err
	}
	flags := 0
	if now.Kind == Dir {
		flags = unix.AT_REMOVEDIR
	}
	v.step("remove")
	if err := unix.Unlinkat(dir, name, flags); errors.Is(err, unix.ENOTEMPTY) {
		return fmt.Errorf("%w: the directory is not empty", ErrDrift)
	} else if err != nil {
		return err
	}
	v.step("sync directory")
	return unix.Fsync(dir)
}

func (v *Volume) mkdir(loc location, after *File) error {
	dir, name, err := v.openParent(loc)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	v.step("mkdir")
	if err := unix.Mkdirat(dir, tempName(name), 0o700); err != nil {
		return err
	}
	if err := v.finishDir(dir, name, after); err != nil {
		return errors.Join(err, sweepTemp(dir, name))
	}
	v.step("sync directory")
	if err := unix.Fsync(dir); err != nil {
		return err
	}
	return v.setFlags(loc, after.Flags)
}

func (v *Volume) finishDir(dir int, name string, after *File) error {
	fd, err := openBelow(dir, tempName(name), readFlags|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := v.dress(fd, after); err != nil {
		return err
	}
	v.step("sync")
	if err := unix.Fsync(fd); err != nil {
		return err
	}
	v.step("rename")
	return unix.Renameat2(dir, tempName(name), dir, name, unix.RENAME_NOREPLACE)
}
