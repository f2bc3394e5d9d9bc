package mount_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/rescue/mount"
)

func subvolume(t *testing.T, m *tree, name string) {
	t.Helper()
	run(t, "btrfs", "subvolume", "create", procPath(m)+"/"+name)
}

// procPath makes the detached tree reachable for programs.
func procPath(m *tree) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), m.fd) }

func TestBtrfsSubvolumes(t *testing.T) {
	testdisk.Need(t, "btrfs")
	path := image(t, "btrfs")
	loop := attach(t, path, false)
	top := open(t, loop, mount.Options{Type: "btrfs"})
	top.write("where", "top")
	for _, name := range []string{"@", "@home"} {
		subvolume(t, top, name)
		top.write(name+"/where", name)
	}
	top.close()
	if err := loop.Idle(deadline(t)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    mount.Options
		want string
	}{
		{mount.Options{}, "top"},
		{mount.Options{Subvolume: "@"}, "@"},
		{mount.Options{Subvolume: "/@home"}, "@home"},
		{mount.Options{SubvolumeID: 5}, "top"},
		{mount.Options{SubvolumeID: 256}, "@"},
		{mount.Options{Subvolume: "/@", SubvolumeID: 256}, "@"},
	} {
		c.o.Type, c.o.ReadOnly = "btrfs", true
		m := open(t, loop, c.o)
		if got := m.read("where"); got != c.want {
			t.Errorf("%+v: reads %q, want %q", c.o, got, c.want)
		}
		m.close()
	}
	for _, o := range []mount.Options{
		{Subvolume: "@nonesuch"}, {SubvolumeID: 4711}, {Subvolume: "../@nonesuch"}, {Subvolume: "@\x1b[2J"},
	} {
		o.Type = "btrfs"
		if _, err := mount.Detached(loop.Path, o); !errors.Is(err, mount.ErrNoSubvolume) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Root and home are often subvolumes of one filesystem: both are mounted at
// once over the same loop device, and both must be closed before it is idle.
func TestBtrfsTwoSubvolumesAtOnce(t *testing.T) {
	testdisk.Need(t, "btrfs")
	loop := attach(t, image(t, "btrfs"), false)
	top := open(t, loop, mount.Options{Type: "btrfs"})
	subvolume(t, top, "@")
	subvolume(t, top, "@home")
	root := open(t, loop, mount.Options{Type: "btrfs", Subvolume: "/@"})
	home := open(t, loop, mount.Options{Type: "btrfs", Subvolume: "/@home"})
	root.write("where", "root")
	home.write("where", "home")
	if got := top.read("@/where") + " " + top.read("@home/where"); got != "root home" {
		t.Errorf("from the top: %q", got)
	}
	for _, m := range []*tree{top, root, home} {
		m.close()
	}
	if err := loop.Detach(deadline(t)); err != nil {
		t.Error(err)
	}
}

func TestBtrfsDefaultSubvolume(t *testing.T) {
	testdisk.Need(t, "btrfs")
	loop := attach(t, image(t, "btrfs"), false)
	top := open(t, loop, mount.Options{Type: "btrfs"})
	subvolume(t, top, "@")
	top.write("@/where", "@")
	run(t, "btrfs", "subvolume", "set-default", "256", procPath(top))
	top.close()
	if got := open(t, loop, mount.Options{Type: "btrfs"}).read("where"); got != "@" {
		t.Errorf("the default shows %q", got)
	}
}

// pair makes a btrfs of two devices, each in a loop over a file.
func pair(t *testing.T) (loops []*mount.Loop, paths []string) {
	t.Helper()
	testdisk.Need(t, "mkfs.btrfs", "btrfs")
	for _, name := range []string{"a", "b"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 128<<20); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
		loops = append(loops, attach(t, path, false))
	}
	run(t, "mkfs.btrfs", "-q", "-f", "-d", "raid1", "-m", "raid1", loops[0].Path, loops[1].Path)
	t.Cleanup(func() {
		for _, l := range loops {
			if l.File != nil {
				forget(t, l)
			}
		}
	})
	return loops, paths
}

// forget has the kernel forget the device of an unmounted btrfs while its number
// is ours: other tests, of other packages too, get it next.
func forget(t *testing.T, l *mount.Loop) {
	t.Helper()
	if err := l.Idle(deadline(t)); err != nil {
		t.Fatal(err)
	}
	run(t, "btrfs", "device", "scan", "--forget", l.Path)
}

func TestBtrfsMissingDevice(t *testing.T) {
	loops, paths := pair(t)
	for _, l := range loops {
		forget(t, l)
		if err := l.Detach(deadline(t)); err != nil {
			t.Fatal(err)
		}
	}
	one := attach(t, paths[0], true)
	fd, err := mount.Detached(one.Path, mount.Options{Type: "btrfs", ReadOnly: true})
	if err == nil {
		unix.Close(fd)
	}
	if !errors.Is(err, mount.ErrIncomplete) {
		t.Errorf("got %v", err)
	}
}

// The kernel goes on knowing a device of a btrfs of several after its end. A
// volume whose twin is mounted, and that comes to stand under that device's
// number, is not taken for a part of the old filesystem.
func TestBtrfsTwinUnderAKnownNumber(t *testing.T) {
	loops, _ := pair(t)
	m := open(t, loops[0], mount.Options{Type: "btrfs"})
	m.close()
	if err := loops[0].Idle(deadline(t)); err != nil {
		t.Fatal(err)
	}
	one := image(t, "btrfs")
	for range 3 { // more transactions than the old filesystem has seen
		seed(t, one, "btrfs", "name", "the twin")
	}
	open(t, attach(t, one, false), mount.Options{Type: "btrfs"})
	run(t, "dd", "if="+clone(t, one), "of="+loops[1].Path, "bs=1M", "conv=fsync", "status=none")
	if got := open(t, loops[1], mount.Options{Type: "btrfs"}).read("name"); got != "the twin" {
		t.Errorf("read %q", got)
	}
}
