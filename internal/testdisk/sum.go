package testdisk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Sum is a sum of what an image or a block device holds, and where, and of its size. Holes and blocks
// of zeroes are the same, and take no time: most of an image is that.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	s := sha256.New()
	s.Write(binary.BigEndian.AppendUint64(nil, uint64(size)))
	const block = 1 << 12
	piece, zero := make([]byte, 1<<20), make([]byte, block)
	for at := int64(0); at < size; {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // only a hole is left
			break
		}
		switch {
		case errors.Is(err, unix.EINVAL): // a block device knows no holes
			data = at
		case err != nil:
			return "", fmt.Errorf("cannot read %s: %w", path, err)
		}
		at = data - data%block
		n, err := f.ReadAt(piece, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		for from := 0; from < n; from += block {
			if b := piece[from:min(from+block, n)]; !bytes.Equal(b, zero[:len(b)]) {
				s.Write(binary.BigEndian.AppendUint64(nil, uint64(at)+uint64(from)))
				s.Write(b)
			}
		}
		at += int64(n)
	}
	return fmt.Sprintf("%x", s.Sum(nil)), nil
}
