package machine_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

// TestTwins: an instance and one made from its snapshot run side by side, though
// their filesystems have the same identifiers; each writes to its own.
func TestTwins(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	for _, layout := range []testdisk.Layout{testdisk.GPTExt4, testdisk.GPTXFS, testdisk.GPTBtrfs} {
		t.Run(string(layout), func(t *testing.T) {
			key := newKey(t)
			rack := machine.Open(machine.Options{})
			one := guest(t, newImage(t, layout, authorize(key)), 50)
			two := guest(t, filepath.Join(t.TempDir(), "copy.raw"), 51)
			two.Instance = second(t)
			if out, err := exec.CommandContext(t.Context(), "cp", "--sparse=always", one.Root.Image, two.Root.Image).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			on(t, rack, one, two)
			for _, s := range []machine.Spec{one, two} {
				if got := login(t, rack.Address(s.Instance), key, "admin", "hostname > me; sync; ps -e -o comm= | sort -u"); strings.Contains(got.stdout, "systemd") || !strings.Contains(got.stdout, "sshd") && got.stdout != "" {
					t.Errorf("%+v", got)
				}
			}
			for _, s := range []machine.Spec{one, two} {
				if err := rack.Stop(t.Context(), s.Instance, false); err != nil {
					t.Error(err)
				}
				view(t, s.Root.Image, layout, "home/admin/me", s.Instance)
			}
		})
	}
}

// TestPowerFailure cuts the power while the guest writes: the journal brings it back.
func TestPowerFailure(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	key := newKey(t)
	rack := machine.Open(machine.Options{})
	s := guest(t, newImage(t, testdisk.BareExt4, authorize(key)), 52)
	on(t, rack, s)
	for round := range 3 {
		got := login(t, rack.Address(s.Instance), key, "admin", "echo durable > kept; sync; (while true; do date >> noise; done) >/dev/null 2>&1 &")
		if !got.ok {
			t.Fatalf("%+v", got)
		}
		if err := rack.Stop(t.Context(), s.Instance, true); err != nil {
			t.Fatal(err)
		}
		if err := rack.Start(t.Context(), s); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if got := login(t, rack.Address(s.Instance), key, "admin", "cat kept"); got.stdout != "durable\n" {
			t.Errorf("round %d: %+v", round, got)
		}
	}
	if err := rack.Stop(t.Context(), s.Instance, false); err != nil {
		t.Fatal(err)
	}
	wantClean(t, s.Root.Image, testdisk.BareExt4)
}

// TestSubvolumeNames: distributions call the subvolume of their root differently.
func TestSubvolumeNames(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "btrfs", "ssh", "ssh-keygen")
	key := newKey(t)
	image := newImage(t, testdisk.GPTBtrfs, authorize(key), func(root string) error {
		// the root moves to a name that nobody expects, below its own top
		script := `dev=$(findmnt -n -o SOURCE --target "$1" | sed 's/\[.*//'); mkdir /run/top.$$ && mount -o subvolid=5 "$dev" /run/top.$$ &&
			mv /run/top.$$/@ /run/top.$$/system && sed -i 's/subvol=@$/subvol=system/; s/subvol=@ /subvol=system /' /run/top.$$/system/etc/fstab; umount /run/top.$$; rmdir /run/top.$$`
		return exec.CommandContext(t.Context(), "sh", "-c", script, "sh", root).Run()
	})
	rack := machine.Open(machine.Options{})
	s := guest(t, image, 53)
	on(t, rack, s)
	wantLogin(t, rack, s.Instance, key, "admin")
	if !strings.Contains(rack.Console(s.Instance), "subvolume system") {
		t.Errorf("console:\n%s", rack.Console(s.Instance))
	}
}
