package source

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// patient is a helper on nvme0n1 with the patient on nvme1n1, two partitions.
func patient(t *testing.T) (f *fake, disk, part1 string) {
	t.Helper()
	f = newFake(t)
	f.nvme("nvme0n1", ebs, "vol0fedcba9876543210")
	f.mount(f.device("nvme0n1/nvme0n1p1"), "/", "ext4", "/dev/nvme0n1p1")
	disk = f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
	part1 = f.device("nvme1n1/nvme1n1p1")
	f.device("nvme1n1/nvme1n1p2")
	return f, disk, part1
}

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		name   string
		build  func(f *fake, disk, part1 string)
		device string
		want   Reason
		detail string
	}{
		{"free disk", func(*fake, string, string) {}, "nvme1n1", "", ""},
		{"free partition", func(*fake, string, string) {}, "nvme1n1p2", "", ""},
		{"own disk", func(*fake, string, string) {}, "nvme0n1", OwnRoot, `nvme0n1 is below "/"`},
		{"own partition", func(*fake, string, string) {}, "nvme0n1p1", OwnRoot, `is below "/"`},
		{"disk mounted", func(f *fake, disk, _ string) { f.mount(disk, "/mnt", "xfs", "/dev/nvme1n1") }, "nvme1n1", Mounted, `nvme1n1 at "/mnt"`},
		{"partition mounted", func(f *fake, _, part1 string) { f.mount(part1, "/mnt", "ext4", "/dev/nvme1n1p1") }, "nvme1n1", Mounted, `nvme1n1p1 at "/mnt"`},
		{"sibling mounted", func(f *fake, _, part1 string) { f.mount(part1, "/mnt", "ext4", "/dev/x") }, "nvme1n1p2", Mounted, `nvme1n1p1 at "/mnt"`},
		{"hostile mount point", func(f *fake, _, part1 string) { f.mount(part1, `/m\012\040x`, "ext4", "x") }, "nvme1n1", Mounted, `at "/m\n x"`},
		{"mounted under a link's name", func(f *fake, _, _ string) {
			f.link("dev/disk/by-uuid/abc", "../../nvme1n1p1")
			f.mount("0:51", "/mnt", "btrfs", "/dev/disk/by-uuid/abc")
		}, "nvme1n1", Mounted, `nvme1n1p1 at "/mnt"`},
		{"btrfs with a made-up number", func(f *fake, _, _ string) { f.mount("0:51", "/mnt", "btrfs", "/dev/nvme1n1p2") }, "nvme1n1", Mounted, `nvme1n1p2 at "/mnt"`},
		{"second device of a mounted btrfs", func(f *fake, _, _ string) {
			f.device("sdx")
			f.file("sys/fs/btrfs/1-2/devices/sdx", "")
			f.file("sys/fs/btrfs/1-2/devices/nvme1n1p2", "")
			f.mount("0:51", "/mnt", "btrfs", "/dev/sdx")
		}, "nvme1n1", Mounted, `nvme1n1p2 at "/mnt"`},
		{"btrfs mounted elsewhere", func(f *fake, _, _ string) { f.file("sys/fs/btrfs/1-2/devices/nvme1n1p2", "") }, "nvme1n1", Mounted, "as part of a btrfs"},
		{"boot partition of the helper", func(f *fake, _, part1 string) { f.mount(part1, "/boot/efi", "vfat", "/dev/nvme1n1p1") }, "nvme1n1", OwnRoot, `"/boot/efi"`},
		{"second device of the helper's btrfs root", func(f *fake, _, _ string) {
			f.file("sys/fs/btrfs/1-2/devices/nvme0n1p1", "")
			f.file("sys/fs/btrfs/1-2/devices/nvme1n1p2", "")
		}, "nvme1n1p1", OwnRoot, `nvme1n1 is below "/"`},
		{"root through dm and md", func(f *fake, _, _ string) {
			f.device("md0")
			f.over("nvme1n1/nvme1n1p1", "md0")
			root := f.device("dm-0")
			f.over("md0", "dm-0")
			f.mount(root, "/", "xfs", "/dev/mapper/vg-root")
		}, "nvme1n1", OwnRoot, `nvme1n1 is below "/"`},
		{"swap", func(f *fake, _, _ string) {
			f.file("proc/swaps", "Filename Type Size Used Priority\n/swap\\040file file 1 0 -2\n/dev/nvme1n1p2 partition 8 0 -2\n")
		}, "nvme1n1", Swap, "on nvme1n1p2"},
		{"held by md", func(f *fake, _, _ string) { f.device("md0"); f.over("nvme1n1/nvme1n1p1", "md0") }, "nvme1n1p1", Held, "nvme1n1p1 by md0"},
		{"disk held by dm", func(f *fake, _, _ string) { f.device("dm-3"); f.over("nvme1n1", "dm-3") }, "nvme1n1p1", Held, "nvme1n1 by dm-3"},
		{"behind a loop device", func(f *fake, _, _ string) {
			f.device("loop7")
			f.file("sys/block/loop7/loop/backing_file", "/dev/nvme1n1p1\n")
		}, "nvme1n1", Held, "nvme1n1p1 by loop7"},
		{"not a device", func(f *fake, _, _ string) { f.file("dev/file", "") }, "file", NotBlock, ""},
		{"absent", func(*fake, string, string) {}, "nvme9n1", NotBlock, "no such device"},
		{"unknown number", func(f *fake, _, _ string) { f.node("ghost", "259:77") }, "ghost", NotBlock, "259:77"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, disk, part1 := patient(t)
			c.build(f, disk, part1)
			err := f.finder().Guard(f.path("dev/"+c.device), false)
			var refusal *Refusal
			switch {
			case c.want == "":
				if err != nil {
					t.Error(err)
				}
			case !errors.As(err, &refusal) || refusal.Reason != c.want || !strings.Contains(refusal.Detail, c.detail):
				t.Errorf("got %v, want %q %q", err, c.want, c.detail)
			}
		})
	}
}

func TestGuardReadOnlyDevice(t *testing.T) {
	f, _, _ := patient(t)
	f.file("sys/block/nvme1n1/ro", "1\n")
	for _, device := range []string{"nvme1n1", "nvme1n1p1"} {
		if err := f.finder().Guard(f.path("dev/"+device), false); err != nil {
			t.Errorf("%s for reading: %v", device, err)
		}
		var refusal *Refusal
		if err := f.finder().Guard(f.path("dev/"+device), true); !errors.As(err, &refusal) || refusal.Reason != ReadOnly {
			t.Errorf("%s for writing: %v", device, err)
		}
	}
}

// A guard that cannot see must not say that all is well.
func TestGuardNeedsToSee(t *testing.T) {
	for _, c := range []struct{ file, content string }{
		{"proc/mountinfo", "22 27 0:21 / /proc rw proc\n"},
		{"proc/mountinfo", "x 27 0:21 / /proc rw - proc proc rw\n"},
		{"proc/mountinfo", ""},
	} {
		f, _, _ := patient(t)
		f.file(c.file, c.content)
		if c.content == "" {
			if err := os.Remove(f.path(c.file)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.finder().Guard(f.path("dev/nvme1n1"), false); err == nil {
			t.Errorf("%s %q: no error", c.file, c.content)
		}
	}
}

func TestGuardClaims(t *testing.T) {
	f, _, _ := patient(t)
	finder := f.finder()
	finder.claim = func(path string) error { return &Refusal{path, Busy, ""} }
	var refusal *Refusal
	if err := finder.Guard(f.path("dev/nvme1n1"), false); !errors.As(err, &refusal) || refusal.Reason != Busy {
		t.Errorf("got %v", err)
	}
}

// The helper on which the tests run must never be taken, whatever it stands on.
func TestGuardRefusesRealRoot(t *testing.T) {
	testdisk.Need(t)
	mounts, err := readMounts("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mounts {
		if m.point != "/" || !strings.HasPrefix(m.source, "/dev/") {
			continue
		}
		var refusal *Refusal
		if err := (Finder{}).Guard(m.source, false); !errors.As(err, &refusal) || refusal.Reason != OwnRoot {
			t.Errorf("%s: %v", m.source, err)
		}
	}
}
