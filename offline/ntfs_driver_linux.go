package offline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// The kernel's ntfs3 (Linux 6.12) differs from ntfs-3g, whose names a File has, in
// this:
//   - the descriptor is system.ntfs_security; the other attributes are the same;
//   - there are no short names, no streams and no reparse data; short names open
//     files, as do those of NTFS's own ($MFT), though no directory shows them;
//   - user. attributes are NTFS's extended attributes, and not streams;
//   - attributes are set with all their bits, those of compression among them;
//   - a new file gets a descriptor in another form, and owner and mode as extended
//     attributes, as the Linux in Windows has them.
const (
	kernelDescriptor = "system.ntfs_security"
	kernelOwner      = "$LX" // $LXUID, $LXGID, $LXMOD
)

// kernelServes tells by the type of the filesystem, which a detached mount has
// too, whether the driver is the kernel's.
func kernelServes(fd int) (bool, error) {
	const ntfsMagic = 0x7366746e // in statfs(2); ntfs-3g has that of FUSE
	var st unix.Statfs_t
	err := unix.Fstatfs(fd, &st)
	return st.Type == ntfsMagic, err
}

// getNTFS is getXattr by the name of ntfs-3g.
func getNTFS(fd int, name string) ([]byte, error) {
	kernel, err := kernelServes(fd)
	if err != nil {
		return nil, err
	}
	switch {
	case kernel && name == XattrNTFSDescriptor:
		name = kernelDescriptor
	case kernel && name == xattrNTFSShort:
		return nil, nil // what has that name is somebody's extended attribute
	}
	value, err := getXattr(fd, name)
	if kernel && errors.Is(err, unix.ENOENT) { // its descriptor is kept with the file, as ntfs-3g does at first and Windows has not since NT
		return nil, errors.New("ntfs3 does not see it")
	}
	return value, err
}

// setNTFSXattr sets an attribute by the name of ntfs-3g.
func setNTFSXattr(fd int, name string, value []byte) error {
	kernel, err := kernelServes(fd)
	if err != nil {
		return err
	}
	if kernel && name == XattrNTFSDescriptor {
		name = kernelDescriptor
	}
	if name == XattrNTFSAttributes {
		bits, err := ntfsAttributes(fd)
		if err != nil {
			return err
		}
		le := binary.LittleEndian
		value = le.AppendUint32(nil, bits&^ntfsSettable|le.Uint32(value))
	}
	return unix.Fsetxattr(fd, name, value, 0)
}

// undressNTFS takes off what the kernel's driver gives a new file besides.
func undressNTFS(fd int) error {
	buf := make([]byte, 1<<16)
	n, err := unix.Flistxattr(fd, buf)
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(string(buf[:n]), "\x00") {
		if !strings.HasPrefix(name, kernelOwner) {
			continue
		}
		if err := unix.Fremovexattr(fd, name); err != nil {
			return err
		}
	}
	return nil
}

// ErrNotRestorable means that a file cannot be removed, since the driver could not
// bring it back.
var ErrNotRestorable = errors.New("ntfs3 could not bring back all that is in this file: install ntfs-3g on the helper")

// restorable refuses to have the kernel's driver remove a file with streams or what
// else it does not show. Its record, read through the driver, says what there is.
func (v *Volume) restorable(loc location, fd int) error {
	kernel, err := kernelServes(fd)
	if err != nil || !kernel {
		return err
	}
	info, err := fstat(fd)
	if err != nil {
		return err
	}
	if info.Kind == Dir { // made by us, or somebody else's and not empty
		return nil
	}
	table, err := openBelow(loc.m.fd, "$MFT", readFlags)
	if err != nil {
		return fmt.Errorf("cannot open the table of files: %w", err)
	}
	defer unix.Close(table)
	if err := unix.Fadvise(table, 0, 0, unix.FADV_DONTNEED); err != nil { // the driver writes it past this file's cache
		return err
	}
	for _, size := range []int{1024, 4096} { // a record is as large as a sector of the disk, or the former
		record := make([]byte, size)
		n, err := unix.Pread(table, record, int64(info.Ino)*int64(size))
		if err == nil && n == size && binary.LittleEndian.Uint32(record[28:]) == uint32(size) && plainRecord(record, path.Base(loc.path)) {
			return nil
		}
	}
	return ErrNotRestorable
}
