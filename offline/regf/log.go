package regf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

const (
	sector       = 512
	maxCluster   = 8 // sectors that a base block may take in a log
	maxLog       = 1 << 30
	hashChunk    = 64 << 10
	typeOldLog   = 1
	typeOlderLog = 2

	entryHeader      = 40
	offEntrySize     = 4
	offEntrySequence = 12
	offEntryHash     = 24 // of what follows the header
	offHeaderHash    = 32 // of the 32 bytes before it
)

// CheckLog says whether a transaction log (.LOG, .LOG1, .LOG2) holds something
// that is newer than the hive: then it returns an error that wraps ErrDirty and
// gives the log's name. An error that does not wrap it means that the log could not
// be read. What is no log, as a file of zeros, holds nothing.
//
// Newer is a sequence number above the hive's. The last entry of a hive that was
// closed in order may carry the hive's own number. Windows looks at logs only when
// Clean finds fault with the hive; this is a second belt.
//
// In the format of Windows 8.1 and later, entries count up to the first whose two
// Marvin32 hashes or bounds are wrong, as there Windows stops. A gap in the sequence,
// where it stops too, does not end this look. In the older format the checksum of the
// log's base block is verified; its date, by which Windows chooses between logs, and
// the pages behind it are not.
func (h *Hive) CheckLog(name string, r io.ReaderAt, size int64) error {
	if size <= sector {
		return nil
	}
	if size > maxLog {
		return fmt.Errorf("cannot read log %q: %d bytes: %w", name, size, ErrFormat)
	}
	newest, err := newestEntry(&pages{r: r, size: size})
	if err != nil {
		return fmt.Errorf("cannot read log %q: %w", name, err)
	}
	if newest > h.secondary {
		return fmt.Errorf("%w: its log %q goes to sequence number %d, the hive to %d", ErrDirty, name, newest, h.secondary)
	}
	return nil
}

// newestEntry is the highest sequence number of what a log would write, 0 if it
// would write nothing.
func newestEntry(log *pages) (uint32, error) {
	base, err := log.bytes(0, sector)
	if err != nil {
		return 0, err
	}
	start := int64(sector)
	if n := le32(base, offCluster); string(base[:4]) == "regf" && n > 1 && n <= maxCluster {
		start *= int64(n)
	}
	if start > log.size-entryHeader {
		return 0, nil
	}
	signature, err := log.bytes(start, 4)
	if err != nil {
		return 0, err
	}
	if string(signature) == "DIRT" {
		return oldSequence(base), nil
	}
	newest := uint32(0)
	for start <= log.size-entryHeader {
		sequence, size, err := readEntry(log, start)
		if err != nil || size == 0 {
			return newest, err
		}
		newest = max(newest, sequence)
		start += size
	}
	return newest, nil
}

// oldSequence is the sequence number of a log of the older format, 0 when it was
// not written to its end.
func oldSequence(base []byte) uint32 {
	typ, sequence := le32(base, offFileType), le32(base, offPrimary)
	if string(base[:4]) != "regf" || typ != typeOldLog && typ != typeOlderLog ||
		sequence != le32(base, offSecondary) || checksum(base) != le32(base, offChecksum) {
		return 0
	}
	return sequence
}

// readEntry checks one entry of the newer format; size 0 means that there is none.
func readEntry(log *pages, at int64) (sequence uint32, size int64, err error) {
	header, err := log.direct(at, entryHeader)
	if err != nil {
		return 0, 0, err
	}
	size = int64(le32(header, offEntrySize))
	if string(header[:4]) != "HvLE" || size < entryHeader || size%sector != 0 || size > log.size-at ||
		marvin(header[:offHeaderHash]) != binary.LittleEndian.Uint64(header[offHeaderHash:]) {
		return 0, 0, nil
	}
	m := newMarvin()
	for done := int64(entryHeader); done < size; {
		chunk, err := log.direct(at+done, int(min(hashChunk, size-done)))
		if err != nil {
			return 0, 0, err
		}
		m.write(chunk)
		done += int64(len(chunk))
	}
	if m.sum() != binary.LittleEndian.Uint64(header[offEntryHash:]) {
		return 0, 0, nil
	}
	return le32(header, offEntrySequence), size, nil
}

// marvin32 is Microsoft's checksum of that name (published in SymCrypt and .NET,
// MIT licence) over whole words, with the seed that registry logs use.
type marvin32 struct{ lo, hi uint32 }

func newMarvin() marvin32 { return marvin32{lo: 0x7a4e55c5, hi: 0x82ef4d88} }

func (m *marvin32) mix(word uint32) {
	m.lo += word
	m.hi ^= m.lo
	m.lo = bits.RotateLeft32(m.lo, 20) + m.hi
	m.hi = bits.RotateLeft32(m.hi, 9) ^ m.lo
	m.lo = bits.RotateLeft32(m.lo, 27) + m.hi
	m.hi = bits.RotateLeft32(m.hi, 19)
}

func (m *marvin32) write(b []byte) {
	for ; len(b) >= 4; b = b[4:] {
		m.mix(binary.LittleEndian.Uint32(b))
	}
}

func (m *marvin32) sum() uint64 {
	m.mix(0x80) // marks the end
	m.mix(0)
	return uint64(m.hi)<<32 | uint64(m.lo)
}

func marvin(b []byte) uint64 {
	m := newMarvin()
	m.write(b)
	return m.sum()
}
