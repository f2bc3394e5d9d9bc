package rescue_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/journal"
	"github.com/seed-77750964/regain/rescue/source"
)

func newTree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	if _, err := testdisk.NewTree(t.Context(), dir, testdisk.Bookworm); err != nil {
		t.Fatal(err)
	}
	return dir
}

func volumeOf(t *testing.T, dir string) *offline.Volume {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// chainOfChanges works on one file and one directory several times, as a run
// for several users can.
func chainOfChanges() []offline.Change {
	dir := func(mode uint32) *offline.File { return &offline.File{Kind: offline.Dir, Mode: mode} }
	file := func(text string) *offline.File {
		return &offline.File{Kind: offline.Regular, Mode: 0o644, Data: []byte(text)}
	}
	return []offline.Change{
		{Path: "/etc/regain", After: dir(0o700)},
		{Path: "/etc/regain/x", After: file("one\n")},
		{Path: "/etc/regain", Before: dir(0o700), After: dir(0o755)},
		{Path: "/etc/regain/x", Before: file("one\n"), After: file("two\none\n")},
		{Path: "/etc/regain/x", Before: file("two\none\n"), After: file("three\n")},
	}
}

// TestUndoFromAnywhereInAChain cuts a run off after each of its changes, the
// first one not made too.
func TestUndoFromAnywhereInAChain(t *testing.T) {
	b := newBench(t)
	for n := range len(chainOfChanges()) + 1 {
		dir, run := newTree(t), "chain-"+string(rune('a'+n))
		was := walkDir(t, dir)
		if err := b.state.Begin(run, time.Now(), journal.Patient{Root: dir, Path: dir}, chainOfChanges()); err != nil {
			t.Fatal(err)
		}
		v := volumeOf(t, dir)
		for _, c := range chainOfChanges()[:n] {
			if err := v.Apply(c); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if _, err := b.undo(dir, run); err != nil {
				t.Errorf("after %d changes: %v", n, err)
			}
		}
		wantSame(t, was, walkDir(t, dir))
	}
}

// TestLostJournalIsSaid: what was written cannot be taken back without the
// journal, and the report does not claim that it was.
func TestLostJournalIsSaid(t *testing.T) {
	b := newBench(t)
	dir, state := brokenTree(t), filepath.Join(t.TempDir(), "state")
	again := b.inState(state)
	r := again.request()
	steps := 0
	r.OnStep = func(string) {
		if steps++; steps == 6 { // the journal is there, something is written
			if err := errors.Join(os.RemoveAll(state), os.Rename(filepath.Join(dir, "home"), filepath.Join(dir, "gone"))); err != nil {
				t.Error(err)
			}
		}
	}
	p := again.open(dir, true)
	defer p.Close()
	report, err := p.Rescue(t.Context(), r)
	var failure *rescue.Failure
	if !errors.As(err, &failure) || !failure.Left || report.Error.Code != "not-taken-back" {
		t.Errorf("%v, %+v", err, report.Error)
	}
}

// TestTwoRunsAtOnce: while one run works on a tree, no other one is let in,
// under whatever name and with whatever state directory.
func TestTwoRunsAtOnce(t *testing.T) {
	b := newBench(t)
	dir := brokenTree(t)
	was := walkDir(t, dir)
	r := b.request()
	tried := false
	r.OnStep = func(string) {
		if tried {
			return
		}
		tried = true
		now := walkDir(t, dir)
		for _, write := range []bool{true, false} {
			src, err := source.Finder{}.Open(t.Context(), source.Request{Root: dir + "/../tree", Write: write})
			if busy := (*source.Refusal)(nil); !errors.As(err, &busy) || busy.Reason != source.Busy {
				t.Errorf("a second one, write %v: %v", write, err)
			}
			if err == nil {
				src.Close()
			}
		}
		wantSame(t, now, walkDir(t, dir))
	}
	p := b.open(dir, true)
	report, err := p.Rescue(t.Context(), r)
	if cerr := p.Close(); cerr != nil {
		t.Error(cerr)
	}
	if err != nil || report.Outcome != offline.Rescued || !tried {
		t.Fatalf("%v, %s", err, report.Outcome)
	}
	if _, err := b.undo(dir, r.Run); err != nil {
		t.Error(err)
	}
	wantSame(t, was, walkDir(t, dir))
}

// TestRunOfTheSameName: an id that has been used is refused, and the run that
// bears it stays.
func TestRunOfTheSameName(t *testing.T) {
	b := newBench(t)
	dir := brokenTree(t)
	report := b.wantRescued(dir)
	now := walkDir(t, dir)
	other, err := sshkey.ParsePublicInput([]byte(otherKeys[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.rescue(dir, func(r *rescue.Request) {
		r.Run, r.Keys = report.Run, givenKey{other}
	})
	if err == nil {
		t.Error("a run began twice")
	}
	wantSame(t, now, walkDir(t, dir))
}

// TestUndoWithoutTheHome: where the filesystem that a run wrote to is not
// mounted this time, a missing file does not pass for one that was taken back.
func TestUndoWithoutTheHome(t *testing.T) {
	b := newBench(t)
	disk, err := os.MkdirTemp("/var/tmp", "regain-test-") // what lies in a tmpfs does not count as mounted
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(disk) })
	dir := brokenTreeAt(t, filepath.Join(disk, "tree"))
	home, people := filepath.Join(dir, "home"), filepath.Join(filepath.Dir(dir), "people")
	if err := errors.Join(os.Rename(home, people), os.Mkdir(home, 0o755), unix.Mount(people, home, "", unix.MS_BIND, "")); err != nil {
		t.Fatal(err)
	}
	mounted := true
	unmount := func() {
		if mounted {
			mounted = false
			if err := unix.Unmount(home, 0); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(unmount)
	was := walkDir(t, people)
	report := b.wantRescued(dir)
	is := walkDir(t, people)
	unmount()
	var refusal *rescue.Refusal
	if _, err := b.undo(dir, report.Run); !errors.As(err, &refusal) || refusal.Code != "other-mounts" {
		t.Errorf("undo: %v", err)
	}
	wantSame(t, is, walkDir(t, people))
	if err := unix.Mount(people, home, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	mounted = true
	if _, err := b.undo(dir, report.Run); err != nil {
		t.Error(err)
	}
	wantSame(t, was, walkDir(t, people))
}

// TestUndoOnAnotherTree: another system at the same place is not the one that
// the run worked on.
func TestUndoOnAnotherTree(t *testing.T) {
	b := newBench(t)
	dir := brokenTree(t)
	report := b.wantRescued(dir)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := testdisk.NewTree(t.Context(), dir, testdisk.Bookworm); err != nil {
		t.Fatal(err)
	}
	var refusal *rescue.Refusal
	if _, err := b.undo(dir, report.Run); !errors.As(err, &refusal) || refusal.Code != "other-volume" {
		t.Errorf("undo: %v", err)
	}
}

// An undo beneath a later run says so: what it takes back may have been all
// that the later key rested on.
func TestUndoNamesLaterRuns(t *testing.T) {
	b := newBench(t)
	dir := brokenTree(t)
	first := b.wantRescued(dir)
	if err := b.state.Begin("later", time.Now().Add(time.Hour), journal.Patient{Root: dir, Path: dir}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.state.Record("later", time.Now(), journal.Done); err != nil {
		t.Fatal(err)
	}
	report, err := b.undo(dir, first.Run)
	if err != nil || !strings.Contains(strings.Join(report.Warnings, "\n"), "run later came later") {
		t.Errorf("no word of the later run: %q, %v", report.Warnings, err)
	}
}

// A run that was cut off elsewhere, on a volume with the same root filesystem,
// is named and left alone: it may be a copy.
func TestACutOffRunOfACopyIsNamed(t *testing.T) {
	b := newBench(t)
	dir := brokenTree(t)
	patient := journal.Patient{Root: dir, Path: "/elsewhere"}
	if err := b.state.Begin("cut-off", time.Now(), patient, nil); err != nil {
		t.Fatal(err)
	}
	report := b.wantRescued(dir)
	if !strings.Contains(strings.Join(report.Warnings, "\n"), "cut-off") {
		t.Errorf("no word of the run that was cut off: %q", report.Warnings)
	}
}
