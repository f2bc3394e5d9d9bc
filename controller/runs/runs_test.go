package runs_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/flow"
	"github.com/seed-77750964/regain/controller/runs"
)

const run = "20261122T155300Z-3fa2c1"

func entry(step int, event flow.Event) flow.Entry[controller.Rescue] {
	return flow.Entry[controller.Rescue]{
		Version: flow.Version, Time: time.Date(2026, 11, 22, 15, 53, step, 0, time.UTC), Step: step, Name: "stop", Event: event,
		State: controller.Rescue{Run: run, Owner: "a\nb@host", Original: &controller.Original{Instance: controller.Instance{ID: "i-1", Tags: map[string]string{"Name": "ü"}}}},
	}
}

// written is a directory with a journal of n entries, and the file.
func written(t *testing.T, n int) (d runs.Dir, file string, want []flow.Entry[controller.Rescue]) {
	t.Helper()
	d = runs.Dir(filepath.Join(t.TempDir(), "state", "regain"))
	j, err := d.Create(run)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		want = append(want, entry(i, flow.Did))
		if err := j.Append(want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return d, filepath.Join(string(d), "runs", run+".jsonl"), want
}

// entries opens a journal and reads it.
func entries(t *testing.T, d runs.Dir) []flow.Entry[controller.Rescue] {
	t.Helper()
	j, err := d.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	got, err := j.Entries()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRoundTrip(t *testing.T) {
	d, file, want := written(t, 3)
	if diff := cmp.Diff(want, entries(t, d)); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
	peeked, err := d.Peek(run)
	if err != nil || !cmp.Equal(want, peeked) {
		t.Errorf("peeking: %v, %v", peeked, err)
	}
	for name, mode := range map[string]fs.FileMode{file: 0o600, filepath.Dir(file): 0o700, string(d): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
	if files, _ := os.ReadDir(filepath.Dir(file)); len(files) != 1 {
		t.Errorf("beside the journal lies something: %v", files)
	}
}

func TestCreateTwice(t *testing.T) {
	d, _, want := written(t, 1)
	if _, err := d.Create(run); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if got := entries(t, d); !cmp.Equal(got, want) {
		t.Errorf("the journal is now %v", got)
	}
}

func TestOpenMissing(t *testing.T) {
	if _, err := runs.Dir(t.TempDir()).Open(run); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestNames(t *testing.T) {
	d := runs.Dir(t.TempDir())
	for _, bad := range []string{"", ".", "..", "../x", "a/b", "-x", "a.b", "a\n", strings.Repeat("a", 65)} {
		if _, err := d.Create(bad); err == nil {
			t.Errorf("created %q", bad)
		}
		if _, err := d.Open(bad); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opening %q: %v", bad, err)
		}
	}
}

func TestList(t *testing.T) {
	d := runs.Dir(t.TempDir())
	if got, err := d.List(); got != nil || err != nil {
		t.Errorf("without a directory: %v, %v", got, err)
	}
	for _, r := range []string{"20261122T155300Z-3fa2c1", "20261123T000000Z-000000", "20251122T155300Z-ffffff"} {
		j, err := d.Create(r)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
	}
	if err := os.WriteFile(filepath.Join(string(d), "runs", "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"20261123T000000Z-000000", "20261122T155300Z-3fa2c1", "20251122T155300Z-ffffff"}
	if got, err := d.List(); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestTorn cuts a journal at every byte: what is whole is read.
func TestTorn(t *testing.T) {
	d, file, want := written(t, 3)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for size := len(whole); size >= 0; size-- {
		if err := os.Truncate(file, int64(size)); err != nil {
			t.Fatal(err)
		}
		kept := bytes.Count(whole[:size], []byte("\n"))
		if got, err := d.Peek(run); err != nil || !cmp.Equal(got, want[:kept], cmpopts.EquateEmpty()) {
			t.Fatalf("cut at %d: %v, %v", size, got, err)
		}
	}
}

// TestAppendAfterTorn wants the next entry to follow what is whole.
func TestAppendAfterTorn(t *testing.T) {
	for _, cut := range []int64{1, 2, 100, 300} {
		d, file, want := written(t, 3)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, info.Size()-cut); err != nil {
			t.Fatal(err)
		}
		j, err := d.Open(run)
		if err != nil {
			t.Fatalf("%d bytes are missing: %v", cut, err)
		}
		if err := j.Append(entry(9, flow.Undid)); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, d); !cmp.Equal(got, append(slices.Clone(want[:2]), entry(9, flow.Undid))) {
			t.Fatalf("%d bytes are missing: %v", cut, got)
		}
	}
}

func TestDamaged(t *testing.T) {
	line := func(s string) string { return s + "\n" }
	_, file, _ := written(t, 2)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for name, tt := range map[string]struct{ text, want string }{
		"a line in between":      {good + line("{") + good, "line 3"},
		"the first line":         {line("x") + good, "move it away, and resume the run by its instance's id"},
		"a whole last line":      {good + line(`{"version":1,"step":"two"}`), "line 3"},
		"no version":             {good + line(`{}`), "there is no version"},
		"a later version":        {good + line(`{"version":2,"step":"two"}`), "of version 2, this program knows 1: use a newer regain"},
		"zeros in between":       {"\x00\x00\n" + good, "line 1"},
		"zeros at the end":       {good + "\x00\x00\x00", ""},
		"zeros in the last line": {good + line(`{"version":1,`+"\x00\x00"+`}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, file, want := written(t, 2)
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if got := entries(t, d); !cmp.Equal(got, want) {
					t.Errorf("got %v", got)
				}
				return
			}
			for what, read := range map[string]func() error{
				"opening": func() error { _, err := d.Open(run); return err },
				"peeking": func() error { _, err := d.Peek(run); return err },
			} {
				if err := read(); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), file) {
					t.Errorf("%s: %v, want %q", what, err, tt.want)
				}
			}
			if after, _ := os.ReadFile(file); string(after) != tt.text {
				t.Error("the damaged journal was changed")
			}
		})
	}
}

// TestResumeFromFile has the engine take up a run whose last entry is torn.
func TestResumeFromFile(t *testing.T) {
	d, file, _ := written(t, 0)
	j, err := d.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	steps := []flow.Step[controller.Rescue]{{Name: "look", Do: done}, {Name: "stop", Do: done}}
	clock := flow.Options{Now: time.Now}
	r, err := flow.Begin(steps, j, controller.Rescue{Run: run}, clock)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Advance(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	if j, err = d.Open(run); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if r, err = flow.Resume(steps, j, clock); err != nil || r.Way() != flow.Out || r.Step() != "stop" {
		t.Errorf("resumed at %s, %s: %v", r.Step(), r.Way(), err)
	}
}

func done(context.Context, *controller.Rescue) (flow.Wait, error) { return flow.Wait{}, nil }
