package regf

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

const task = `Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tasks\{0C1B4D8E-1111-2222-3333-444455556666}`

const patched = `
[ControlSet001\Services\Ec2Config]
Start = dword:4
Short = hex:01 02
DisplayName = sz:Ec2Config

[` + task + `]
Triggers = hex:17000000000000000000000000000000 000000000000000000ffffffffffffff ffffffffffffffff38210142 00000000 efbeadde00000000
`

// apply does what a caller does with a patch.
func apply(t testing.TB, path string, p Patch) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	now := make([]byte, len(p.Before))
	if _, err := f.ReadAt(now, p.Offset); err != nil || !bytes.Equal(now, p.Before) {
		t.Errorf("at %d is %x (%v), want %x", p.Offset, now, err, p.Before)
	}
	if _, err := f.WriteAt(p.After, p.Offset); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPatchIsWhatHivexReads(t *testing.T) {
	testdisk.Need(t, "hivexregedit", "hivexget")
	for name, tt := range map[string]struct {
		key, value string
		at         int
		after      string
		want       string // as hivexget prints it
	}{
		"service enabled": {`ControlSet001\Services\Ec2Config`, "Start", 0, "\x02\x00\x00\x00", "2\n"},
		"one byte of it":  {`ControlSet001\Services\Ec2Config`, "Start", 0, "\x03", "3\n"},
		"short data":      {`ControlSet001\Services\Ec2Config`, "Short", 1, "\xff", "\x01\xff"},
		"task disabled":   {task, "Triggers", 0x28, "\x38\x21\x01\x42", "\x38\x21\x01\x42"},
		"the end of it":   {task, "Triggers", 0x37, "\x01", "\x01"},
		"text":            {`ControlSet001\Services\Ec2Config`, "DisplayName", 0, "e\x00", "ec2Config\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := created(t, patched)
			p, err := value(t, openFile(t, path), tt.key, tt.value).Patch(tt.at, []byte(tt.after))
			if err != nil {
				t.Fatal(err)
			}
			apply(t, path, p)
			out, err := exec.CommandContext(t.Context(), "hivexget", path, tt.key, tt.value).CombinedOutput()
			got := string(out)
			if tt.value == "Triggers" {
				got = got[tt.at : tt.at+len(tt.after)]
			}
			if err != nil || got != tt.want {
				t.Errorf("hivexget: got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// TestPatchChangesNothingElse lets hivexregedit compare the whole hive before and
// after a patch of any value at any place.
func TestPatchChangesNothingElse(t *testing.T) {
	testdisk.Need(t, "hivexregedit")
	path := filepath.Join(t.TempDir(), "HIVE")
	for seed := range 8 {
		writeFile(t, path, hive.Minimal())
		hive.Merge(t, path, "HIVE", regText(rapid.Custom(tree).Example(seed)))
		want := exported(t, path)
		for i, e := range want {
			if e.typ < 0 || e.data == "" {
				continue
			}
			at := (seed + i) % len(e.data)
			after := []byte{e.data[at] + 1}
			p, err := value(t, openFile(t, path), strings.TrimPrefix(e.key, `\`), e.name).Patch(at, after)
			if err != nil {
				t.Fatal(err)
			}
			apply(t, path, p)
			want[i].data = e.data[:at] + string(after) + e.data[at+1:]
		}
		if diff := cmp.Diff(want, exported(t, path), cmp.AllowUnexported(entry{})); diff != "" {
			t.Errorf("tree %d: hivexregedit finds (-want +got):\n%s", seed, diff)
		}
	}
}

func TestPatchRefuses(t *testing.T) {
	testdisk.Need(t, "hivexregedit")
	path := created(t, patched)
	start := value(t, openFile(t, path), `ControlSet001\Services\Ec2Config`, "Start")
	triggers := value(t, openFile(t, path), task, "Triggers")
	for name, tt := range map[string]struct {
		v     Value
		at    int
		after []byte
	}{
		"nothing":           {start, 0, nil},
		"before the data":   {start, -1, []byte{1}},
		"behind the data":   {start, 4, []byte{1}},
		"over the end":      {start, 1, []byte{1, 2, 3, 4}},
		"over a cell's end": {triggers, 0x37, []byte{1, 2}},
	} {
		if p, err := tt.v.Patch(tt.at, tt.after); err == nil || !strings.Contains(err.Error(), "cannot patch value") {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
	}
	hive.SetSequences(t, path, 3, 2)
	if p, err := value(t, openFile(t, path), task, "Triggers").Patch(0x28, []byte{1}); !errors.Is(err, ErrDirty) {
		t.Errorf("dirty hive: got %+v, %v", p, err)
	}
}
