package machine_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

func TestMain(m *testing.M) {
	if code, mine := machine.Main(); mine {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestGuestBoots logs in to a guest of every layout, twice, so that the image
// was left in order.
func TestGuestBoots(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	for i, layout := range testdisk.Layouts() {
		t.Run(string(layout), func(t *testing.T) {
			key := newKey(t)
			image := newImage(t, layout, authorize(key))
			before := census(t)
			rack := machine.Open(machine.Options{})
			s := guest(t, image, byte(10+i))
			for range 2 {
				if err := rack.Start(t.Context(), s); err != nil {
					t.Fatalf("%v\n%s", err, rack.Console(s.Instance))
				}
				wantLogin(t, rack, s.Instance, key, "admin")
				if err := rack.Stop(t.Context(), s.Instance, false); err != nil {
					t.Fatal(err)
				}
			}
			if rack.On(s.Instance) || rack.Address(s.Instance) != "" {
				t.Error("the machine is on after Stop")
			}
			wantClean(t, image, layout)
			wantCensus(t, before)
		})
	}
}

// A later Debian, whose sshd is several programs.
func TestTrixieBoots(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	key := newKey(t)
	image := filepath.Join(t.TempDir(), "disk.raw")
	if _, err := testdisk.NewImage(t.Context(), image, testdisk.Trixie, testdisk.Small, testdisk.BareExt4, authorize(key)); err != nil {
		t.Fatal(err)
	}
	rack := machine.Open(machine.Options{})
	s := guest(t, image, 20)
	on(t, rack, s)
	wantLogin(t, rack, s.Instance, key, "admin")
	wantLogin(t, rack, s.Instance, key, "admin") // a second session of the same sshd
}

func TestGuestThatDoesNotBoot(t *testing.T) {
	testdisk.Need(t, "mmdebstrap")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := errors.Join(os.WriteFile(empty, nil, 0o600), os.Truncate(empty, 64<<20)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ image, reason string }{
		"missing image":       {filepath.Join(t.TempDir(), "none"), "no such file"},
		"empty image":         {empty, "no filesystem"},
		"no sshd":             {newImage(t, testdisk.GPTExt4, remove("usr/sbin/sshd")), "/usr/sbin/sshd"},
		"no passwd":           {newImage(t, testdisk.MBRExt4, remove("etc/passwd")), "/etc/passwd"},
		"no /etc":             {newImage(t, testdisk.GPTBtrfs, remove("etc")), "no system"},
		"broken ext4":         {spoil(t, newImage(t, testdisk.BareExt4)), "ext4"},
		"fstab names nothing": {newImage(t, testdisk.GPTXFS, fstab("UUID=0000 /data ext4 defaults 0 2\n")), "/data"},
	} {
		t.Run(name, func(t *testing.T) {
			before := census(t)
			rack := machine.Open(machine.Options{})
			s := guest(t, tt.image, 30)
			err := rack.Start(t.Context(), s)
			if !errors.Is(err, machine.ErrNotBootable) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("got error %v, want ErrNotBootable and %q", err, tt.reason)
			}
			if rack.On(s.Instance) {
				t.Error("the machine is on")
			}
			if !strings.Contains(rack.Console(s.Instance), tt.reason) {
				t.Errorf("the console does not say %q:\n%s", tt.reason, rack.Console(s.Instance))
			}
			wantCensus(t, before)
		})
	}
}

// TestGuestWithoutLogin is the machine that people are locked out of: it runs,
// and says on its console what is wrong.
func TestGuestWithoutLogin(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	image := newImage(t, testdisk.GPTExt4, write("etc/ssh/sshd_config.d/bad.conf", "NoSuchKeyword yes\n"))
	rack := machine.Open(machine.Options{})
	s := guest(t, image, 40)
	if err := rack.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if !rack.On(s.Instance) || !strings.Contains(rack.Console(s.Instance), "NoSuchKeyword") {
		t.Errorf("on: %v, console:\n%s", rack.On(s.Instance), rack.Console(s.Instance))
	}
	if got := login(t, rack.Address(s.Instance), newKey(t), "admin"); got.ok {
		t.Error("the login went through")
	}
	if err := rack.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := rack.Start(t.Context(), machine.Spec{Instance: "i-1", Kind: machine.Guest, Boot: "magic"}); err == nil {
		t.Error("a way to boot was made up")
	}
}

// A guest without host keys makes its own, reaches nothing of this host, and
// keeps what it wrote when its power is cut.
func TestGuestMakesHostKeys(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	key := newKey(t)
	image := newImage(t, testdisk.GPTHome, authorize(key), remove("etc/ssh/ssh_host_ed25519_key"), remove("etc/ssh/ssh_host_rsa_key"), remove("etc/ssh/ssh_host_ecdsa_key"))
	rack := machine.Open(machine.Options{})
	s := guest(t, image, 41)
	if err := rack.Start(t.Context(), s); err != nil {
		t.Fatalf("%v\n%s", err, rack.Console(s.Instance))
	}
	got := login(t, rack.Address(s.Instance), key, "admin", "sudo mount -t devtmpfs x /mnt; sudo mknod /tmp/n b 7 0; ls /dev; sudo sh -c 'echo 1 > /proc/sys/kernel/printk'; echo kept > ~/kept; df -h /home | tail -1; hostname")
	t.Log(got.stdout, got.stderr)
	for _, refused := range []string{"mount: /mnt: permission denied", "mknod: /tmp/n: Operation not permitted", "/proc/sys/kernel/printk: Read-only file system"} {
		if !strings.Contains(got.stderr, refused) {
			t.Errorf("not refused: %s", refused)
		}
	}
	if strings.Contains(got.stdout, "\nloop") || strings.Contains(got.stdout, "vda") || !strings.Contains(got.stdout, "/home") {
		t.Error("the guest sees more or less than it should")
	}
	if err := rack.Stop(t.Context(), s.Instance, true); err != nil {
		t.Fatal(err)
	}
	view(t, image, testdisk.GPTHome, "etc/ssh/ssh_host_ed25519_key", "PRIVATE KEY")
	view(t, image, testdisk.GPTHome, "home/admin/kept", "kept")
}

func guest(t *testing.T, image string, n byte) machine.Spec {
	return machine.Spec{
		Instance: instanceID(t), Kind: machine.Guest, Boot: "sshd", Dir: t.TempDir(), Address: net.IPv4(172, 31, 16, n),
		Root: machine.Disk{Volume: "vol-0123456789abcdef0", Device: "/dev/xvda", Image: image},
	}
}
