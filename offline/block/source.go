package block

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxRead bounds a single read, whatever a length field on the disk says.
const maxRead = 4 << 20

// source reads ranges of the device. A range that is not wholly inside yields
// nil, so that a prober can say "not mine"; the first real I/O error is kept
// and reported once, at the end.
type source struct {
	r    io.ReaderAt
	size int64
	err  error
}

func newSource(r io.ReaderAt, size int64) (*source, error) {
	if r == nil || size < 0 {
		return nil, fmt.Errorf("cannot read device: size %d", size)
	}
	return &source{r: r, size: size}, nil
}

// bytes returns exactly n bytes at off, or nil.
func (s *source) bytes(off, n int64) []byte {
	if off < 0 || n <= 0 || n > maxRead || off > s.size-n {
		return nil
	}
	buf := make([]byte, n)
	got, err := s.r.ReadAt(buf, off)
	if int64(got) == n {
		return buf
	}
	if err != nil && !errors.Is(err, io.EOF) && s.err == nil {
		s.err = fmt.Errorf("cannot read %d bytes at %d: %w", n, off, err)
	}
	return nil
}

// has tells whether the magic stands at off.
func (s *source) has(off int64, magic string) bool {
	return string(s.bytes(off, int64(len(magic)))) == magic
}

func le16(b []byte, off int) uint16 { return binary.LittleEndian.Uint16(b[off:]) }
func le32(b []byte, off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }
func le64(b []byte, off int) uint64 { return binary.LittleEndian.Uint64(b[off:]) }
func be16(b []byte, off int) uint16 { return binary.BigEndian.Uint16(b[off:]) }
func be32(b []byte, off int) uint32 { return binary.BigEndian.Uint32(b[off:]) }
func be64(b []byte, off int) uint64 { return binary.BigEndian.Uint64(b[off:]) }

// cstring is the text up to the first NUL, without trailing white space, as
// blkid returns labels.
func cstring(b []byte) string {
	text, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimRight(text, " \t\n\v\f\r")
}

// allZero tells whether nothing is set: such UUIDs do not count.
func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// uuidString spells 16 bytes in the order they stand in; zeros give "".
func uuidString(b []byte) string {
	if len(b) != 16 || allZero(b) {
		return ""
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// guidString spells a GUID whose first three fields are little-endian.
func guidString(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	s := []byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]}
	return uuidString(append(s, b[8:]...))
}

// product multiplies two untrusted numbers; a result beyond int64 gives 0,
// which stands for "unknown".
func product(a, b uint64) int64 {
	if a == 0 || b == 0 || a > (1<<63-1)/b {
		return 0
	}
	return int64(a * b)
}

func powerOfTwo(n uint64) bool { return n != 0 && n&(n-1) == 0 }

// A bit names one feature flag.
type bit struct {
	mask uint64
	name string
}

// bitNames lists the names of the set bits in the order of the table, then
// each unknown one as "class:0x…".
func bitNames(word uint64, class string, known []bit) []string {
	var names []string
	for _, k := range known {
		if word&k.mask != 0 {
			names = append(names, k.name)
			word &^= k.mask
		}
	}
	for ; word != 0; word &= word - 1 {
		names = append(names, fmt.Sprintf("%s:0x%x", class, word&-word))
	}
	return names
}
