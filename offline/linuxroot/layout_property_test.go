package linuxroot

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline"
)

// drawMounts makes a mount table over few places, so that they collide.
func drawMounts(t *rapid.T) []Mount {
	var b strings.Builder
	for range rapid.IntRange(0, 12).Draw(t, "lines") {
		spec := rapid.SampledFrom([]string{"UUID=h0me", "UUID=0ther", "LABEL=twin", "/dev/xvda6", "/dev/xvdf", "nas:/x", "/data", "/dev/mapper/x", "tmpfs", "UUID=5wap"}).Draw(t, "spec")
		point := rapid.SampledFrom([]string{"/home", "/home/", "/home/ann", "/srv", "/srv/a/b", "/srv/a", "/boot", "/", "none"}).Draw(t, "point")
		kind := rapid.SampledFrom([]string{"ext4", "nfs", "swap", "none", "tmpfs", "proc"}).Draw(t, "type")
		options := rapid.SampledFrom([]string{"defaults", "noauto", "nofail", "bind", "noauto,x-systemd.automount"}).Draw(t, "options")
		fmt.Fprintln(&b, spec, point, kind, options)
	}
	mounts, _ := parseFstab([]byte(b.String()), "/etc/fstab")
	return mounts
}

// TestPlanHolds states what is true of every layout.
func TestPlanHolds(t *testing.T) {
	trees := []*offline.Volume{tree(t, map[string]string{"etc/": ""}), tree(t, map[string]string{systemd: ""})}
	rapid.Check(t, func(t *rapid.T) {
		mounts := drawMounts(t)
		l := Plan(rapid.SampledFrom(trees).Draw(t, "tree"), mounts, disk)
		seen := map[string]bool{}
		once := func(point string) {
			if seen[point] || point == "" {
				t.Fatalf("%q stands twice in %s", point, l.summary())
			}
			seen[point] = true
		}
		for i, p := range l.Mounts {
			once(p.Point)
			if i > 0 && byDepth(l.Mounts[i-1].Point, p.Point) > 0 {
				t.Fatalf("order: %s", l.summary())
			}
			if !p.Mount.Matches(disk[p.Candidate]) || !p.Mount.Automatic() || disk[p.Candidate].Type == "swap" {
				t.Fatalf("%+v is placed", p)
			}
		}
		for _, a := range l.Absent {
			once(a.Point)
			if a.Why == "" || a.Role == "" || a.Point == "/" {
				t.Fatalf("%+v", a)
			}
		}
		for _, b := range l.Binds {
			once(b.Point)
		}
		l.nothingForgotten(t, mounts, seen)
	})
}

// nothingForgotten: every place that the system mounts is in the layout, or is harmless.
func (l Layout) nothingForgotten(t *rapid.T, mounts []Mount, seen map[string]bool) {
	for _, m := range mounts {
		if m.Swap() || m.Virtual() || !m.Automatic() || m.Point == "/" || seen[m.Point] {
			continue
		}
		if !harmless(m) {
			t.Fatalf("%s %q is neither mounted nor absent: %s", m.Where(), m.Raw, l.summary())
		}
	}
}

func TestByDepthIsAnOrder(t *testing.T) {
	points := []string{"/", "/a", "/a/b", "/a/b/c", "/b", "/ab", "/ab/c"}
	rapid.Check(t, func(t *rapid.T) {
		shuffled := rapid.Permutation(points).Draw(t, "points")
		slices.SortFunc(shuffled, byDepth)
		for i, p := range shuffled {
			for _, later := range shuffled[i+1:] {
				if strings.HasPrefix(p, later+"/") {
					t.Fatalf("%q comes before its parent %q", p, later)
				}
			}
		}
	})
}
