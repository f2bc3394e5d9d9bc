package offline

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Preview returns a Volume that reads as v will once the changes are applied.
// It shares v's descriptors: close v, not the preview. It cannot be written to.
func (v *Volume) Preview(changes []Change) *Volume {
	p := *v
	p.denied = fmt.Errorf("cannot write: a preview")
	p.overlay = map[string]*File{}
	for at, f := range v.overlay {
		p.overlay[at] = f
	}
	p.patches = map[string][]Patch{}
	maps.Copy(p.patches, v.patches)
	for _, c := range changes {
		if len(c.Patches) > 0 {
			p.patches[c.Path] = slices.Concat(p.patches[c.Path], c.Patches)
			continue
		}
		p.overlay[c.Path] = c.After
	}
	return &p
}

// Snapshot reads the file or directory at the canonical path whole, as Change
// wants it. Absent is nil without an error. A symbolic link, device, FIFO or
// socket is ErrNotRegular.
func (v *Volume) Snapshot(canonical string, limit int64) (*File, error) {
	if f, ok := v.overlay[canonical]; ok {
		return f.Clone(), nil
	}
	loc, err := v.locate(clean(canonical))
	if err != nil {
		return nil, err
	}
	fd, info, err := v.open(loc, readFlags)
	switch {
	case isNotExist(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("cannot look at %q: %w", canonical, err)
	}
	defer unix.Close(fd)
	f, err := v.readFD(fd, info, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot look at %q: %w", canonical, err)
	}
	patchBytes(v.patches[loc.path], f.Data, 0)
	return f, nil
}

func (v *Volume) readFD(fd int, info Info, limit int64) (*File, error) {
	f := &File{Kind: info.Kind, Mode: info.Mode, UID: info.UID, GID: info.GID}
	var err error
	if info.Kind == Regular {
		if f.Data, err = readAll(fdReader{fd}, limit); err != nil {
			return nil, err
		}
	}
	if f.Flags, err = getFlags(fd); err != nil {
		return nil, err
	}
	if v.ntfs {
		if err := f.readNTFS(fd); err != nil {
			return nil, err
		}
	}
	return f, f.readXattrs(fd)
}

// readXattrs keeps what an edit must preserve: the label, POSIX ACLs and user
// attributes. Capabilities and trusted attributes are left out on purpose.
func (f *File) readXattrs(fd int) error {
	buf := make([]byte, 1<<16) // XATTR_LIST_MAX of the kernel
	n, err := unix.Flistxattr(fd, buf)
	if isNoXattr(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(string(buf[:n]), "\x00") {
		keep := name == XattrLabel || name == XattrACL || name == XattrDefaultACL || strings.HasPrefix(name, "user.")
		if !keep {
			continue
		}
		value, err := getXattr(fd, name)
		if err != nil {
			return err
		}
		if name == XattrLabel {
			f.Label = strings.TrimRight(string(value), "\x00")
			continue
		}
		if f.Xattr == nil {
			f.Xattr = map[string][]byte{}
		}
		f.Xattr[name] = value
	}
	return nil
}

type fdReader struct{ fd int }

func (r fdReader) Read(p []byte) (int, error) {
	n, err := unix.Read(r.fd, p)
	if err != nil {
		return 0, err
	}
	return n, eofAt(n)
}

func eofAt(n int) error {
	if n == 0 {
		return io.EOF
	}
	return nil
}
