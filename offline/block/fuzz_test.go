package block

import (
	"errors"
	"testing"
)

const (
	fuzzLargest   = 1 << 42
	fuzzMaxReads  = 100_000
	fuzzMaxVolume = 1 << 30 // bytes read in all
)

func addSeeds(f *testing.F) {
	for _, s := range loadSeeds(f) {
		f.Add(s.data, s.size)
	}
	f.Add([]byte{}, int64(0))
}

// device makes the fuzzed input a device, or nil for sizes no disk has.
func device(data []byte, size int64) *sparse {
	if size < 0 || size > fuzzLargest {
		return nil
	}
	return decodeSparse(data, size)
}

func checkWork(t *testing.T, d *sparse) {
	t.Helper()
	if d.reads > fuzzMaxReads || d.bytes > fuzzMaxVolume {
		t.Errorf("%d reads of %d bytes", d.reads, d.bytes)
	}
}

func checkTable(t *testing.T, tab *Table, size int64) {
	t.Helper()
	if len(tab.Partitions) > maxPartitions || len(tab.Warnings) > maxWarnings {
		t.Errorf("%d partitions, %d warnings", len(tab.Partitions), len(tab.Warnings))
	}
	for _, p := range tab.Partitions {
		if p.Number < 1 || p.Start <= 0 || p.Size <= 0 || p.Start > size-p.Size {
			t.Errorf("device of %d bytes: %+v", size, p)
		}
	}
}

func checkSuperblock(t *testing.T, sb *Superblock) {
	t.Helper()
	if sb == nil {
		return
	}
	if sb.Type == "" || sb.Size < 0 || sb.BlockSize < 0 || sb.Dirty && (!sb.DirtyKnown || sb.Why == "") {
		t.Errorf("got %+v", sb)
	}
	if !sb.DirtyKnown && sb.Why == "" && !sb.Type.Container() {
		t.Errorf("%s: nobody says why it is unknown whether it is dirty", sb.Type)
	}
	if len(sb.Features) > 200 || len(sb.Warnings) > maxWarnings {
		t.Errorf("%d features, %d warnings", len(sb.Features), len(sb.Warnings))
	}
}

func FuzzReadTable(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, size int64) {
		d := device(data, size)
		if d == nil {
			return
		}
		tab, err := ReadTable(d, size)
		if err != nil {
			t.Fatal(err)
		}
		checkTable(t, tab, size)
		checkWork(t, d)
	})
}

func FuzzProbe(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, size int64) {
		d := device(data, size)
		if d == nil {
			return
		}
		sb, err := Probe(d, size)
		if err != nil && !errors.Is(err, ErrAmbiguous) {
			t.Fatal(err)
		}
		checkSuperblock(t, sb)
		checkWork(t, d)
	})
}

func FuzzScan(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, size int64) {
		d := device(data, size)
		if d == nil {
			return
		}
		disk, err := Scan(d, size)
		if err != nil {
			t.Fatal(err)
		}
		checkTable(t, disk.Table, size)
		for _, c := range disk.Contents {
			checkSuperblock(t, c.Superblock)
		}
	})
}

func FuzzImageFormat(f *testing.F) {
	addSeeds(f)
	for _, m := range imageMagics {
		f.Add(append([]byte{0, 0, 0, 0, 64, 0}, m.magic...), int64(4096))
	}
	f.Fuzz(func(t *testing.T, data []byte, size int64) {
		d := device(data, size)
		if d == nil {
			return
		}
		if name := ImageFormat(d, size); len(name) > 20 {
			t.Errorf("format %q", name)
		}
		checkWork(t, d)
	})
}

func FuzzLVMText(f *testing.F) {
	f.Add("vg { id = \"x\" physical_volumes { pv0 { id=\"a\" } } logical_volumes { r { status=[\"VISIBLE\"] segment1 { type=\"striped\" stripe_count=1 extent_count=7 } } } }")
	f.Fuzz(func(t *testing.T, text string) {
		var l LVMInfo
		l.parse([]byte(text))
		for _, v := range l.LVs {
			if v.Size < 0 {
				t.Errorf("got %+v", v)
			}
		}
	})
}
