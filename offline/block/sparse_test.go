package block

import (
	"encoding/binary"
	"io"
)

const sparseSector = 512

// sparse is a device in memory of which only some sectors are not zero. It
// counts reads, so that a test can see that hostile bytes do not buy work.
type sparse struct {
	sectors map[int64][sparseSector]byte
	size    int64
	reads   int
	bytes   int64
}

func newSparse(size int64) *sparse {
	return &sparse{sectors: map[int64][sparseSector]byte{}, size: size}
}

func (d *sparse) ReadAt(p []byte, off int64) (int, error) {
	d.reads++
	d.bytes += int64(len(p))
	n := 0
	for n < len(p) && off < d.size {
		s := d.sectors[off/sparseSector]
		at := off % sparseSector
		length := min(sparseSector-at, int64(len(p)-n), d.size-off)
		copy(p[n:], s[at:at+length])
		n, off = n+int(length), off+length
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// write puts data at off, which may cross sectors.
func (d *sparse) write(off int64, data []byte) *sparse {
	for len(data) > 0 {
		sector := d.sectors[off/sparseSector]
		n := copy(sector[off%sparseSector:], data)
		d.sectors[off/sparseSector] = sector
		off, data = off+int64(n), data[n:]
	}
	return d
}

// decodeSparse reads a list of sector number (4 bytes), length (2 bytes) and
// data, the form that seeds have: small, and every byte means something.
func decodeSparse(data []byte, size int64) *sparse {
	d := newSparse(size)
	for len(data) >= 6 {
		sector, n := int64(binary.LittleEndian.Uint32(data)), int(binary.LittleEndian.Uint16(data[4:]))
		data = data[6:]
		n = min(n, len(data), 4096)
		d.write(sector*sparseSector, data[:n])
		data = data[n:]
	}
	return d
}

// recorder remembers the sectors that were read and are not zero.
type recorder struct {
	io.ReaderAt
	seen map[int64][]byte
}

func (r *recorder) ReadAt(p []byte, off int64) (int, error) {
	first, last := off/sparseSector, (off+int64(len(p))-1)/sparseSector
	for s := first; s <= last; s++ {
		buf := make([]byte, sparseSector)
		if n, _ := r.ReaderAt.ReadAt(buf, s*sparseSector); n > 0 && !allZero(buf) {
			r.seen[s] = buf[:n]
		}
	}
	return r.ReaderAt.ReadAt(p, off)
}

// encode writes the form that decodeSparse reads, without trailing zeros.
func (r *recorder) encode(order []int64) []byte {
	var out []byte
	for _, s := range order {
		b := r.seen[s]
		for len(b) > 0 && b[len(b)-1] == 0 {
			b = b[:len(b)-1]
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(s))
		out = binary.LittleEndian.AppendUint16(out, uint16(len(b)))
		out = append(out, b...)
	}
	return out
}
