package source

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A loop device plays the EBS volume: the fake tree gives it a serial number,
// and it is opened for real.
func TestOpenVolume(t *testing.T) {
	f := newFake(t)
	loop := loopOver(t, rawImage(t, "disk.img", "", 1<<20), false)
	number, err := deviceNumber(loop.Path)
	if err != nil {
		t.Fatal(err)
	}
	f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
	f.file("sys/block/nvme1n1/dev", number+"\n")
	if err := os.Remove(f.path("dev/nvme1n1")); err != nil {
		t.Fatal(err)
	}
	f.node("nvme1n1", number)
	finder := f.finder()
	finder.claim = nil
	s, err := finder.Open(t.Context(), Request{Volume: vol1, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.Kind != Volume || s.VolumeID != vol1 || s.Path != f.path("dev/nvme1n1") || s.Size != 1<<20 || !s.Write {
		t.Errorf("got %+v", s)
	}
	var refusal *Refusal
	if _, err := finder.Open(t.Context(), Request{Volume: vol1}); !errors.As(err, &refusal) || refusal.Reason != Busy {
		t.Errorf("second run: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := finder.Guard(s.Path, true); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestOpenImageAndRoot(t *testing.T) {
	path, dir := rawImage(t, "disk.img", "", 1<<20), t.TempDir()
	image, err := Finder{}.Open(t.Context(), Request{Image: path})
	if err != nil {
		t.Fatal(err)
	}
	if image.Kind != Image || image.Size != 1<<20 || image.File == nil || image.Root != nil {
		t.Errorf("image: %+v", image)
	}
	root, err := Finder{}.Open(t.Context(), Request{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	fd := root.Root.fd
	if root.Kind != Tree || root.File != nil || root.Root.Path != dir {
		t.Errorf("root: %+v", root)
	}
	if err := errors.Join(image.Close(), root.Close()); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); !errors.Is(err, unix.EBADF) {
		t.Errorf("descriptor of the tree is open: %v", err)
	}
}

func TestRefusalIsPrintable(t *testing.T) {
	for want, r := range map[string]*Refusal{
		`cannot use "/dev/\x1b[2J": it is read-only`:          {"/dev/\x1b[2J", ReadOnly, ""},
		`cannot use "/dev/a": it is mounted: a1 at "/mnt"`:    {"/dev/a", Mounted, `a1 at "/mnt"`},
		`cannot use "/": it holds the helper's own system`:    {"/", OwnRoot, ""},
		`cannot use "/x": it is not a usable block device: y`: {"/x", NotBlock, "y"},
	} {
		if got := r.Error(); got != want || strings.Contains(got, "\x1b") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
