package machine_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

// TestQEMU boots a whole system, logs in, and shuts it down in order.
func TestQEMU(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "qemu-system-x86_64", "ssh", "ssh-keygen")
	key := newKey(t)
	image := filepath.Join(t.TempDir(), "disk.raw")
	img, err := testdisk.NewImage(t.Context(), image, testdisk.Bookworm, testdisk.Full, testdisk.GPTBtrfs, authorize(key))
	if err != nil {
		t.Fatal(err)
	}
	rack := machine.Open(machine.Options{})
	s := guest(t, image, 95)
	s.Boot, s.Address = "qemu", nil
	s.Disks = []machine.Disk{blank(t)}
	on(t, rack, s)
	start := time.Now()
	var got loginResult
	for got = login(t, rack.Address(s.Instance), key, "admin"); !got.ok && strings.Contains(got.stderr, "booting up"); time.Sleep(time.Second) {
		got = login(t, rack.Address(s.Instance), key, "admin")
	}
	if got = login(t, rack.Address(s.Instance), key, "admin", "cat /proc/1/comm; ls /dev/vdb; echo kept > kept"); got.stdout != "systemd\n/dev/vdb\n" {
		t.Errorf("%+v\n%s", got, rack.Console(s.Instance))
	}
	if err := rack.Attach(t.Context(), s.Instance, blank(t)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a disk for a system that runs: %v", err)
	}
	t.Logf("logged in %v after the boot", time.Since(start).Round(time.Millisecond))
	start = time.Now()
	if err := rack.Stop(t.Context(), s.Instance, false); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped in %v", time.Since(start).Round(time.Millisecond))
	if !strings.Contains(rack.Console(s.Instance), "Power-Off") && !strings.Contains(rack.Console(s.Instance), "Power down") {
		t.Errorf("it did not shut down by itself:\n%s", rack.Console(s.Instance))
	}
	view(t, img.Path, testdisk.GPTBtrfs, "home/admin/kept", "kept")
}

func TestQEMUThatDoesNotBoot(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "qemu-system-x86_64")
	for name, tt := range map[string]struct{ image, reason string }{
		"missing":   {filepath.Join(t.TempDir(), "none"), "no such file"},
		"no kernel": {newImage(t, testdisk.GPTExt4), "kernel"},
	} {
		t.Run(name, func(t *testing.T) {
			before := census(t)
			rack := machine.Open(machine.Options{})
			s := guest(t, tt.image, 96)
			s.Boot = "qemu"
			if err := rack.Start(t.Context(), s); !errors.Is(err, machine.ErrNotBootable) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("got %v, want ErrNotBootable and %q", err, tt.reason)
			}
			wantCensus(t, before)
		})
	}
}
