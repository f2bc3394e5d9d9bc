package block

import (
	"hash/crc32"
	"testing"
)

// TestMutatedSeeds changes the bytes that the readers look at, one by one, to
// the values that break arithmetic. What the fuzzers do at random is done
// here everywhere.
func TestMutatedSeeds(t *testing.T) {
	t.Parallel()
	for _, s := range loadSeeds(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for at := 0; at < len(s.data); at += 1 + len(s.data)/120 {
				for _, v := range []byte{0x00, 0x7f, 0x80, 0xff} {
					data := append([]byte(nil), s.data...)
					data[at] = v
					checkScan(t, decodeSparse(data, s.size))
				}
			}
		})
	}
}

func TestTruncatedSeeds(t *testing.T) {
	t.Parallel()
	for _, s := range loadSeeds(t) {
		for size := s.size; size > 0; size = size*3/4 - 1 {
			checkScan(t, decodeSparse(s.data, size))
		}
	}
}

func checkScan(t *testing.T, d *sparse) {
	t.Helper()
	disk, err := Scan(d, d.size)
	if err != nil {
		t.Fatal(err)
	}
	checkTable(t, disk.Table, d.size)
	for _, c := range disk.Contents {
		checkSuperblock(t, c.Superblock)
	}
	checkWork(t, d)
}

// FuzzGPT writes fuzzed fields and entries under right checksums, which
// mutation alone would hardly ever hit.
func FuzzGPT(f *testing.F) {
	g := newGPT(twoParts...)
	entries := g.entries()[:512]
	f.Add(g.header(1, g.sectors()-1, 2, entries, nil)[:92], entries, int64(64*mib))
	f.Fuzz(func(t *testing.T, header, entries []byte, size int64) {
		if size < 4096 || size > fuzzLargest || len(header) < 92 || len(header) > 512 || len(entries) > 64<<10 {
			return
		}
		d := newSparse(size)
		d.write(0, mbrSectorBytes(0, [4]mbrEntry{{typ: mbrProtective, start: 512, size: 512}}))
		b := make([]byte, 512)
		copy(b, header)
		d.write(1024, entries)
		sign(b, d)
		d.write(512, b)
		tab, err := ReadTable(d, size)
		if err != nil {
			t.Fatal(err)
		}
		checkTable(t, tab, size)
		checkWork(t, d)
	})
}

// sign makes the checksums of a header right for what is on the device.
func sign(b []byte, d *sparse) {
	copy(b, gptMagic)
	if n := le32(b, 80) * le32(b, 84); n <= 64<<10 {
		array := make([]byte, n)
		if at := le64(b, 72); at < uint64(d.size/512) {
			_, _ = d.ReadAt(array, int64(at)*512) // short at the end: zeros
		}
		putLE32(b[88:], crc32.ChecksumIEEE(array))
	}
	if n := le32(b, 12); n >= 92 && n <= 512 {
		putLE32(b[16:], crcWithout(b[:n], 16))
	}
}

func putLE32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}
