package machine_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

const size = 64 << 20

func blank(t *testing.T) machine.Disk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "blank.raw")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, size)); err != nil {
		t.Fatal(err)
	}
	return machine.Disk{Volume: patient, Device: "/dev/sdf", Image: image}
}

// TestDetachWritesEverything fills a volume in the machine and reads the image.
func TestDetachWritesEverything(t *testing.T) {
	testdisk.Need(t)
	rack := machine.Open(machine.Options{})
	s := helper(t, 80)
	on(t, rack, s)
	d := blank(t)
	for round := range 3 {
		if err := rack.Attach(t.Context(), s.Instance, d); err != nil {
			t.Fatal(err)
		}
		if err := rack.Attach(t.Context(), s.Instance, d); err == nil {
			t.Error("attached twice")
		}
		text := strings.Repeat(string(rune('a'+round)), 16)
		r := run(t, rack, s.Instance, "dev=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c3d4e5f60718; test $(realpath /dev/sdf) = $(realpath $dev) && "+
			"yes "+text+" | tr -d '\\n' | dd of=$dev bs=1M count=64 iflag=fullblock 2>/dev/null; cat /sys/block/nvme*/device/serial /sys/block/nvme*/size")
		if r.Code != 0 || r.Stdout != "vol0a1b2c3d4e5f60718\n131072\n" {
			t.Fatalf("%+v", r)
		}
		if err := rack.Detach(t.Context(), s.Instance, patient, false); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(d.Image)
		if err != nil || !bytes.Equal(got, bytes.Repeat([]byte(text), size/len(text))) {
			t.Errorf("round %d: the image is not what was written (%v)", round, err)
		}
		if r := run(t, rack, s.Instance, "ls /dev/nvme* /dev/sdf /sys/block/nvme* 2>/dev/null | wc -l; ls /dev/disk/by-id | wc -l"); r.Stdout != "0\n0\n" {
			t.Errorf("still there: %+v", r)
		}
	}
	if err := rack.Detach(t.Context(), s.Instance, patient, false); err == nil {
		t.Error("detached what is not attached")
	}
}

// TestDetachInUse: a volume that a program has open or mounted stays, whole, and
// goes by force or when it is free.
func TestDetachInUse(t *testing.T) {
	testdisk.Need(t, "mkfs.ext4", "losetup")
	for name, use := range map[string]string{
		"open":          "exec 9</dev/sdf; echo ready; sleep 1000",
		"written to":    "exec 9<>/dev/sdf; echo ready; sleep 1000",
		"mounted":       "mkfs.ext4 -q /dev/sdf && mount /dev/sdf /mnt && echo ready; sleep 1000",
		"used there":    "mkfs.ext4 -q /dev/sdf && mount /dev/sdf /mnt && cd /mnt && echo ready; sleep 1000",
		"under a loop":  "losetup --find --offset 1048576 /dev/sdf && echo ready; sleep 1000",
		"loop, mounted": "l=$(losetup --find --show --offset 1048576 /dev/sdf) && mkfs.ext4 -q $l && mount $l /mnt && losetup -d $l; echo ready; sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			rack := machine.Open(machine.Options{})
			s := helper(t, 81)
			on(t, rack, s)
			if err := rack.Attach(t.Context(), s.Instance, blank(t)); err != nil {
				t.Fatal(err)
			}
			user := begin(t, rack, s.Instance, "user", strings.Replace(use, "echo ready", "echo ready > /run/ready", 1), 0)
			if r := run(t, rack, s.Instance, "while ! test -e /run/ready; do sleep 0.05; done"); r.Code != 0 {
				t.Fatalf("%+v", r)
			}
			if err := rack.Detach(t.Context(), s.Instance, patient, false); !errors.Is(err, machine.ErrBusy) {
				t.Fatalf("got %v, want ErrBusy", err)
			}
			if r := run(t, rack, s.Instance, "test -b /dev/sdf && head -c 1 /dev/sdf | wc -c"); r.Stdout != "1\n" {
				t.Errorf("the volume is not as it was: %+v", r)
			}
			start := time.Now()
			if err := rack.Detach(t.Context(), s.Instance, patient, true); err != nil {
				t.Error(err)
			}
			t.Logf("forced in %v", time.Since(start).Round(time.Millisecond))
			if name != "mounted" && !strings.Contains(name, "loop") {
				if r := result(t, user); r.Code != 137 {
					t.Errorf("the user of the volume: %+v", r)
				}
			}
		})
	}
}

// TestDetachWhenFree: busy is no final answer.
func TestDetachWhenFree(t *testing.T) {
	testdisk.Need(t, "mkfs.ext4")
	rack := machine.Open(machine.Options{})
	s := helper(t, 82)
	on(t, rack, s)
	d := blank(t)
	if err := rack.Attach(t.Context(), s.Instance, d); err != nil {
		t.Fatal(err)
	}
	if r := run(t, rack, s.Instance, "mkfs.ext4 -q /dev/sdf && mount /dev/sdf /mnt && echo hello > /mnt/file"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	if err := rack.Detach(t.Context(), s.Instance, patient, false); !errors.Is(err, machine.ErrBusy) {
		t.Fatalf("got %v, want ErrBusy", err)
	}
	if r := run(t, rack, s.Instance, "umount /mnt"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	if err := rack.Detach(t.Context(), s.Instance, patient, false); err != nil {
		t.Fatal(err)
	}
	wantClean(t, d.Image, testdisk.BareExt4)
	if text, err := os.ReadFile(d.Image); err != nil || !bytes.Contains(text, []byte("hello\n")) {
		t.Errorf("the file is not in the image (%v)", err)
	}
}

// TestAttachToGuest: a running guest sees a new disk, too, and its data disks
// may be taken away when they are not mounted.
func TestAttachToGuest(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	key := newKey(t)
	rack := machine.Open(machine.Options{})
	s := guest(t, newImage(t, testdisk.GPTExt4, authorize(key)), 83)
	data := newImage(t, testdisk.BareExt4)
	s.Disks = []machine.Disk{{Volume: "vol-0dddddddddddddddd", Device: "/dev/sdg", Image: data}}
	on(t, rack, s)
	if err := rack.Attach(t.Context(), s.Instance, blank(t)); err != nil {
		t.Fatal(err)
	}
	got := login(t, rack.Address(s.Instance), key, "admin", "readlink -f /dev/sdf; sudo head -c 4 /dev/sdf | wc -c")
	if !strings.HasPrefix(got.stdout, "/dev/nvme") || !strings.HasSuffix(got.stdout, "\n4\n") {
		t.Errorf("%+v", got)
	}
	for _, volume := range []string{patient, "vol-0dddddddddddddddd"} {
		if err := rack.Detach(t.Context(), s.Instance, volume, false); err != nil {
			t.Error(err)
		}
	}
	if err := rack.Detach(t.Context(), s.Instance, s.Root.Volume, false); !errors.Is(err, machine.ErrBusy) {
		t.Errorf("the root: got %v, want ErrBusy", err)
	}
}

// A machine for which nothing runs is bookkeeping.
func TestBootNone(t *testing.T) {
	rack := machine.Open(machine.Options{})
	s := machine.Spec{Instance: "i-0123456789abcdef0", Kind: machine.Guest, Boot: "none"}
	if err := rack.Start(t.Context(), s); err != nil || !rack.On(s.Instance) || rack.Address(s.Instance) != "" || rack.Console(s.Instance) != "" {
		t.Errorf("%v, on: %v", err, rack.On(s.Instance))
	}
	if err := rack.Start(t.Context(), s); err == nil {
		t.Error("started twice")
	}
	err := errors.Join(rack.Attach(t.Context(), s.Instance, machine.Disk{Volume: patient}), rack.Detach(t.Context(), s.Instance, patient, false), rack.Cancel(s.Instance, "x"))
	if err != nil {
		t.Error(err)
	}
	if err := rack.Run(t.Context(), s.Instance, machine.Command{}, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("run: %v", err)
	}
	if err := rack.Stop(t.Context(), s.Instance, false); err != nil || rack.On(s.Instance) {
		t.Errorf("%v, on: %v", err, rack.On(s.Instance))
	}
	if err := rack.Attach(t.Context(), s.Instance, machine.Disk{Volume: patient}); !errors.Is(err, machine.ErrOff) {
		t.Errorf("attach when off: %v", err)
	}
}
