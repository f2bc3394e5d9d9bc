package source

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/rescue/mount"
)

func rawImage(t *testing.T, name string, content string, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenImage(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(rawImage(t, "disk", "", 1<<20), link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"raw", rawImage(t, "disk.img", "", 1<<20), ""},
		{"through a link", link, ""},
		{"absent", "/nonesuch/\x1b[2J", `"/nonesuch/\x1b[2J": no such file`},
		{"directory", t.TempDir(), "is a directory, not an image"},
		{"device", "/dev/null", "is a device, not an image"},
		{"FIFO", fifo, "is not a regular file"},
		{"empty", rawImage(t, "disk.img", "", 0), "is empty"},
		{"odd size", rawImage(t, "disk.img", "", 1<<20+1), "not a multiple of 512"},
		{"qcow2", rawImage(t, "disk.img", "QFI\xfb\x00\x00\x00\x03", 1<<20), "is qcow2, not a raw disk; convert it with: qemu-img convert -f qcow2 -O raw /"},
		{"vmdk", rawImage(t, "my disk", "KDMV", 1<<20), "my disk.raw'"},
		{"gzip", rawImage(t, "it's.gz", "\x1f\x8b\x08", 1<<20), `gunzip -c '/`},
		{"escapes in the name", rawImage(t, "\x1b[2J", "\x1f\x8b\x08", 1<<20), "gunzip -c IMAGE > IMAGE"},
		{"vhd", rawImage(t, "disk.vhd", "conectix", 1<<20), "-f vpc -O raw"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, write := range []bool{false, true} {
				f, size, err := Finder{}.OpenImage(c.path, write)
				switch {
				case c.want == "" && err != nil:
					t.Error(err)
				case c.want == "" && size != 1<<20:
					t.Errorf("size %d", size)
				case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
					t.Errorf("got %v, want %q", err, c.want)
				}
				if err == nil {
					f.Close()
				} else if strings.Contains(err.Error(), "\x1b") {
					t.Errorf("escape bytes in %q", err)
				}
			}
		})
	}
}

func TestTwoRunsOnOneImage(t *testing.T) {
	path := rawImage(t, "disk.img", "", 1<<20)
	for _, c := range []struct{ first, second, ok bool }{
		{false, false, true}, {false, true, false}, {true, false, false}, {true, true, false},
	} {
		first, _, err := Finder{}.OpenImage(path, c.first)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := Finder{}.OpenImage(path, c.second)
		var refusal *Refusal
		switch {
		case c.ok && err != nil:
			t.Errorf("%+v: %v", c, err)
		case !c.ok && (!errors.As(err, &refusal) || refusal.Reason != Busy):
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			second.Close()
		}
		first.Close()
	}
}

// qemu marks the disks of a running machine with shared locks on single bytes.
func TestImageOfRunningMachine(t *testing.T) {
	path := rawImage(t, "disk.img", "", 1<<20)
	vm, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	if err := unix.FcntlFlock(vm.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Start: 100, Len: 1}); err != nil {
		t.Fatal(err)
	}
	_, _, err = Finder{}.OpenImage(path, false)
	var refusal *Refusal
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "virtual machine") {
		t.Errorf("got %v", err)
	}
}

// ntfs-3g serves an image as it is, without a loop device, and keeps no lock.
func TestImageServedByFUSE(t *testing.T) {
	path := rawImage(t, "disk 1.img", "", 1<<20)
	for _, c := range []struct {
		served string
		want   Reason
	}{{path, Mounted}, {rawImage(t, "other.img", "", 1<<20), ""}, {"sshfs", ""}, {"/nonesuch", ""}} {
		table := filepath.Join(t.TempDir(), "mountinfo")
		line := "22 27 0:21 / /mnt rw - fuse " + strings.ReplaceAll(c.served, " ", `\040`) + " rw\n"
		if err := os.WriteFile(table, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, write := range []bool{false, true} {
			f, _, err := Finder{Mountinfo: table}.OpenImage(path, write)
			refusal := &Refusal{}
			if errors.As(err, &refusal); refusal.Reason != c.want || err == nil && c.want != "" {
				t.Errorf("serving %s, write %v: got %v", c.served, write, err)
			}
			if err == nil {
				f.Close()
			}
		}
	}
}

func loopOver(t *testing.T, path string, readonly bool) *mount.Loop {
	t.Helper()
	testdisk.Need(t)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	loop, err := mount.AttachLoop(t.Context(), f, 0, 1<<20, readonly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { loop.Close() })
	return loop
}

func TestImageBehindLoop(t *testing.T) {
	for _, readonly := range []bool{false, true} {
		path := rawImage(t, "disk.img", "", 1<<20)
		alias := path + ".alias"
		if err := os.Link(path, alias); err != nil {
			t.Fatal(err)
		}
		loopOver(t, alias, readonly)
		for _, write := range []bool{false, true} {
			f, _, err := Finder{}.OpenImage(path, write)
			if err == nil {
				f.Close()
			}
			if want := readonly && !write; want != (err == nil) {
				t.Errorf("loop read-only %v, open for writing %v: %v", readonly, write, err)
			}
		}
	}
}

func TestOpenDevice(t *testing.T) {
	loop := loopOver(t, rawImage(t, "disk.img", "", 1<<20), false)
	s, err := Finder{}.Open(t.Context(), Request{Device: loop.Path, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.Size != 1<<20 || s.Kind != Device {
		t.Errorf("got %+v", s)
	}
	var refusal *Refusal
	if _, _, err := (Finder{}).OpenDevice(loop.Path, false); !errors.As(err, &refusal) || refusal.Reason != Busy {
		t.Errorf("second open: %v", err)
	}
	if err := (Finder{}).Guard(loop.Path, false); !errors.As(err, &refusal) || refusal.Reason != Busy {
		t.Errorf("guard: %v", err)
	}
	over, err := mount.AttachLoop(t.Context(), s.File, 0, s.Size, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := (Finder{}).Guard(loop.Path, false); !errors.As(err, &refusal) || refusal.Reason != Held {
		t.Errorf("guard below a loop: %v", err)
	}
	if err := errors.Join(over.Detach(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := (Finder{}).Guard(loop.Path, true); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A device that is claimed is mounted through a loop all the same, and a mount
// that shows in no mount table is noticed by everybody else.
func TestDeviceMountedDetached(t *testing.T) {
	testdisk.Need(t, "mkfs.ext4")
	path := rawImage(t, "disk.img", "", 1<<20)
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	disk := loopOver(t, path, false)
	file, size, err := Finder{}.OpenDevice(disk.Path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	over, err := mount.AttachLoop(t.Context(), file, 0, size, false)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := mount.Detached(over.Path, mount.Options{Type: "ext4"})
	if err != nil {
		t.Fatal(err)
	}
	var refusal *Refusal
	if err := (Finder{}).Guard(over.Path, false); !errors.As(err, &refusal) || refusal.Reason != Busy {
		t.Errorf("guard of a mounted loop: %v", err)
	}
	if err := errors.Join(unix.Close(fd), over.Detach(t.Context()), mount.Flush(file)); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyDeviceForWriting(t *testing.T) {
	loop := loopOver(t, rawImage(t, "disk.img", "", 1<<20), true)
	var refusal *Refusal
	if _, _, err := (Finder{}).OpenDevice(loop.Path, true); !errors.As(err, &refusal) || refusal.Reason != ReadOnly {
		t.Errorf("got %v", err)
	}
}

func TestOpenWantsOneSource(t *testing.T) {
	for _, want := range []Request{{}, {Image: "a", Root: "b"}, {Device: "a", Volume: "b", Image: "c"}} {
		if _, err := (Finder{}).Open(t.Context(), want); err == nil || !strings.Contains(err.Error(), "exactly one") {
			t.Errorf("%+v: %v", want, err)
		}
	}
}
