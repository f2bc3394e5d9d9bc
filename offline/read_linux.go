package offline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The bounds for reading, in bytes and names. A file beyond its bound is
// refused, never cut.
const (
	MaxConfig  = 1 << 20  // one configuration file
	MaxKeys    = 4 << 20  // authorized_keys
	MaxAccount = 16 << 20 // passwd and its kin
	MaxNames   = 1 << 20  // entries of one directory
)

// Lstat describes path without following its last component.
func (v *Volume) Lstat(p string) (Info, error) { return v.stat(p, false) }

// Stat describes what path leads to, links resolved inside the tree.
func (v *Volume) Stat(p string) (Info, error) { return v.stat(p, true) }

func (v *Volume) stat(p string, follow bool) (Info, error) {
	loc, err := v.resolve(p, follow)
	if err != nil {
		return Info{}, fmt.Errorf("cannot stat %q: %w", p, err)
	}
	return v.lstatCanonical(loc.path)
}

// Realpath is the canonical path that p leads to, as realpath(3) would give on
// the running system. The file must exist.
func (v *Volume) Realpath(p string) (string, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return "", fmt.Errorf("cannot resolve %q: %w", p, err)
	}
	if _, err := v.lstatCanonical(loc.path); err != nil {
		return "", fmt.Errorf("cannot resolve %q: %w", p, err)
	}
	return loc.path, nil
}

// Resolve is Realpath for a file that need not exist in a directory that does.
func (v *Volume) Resolve(p string) (string, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return "", fmt.Errorf("cannot resolve %q: %w", p, err)
	}
	return loc.path, nil
}

// ResolveMissing is Resolve for a file whose directories may be missing too:
// what does not exist is named below the last directory that does. A link that
// leads nowhere stands for itself; ".." below what is missing leads nowhere.
func (v *Volume) ResolveMissing(p string) (string, error) {
	loc, err := v.resolve(p, true)
	if err == nil {
		return loc.path, nil
	}
	dir, name := path.Split(strings.TrimRight(p, "/"))
	if !isNotExist(err) || name == "" || name == ".." {
		return "", fmt.Errorf("cannot resolve %q: %w", p, err)
	}
	parent, err := v.ResolveMissing(dir)
	return path.Join(parent, name), err
}

// Readlink is the target of the symbolic link p, as it is written.
func (v *Volume) Readlink(p string) (string, error) {
	loc, err := v.resolve(p, false)
	if err != nil {
		return "", fmt.Errorf("cannot read link %q: %w", p, err)
	}
	if info, err := v.lstatCanonical(loc.path); err != nil {
		return "", err
	} else if info.Kind != Symlink {
		return "", fmt.Errorf("cannot read link %q: not a symbolic link", p)
	}
	return v.readlinkCanonical(loc.path)
}

// ReadFile reads the regular file to which p leads, at most limit bytes; a
// larger file is ErrTooLarge.
func (v *Volume) ReadFile(p string, limit int64) ([]byte, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", p, err)
	}
	data, err := v.readCanonical(loc, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", p, err)
	}
	return data, nil
}

func (v *Volume) readCanonical(loc location, limit int64) ([]byte, error) {
	if f, ok := v.overlay[loc.path]; ok {
		switch {
		case f == nil:
			return nil, notExist("open", loc.path)
		case f.Kind != Regular:
			return nil, ErrNotRegular
		}
		return slices.Clone(f.Data), nil
	}
	data, err := v.seen.read(loc.path, limit, func() ([]byte, error) { return v.readKernel(loc, limit) })
	patchBytes(v.patches[loc.path], data, 0)
	return data, err
}

func (v *Volume) readKernel(loc location, limit int64) ([]byte, error) {
	fd, err := v.openRegular(loc)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readAll(&offsetReader{fd: fd}, limit)
}

func (v *Volume) openRegular(loc location) (int, error) {
	fd, info, err := v.open(loc, readFlags)
	if err != nil {
		return -1, err
	}
	if info.Kind != Regular {
		unix.Close(fd)
		return -1, ErrNotRegular
	}
	return fd, nil
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	}
	return data, nil
}

// ReadAt reads from a regular file at an offset: for headers of large binaries.
// A short read at the end of the file is no error.
func (v *Volume) ReadAt(p string, buf []byte, offset int64) (int, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return 0, fmt.Errorf("cannot read %q: %w", p, err)
	}
	if _, ok := v.overlay[loc.path]; ok {
		data, err := v.readCanonical(loc, MaxAccount)
		if err != nil {
			return 0, fmt.Errorf("cannot read %q: %w", p, err)
		}
		return copy(buf, data[min(max(offset, 0), int64(len(data))):]), nil
	}
	fd, err := v.openRegular(loc)
	if err != nil {
		return 0, fmt.Errorf("cannot read %q: %w", p, err)
	}
	defer unix.Close(fd)
	n, err := unix.Pread(fd, buf, offset)
	n = max(n, 0)
	patchBytes(v.patches[loc.path], buf[:n], offset)
	return n, err
}

// ReadDir lists the names in the directory to which p leads, sorted by bytes.
// More than MaxNames entries are ErrTooLarge. Names are foreign bytes: print
// them quoted.
func (v *Volume) ReadDir(p string) ([]string, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return nil, fmt.Errorf("cannot list %q: %w", p, err)
	}
	names, err := v.names(loc)
	if err != nil {
		return nil, fmt.Errorf("cannot list %q: %w", p, err)
	}
	return names, nil
}

// names are the names in a directory, those of a preview among them.
func (v *Volume) names(loc location) ([]string, error) {
	names, err := v.readDirCanonical(loc)
	if err != nil {
		return nil, err
	}
	for at, f := range v.overlay {
		if path.Dir(at) != loc.path || at == "/" {
			continue
		}
		names = slices.DeleteFunc(names, func(n string) bool { return n == path.Base(at) })
		if f != nil {
			names = append(names, path.Base(at))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (v *Volume) readDirCanonical(loc location) ([]string, error) {
	if f, ok := v.overlay[loc.path]; ok {
		if f == nil {
			return nil, notExist("open", loc.path)
		} else if f.Kind != Dir {
			return nil, ErrNotDir
		}
	}
	names, err := v.seen.list(loc.path, func() ([]string, error) { return v.listKernel(loc) })
	if _, ok := v.overlay[loc.path]; ok && errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a directory that only the preview holds
	}
	return names, err
}

func (v *Volume) listKernel(loc location) ([]string, error) {
	fd, err := v.openLocation(loc, readFlags|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), loc.path)
	defer dir.Close()
	limit := MaxNames
	if v.ntfs {
		limit = maxNTFSNames
	}
	names, err := dir.Readdirnames(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > limit {
		return nil, fmt.Errorf("%w of %d names", ErrTooLarge, limit)
	}
	return slices.DeleteFunc(names, func(n string) bool { return strings.Contains(n, "/") || n == "" }), nil
}

// Xattr reads an extended attribute of what p leads to; nil when it has none.
func (v *Volume) Xattr(p, name string) ([]byte, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return nil, fmt.Errorf("cannot read attribute %s of %q: %w", name, p, err)
	}
	if f, ok := v.overlay[loc.path]; ok {
		if f == nil {
			return nil, notExist("getxattr", loc.path)
		}
		if name == XattrLabel && f.Label != "" {
			return []byte(f.Label), nil
		}
		return f.Xattr[name], nil
	}
	fd, err := v.openLocation(loc, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	value, err := getXattr(fd, name)
	if err != nil {
		return nil, fmt.Errorf("cannot read attribute %s of %q: %w", name, p, err)
	}
	return value, nil
}

// procFD names an O_PATH descriptor so that calls which refuse those can reach
// the very inode it holds; our own /proc, never a path of the volume.
func procFD(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

func getXattr(fd int, name string) ([]byte, error) {
	buf := make([]byte, 1<<16) // XATTR_SIZE_MAX of the kernel
	n, err := unix.Getxattr(procFD(fd), name, buf)
	switch {
	case isNoXattr(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return buf[:n:n], nil
}

// Label is the SELinux label of what p leads to, without the closing NUL;
// empty when there is none.
func (v *Volume) Label(p string) (string, error) {
	value, err := v.Xattr(p, XattrLabel)
	return strings.TrimRight(string(value), "\x00"), err
}

// Flags are the immutable and append-only flags of what p leads to; zero where
// the filesystem keeps none.
func (v *Volume) Flags(p string) (uint32, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return 0, fmt.Errorf("cannot read flags of %q: %w", p, err)
	}
	if f, ok := v.overlay[loc.path]; ok {
		if f == nil {
			return 0, notExist("open", loc.path)
		}
		return f.Flags, nil
	}
	fd, _, err := v.open(loc, readFlags)
	if errors.Is(err, ErrNotRegular) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return getFlags(fd)
}

func getFlags(fd int) (uint32, error) {
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) { // the last from ntfs-3g
		return 0, nil
	}
	return flags & (FlagImmutable | FlagAppend), err
}

// Reader reads one regular file of a Volume at any offset, as Volume.ReadAt does
// but without finding the file anew: for registry hives. Close it before the
// Volume.
type Reader struct {
	file    *os.File // nil for a file that only a preview holds
	data    []byte
	size    int64
	patches []Patch
}

// Open opens the regular file to which p leads.
func (v *Volume) Open(p string) (*Reader, error) {
	r, err := v.openReader(p)
	if err != nil {
		return nil, fmt.Errorf("cannot open %q: %w", p, err)
	}
	return r, nil
}

func (v *Volume) openReader(p string) (*Reader, error) {
	loc, err := v.resolve(p, true)
	if err != nil {
		return nil, err
	}
	if _, ok := v.overlay[loc.path]; ok {
		data, err := v.readCanonical(loc, MaxAccount)
		return &Reader{data: data, size: int64(len(data))}, err
	}
	fd, err := v.openRegular(loc)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: os.NewFile(uintptr(fd), loc.path), patches: v.patches[loc.path]}
	info, err := fstat(fd)
	if err != nil {
		r.file.Close()
		return nil, err
	}
	r.size = info.Size
	return r, nil
}

// Size is the length of the file in bytes when it was opened.
func (r *Reader) Size() int64 { return r.size }

// ReadAt is that of io.ReaderAt.
func (r *Reader) ReadAt(buf []byte, at int64) (int, error) {
	if r.file == nil {
		return bytes.NewReader(r.data).ReadAt(buf, at)
	}
	n, err := r.file.ReadAt(buf, at)
	patchBytes(r.patches, buf[:n], at)
	return n, err
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

var _ io.ReaderAt = (*Reader)(nil)
