package windows

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	layout "github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
)

// arm has regain do to a mounted volume what it does for a reset.
func arm(root string, w winroot.Wishes) (err error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	v, err := offline.OpenNTFS(fd)
	if err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	s, err := winroot.Detect(v)
	if err != nil {
		return errors.Join(err, v.Close())
	}
	plan := s.Plan(w)
	if len(plan.Changes) == 0 {
		err = errors.New("regain would change nothing")
	}
	for _, c := range plan.Changes {
		err = errors.Join(err, v.Apply(c))
	}
	return errors.Join(err, s.Close(), v.Close())
}

// TestArmed: after regain's edits, the agents do what regain says that they will.
func TestArmed(t *testing.T) {
	testdisk.Need(t, "lowntfs-3g", "ntfs-3g", "ntfs-3g.probe", "mkntfs", "hivexregedit", "openssl")
	for release, kind := range map[string]string{"2008 R2": layout.EC2Config, "2016": layout.EC2LaunchV1, "2022": layout.EC2LaunchV2} {
		t.Run(kind, func(t *testing.T) {
			write := func(root string) error {
				layout.Write(t, root, layout.Machine{Release: release, Agents: []layout.Agent{{Kind: kind}}})
				return nil
			}
			img, err := testdisk.NewNTFSDisk(t.Context(), filepath.Join(t.TempDir(), "root.raw"), 96<<20, write)
			if err != nil {
				t.Fatal(err)
			}
			if err := img.Mount(func(root string) error { return arm(root, winroot.Wishes{Run: "r1"}) }); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, img)
			said := b.boot()
			if password := b.password(said); password == "" || b.Check(instance, password) != nil {
				t.Errorf("it says %s", said)
			}
		})
	}
}
