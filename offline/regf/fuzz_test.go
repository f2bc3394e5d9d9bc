package regf

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

func FuzzHive(f *testing.F) {
	f.Add([]byte{})
	f.Add(hive.Minimal())
	f.Add(forge().bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		switch err := readAll(b); {
		case err == nil, errors.Is(err, ErrFormat), errors.Is(err, errors.ErrUnsupported), errors.Is(err, ErrDirty):
		default:
			t.Fatal(err)
		}
	})
}

// FuzzCells spends its luck behind the base block, which is always right.
func FuzzCells(f *testing.F) {
	big := forge()
	big.bigData(make([]byte, 2*segmentSize))
	for _, b := range [][]byte{hive.Minimal(), forge().bytes(), big.bytes()} {
		f.Add(b[4096:], le32(b, offRoot))
	}
	f.Fuzz(func(t *testing.T, bins []byte, root uint32) {
		b := seal(bins, root)
		switch err := readAll(b); {
		case err == nil:
			patchAndReopen(t, b)
		case errors.Is(err, ErrFormat), errors.Is(err, errors.ErrUnsupported):
		default:
			t.Fatal(err)
		}
	})
}

// seal puts a base block and the header of one bin before the cells.
func seal(bins []byte, root uint32) []byte {
	size := (len(bins) + binUnit - 1) / binUnit * binUnit
	b := append(hive.Minimal()[:binsStart], make([]byte, size)...)
	copy(b[binsStart:], bins)
	for at, value := range map[int]uint32{offRoot: root, offBinsSize: uint32(size)} {
		put32(b, at, value)
	}
	if size > 0 {
		copy(b[binsStart:], "hbin\x00\x00\x00\x00")
		put32(b, binsStart+8, uint32(size))
	}
	hive.Seal(b)
	return b
}

func put32(b []byte, at int, v uint32) {
	copy(b[at:], []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)})
}

// patchAndReopen changes the root's first value that can be, and reads it again.
func patchAndReopen(t *testing.T, b []byte) {
	root, err := openBytes(t, b).Root()
	if err != nil {
		t.Fatal(err)
	}
	values, _ := root.Values() // a link has none
	for _, v := range values {
		before, err := v.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if len(before) == 0 {
			continue
		}
		p, err := v.Patch(0, []byte{^before[0]})
		if err != nil {
			continue // refused, see readValue
		}
		copy(b[p.Offset:], p.After)
		after := openBytes(t, b)
		again, err := after.value(v.cell.at)
		if err != nil {
			return // it shares its cell with what describes it: told apart by no check
		}
		if got, err := again.Bytes(); err != nil || again.Size == v.Size && got[0] != ^before[0] {
			t.Errorf("patched to %x, %v, want %x", got, err, ^before[0])
		}
		return
	}
}

// FuzzDamage changes words of a sound hive to what may mean something there: two
// bytes of the input for each, which word and what value.
func FuzzDamage(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{30, 2, 31, 4})
	f.Fuzz(func(t *testing.T, edits []byte) { damaged(t, edits) })
}

func TestDamageAnywhere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		damaged(r, rapid.SliceOfN(rapid.Byte(), 2, 16).Draw(r, "edits"))
	})
}

func damaged(t interface {
	Helper()
	Fatal(...any)
}, edits []byte) {
	t.Helper()
	f := forge()
	inner := f.Cell(hive.NK("inner", 0, f.one, none))
	f.Set32(f.one, hive.KeySubkeys, 1)
	f.Set32(f.one, hive.KeySubkeyList, f.half(inner, "ri"))
	f.Set32(f.two, hive.KeySubkeyList, f.half(f.list, "ri"))
	b := f.bytes()
	words := []uint32{
		f.root, f.one, f.two, f.list, f.values, f.number, f.blob, f.raw, inner, inner + 8,
		0, 1, 2, 3, 4, 5, 8, 32, 4096, none, 1 << 31, 1<<31 | 4, 1<<32 - 8, 1<<32 - 16, 1<<32 - 96, 1<<32 - 3000,
		'n' | 'k'<<8 | 0x20<<16, 'n' | 'k'<<8 | 0x10<<16, 'v' | 'k'<<8 | 1<<16, 'v' | 'k'<<8, 'd' | 'b'<<8 | 2<<16,
		'l' | 'f'<<8 | 1<<16, 'l' | 'i'<<8 | 2<<16, 'r' | 'i'<<8 | 1<<16, 'r' | 'i'<<8 | 3<<16, 16344, 16345,
	}
	for ; len(edits) >= 2; edits = edits[2:] {
		put32(b, binsStart+4*int(edits[0]), words[int(edits[1])%len(words)])
	}
	switch err := readAll(b); {
	case err == nil, errors.Is(err, ErrFormat), errors.Is(err, errors.ErrUnsupported):
	default:
		t.Fatal(err)
	}
}

func FuzzLog(f *testing.F) {
	path, log := filepath.Join(f.TempDir(), "SYSTEM"), filepath.Join(f.TempDir(), "SYSTEM.LOG1")
	writeFile(f, path, hive.Minimal())
	hive.WriteLog(f, path, log, 1, 2)
	f.Add(readFile(f, log))
	hive.WriteOldLog(f, path, log, 2)
	f.Add(readFile(f, log))
	f.Add([]byte{})
	h := openBytes(f, hive.Minimal())
	f.Fuzz(func(t *testing.T, b []byte) {
		work := &counted{r: bytes.NewReader(b)}
		if err := h.CheckLog("LOG", work, int64(len(b))); err != nil && !errors.Is(err, ErrDirty) {
			t.Fatal(err)
		}
		if work.bytes > 2*len(b)+2*pageSize {
			t.Errorf("%d bytes read of %d", work.bytes, len(b))
		}
	})
}

// counted counts what is read.
type counted struct {
	r     io.ReaderAt
	bytes int
}

func (c *counted) ReadAt(b []byte, at int64) (int, error) {
	c.bytes += len(b)
	return c.r.ReadAt(b, at)
}
