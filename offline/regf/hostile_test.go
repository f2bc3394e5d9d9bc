package regf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// A damage is done to a hive: where it is noticed, and as what.
type damage func(f *forgery) (at uint32, problem string)

// cellDamages are to cells, and to what lies in them.
var cellDamages = map[string]damage{
	"root outside":         func(f *forgery) (uint32, string) { f.root = 1 << 20; return f.root, "no cell" },
	"root nowhere":         func(f *forgery) (uint32, string) { f.root = none; return none, "no cell" },
	"root in a bin header": func(f *forgery) (uint32, string) { f.root = 8; return 8, "no cell" },
	"root not aligned":     func(f *forgery) (uint32, string) { f.root += 4; return f.root, "no cell" },
	"root is a value":      func(f *forgery) (uint32, string) { f.root = f.blob; return f.blob, "cell of 28 bytes where 76" },
	"free cell":            func(f *forgery) (uint32, string) { f.Set32(f.one, -4, 88); return f.one, "free cell" },
	"cell of nothing":      func(f *forgery) (uint32, string) { f.Set32(f.one, -4, 0); return f.one, "cell of 0 bytes" },
	"cell of least size":   func(f *forgery) (uint32, string) { f.Set32(f.one, -4, 1<<31); return f.one, "cell of 2147483648" },
	"cell over its bin":    func(f *forgery) (uint32, string) { f.Set32(f.one, -4, 1<<32-4096); return f.one, "cell of 4096" },
	"key over its cell":    func(f *forgery) (uint32, string) { f.root = f.raw; return f.raw, "cell of 20 bytes where 76" },
	"name over its cell":   func(f *forgery) (uint32, string) { f.Set32(f.one, 72, 100); return f.one, "where 176 are needed" },
	"name too long":        func(f *forgery) (uint32, string) { f.Set32(f.one, 72, 0xffff); return f.one, "name of 65535 bytes" },
}

// keyDamages are to keys and their lists.
var keyDamages = map[string]damage{
	"list of keys is a key": func(f *forgery) (uint32, string) {
		f.Set32(f.root, hive.KeySubkeyList, f.one)
		return f.one, `"nk" instead of a list`
	},
	"list longer than its cell": func(f *forgery) (uint32, string) {
		f.Set32(f.list, 0, 0xffff<<16|'l'|'h'<<8)
		return f.list, "where 524284 are needed"
	},
	"list that names itself": func(f *forgery) (uint32, string) {
		self := f.Cell(hive.List("ri", 0))
		f.Set32(self, 4, self)
		f.Set32(f.root, hive.KeySubkeyList, self)
		return self, `"ri" instead of a list`
	},
	"list of lists of lists": func(f *forgery) (uint32, string) {
		inner := f.Cell(hive.List("ri", f.list))
		f.Set32(f.root, hive.KeySubkeyList, f.Cell(hive.List("ri", inner)))
		return inner, `"ri" instead of a list`
	},
	"more keys than said": func(f *forgery) (uint32, string) {
		f.Set32(f.root, hive.KeySubkeys, 1)
		return f.root, "1 subkeys are not those"
	},
	"fewer keys than said": func(f *forgery) (uint32, string) {
		f.Set32(f.root, hive.KeySubkeys, 3)
		return f.root, "3 subkeys are not those"
	},
	"too many keys": func(f *forgery) (uint32, string) {
		f.Set32(f.root, hive.KeySubkeys, 1<<31)
		return f.root, "2147483648 subkeys"
	},
	"key twice": func(f *forgery) (uint32, string) {
		f.Set32(f.list, 12, f.one)
		return f.root, "2 subkeys are not those"
	},
	"list twice": func(f *forgery) (uint32, string) {
		f.Set32(f.root, hive.KeySubkeys, 4)
		f.Set32(f.root, hive.KeySubkeyList, f.Cell(hive.List("ri", f.list, f.list)))
		return f.root, "4 subkeys are not those"
	},
	"key of another": func(f *forgery) (uint32, string) {
		f.Set32(f.two, hive.KeyParent, f.one)
		return f.two, "another than its parent"
	},
	"key below itself": func(f *forgery) (uint32, string) {
		f.Set32(f.list, 4, f.root)
		f.Set32(f.root, hive.KeyParent, f.root)
		return f.root, "another than its parent"
	},
	"two keys below each other": func(f *forgery) (uint32, string) {
		f.Set32(f.one, hive.KeySubkeys, 1)
		f.Set32(f.one, hive.KeySubkeyList, f.half(f.root, "lf"))
		f.Set32(f.root, hive.KeyParent, f.one)
		return f.root, "another than its parent"
	},
}

// valueDamages are to values and their data.
var valueDamages = map[string]damage{
	"values longer than their list": func(f *forgery) (uint32, string) {
		f.Set32(f.root, hive.KeyValues, 100)
		return f.values, "where 400 are needed"
	},
	"too many values": func(f *forgery) (uint32, string) {
		f.Set32(f.root, hive.KeyValues, none)
		return f.root, "4294967295 values"
	},
	"value twice": func(f *forgery) (uint32, string) {
		f.Set32(f.values, 0, f.blob)
		return f.values, "same value twice"
	},
	"value is data": func(f *forgery) (uint32, string) {
		f.Set32(f.values, 0, f.raw)
		return f.raw, `"01" instead of vk`
	},
	"value's name over its cell": func(f *forgery) (uint32, string) {
		f.Set32(f.number, 0, 0xffff<<16|'v'|'k'<<8)
		return f.number, "where 65555 are needed"
	},
	"inline data of five bytes": func(f *forgery) (uint32, string) {
		f.Set32(f.number, 4, inlineFlag|5)
		return f.number, "5 bytes inside"
	},
	"data over their cell": func(f *forgery) (uint32, string) {
		f.Set32(f.blob, 4, 21)
		return f.raw, `"01" instead of db`
	},
	"data nowhere": func(f *forgery) (uint32, string) {
		f.Set32(f.blob, 8, none)
		return none, "no cell"
	},
	"data inside another cell": func(f *forgery) (uint32, string) {
		inside := f.Cell([]byte("....\xe8\xff\xff\xff0123456789abcdef0123"))
		f.Set32(f.blob, 8, inside+8)
		return inside + 8, "cell inside another"
	},
	"segments that are too few": func(f *forgery) (uint32, string) {
		db := f.bigData(make([]byte, 2*segmentSize))
		f.Set32(f.blob, 4, 3*segmentSize)
		return db, "in 2 segments"
	},
	"segments of small data": func(f *forgery) (uint32, string) {
		db := f.bigData(make([]byte, 2*segmentSize))
		f.Set32(f.blob, 4, segmentSize)
		return db, "in 2 segments"
	},
	"segment too short": func(f *forgery) (uint32, string) {
		db := f.bigData(make([]byte, 2*segmentSize))
		f.Set32(db, 4, f.Cell(offsetList(f.raw, f.raw)))
		return f.raw, "cell of 20 bytes where 16344"
	},
}

// TestDamage names the place for each thing that does not fit.
func TestDamage(t *testing.T) {
	for _, damages := range []map[string]damage{cellDamages, keyDamages, valueDamages} {
		for name, damage := range damages {
			t.Run(name, func(t *testing.T) {
				f := forge()
				at, problem := damage(f)
				want := fmt.Sprintf("at 0x%x of the file", 4096+int64(at))
				err := readAll(f.bytes())
				if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), problem) {
					t.Errorf("got %v, want %q %s", err, problem, want)
				}
			})
		}
	}
}

func TestBaseBlock(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(b []byte) []byte
		want error
	}{
		"no signature":     {func(b []byte) []byte { b[0] = 'R'; return b }, ErrFormat},
		"version 2":        {func(b []byte) []byte { b[20] = 2; return b }, errors.ErrUnsupported},
		"version 1.2":      {func(b []byte) []byte { b[24] = 2; return b }, errors.ErrUnsupported},
		"version 1.7":      {func(b []byte) []byte { b[24] = 7; return b }, errors.ErrUnsupported},
		"a log":            {func(b []byte) []byte { b[28] = 1; return b }, errors.ErrUnsupported},
		"another format":   {func(b []byte) []byte { b[32] = 2; return b }, errors.ErrUnsupported},
		"no bins":          {func(b []byte) []byte { b[41] = 0; return b }, ErrFormat},
		"bins not aligned": {func(b []byte) []byte { b[40] = 1; return b }, ErrFormat},
		"bins cut off":     {func(b []byte) []byte { return b[:len(b)-1] }, ErrFormat},
		"no bin":           {func(b []byte) []byte { b[4096] = 'H'; return b }, ErrFormat},
		"another bin":      {func(b []byte) []byte { b[4101] = 0x10; return b }, ErrFormat},
		"bin of nothing":   {func(b []byte) []byte { b[4105] = 0; return b }, ErrFormat},
		"bin not aligned":  {func(b []byte) []byte { b[4104] = 8; return b }, ErrFormat},
		"bin too long":     {func(b []byte) []byte { b[4105] = 0x20; return b }, ErrFormat},
		"only a header":    {func(b []byte) []byte { return b[:4096] }, ErrFormat},
		"nothing":          {func([]byte) []byte { return nil }, ErrFormat},
		"padding":          {func(b []byte) []byte { return append(b, make([]byte, 512)...) }, nil},
	} {
		b := tt.edit(forge().bytes())
		if _, err := Open(bytes.NewReader(b), int64(len(b))); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestReaderThatFails(t *testing.T) {
	b := forge().bytes()
	if _, err := Open(bytes.NewReader(b[:4100]), int64(len(b))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that was cut off meanwhile: got %v", err)
	}
	broken := errors.New("broken disk")
	if _, err := Open(failing{broken}, int64(len(b))); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(bytes.NewReader(b), 1<<40); !errors.Is(err, ErrFormat) {
		t.Errorf("a file of a terabyte: got %v", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// TestDepth builds keys each below the other.
func TestDepth(t *testing.T) {
	f := forge()
	parent := f.two
	for range maxDepth {
		child := f.Cell(hive.NK("x", hive.KeyName8Bit, parent, none))
		f.Set32(parent, hive.KeySubkeys, 1)
		f.Set32(parent, hive.KeySubkeyList, f.half(child, "lf"))
		parent = child
	}
	if err := readAll(f.bytes()); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "512 levels down") {
		t.Errorf("got %v", err)
	}
}

// TestNamesInOneAnother lets 4,000 values share the bytes of their names.
func TestNamesInOneAnother(t *testing.T) {
	f := forge()
	const count = 4000
	image := make([]byte, 32*count+1<<16)
	base := f.Cell(image)
	var values []uint32
	for i := range count {
		at := 4 + 32*i
		f.Set32(base, at, 1<<32-1<<15)
		for n, c := range hive.VK("", true, inlineFlag, 0, 4) {
			image[n] = c
		}
		for n := 0; n < 20; n += 4 {
			f.Set32(base, at+4+n, binary.LittleEndian.Uint32(image[n:]))
		}
		f.Set32(base, at+4, 0x7f00<<16|'v'|'k'<<8)
		values = append(values, base+uint32(4+at))
	}
	f.Set32(f.root, hive.KeyValues, count)
	f.Set32(f.root, hive.KeyValueList, f.Cell(offsetList(values...)))
	if err := readAll(f.bytes()); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "names of more than") {
		t.Errorf("got %v", err)
	}
}

// TestValuesInManyKeys lets a hive of 1.5 MiB ask for 80 million values.
func TestValuesInManyKeys(t *testing.T) {
	f := forge()
	const keys, count = 4000, 20000
	var values, list []uint32
	for range count {
		values = append(values, f.Cell(hive.VK("", true, inlineFlag, 0, 4)))
	}
	shared := f.Cell(offsetList(values...))
	for range keys {
		k := f.Cell(hive.NK("k", hive.KeyName8Bit, f.root, none))
		f.Set32(k, hive.KeyValues, count)
		f.Set32(k, hive.KeyValueList, shared)
		list = append(list, k)
	}
	f.Set32(f.root, hive.KeySubkeys, keys)
	f.Set32(f.root, hive.KeySubkeyList, f.Cell(hive.List("li", list...)))
	if err := readAll(f.bytes()); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "are to be read") {
		t.Errorf("got %v", err)
	}
}
