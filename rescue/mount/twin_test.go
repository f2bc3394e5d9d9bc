package mount_test

import (
	"testing"

	"github.com/seed-77750964/regain/rescue/mount"
)

// A volume and the copy made from its snapshot have the same UUID. Both are
// mounted at once, and each shows its own content, in either order.
func TestTwins(t *testing.T) {
	for _, fstype := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(fstype, func(t *testing.T) {
			one := image(t, fstype)
			two := clone(t, one)
			seed(t, one, fstype, "name", "one")
			seed(t, two, fstype, "name", "two")
			a, b := attach(t, one, false), attach(t, two, false)
			for _, order := range [][2]string{{"one", "two"}, {"two", "one"}} {
				loops := map[string]*mount.Loop{"one": a, "two": b}
				var open2 []*tree
				for _, want := range order {
					m := open(t, loops[want], mount.Options{Type: fstype})
					open2 = append(open2, m)
					if got := m.read("name"); got != want {
						t.Errorf("order %v: %s reads %q", order, want, got)
					}
				}
				for _, m := range open2 {
					m.write("seen", order[0])
					m.close()
					if err := m.loop.Idle(deadline(t)); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
