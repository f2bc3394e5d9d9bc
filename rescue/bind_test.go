package rescue_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// TestHomeIsABindMount: fstab shows /data/home at /home. The key goes into the
// directory that the system will see, and comes out of it again.
func TestHomeIsABindMount(t *testing.T) {
	b := newBench(t)
	bind := func(root string) error {
		fstab, err := os.OpenFile(filepath.Join(root, "etc/fstab"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		_, err = fstab.WriteString("/data/home /home none bind 0 0\n")
		return errors.Join(err, fstab.Close(), os.Mkdir(filepath.Join(root, "data"), 0o755),
			os.Rename(filepath.Join(root, "home"), filepath.Join(root, "data/home")), os.MkdirAll(filepath.Join(root, "home/admin/.ssh"), 0o755))
	}
	img, err := testdisk.NewImage(t.Context(), filepath.Join(t.TempDir(), "disk"), testdisk.Bookworm, testdisk.Small, testdisk.BareExt4, bind)
	if err != nil {
		t.Fatal(err)
	}
	was := walk(t, img)
	report := b.wantRescued(img.Path)
	is := walk(t, img)
	const keys = "home/admin/.ssh/authorized_keys"
	if is["/data/"+keys] == was["/data/"+keys] || is["/"+keys] != was["/"+keys] {
		t.Errorf("hidden: %q, seen: %q; changes %+v", is["/"+keys], is["/data/"+keys], report.Changes)
	}
	if report, err := b.undo(img.Path, report.Run); err != nil || report.Outcome == offline.Failed {
		t.Fatal(err)
	}
	wantSame(t, was, walk(t, img))
}
