package mount_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/rescue/mount"
)

// A dirty journal on a read-only loop: refused as it is, readable without
// replay, and the image keeps its sum either way.
func TestDirtyJournal(t *testing.T) {
	for _, fstype := range []string{"ext3", "ext4", "xfs", "btrfs"} {
		t.Run(fstype, func(t *testing.T) {
			path := image(t, fstype)
			seed(t, path, fstype, "early", "early\n")
			dirty := dirtyCopy(t, path, fstype)
			before := sum(t, dirty)
			loop := attach(t, dirty, true)
			_, err := mount.Detached(loop.Path, mount.Options{Type: fstype, ReadOnly: true})
			if !errors.Is(err, mount.ErrNeedsReplay) {
				t.Fatalf("with replay on a read-only device: %v", err)
			}
			if !strings.Contains(err.Error(), "(kernel: ") {
				t.Errorf("no word of the kernel in %v", err)
			}
			m := open(t, loop, mount.Options{Type: fstype, ReadOnly: true, NoRecovery: true})
			if got := m.read("early"); got != "early\n" {
				t.Errorf("without replay early reads %q", got)
			}
			m.close()
			if err := loop.Detach(deadline(t)); err != nil {
				t.Fatal(err)
			}
			if after := sum(t, dirty); after != before {
				t.Error("the image changed")
			}
			rw := open(t, attach(t, dirty, false), mount.Options{Type: fstype})
			if got := rw.read("late"); got != "late\n" {
				t.Errorf("after replay late reads %q", got)
			}
		})
	}
}
