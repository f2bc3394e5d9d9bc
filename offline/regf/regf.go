// Package regf reads registry hives of a Windows that is not running, and says
// which bytes of a hive to replace to change the data of a value without changing
// its size. Every byte of a hive is taken for hostile: no offset, count or size in
// it is believed before it is checked against the file, a key is accepted as a
// subkey only of the parent that it names, and all reads are bounded.
//
// The format is that of Maxim Suhanov's "Windows registry file format
// specification" (github.com/msuhanov/regf). Cells are read as they are needed;
// only the headers of all bins are read at the beginning.
//
// The package reads through an io.ReaderAt and never writes: a Patch is data. It
// neither replays transaction logs nor allocates cells, so no key and no value can
// be added; of logs it only tells whether they hold more than the hive. Pending
// transactions of the Kernel Transaction Manager are not looked for. It opens
// nothing, and imports nothing but the standard library.
package regf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// What callers decide on. Each error that a function here returns wraps one of
// them, errors.ErrUnsupported, or what the reader said.
var (
	ErrNotFound = errors.New("not found")
	ErrType     = errors.New("data of another type")
	ErrFormat   = errors.New("malformed hive")
	ErrDirty    = errors.New("hive is dirty")
)

const (
	binsStart = 4096 // of the file; all offsets in a hive count from here
	binUnit   = 4096
	binHeader = 32
	none      = 0xffffffff // the offset of nothing

	maxHive = 1 << 30

	offPrimary   = 4
	offSecondary = 8
	offMajor     = 20
	offMinor     = 24
	offFileType  = 28
	offFormat    = 32
	offRoot      = 36
	offBinsSize  = 40
	offCluster   = 44
	offChecksum  = 508
)

// A Hive is one registry hive file. It keeps some of what it read: open it again
// after writing to the file. It is not safe for concurrent use.
type Hive struct {
	file               pages
	root               uint32
	primary, secondary uint32
	sealed             bool     // the checksum is right
	bins               []uint32 // offset of each bin, ascending, and the end of the last
}

// Open reads the base block and the headers of the bins. It accepts a hive that
// is not clean, since that can be read: ask Clean before trusting it.
func Open(r io.ReaderAt, size int64) (*Hive, error) {
	if size < binsStart+binUnit || size > maxHive {
		return nil, fmt.Errorf("cannot open hive: %d bytes: %w", size, ErrFormat)
	}
	h := &Hive{file: pages{r: r, size: size}}
	base, err := h.file.bytes(0, 512)
	if err != nil {
		return nil, fmt.Errorf("cannot open hive: %w", err)
	}
	if err := h.readBase(base); err != nil {
		return nil, fmt.Errorf("cannot open hive: %w", err)
	}
	if err := h.readBins(le32(base, offBinsSize)); err != nil {
		return nil, fmt.Errorf("cannot open hive: %w", err)
	}
	return h, nil
}

func (h *Hive) readBase(b []byte) error {
	switch major, minor := le32(b, offMajor), le32(b, offMinor); {
	case string(b[:4]) != "regf":
		return fmt.Errorf("no signature: %w", ErrFormat)
	case major != 1 || minor < 3 || minor > 6:
		return fmt.Errorf("version %d.%d: %w", major, minor, errors.ErrUnsupported)
	case le32(b, offFileType) != 0 || le32(b, offFormat) != 1:
		return fmt.Errorf("file type %d, format %d: %w", le32(b, offFileType), le32(b, offFormat), errors.ErrUnsupported)
	}
	h.primary, h.secondary = le32(b, offPrimary), le32(b, offSecondary)
	h.root = le32(b, offRoot)
	h.sealed = checksum(b) == le32(b, offChecksum)
	return nil
}

// readBins walks the headers of the bins, which lie one behind the other without
// a gap. What may follow the last one is padding.
func (h *Hive) readBins(total uint32) error {
	if total == 0 || total%binUnit != 0 || int64(total) > h.file.size-binsStart {
		return fmt.Errorf("bins of %d bytes in a file of %d: %w", total, h.file.size, ErrFormat)
	}
	for at := uint32(0); at < total; {
		header, err := h.file.direct(binsStart+int64(at), binHeader)
		if err != nil {
			return err
		}
		size := le32(header, 8)
		if string(header[:4]) != "hbin" || le32(header, 4) != at || size == 0 || size%binUnit != 0 || size > total-at {
			return malformed(at, "no bin")
		}
		h.bins = append(h.bins, at)
		at += size
	}
	h.bins = append(h.bins, total)
	return nil
}

// bin is the start and end of the bin that the offset is in.
func (h *Hive) bin(at uint32) (start, end uint32, ok bool) {
	i, exact := slices.BinarySearch(h.bins, at)
	if !exact {
		i--
	}
	if i+1 >= len(h.bins) {
		return 0, 0, false
	}
	return h.bins[i], h.bins[i+1], true
}

// Clean says why Windows would repair the hive before it used it, by its checksum
// and sequence numbers; nil if it would not. What Windows then takes from a
// transaction log overwrites what was patched. See also CheckLog.
func (h *Hive) Clean() error {
	switch {
	case !h.sealed:
		return fmt.Errorf("%w: the checksum of the base block is wrong", ErrDirty)
	case h.primary != h.secondary:
		return fmt.Errorf("%w: its sequence numbers are %d and %d", ErrDirty, h.primary, h.secondary)
	}
	return nil
}

// checksum folds the first 127 words; 0 and -1 are never stored.
func checksum(b []byte) uint32 {
	sum := uint32(0)
	for at := 0; at < offChecksum; at += 4 {
		sum ^= le32(b, at)
	}
	switch sum {
	case 0:
		return 1
	case none:
		return none - 1
	}
	return sum
}

// malformed is about an offset in the hive bins data; the error names that of the file.
func malformed(at uint32, format string, args ...any) error {
	return fmt.Errorf("%s at 0x%x of the file: %w", fmt.Sprintf(format, args...), binsStart+int64(at), ErrFormat)
}

func le16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func le32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
