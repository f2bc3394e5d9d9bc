package regf

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// A longHive is a hive with empty bins behind the first and one more at the end.
type longHive struct {
	first, last []byte
	size        int64
}

func (l longHive) ReadAt(b []byte, at int64) (int, error) {
	for i := range b {
		b[i] = l.at(at + int64(i))
	}
	return len(b), nil
}

func (l longHive) at(at int64) byte {
	switch empty := at - int64(len(l.first)); {
	case empty < 0:
		return l.first[at]
	case at >= l.size-int64(len(l.last)):
		return l.last[at-l.size+int64(len(l.last))]
	default:
		return emptyBin(at-binsStart, at%binUnit)
	}
}

// emptyBin is the byte of a bin of one page with one free cell.
func emptyBin(at, inPage int64) byte {
	start := uint32(at - inPage)
	header := append([]byte("hbin"), byte(start), byte(start>>8), byte(start>>16), byte(start>>24), 0, 0x10)
	switch {
	case inPage < int64(len(header)):
		return header[inPage]
	case inPage == binHeader:
		return 0xe0
	case inPage == binHeader+1:
		return 0x0f
	}
	return 0
}

// TestLargeHiveIsNotReadWhole finds a value at both ends of 200 MiB.
func TestLargeHiveIsNotReadWhole(t *testing.T) {
	const size = 200 << 20
	far := uint32(size - 2*4096) // the last bin, of one page, ends the file
	f := forge()
	f.Set32(f.blob, 8, far+binHeader)
	f.Set32(f.blob, 4, 8)
	l := longHive{first: f.bytes(), size: size}
	put32(l.first, offBinsSize, size-4096)
	hive.Seal(l.first)
	l.last = append([]byte("hbin"), make([]byte, 4092)...)
	put32(l.last, 4, far)
	put32(l.last, 8, 4096)
	put32(l.last, 32, 1<<32-16)
	copy(l.last[36:], "far away")
	put32(l.last, 48, 4096-48)

	work := &counted{r: l}
	h, err := Open(work, size)
	if err != nil {
		t.Fatal(err)
	}
	v := value(t, h, "", "blob")
	if got, err := v.Bytes(); string(got) != "far away" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if p, err := v.Patch(7, []byte("!")); err != nil || p.Offset != size-4096+36+7 {
		t.Errorf("got %+v, %v", p, err)
	}
	if work.bytes > 2<<20 {
		t.Errorf("%d bytes read", work.bytes)
	}
}

// TestManyPages goes through more pages than are kept.
func TestManyPages(t *testing.T) {
	b := make([]byte, 3*maxPages*pageSize/2+100)
	for i := range b {
		b[i] = byte(i / 100)
	}
	p := &pages{r: bytes.NewReader(b), size: int64(len(b))}
	for at := 0; at <= len(b)-50; at += 1023 {
		if got, err := p.bytes(int64(at), 50); err != nil || !bytes.Equal(got, b[at:at+50]) {
			t.Fatalf("at %d: %x, %v", at, got, err)
		}
		if len(p.kept) > maxPages {
			t.Fatalf("%d pages are kept", len(p.kept))
		}
	}
	for _, at := range []int64{-1, int64(len(b)), int64(len(b)) - 49, 1 << 62} {
		if got, err := p.bytes(at, 50); !errors.Is(err, ErrFormat) {
			t.Errorf("at %d: %x, %v", at, got, err)
		}
	}
	if _, err := (&pages{r: short{}, size: 100}).bytes(0, 50); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// short reads less than it was asked for, and finds nothing wrong.
type short struct{}

func (short) ReadAt(b []byte, _ int64) (int, error) { return len(b) / 2, nil }
