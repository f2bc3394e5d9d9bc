package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type doc struct {
	Names map[string]int
	List  []string
}

func open(t *testing.T, path string) *File[doc] {
	t.Helper()
	f, err := Open[doc](path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *File[T]) must(t *testing.T, change func(*T)) {
	t.Helper()
	if err := f.Update(func(d *T) error { change(d); return nil }); err != nil {
		t.Fatal(err)
	}
}

func wantDoc(t *testing.T, f *File[doc], want doc) {
	t.Helper()
	f.View(func(d *doc) {
		if diff := cmp.Diff(want, *d); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUpdatesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := open(t, path)
	wantDoc(t, f, doc{})
	f.must(t, func(d *doc) { d.Names = map[string]int{"a": 1} })
	f.must(t, func(d *doc) { d.Names["b"] = 2; d.List = append(d.List, "x") })
	want := doc{Names: map[string]int{"a": 1, "b": 2}, List: []string{"x"}}
	wantDoc(t, f, want)
	wantDoc(t, open(t, path), want)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v), want 0600", info.Mode(), err)
	}
}

func TestFailedUpdatesChangeNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := open(t, path)
	spoil := func(d *doc) {
		d.List = append(d.List, "half")
		if d.Names != nil {
			delete(d.Names, "a")
		}
	}
	fail := errors.New("no")
	check := func(want doc) {
		t.Helper()
		if err := f.Update(func(d *doc) error { spoil(d); return fail }); !errors.Is(err, fail) {
			t.Errorf("got %v, want the function's error", err)
		}
		wantDoc(t, f, want)
		func() {
			defer func() { _ = recover() }()
			_ = f.Update(func(d *doc) error { spoil(d); panic("no") })
		}()
		wantDoc(t, f, want)
		wantDoc(t, open(t, path), want)
	}
	check(doc{})
	f.must(t, func(d *doc) { d.Names = map[string]int{"a": 1} })
	check(doc{Names: map[string]int{"a": 1}})
}

func TestADiskThatFailsChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f := open(t, filepath.Join(dir, "state.json"))
	f.must(t, func(d *doc) { d.List = []string{"a"} })
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := f.Update(func(d *doc) error { d.List = nil; return nil }); err == nil {
		t.Fatal("a write into a directory that is gone succeeds")
	}
	wantDoc(t, f, doc{List: []string{"a"}})
}

// TestTornTemporaryFile is a kill in the middle of a write.
func TestTornTemporaryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := open(t, path)
	f.must(t, func(d *doc) { d.List = []string{"a"} })
	if err := os.WriteFile(path+".new", []byte(`{"List":["a","b`+strings.Repeat("x", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f = open(t, path)
	wantDoc(t, f, doc{List: []string{"a"}})
	f.must(t, func(d *doc) { d.List = append(d.List, "b") })
	wantDoc(t, open(t, path), doc{List: []string{"a", "b"}})
}

func TestSpoiltStateIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte(`{"List":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open[doc](path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestParallelUpdates(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "state.json"))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := f.Update(func(d *doc) error { d.List = append(d.List, "x"); return nil }); err != nil {
				t.Error(err)
			}
			f.View(func(d *doc) { _ = len(d.List) })
		})
	}
	group.Wait()
	f.View(func(d *doc) {
		if len(d.List) != 20 {
			t.Errorf("%d updates are kept, want 20", len(d.List))
		}
	})
}
