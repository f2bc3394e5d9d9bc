package journal_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue/journal"
)

// TestAnyBytesSurvive: names on a foreign disk are bytes. What an undo reads is
// what the run wrote.
func TestAnyBytesSurvive(t *testing.T) {
	d, _ := open(t)
	odd := "/mnt/J\xf6rg\n\x1b"
	p := journal.Patient{Volume: "vol-1", RootUUID: "u\xff", Subvol: odd, Root: odd, Born: "1.2", Path: odd, Mounts: []string{"/", odd}}
	list := []offline.Change{
		{Path: odd, Before: &offline.File{Kind: offline.Regular, Data: []byte("\xff\x00"), Label: "l\xff", Xattr: map[string][]byte{"user.\xff": {0xff}}, Flags: offline.FlagAppend}, Why: "w"},
		{Path: odd, After: &offline.File{Kind: offline.Dir, Mode: 0o7777, UID: 1<<32 - 1, GID: 1<<32 - 2}},
	}
	if err := d.Begin("odd", began, p, list); err != nil {
		t.Fatal(err)
	}
	r, err := d.Load("odd")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(journal.Run{ID: "odd", Began: began, Patient: p, Changes: list, State: journal.Begin}, r); diff != "" {
		t.Error(diff)
	}
	if !r.Patient.Same(p) || !r.Patient.SamePlace(p) {
		t.Error("the volume is not known again")
	}
}

// TestTornAnywhere cuts the journal off at random bytes of its end, as crashes
// of the helper do: the run is there whole, or it never began; and the next
// facts are read again.
func TestTornAnywhere(t *testing.T) {
	d, path := open(t)
	file := filepath.Join(path, "run-1.jsonl")
	begun, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Record("run-1", began, journal.Done); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		cut := rapid.IntRange(0, len(whole)).Draw(r, "cut")
		zeros := rapid.IntRange(0, 2).Draw(r, "blocks") * 512 // a size that was written before its content
		torn := append(bytes.Clone(whole[:cut]), make([]byte, zeros)...)
		if err := os.WriteFile(file, torn, 0o600); err != nil {
			r.Fatal(err)
		}
		run, err := d.Load("run-1")
		if there := cut >= len(begun) || cut == len(begun)-1 && zeros == 0; there != (err == nil) {
			r.Fatalf("cut at %d of %d: %v", cut, len(begun), err)
		} else if !there {
			return
		}
		if diff := cmp.Diff(changes, run.Changes); diff != "" {
			r.Error(diff)
		}
		if err := d.Record("run-1", began, journal.Undone); err != nil {
			r.Fatal(err)
		}
		if run, err := d.Load("run-1"); err != nil || run.State != journal.Undone {
			r.Errorf("cut at %d: %+v, %v", cut, run.State, err)
		}
	})
}

// TestLargeJournal: files of the largest size that a change may hold.
func TestLargeJournal(t *testing.T) {
	d, _ := open(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), offline.MaxAccount/16)
	list := []offline.Change{{Path: "/big", Before: &offline.File{Kind: offline.Regular, Data: data}, After: &offline.File{Kind: offline.Regular, Data: data[1:]}}}
	if err := d.Begin("big", began, patient, list); err != nil {
		t.Fatal(err)
	}
	if err := d.Record("big", began, journal.Done); err != nil {
		t.Fatal(err)
	}
	r, err := d.Load("big")
	if err != nil || r.State != journal.Done || !r.Changes[0].Before.Equal(list[0].Before) || !r.Changes[0].After.Equal(list[0].After) {
		t.Errorf("%v, %s", err, r.State)
	}
}

// TestRunsAreNotOverlooked: a journal that cannot be read may be that of a run
// which was cut off. Only one without a whole beginning is none.
func TestRunsAreNotOverlooked(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       string // in the error; empty: the file is no run
	}{
		"empty":          {"x.jsonl", "", ""},
		"half":           {"x.jsonl", `{"version":1,"event":"begin","ru`, ""},
		"another's id":   {"x.jsonl", `{"version":1,"event":"begin","run":"y","patient":{}}`, ""},
		"no run's name":  {"a b.jsonl", "", ""},
		"something else": {"README", "", ""},
		"newer":          {"x.jsonl", `{"version":2,"event":"begin","run":"x","changes":{}}`, "newer"},
		"a directory":    {"x.jsonl/y", "", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			d, path := open(t)
			if err := os.MkdirAll(filepath.Dir(filepath.Join(path, c.file)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(path, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			runs, err := d.Runs()
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("Runs = %v, %v", runs, err)
				}
			} else if err != nil || len(runs) != 1 || runs[0].ID != "run-1" {
				t.Errorf("Runs = %v, %v", runs, err)
			}
		})
	}
}

// TestRunsInOrder: by the time at which they began, wherever the clock stood.
func TestRunsInOrder(t *testing.T) {
	d, _ := open(t)
	for id, at := range map[string]time.Duration{"z-early": -time.Hour, "a-late": time.Hour, "m-same": 0} {
		if err := d.Begin(id, began.Add(at), patient, nil); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := d.Runs()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"z-early", "m-same", "run-1", "a-late"}, ids); diff != "" {
		t.Error(diff)
	}
}

// TestStateOfLinks: nobody who may write to the state directory's parent, or
// puts a link into it, leads the journal elsewhere.
func TestStateOfLinks(t *testing.T) {
	d, path := open(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Symlink(outside, filepath.Join(path, "link.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := d.Begin("link", began, patient, changes); err == nil {
		t.Error("a run began through a link")
	}
	if err := d.Record("link", began, journal.Done); err == nil {
		t.Error("a fact was written through a link")
	}
	if _, err := os.Lstat(outside); err == nil {
		t.Error("something was written outside")
	}
}

// FuzzLoad reads any bytes as a journal: a run, or an error.
func FuzzLoad(f *testing.F) {
	line, err := json.Marshal(map[string]any{"version": 1, "event": "begin", "run": "x", "patient": patient, "changes": changes})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "\n\n", string(line), string(line) + "\n" + `{"version":1,"event":"done","run":"x"}`, `{"version":9}`, string(line[:len(line)/2]) + "\n" + string(line)} {
		f.Add([]byte(seed))
	}
	path := f.TempDir()
	d, err := journal.Open(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { d.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(path, "x.jsonl"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := d.Load("x")
		if err == nil && r.ID != "x" {
			t.Errorf("loaded %+v", r)
		}
		if all, rerr := d.Runs(); rerr == nil && (err == nil) != (len(all) == 1) {
			t.Errorf("Load: %v, Runs: %v", err, all)
		}
	})
}
