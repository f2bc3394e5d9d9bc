package offline_test

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// As TestPowerCutAtEveryStep, on NTFS and in place: what a helper that dies there
// leaves can be mounted again, and is finished or taken back; once Apply has
// returned, the change is on the disk.
func TestNTFSPowerCutAtEveryStep(t *testing.T) {
	testdisk.Need(t, "ntfs-3g.probe")
	base := windowsImage(t)
	var names []string
	onNTFS(t, base, func(v *offline.Volume, _ string) {
		for name := range ntfsChanges(t, v) {
			names = append(names, name)
		}
	})
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			img := &testdisk.NTFSImage{Path: clone(t, base.Path)}
			var c offline.Change
			var cuts []string
			onNTFS(t, img, func(v *offline.Volume, _ string) {
				c = ntfsChanges(t, v)[name]
				v.OnStep = func(string) { cuts = append(cuts, copyDisk(t, img.Path, len(cuts))) }
				if err := v.Apply(c); err != nil {
					t.Error(err)
				}
				cuts = append(cuts, copyDisk(t, img.Path, len(cuts)))
			})
			for i, cut := range cuts {
				for _, end := range []offline.Change{c, c.Invert()} {
					last := i == len(cuts)-1
					comeBack(t, copyDisk(t, cut, i), c, end, last)
				}
			}
		})
	}
}

func comeBack(t *testing.T, image string, c, end offline.Change, done bool) {
	t.Helper()
	if out, err := exec.Command("ntfs-3g.probe", "--readwrite", image).CombinedOutput(); err != nil {
		t.Errorf("ntfs-3g.probe: %v: %s", err, out)
		return
	}
	onNTFS(t, &testdisk.NTFSImage{Path: image}, func(v *offline.Volume, _ string) {
		if done && len(c.Patches) == 0 {
			if diff := cmp.Diff(c.After, snapshot(t, v, c.Path)); diff != "" {
				t.Errorf("what Apply reported as done did not survive: %s", diff)
			}
		}
		if err := v.Apply(end); err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(end.After, snapshot(t, v, c.Path)); diff != "" && len(c.Patches) == 0 {
			t.Error(diff)
		}
	})
}
