package regf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// wrote is a hive with that sequence number, and the path for a log of it.
func wrote(t testing.TB, sequence uint32) (path, log string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "SYSTEM")
	writeFile(t, path, forge().bytes())
	hive.SetSequences(t, path, sequence, sequence)
	return path, path + ".LOG1"
}

func checkLog(t testing.TB, path string, log []byte) error {
	t.Helper()
	h := openFile(t, path)
	if err := h.Clean(); err != nil {
		t.Fatal(err)
	}
	return h.CheckLog("SYSTEM.LOG1", bytes.NewReader(log), int64(len(log)))
}

func TestClean(t *testing.T) {
	path, _ := wrote(t, 9)
	if err := openFile(t, path).Clean(); err != nil {
		t.Error(err)
	}
	hive.SetSequences(t, path, 10, 9)
	if err := openFile(t, path).Clean(); !errors.Is(err, ErrDirty) || !strings.Contains(err.Error(), "10 and 9") {
		t.Error(err)
	}
	hive.SetSequences(t, path, 10, 10)
	hive.BreakChecksum(t, path)
	if err := openFile(t, path).Clean(); !errors.Is(err, ErrDirty) || !strings.Contains(err.Error(), "checksum") {
		t.Error(err)
	}
}

// TestChecksumThatIsNeverStored covers the two sums that have a replacement.
func TestChecksumThatIsNeverStored(t *testing.T) {
	for _, want := range []uint32{1, none - 1} {
		b := forge().bytes()
		sum := uint32(0)
		for at := 0; at < offChecksum; at += 4 {
			sum ^= le32(b, at)
		}
		target := uint32(0)
		if want != 1 {
			target = none
		}
		binary.LittleEndian.PutUint32(b[200:], sum^target) // reserved, zero until now
		hive.Seal(b)
		if got := le32(b, offChecksum); got != want {
			t.Fatalf("the test seals with %x", got)
		}
		if err := openBytes(t, b).Clean(); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckLog(t *testing.T) {
	path, log := wrote(t, 9)
	for name, tt := range map[string]struct {
		sequences []uint32
		dirty     bool
	}{
		"no entry":            {nil, false},
		"older":               {[]uint32{7, 8}, false},
		"its own":             {[]uint32{8, 9}, false},
		"newer":               {[]uint32{9, 10}, true},
		"newer first":         {[]uint32{10}, true},
		"newer, then remnant": {[]uint32{10, 3}, true},
		"newer after a gap":   {[]uint32{2, 10}, true},
	} {
		hive.WriteLog(t, path, log, tt.sequences...)
		err := checkLog(t, path, readFile(t, log))
		if tt.dirty != errors.Is(err, ErrDirty) || !tt.dirty && err != nil {
			t.Errorf("%s: got %v", name, err)
		}
		if tt.dirty && !strings.Contains(err.Error(), `"SYSTEM.LOG1" goes to sequence number 10, the hive to 9`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCheckOldLog(t *testing.T) {
	path, log := wrote(t, 9)
	for sequence, dirty := range map[uint32]bool{8: false, 9: false, 10: true} {
		hive.WriteOldLog(t, path, log, sequence)
		b := readFile(t, log)
		if err := checkLog(t, path, b); dirty != errors.Is(err, ErrDirty) || !dirty && err != nil {
			t.Errorf("%d: got %v", sequence, err)
		}
		for name, edit := range map[string]func(b []byte){
			"checksum": func(b []byte) { b[508]++ },
			"not done": func(b []byte) { b[8]--; hive.Seal(b) },
			"no base":  func(b []byte) { clear(b[:512]) },
			"no log":   func(b []byte) { b[28] = 0; hive.Seal(b) },
		} {
			edited := bytes.Clone(b)
			edit(edited)
			if err := checkLog(t, path, edited); err != nil {
				t.Errorf("%d, %s: got %v", sequence, name, err)
			}
		}
	}
}

// TestLogThatIsDamaged ends at the first entry that Windows would not apply.
func TestLogThatIsDamaged(t *testing.T) {
	path, log := wrote(t, 9)
	hive.WriteLog(t, path, log, 9, 10)
	whole := readFile(t, log)
	second := 512 + (len(whole)-512)/2
	for name, edit := range map[string]func(b []byte) []byte{
		"empty":             func([]byte) []byte { return nil },
		"zeros":             func(b []byte) []byte { return make([]byte, len(b)) },
		"only a base block": func(b []byte) []byte { return b[:512] },
		"cut off":           func(b []byte) []byte { return b[:len(b)-1] },
		"half a header":     func(b []byte) []byte { return b[:second+39] },
		"signature":         func(b []byte) []byte { b[second]++; return b },
		"size":              func(b []byte) []byte { b[second+4]++; return b },
		"size of nothing":   func(b []byte) []byte { clear(b[second+4 : second+8]); return b },
		"sequence":          func(b []byte) []byte { b[second+12]++; return b },
		"page":              func(b []byte) []byte { b[second+2000]++; return b },
		"first hash":        func(b []byte) []byte { b[second+24]++; return b },
		"second hash":       func(b []byte) []byte { b[second+32]++; return b },
		"the first entry":   func(b []byte) []byte { b[512]++; return b },
	} {
		if err := checkLog(t, path, edit(bytes.Clone(whole))); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := checkLog(t, path, append(make([]byte, 512), whole[512:]...)); !errors.Is(err, ErrDirty) {
		t.Errorf("entries behind an empty base block: got %v", err)
	}
	wide := append(bytes.Clone(whole[:512]), make([]byte, 4096-512)...)
	wide[44] = 8 // sectors of 4 KiB
	if err := checkLog(t, path, append(wide, whole[512:]...)); !errors.Is(err, ErrDirty) {
		t.Errorf("entries behind a base block of 4 KiB: got %v", err)
	}
}

func TestLogThatCannotBeRead(t *testing.T) {
	path, _ := wrote(t, 9)
	broken := errors.New("broken disk")
	if err := openFile(t, path).CheckLog("SYSTEM.LOG2", failing{broken}, 4096); !errors.Is(err, broken) || errors.Is(err, ErrDirty) {
		t.Errorf("got %v", err)
	}
	if err := openFile(t, path).CheckLog("SYSTEM.LOG2", failing{broken}, 1<<40); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v", err)
	}
}

// TestMarvin has sums that others computed with the same seed, folded to 32 bits
// (the tests of the marvin32 crate).
func TestMarvin(t *testing.T) {
	for text, want := range map[string]uint32{"": 0xb00892ac, "hell": 0x7f91e021} {
		sum := marvin([]byte(text))
		if got := uint32(sum) ^ uint32(sum>>32); got != want {
			t.Errorf("%q: got %08x, want %08x", text, got, want)
		}
	}
}
