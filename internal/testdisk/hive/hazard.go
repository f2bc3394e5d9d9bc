package hive

import (
	"encoding/binary"
	"math/bits"
	"os"
	"testing"
)

// SetSequences writes both sequence numbers into the base block, under a right
// checksum. Windows raises the first before it writes and the second when it is
// done: while they differ, the hive is dirty.
func SetSequences(t testing.TB, path string, primary, secondary uint32) {
	t.Helper()
	change(t, path, func(b []byte) {
		binary.LittleEndian.PutUint32(b[4:], primary)
		binary.LittleEndian.PutUint32(b[8:], secondary)
		Seal(b)
	})
}

// BreakChecksum makes the base block one that was written in part.
func BreakChecksum(t testing.TB, path string) {
	t.Helper()
	change(t, path, func(b []byte) { b[508] ^= 0xff })
}

func change(t testing.TB, path string, edit func(b []byte)) {
	t.Helper()
	b := read(t, path)
	edit(b)
	write(t, path, b)
}

// WriteLog writes a transaction log of the format of Windows 8.1 and later, with
// one entry of one page for each sequence number. The entries change nothing.
func WriteLog(t testing.TB, path, log string, sequences ...uint32) {
	t.Helper()
	hive := read(t, path)
	file := logBase(hive, 6)
	for _, s := range sequences {
		file = append(file, LogEntry(hive, s)...)
	}
	write(t, log, file)
}

// LogEntry is an entry that writes the first page of the hive as it is.
func LogEntry(hive []byte, sequence uint32) []byte {
	e := make([]byte, 48, 48+page+464)
	copy(e, "HvLE")
	e = append(e, hive[page:2*page]...)
	e = append(e, make([]byte, 512-len(e)%512)...)
	binary.LittleEndian.PutUint32(e[4:], uint32(len(e)))
	binary.LittleEndian.PutUint32(e[12:], sequence)
	copy(e[16:20], hive[40:44]) // size of the bins
	binary.LittleEndian.PutUint32(e[20:], 1)
	binary.LittleEndian.PutUint32(e[44:], page)
	binary.LittleEndian.PutUint64(e[24:], marvin(e[40:]))
	binary.LittleEndian.PutUint64(e[32:], marvin(e[:32]))
	return e
}

// WriteOldLog writes a transaction log of the format before Windows 8.1, which has
// one page to write and both its sequence numbers as given.
func WriteOldLog(t testing.TB, path, log string, sequence uint32) {
	t.Helper()
	hive := read(t, path)
	file := logBase(hive, 1)
	binary.LittleEndian.PutUint32(file[4:], sequence)
	binary.LittleEndian.PutUint32(file[8:], sequence)
	Seal(file)
	vector := make([]byte, 512)
	copy(vector, "DIRT\xff") // eight times 512 bytes
	write(t, log, append(append(file, vector...), hive[page:2*page]...))
}

// logBase is the hive's base block as a log keeps it: the first sector.
func logBase(hive []byte, fileType uint32) []byte {
	b := append([]byte{}, hive[:512]...)
	binary.LittleEndian.PutUint32(b[28:], fileType)
	Seal(b)
	return b
}

// marvin is the Marvin32 checksum, with the seed that registry logs use, of data
// whose length is a multiple of four.
func marvin(data []byte) uint64 {
	lo, hi := uint32(0x7a4e55c5), uint32(0x82ef4d88)
	mix := func(v uint32) {
		lo += v
		hi ^= lo
		lo = bits.RotateLeft32(lo, 20) + hi
		hi = bits.RotateLeft32(hi, 9) ^ lo
		lo = bits.RotateLeft32(lo, 27) + hi
		hi = bits.RotateLeft32(hi, 19)
	}
	for ; len(data) >= 4; data = data[4:] {
		mix(binary.LittleEndian.Uint32(data))
	}
	mix(0x80)
	mix(0)
	return uint64(hi)<<32 | uint64(lo)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
