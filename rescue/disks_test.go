package rescue_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// TestRealDisks is the promise, on real Debian disks of every layout: the
// disk's own sshd refuses the key before and accepts it after; looking writes
// nothing; a second run changes nothing; undo puts all files back.
func TestRealDisks(t *testing.T) {
	t.Parallel()
	broken, err := testdisk.BreakagesNamed("lost-key,ssh-dir,key-owner")
	if err != nil {
		t.Fatal(err)
	}
	for _, suite := range []testdisk.Suite{testdisk.Bookworm, testdisk.Trixie} {
		for _, layout := range testdisk.Layouts() {
			t.Run(fmt.Sprintf("%s/%s", suite, layout), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				path := filepath.Join(t.TempDir(), "disk.raw")
				img, err := testdisk.NewImage(t.Context(), path, suite, testdisk.Small, layout, broken...)
				if err != nil {
					t.Fatal(err)
				}
				if b.logIn(img, "admin") {
					t.Fatal("the key is accepted before the rescue")
				}
				rescueAndBack(t, b, img)
			})
		}
	}
}

func rescueAndBack(t *testing.T, b *bench, img *testdisk.Image) {
	t.Helper()
	was := walk(t, img)
	before := sum(t, img.Path)
	report, err := b.diagnose(img.Path)
	if err != nil || report.Verdicts[0].After != offline.Denied {
		t.Fatalf("diagnose: %v, %+v", err, report.Verdicts)
	}
	if sum(t, img.Path) != before {
		t.Error("diagnose wrote to the image")
	}
	report = b.wantRescued(img.Path)
	if report.Verdicts[0].User != "admin" || report.Verdicts[0].Before != offline.Denied {
		t.Errorf("verdicts %+v", report.Verdicts)
	}
	wantOnlyChanged(t, was, walk(t, img), report)
	if !b.logIn(img, "admin") {
		t.Fatal("the key is refused after the rescue")
	}
	again, err := b.rescue(img.Path)
	if err != nil || again.Outcome != offline.Unchanged || len(again.Changes) != 0 {
		t.Errorf("the second run: %s %v %+v", again.Outcome, err, again.Changes)
	}
	for range 2 {
		if _, err := b.undo(img.Path, report.Run); err != nil {
			t.Fatal(err)
		}
		wantSame(t, was, walk(t, img))
	}
	if b.logIn(img, "admin") {
		t.Error("the key is still accepted after undo")
	}
}
