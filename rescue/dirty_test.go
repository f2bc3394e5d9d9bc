package rescue_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// TestDirtyVolumes: a disk that lost power. To look leaves every byte as it is
// and says that the view may be stale; a rescue replays the journal, decides on
// what is there then, and gets in.
func TestDirtyVolumes(t *testing.T) {
	for _, layout := range []testdisk.Layout{testdisk.GPTExt4, testdisk.GPTXFS, testdisk.GPTBtrfs} {
		t.Run(string(layout), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			dirty := dirtyDisk(t, layout)
			before := sum(t, dirty.Path)
			report, err := b.diagnose(dirty.Path)
			if err != nil {
				t.Fatal(err)
			}
			if layout != testdisk.GPTBtrfs && !strings.Contains(strings.Join(report.Warnings, "\n"), "stale") {
				t.Errorf("no warning of a stale view: %q", report.Warnings)
			}
			if sum(t, dirty.Path) != before {
				t.Error("diagnose wrote to the image")
			}
			b.wantRescued(dirty.Path)
			if !b.logIn(dirty, "admin") {
				t.Error("the key is refused after the rescue")
			}
			if again, err := b.diagnose(dirty.Path); err != nil || again.Verdicts[0].After != offline.Accepted {
				t.Errorf("after the rescue: %v, %+v", err, again.Verdicts)
			}
		})
	}
}

// dirtyDisk copies a disk in the midst of its use.
func dirtyDisk(t *testing.T, layout testdisk.Layout) *testdisk.Image {
	t.Helper()
	broken, err := testdisk.BreakagesNamed("lost-key,ssh-dir")
	if err != nil {
		t.Fatal(err)
	}
	img, err := testdisk.NewImage(t.Context(), filepath.Join(t.TempDir(), "disk"), testdisk.Bookworm, testdisk.Small, layout, broken...)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "dirty")
	err = img.Mount(func(root string) error {
		if err := exec.Command("touch", filepath.Join(root, "home/admin/under-way")).Run(); err != nil {
			return err
		}
		unix.Sync()
		return exec.Command("cp", "--sparse=always", img.Path, to).Run()
	})
	if err != nil {
		t.Fatal(err)
	}
	return &testdisk.Image{Path: to, Layout: layout}
}
