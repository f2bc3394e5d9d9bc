package regf

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

const inlineFlag = 1 << 31 // of a value's size: the data are inline

// A forgery is a small hive of which each cell can be changed:
//
//	\       DWORD "n" = 7 (inline), Binary "blob" = 16 bytes
//	\one
//	\two
type forgery struct {
	hive.Builder
	root, one, two, list      uint32
	values, number, blob, raw uint32
}

func forge() *forgery {
	var f forgery
	f.root = f.Root()
	f.one = f.Cell(hive.NK("one", hive.KeyName8Bit, f.root, none))
	f.two = f.Cell(hive.NK("two", 0, f.root, none))
	f.list = f.Cell(hive.List("lh", f.one, f.two))
	f.Set32(f.root, hive.KeySubkeys, 2)
	f.Set32(f.root, hive.KeySubkeyList, f.list)
	f.raw = f.Cell([]byte("0123456789abcdef"))
	f.number = f.Cell(hive.VK("n", true, inlineFlag|4, 7, uint32(DWORD)))
	f.blob = f.Cell(hive.VK("blob", false, 16, f.raw, uint32(Binary)))
	f.values = f.Cell(offsetList(f.number, f.blob))
	f.Set32(f.root, hive.KeyValues, 2)
	f.Set32(f.root, hive.KeyValueList, f.values)
	return &f
}

// offsetList is a list without a header, as those of values and segments.
func offsetList(cells ...uint32) []byte { return hive.List("li", cells...)[4:] }

func (f *forgery) bytes() []byte { return f.Builder.Bytes(f.root) }

var errTooMuch = errors.New("more than a hive of this size can hold")

// readAll looks at everything in a hive and patches every value. The number of keys
// is bounded by the size of the file; what has a value may be in several keys.
func readAll(b []byte) error {
	h, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	root, err := h.Root()
	if err != nil {
		return err
	}
	budget := len(b) / 8
	return readKey(root, &budget)
}

func readKey(k *Key, budget *int) error {
	if *budget--; *budget < 0 {
		return errTooMuch
	}
	values, err := k.Values()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	for _, v := range values {
		if err := readValue(v); err != nil {
			return err
		}
	}
	keys, err := k.Subkeys()
	if err != nil {
		return err
	}
	for _, s := range keys {
		if err := readKey(s, budget); err != nil {
			return err
		}
	}
	return nil
}

// readValue checks that a patch of the last byte is about that byte.
func readValue(v Value) error {
	data, err := v.Bytes()
	if err != nil || len(data) == 0 {
		return err
	}
	last := len(data) - 1
	p, err := v.Patch(last, []byte{^data[last]})
	if err == nil && !bytes.Equal(p.Before, data[last:]) {
		return fmt.Errorf("patch %+v of data that end in %x", p, data[last])
	}
	if errors.Is(err, ErrDirty) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func TestForgeryIsSound(t *testing.T) {
	b := forge().bytes()
	if err := readAll(b); err != nil {
		t.Fatal(err)
	}
	h := openBytes(t, b)
	if err := h.Clean(); err != nil {
		t.Error(err)
	}
	if n, err := value(t, h, "", "N").Uint32(); n != 7 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if got := value(t, h, "", "BLOB"); got.Size != 16 || got.Name != "blob" {
		t.Errorf("got %+v", got)
	}
}
