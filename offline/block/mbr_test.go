package block

import (
	"bytes"
	"errors"
	"testing"
)

const sec = 512

func dosDisk(entries ...mbrEntry) *sparse {
	var four [4]mbrEntry
	copy(four[:], entries)
	return newSparse(64*mib).write(0, mbrSectorBytes(0xcafe, four))
}

// ebr writes one link of the chain.
func (d *sparse) ebr(at int64, data, link mbrEntry) *sparse {
	return d.write(at, mbrSectorBytes(0, [4]mbrEntry{data, link}))
}

func TestMBRLies(t *testing.T) {
	t.Parallel()
	linux := func(start, size int64) mbrEntry { return mbrEntry{typ: 0x83, start: start * sec, size: size * sec} }
	extended := func(start, size int64) mbrEntry { return mbrEntry{typ: 0x05, start: start * sec, size: size * sec} }
	cases := []struct {
		name     string
		disk     *sparse
		scheme   string
		want     string
		warnings []string
	}{
		{"one", dosDisk(linux(2048, 100)), SchemeDOS, "1@2048+100", nil},
		{"hole", dosDisk(mbrEntry{}, linux(2048, 100)), SchemeDOS, "2@2048+100", nil},
		{"over the MBR", dosDisk(linux(0, 100)), SchemeDOS, "", []string{"left out"}},
		{"behind the disk", dosDisk(linux(1<<31, 100)), SchemeDOS, "", []string{"left out"}},
		{"end behind the disk", dosDisk(linux(2048, 1<<32-1)), SchemeDOS, "1@2048+129024", []string{"is cut"}},
		{"overlap", dosDisk(linux(2048, 100), linux(2100, 100)), SchemeDOS, "1@2048+100 2@2100+100", []string{"partitions 1 and 2 overlap"}},
		{"strange flag", dosDisk(mbrEntry{flag: 0x12, typ: 0x83, start: sec, size: sec}), SchemeNone, "", nil},
		{"protective without header", dosDisk(mbrEntry{typ: mbrProtective, start: sec, size: 64*mib - sec}), SchemeGPT, "", []string{"no GPT signature", "no usable GPT"}},
		{"protective in the wrong place", dosDisk(mbrEntry{typ: mbrProtective, start: 2 * sec, size: 9 * sec}), SchemeDOS, "1@2+9", nil},
		{
			"chain", dosDisk(extended(4096, 8000)).ebr(4096*sec, linux(1, 10), extended(100, 50)).ebr(4196*sec, linux(2, 20), mbrEntry{}),
			SchemeDOS, "1@4096+8000 5@4097+10 6@4198+20", nil,
		},
		{
			"chain to itself", dosDisk(extended(4096, 8000)).ebr(4096*sec, linux(1, 10), extended(0, 50)),
			SchemeDOS, "1@4096+8000 5@4097+10", []string{"loops"},
		},
		{
			"chain in a ring", dosDisk(extended(4096, 8000)).ebr(4096*sec, linux(1, 10), extended(100, 50)).ebr(4196*sec, linux(2, 20), extended(0, 50)),
			SchemeDOS, "1@4096+8000 5@4097+10 6@4198+20", []string{"loops"},
		},
		{
			"chain leaves the disk", dosDisk(extended(4096, 8000)).ebr(4096*sec, linux(1, 10), extended(1<<31, 50)),
			SchemeDOS, "1@4096+8000 5@4097+10", []string{"bad sector"},
		},
		{
			"chain without signature", dosDisk(extended(4096, 8000)),
			SchemeDOS, "1@4096+8000", []string{"bad sector"},
		},
		{
			"logical outside", dosDisk(extended(4096, 100)).ebr(4096*sec, linux(1, 4000), mbrEntry{}),
			SchemeDOS, "1@4096+100 5@4097+4000", []string{"leaves the extended partition"},
		},
		{
			"two extended with one chain", dosDisk(extended(4096, 50), extended(4096, 60)).ebr(4096*sec, linux(1, 10), mbrEntry{}),
			SchemeDOS, "1@4096+50 2@4096+60 5@4097+10", []string{"loops"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expectTable(t, mustTable(t, c.disk), c.scheme, c.want, c.warnings...)
		})
	}
}

func TestEndlessChain(t *testing.T) {
	t.Parallel()
	d := dosDisk(mbrEntry{typ: 0x0f, start: 4096 * sec, size: 60000 * sec})
	for i := range int64(2000) {
		d.ebr((4096+2*i)*sec, mbrEntry{typ: 0x83, start: sec, size: sec}, mbrEntry{typ: 5, start: 2 * (i + 1) * sec, size: 2 * sec})
	}
	tab := mustTable(t, d)
	if len(tab.Partitions) != 1+mbrMaxLogical || !hasString(tab.Warnings, "more than 128 logical") {
		t.Errorf("%d partitions, %q", len(tab.Partitions), tab.Warnings)
	}
	if d.reads > 500 {
		t.Errorf("%d reads", d.reads)
	}
}

func TestStaleGPTBesideMBR(t *testing.T) {
	t.Parallel()
	d := newGPT(twoParts...).disk(nil)
	d.write(0, mbrSectorBytes(7, [4]mbrEntry{{typ: 0x83, start: 2048 * sec, size: 100 * sec}}))
	expectTable(t, mustTable(t, d), SchemeDOS, "1@2048+100", "because the MBR is not protective")
}

func TestHybridMBR(t *testing.T) {
	t.Parallel()
	d := newGPT(twoParts...).disk(nil)
	d.write(0, mbrSectorBytes(7, [4]mbrEntry{
		{typ: mbrProtective, start: sec, size: 2047 * sec},
		{typ: 0x83, start: 4096 * sec, size: 100 * sec},
	}))
	expectTable(t, mustTable(t, d), SchemeGPT, twoPartsRead, "hybrid MBR: 1 entries")
}

func TestTinyAndEmptyDevices(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 1, 511, 512, 513, 1024, 4096, 65536} {
		d := newSparse(size).write(0, mbrSectorBytes(0, [4]mbrEntry{{typ: mbrProtective, start: sec, size: sec}}))
		tab := mustTable(t, d)
		if len(tab.Partitions) != 0 {
			t.Errorf("%d bytes: %+v", size, tab)
		}
		if sb, err := Probe(d, size); sb != nil || err != nil {
			t.Errorf("%d bytes: %+v, %v", size, sb, err)
		}
	}
	if _, err := ReadTable(nil, 512); err == nil {
		t.Error("no reader, no error")
	}
	if _, err := Scan(bytes.NewReader(nil), -1); err == nil {
		t.Error("negative size, no error")
	}
}

// failing is a disk with a bad sector.
type failing struct{ bad int64 }

var errBadSector = errors.New("bad sector")

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.bad && f.bad < off+int64(len(p)) {
		return 0, errBadSector
	}
	clear(p)
	return len(p), nil
}

func TestFailedReadsAreErrors(t *testing.T) {
	t.Parallel()
	if _, err := ReadTable(failing{0}, mib); !errors.Is(err, errBadSector) {
		t.Errorf("table: %v", err)
	}
	if _, err := Probe(failing{1030}, mib); !errors.Is(err, errBadSector) {
		t.Errorf("superblock: %v", err)
	}
	if _, err := Scan(failing{0}, mib); !errors.Is(err, errBadSector) {
		t.Errorf("scan: %v", err)
	}
	disk, err := Scan(failing{btrfsOffset}, mib)
	if err != nil || !errors.Is(disk.Contents[0].Err, errBadSector) {
		t.Errorf("scan with a bad sector inside: %+v, %v", disk, err)
	}
}
