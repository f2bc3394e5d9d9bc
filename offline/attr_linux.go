package offline

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"
)

// dress gives the open file its owner, attributes and mode, in this order: the
// owner first, since chown(2) clears setuid bits; ACLs before the mode, since an
// ACL rewrites the group bits (acl(5)).
func (v *Volume) dress(fd int, f *File) error {
	v.step("owner")
	if err := unix.Fchown(fd, int(f.UID), int(f.GID)); err != nil {
		return fmt.Errorf("cannot set the owner: %w", err)
	}
	v.step("attributes")
	if err := setXattrs(fd, f); err != nil {
		return err
	}
	v.step("mode")
	if err := unix.Fchmod(fd, f.Mode); err != nil {
		return fmt.Errorf("cannot set the mode: %w", err)
	}
	return nil
}

// setXattrs makes the attributes that Snapshot keeps those of f; a file made in
// a directory with a default ACL has inherited some that must go.
func setXattrs(fd int, f *File) error {
	var now File
	if err := now.readXattrs(fd); err != nil {
		return fmt.Errorf("cannot read the attributes: %w", err)
	}
	for name := range now.Xattr {
		if _, keep := f.Xattr[name]; keep {
			continue
		}
		if err := unix.Fremovexattr(fd, name); err != nil {
			return fmt.Errorf("cannot remove the attribute %q: %w", name, err)
		}
	}
	for name, value := range f.Xattr {
		if bytes.Equal(now.Xattr[name], value) {
			continue
		}
		if err := unix.Fsetxattr(fd, name, value, 0); err != nil {
			return fmt.Errorf("cannot set the attribute %q: %w", name, err)
		}
	}
	return setLabel(fd, now.Label, f.Label)
}

// setLabel writes the label with its closing NUL, as libselinux does. Taking a
// label off is refused by a helper whose own SELinux is loaded; it stays then.
func setLabel(fd int, now, label string) error {
	switch {
	case now == label:
		return nil
	case label == "":
		if err := unix.Fremovexattr(fd, XattrLabel); err != nil && err != unix.EACCES && err != unix.EPERM {
			return fmt.Errorf("cannot remove the label: %w", err)
		}
		return nil
	}
	if err := unix.Fsetxattr(fd, XattrLabel, append([]byte(label), 0), 0); err != nil {
		return fmt.Errorf("cannot set the label %q: %w", label, err)
	}
	return nil
}

// setAttributes changes a file or directory in place.
func (v *Volume) setAttributes(loc location, now, after *File) error {
	if !now.sameAttributes(after) {
		if err := v.liftFlags(loc, now); err != nil {
			return err
		}
		if err := v.redress(loc, now, after); err != nil {
			return err
		}
	}
	return v.setFlags(loc, after.Flags)
}

func (v *Volume) redress(loc location, now, after *File) error {
	seen := now.Clone()
	seen.Data = after.Data // what had to be appended has been
	fd, err := v.openSeen(loc, seen, readFlags)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := v.dress(fd, after); err != nil {
		return err
	}
	v.step("sync")
	return unix.Fsync(fd)
}

// openSeen opens a file for an edit in place: the one that was seen, under this
// name alone. Whoever may write to the directory can put another one there, such
// as a hard link of a file that is not his.
func (v *Volume) openSeen(loc location, seen *File, flags int) (int, error) {
	fd, info, err := v.open(loc, flags)
	if err != nil {
		return -1, err
	}
	now, err := v.readFD(fd, info, maxSnapshot)
	alone := info.Kind != Regular || info.Nlink == 1
	if err == nil && v.ntfs {
		alone, err = oneName(fd)
	}
	if err == nil && (!now.Equal(seen) || !alone) {
		err = ErrDrift
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// liftFlags takes the immutable and append-only flags off for an edit.
func (v *Volume) liftFlags(loc location, now *File) error {
	if now.Flags == 0 {
		return nil
	}
	return v.setFlags(loc, 0)
}

func (v *Volume) setFlags(loc location, want uint32) error {
	fd, _, err := v.open(loc, readFlags)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	all, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil && want == 0 {
		return nil // a filesystem without inode flags
	}
	if err != nil {
		return fmt.Errorf("cannot read the inode flags: %w", err)
	}
	flags := all&^(FlagImmutable|FlagAppend) | want
	if flags == all {
		return nil
	}
	v.step("flags")
	if err := unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags)); err != nil {
		return fmt.Errorf("cannot set the inode flags: %w", err)
	}
	v.step("sync flags")
	return unix.Fsync(fd)
}

// offsetReader reads a file from its start, wherever its offset stands.
type offsetReader struct {
	fd int
	at int64
}

func (r *offsetReader) Read(p []byte) (int, error) {
	n, err := unix.Pread(r.fd, p, r.at)
	if err != nil {
		return 0, err
	}
	r.at += int64(n)
	return n, eofAt(n)
}
