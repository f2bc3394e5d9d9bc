package offline

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

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
