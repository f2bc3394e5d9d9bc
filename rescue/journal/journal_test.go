package journal_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue/journal"
)

var (
	began   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	patient = journal.Patient{Volume: "vol-1", RootUUID: "u"}
	changes = []offline.Change{{Path: "/k", After: &offline.File{Kind: offline.Regular, Data: []byte("\x00\xff"), Mode: 0o600}, Why: "w"}}
)

func open(t *testing.T) (*journal.Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	d, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Begin("run-1", began, patient, changes); err != nil {
		t.Fatal(err)
	}
	return d, path
}

func TestARunIsReadAsItWasWritten(t *testing.T) {
	d, path := open(t)
	r, err := d.Load("run-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(journal.Run{ID: "run-1", Began: began, Patient: patient, Changes: changes, State: journal.Begin}, r); diff != "" {
		t.Error(diff)
	}
	if !r.Open() {
		t.Error("a run that has only begun is not open")
	}
	for _, e := range []journal.Event{journal.Done, journal.Undone} {
		if err := d.Record("run-1", began, e); err != nil {
			t.Fatal(err)
		}
		if r, err := d.Load("run-1"); err != nil || r.State != e || r.Open() {
			t.Errorf("after %s: %+v, %v", e, r, err)
		}
	}
	for p, want := range map[string]os.FileMode{path: 0o700, filepath.Join(path, "run-1.jsonl"): 0o600} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", p, info.Mode(), err)
		}
	}
}

func TestATornLastLineIsDropped(t *testing.T) {
	d, path := open(t)
	file := filepath.Join(path, "run-1.jsonl")
	whole, _ := os.ReadFile(file)
	if err := os.WriteFile(file, append(whole, []byte(`{"version":1,"event":"do`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Load("run-1"); err != nil || !r.Open() {
		t.Fatalf("torn: %+v, %v", r, err)
	}
	if err := d.Record("run-1", began, journal.Undone); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Load("run-1"); err != nil || r.State != journal.Undone {
		t.Errorf("after the torn line: %+v, %v", r, err)
	}
	if err := os.WriteFile(file, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("run-1"); err == nil {
		t.Error("half a beginning was taken for a run")
	}
	if runs, err := d.Runs(); err != nil || len(runs) != 0 {
		t.Errorf("Runs = %v, %v", runs, err)
	}
}

func TestRefusals(t *testing.T) {
	d, path := open(t)
	if err := d.Begin("run-1", began, patient, nil); err == nil {
		t.Error("a run began twice")
	}
	for _, id := range []string{"", "../x", "a/b", "-x", "a b"} {
		if err := d.Begin(id, began, patient, nil); err == nil {
			t.Errorf("id %q was accepted", id)
		}
	}
	if err := os.WriteFile(filepath.Join(path, "new.jsonl"), []byte(`{"version":99,"event":"begin","run":"new","patient":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("new"); err == nil {
		t.Error("a journal of a newer format was read")
	}
	if err := d.Record("never", began, journal.Done); err == nil {
		t.Error("a run that never began was ended")
	}
}

func TestPatients(t *testing.T) {
	for _, c := range []struct {
		p, q journal.Patient
		same bool
	}{
		{patient, patient, true},
		{patient, journal.Patient{RootUUID: "u"}, true},
		{patient, journal.Patient{Volume: "vol-2", RootUUID: "u"}, false},
		{patient, journal.Patient{Volume: "vol-1", RootUUID: "other"}, false},
		{journal.Patient{Root: "/a"}, journal.Patient{Root: "/b"}, false},
	} {
		if got := c.p.Same(c.q); got != c.same {
			t.Errorf("%+v same as %+v: %v", c.p, c.q, got)
		}
	}
}
