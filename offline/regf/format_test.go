package regf

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// TestKindsOfLists reads the same two keys from each kind of list that Windows has
// written; hivexregedit makes only one of them.
func TestKindsOfLists(t *testing.T) {
	for name, list := range map[string]func(f *forgery) []byte{
		"li":             func(f *forgery) []byte { return hive.List("li", f.one, f.two) },
		"lf":             func(f *forgery) []byte { return hive.List("lf", f.one, f.two) },
		"lh":             func(f *forgery) []byte { return hive.List("lh", f.one, f.two) },
		"ri of one":      func(f *forgery) []byte { return hive.List("ri", f.list) },
		"ri of two":      func(f *forgery) []byte { return hive.List("ri", f.half(f.one, "lh"), f.half(f.two, "li")) },
		"ri with a void": func(f *forgery) []byte { return hive.List("ri", f.list, f.Cell(hive.List("lf"))) },
	} {
		f := forge()
		f.Set32(f.root, hive.KeySubkeyList, f.Cell(list(f)))
		keys, err := sub(t, openBytes(t, f.bytes()), "").Subkeys()
		if err != nil || len(keys) != 2 || keys[0].Name != "one" || keys[1].Name != "two" {
			t.Errorf("%s: got %v, %v", name, keys, err)
		}
	}
}

func (f *forgery) half(key uint32, kind string) uint32 { return f.Cell(hive.List(kind, key)) }

func TestSub(t *testing.T) {
	f := forge()
	three := f.Cell(hive.NK("Größe Ω", 0, f.one, none))
	f.Set32(f.one, hive.KeySubkeys, 1)
	f.Set32(f.one, hive.KeySubkeyList, f.half(three, "lf"))
	root := sub(t, openBytes(t, f.bytes()), "")
	for _, path := range [][]string{{`one\Größe Ω`}, {"ONE", "GRÖßE ω"}, {`One\grÖße ω`}} {
		if k, err := root.Sub(path...); err != nil || k.Name != "Größe Ω" {
			t.Errorf("%q: got %v, %v", path, k, err)
		}
	}
	for _, path := range []string{"", "on", "ones", "öne", `one\x`, `one\`, `\one`, `one\\Größe Ω`} {
		if k, err := root.Sub(path); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: got %v, %v", path, k, err)
		}
	}
	if k, err := root.Sub(); k != root || err != nil {
		t.Errorf("no path: got %v, %v", k, err)
	}
	if v, err := root.Value("missing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestLookAlikesAreNotTaken(t *testing.T) {
	for name, want := range map[string]bool{
		"select": true, "ſelect": false, "ÇaŸ": false,
	} {
		if got := sameName(name, "SELECT"); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	for _, pair := range [][2]string{{"ÿ", "Ÿ"}, {"ς", "Σ"}, {"я", "Я"}, {"ß", "ß"}, {"\U00010428", "\U00010428"}} {
		if !sameName(pair[0], pair[1]) {
			t.Errorf("%q and %q differ", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"ß", "SS"}, {"ı", "I"}, {"\U00010428", "\U00010400"}} {
		if sameName(pair[0], pair[1]) {
			t.Errorf("%q and %q are the same", pair[0], pair[1])
		}
	}
}

func TestTwoThatDifferInCase(t *testing.T) {
	f := forge()
	twin := f.Cell(hive.NK("ONE", hive.KeyName8Bit, f.root, none))
	f.Set32(f.root, hive.KeySubkeyList, f.Cell(hive.List("lh", f.one, twin)))
	f.Set32(f.root, hive.KeyValueList, f.Cell(offsetList(f.number, f.Cell(hive.VK("N", false, inlineFlag, 0, 4)))))
	root := sub(t, openBytes(t, f.bytes()), "")
	if k, err := root.Sub("one"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `"one" and "ONE"`) {
		t.Errorf("got %v, %v", k, err)
	}
	if v, err := root.Value("n"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `"n" and "N"`) {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestKeysThatStandForOthers(t *testing.T) {
	f := forge()
	link := f.Cell(hive.NK("link", hive.KeyName8Bit|hive.KeySymlink, f.root, none))
	handle := f.Cell(hive.NK("handle", hive.KeyName8Bit|keyPredefined, f.root, none))
	f.Set32(handle, hive.KeyValues, 0x80000002)
	f.Set32(f.root, hive.KeySubkeyList, f.Cell(hive.List("lh", link, handle)))
	root := sub(t, openBytes(t, f.bytes()), "")
	keys, err := root.Subkeys()
	if err != nil || !keys[0].Symlink() || keys[1].Symlink() {
		t.Fatalf("got %v, %v", keys, err)
	}
	for _, path := range []string{"link", `link\below`} {
		if k, err := root.Sub(path); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%q: got %v, %v", path, k, err)
		}
	}
	for _, k := range keys {
		if v, err := k.Values(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%q: got %v, %v", k.Name, v, err)
		}
	}
}

func TestInlineData(t *testing.T) {
	for size := range uint32(5) {
		f := forge()
		f.Set32(f.number, 4, inlineFlag|size)
		f.Set32(f.number, 8, 0x44332211)
		v := value(t, openBytes(t, f.bytes()), "", "n")
		got, err := v.Bytes()
		if want := []byte{0x11, 0x22, 0x33, 0x44}[:size]; err != nil || !bytes.Equal(got, want) || v.Size != int(size) {
			t.Errorf("got %x, %v, want %x", got, err, want)
		}
	}
}

// bigData makes the blob one in segments.
func (f *forgery) bigData(data []byte) (db uint32) {
	var segments []uint32
	for piece := range slices.Chunk(data, segmentSize) {
		segments = append(segments, f.Cell(append(piece[:len(piece):len(piece)], 0, 0, 0, 0)))
	}
	list := f.Cell(offsetList(segments...))
	db = f.Cell([]byte{'d', 'b', byte(len(segments)), 0, byte(list), byte(list >> 8), byte(list >> 16), 0})
	f.Set32(f.blob, 4, uint32(len(data)))
	f.Set32(f.blob, 8, db)
	return db
}

func TestBigData(t *testing.T) {
	for _, size := range []int{segmentSize + 1, 2 * segmentSize, 3*segmentSize - 1} {
		f := forge()
		want := bytes.Repeat([]byte("0123456789x"), size)[:size]
		f.bigData(want)
		v := value(t, openBytes(t, f.bytes()), "", "blob")
		if got, err := v.Bytes(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if p, err := v.Patch(0, []byte{1}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, %v", p, err)
		}
	}
}

func TestDecode(t *testing.T) {
	wide := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			b.WriteByte(byte(r))
			b.WriteByte(byte(r >> 8))
		}
		return b.String()
	}
	decode := func(v Value) (any, error) {
		if v.Type == SZ || v.Type == ExpandSZ {
			return v.Text()
		}
		return v.Uint32()
	}
	for name, tt := range map[string]struct {
		typ  Type
		data string
		want any // nil: an error
	}{
		"string":                  {SZ, wide("Wörter\x00"), "Wörter"},
		"not ended":               {SZ, wide("abc"), "abc"},
		"ended early":             {ExpandSZ, wide("%a%\x00rest\x00"), "%a%"},
		"odd":                     {SZ, wide("abc") + "d", "abc"},
		"empty":                   {SZ, "", ""},
		"several strings":         {MultiSZ, wide("a\x00bc\x00\x00"), nil},
		"number":                  {DWORD, "\x04\x03\x02\x01", uint32(0x01020304)},
		"number too short":        {DWORD, "\x04\x03", nil},
		"number too long":         {DWORD, "\x04\x03\x02\x01\x00", nil},
		"a number of eight bytes": {QWORD, "\x04\x03\x02\x01\x00\x00\x00\x00", nil},
	} {
		f := forge()
		f.Set32(f.blob, 4, uint32(len(tt.data)))
		f.Set32(f.blob, 8, f.Cell([]byte(tt.data)))
		f.Set32(f.blob, 12, uint32(tt.typ))
		got, err := decode(value(t, openBytes(t, f.bytes()), "", "blob"))
		if tt.want == nil && !errors.Is(err, ErrType) || tt.want != nil && (got != tt.want || err != nil) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, tt.want)
		}
	}
	number := value(t, openBytes(t, forge().bytes()), "", "n")
	if _, err := number.Text(); err == nil || !strings.Contains(err.Error(), "REG_DWORD instead of REG_SZ") {
		t.Error(err)
	}
}

func TestDataTooLarge(t *testing.T) {
	f := forge()
	f.Set32(f.blob, 4, maxData+1)
	v := value(t, openBytes(t, f.bytes()), "", "blob")
	if got, err := v.Bytes(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestTypesAreCalledAsInWindows(t *testing.T) {
	for typ, want := range map[Type]string{
		None: "REG_NONE", SZ: "REG_SZ", ExpandSZ: "REG_EXPAND_SZ", Binary: "REG_BINARY", DWORD: "REG_DWORD",
		MultiSZ: "REG_MULTI_SZ", QWORD: "REG_QWORD", 99: "type 99",
	} {
		if got := typ.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
