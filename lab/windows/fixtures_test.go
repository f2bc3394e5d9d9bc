package windows

import (
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	layout "github.com/seed-77750964/regain/internal/testdisk/windows"
)

// TestLayouts: the lab and those who lay out Windows for regain's own tests, apart from
// each other, agree on what is armed.
func TestLayouts(t *testing.T) {
	testdisk.Need(t, "lowntfs-3g", "ntfs-3g", "ntfs-3g.probe", "mkntfs", "hivexregedit", "openssl")
	for release, kind := range map[string]string{"2012 R2": layout.EC2Config, "2019": layout.EC2LaunchV1, "2025": layout.EC2LaunchV2} {
		for _, armed := range []bool{true, false} {
			name := "idle"
			if armed {
				name = "armed"
			}
			t.Run(kind+" "+name, func(t *testing.T) {
				write := func(root string) error {
					layout.Write(t, root, layout.Machine{Release: release, Agents: []layout.Agent{{Kind: kind, Armed: armed}}})
					return nil
				}
				img, err := testdisk.NewNTFSDisk(t.Context(), filepath.Join(t.TempDir(), "root.raw"), 96<<20, write)
				if err != nil {
					t.Fatal(err)
				}
				b := newBench(t, img)
				said := b.boot()
				if password := b.password(said); (password != "") != armed || armed && b.Check(instance, password) != nil {
					t.Fatalf("it says %s", said)
				}
				b.stop()
				if said := b.boot(); b.password(said) != "" {
					t.Errorf("it makes a password at each start: %s", said)
				}
			})
		}
	}
}
