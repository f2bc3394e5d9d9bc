package offline_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

// bindMount really mounts a directory in the tree.
func bindMount(t *testing.T, source, at string) {
	t.Helper()
	need(t)
	if err := unix.Mount(source, at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, 0); err != nil {
			t.Error(err)
		}
	})
}

// TestTreeWithMounts: what somebody has mounted in a tree is entered through
// the table only, and is not there without.
func TestTreeWithMounts(t *testing.T) {
	dir, people, deep := t.TempDir(), t.TempDir(), t.TempDir()
	plant(t, dir, map[string]string{"home/hidden": "h", "to": "-> home/u"})
	plant(t, people, map[string]string{"u/f": "f", "u/deep/": ""})
	plant(t, deep, map[string]string{"g": "g"})
	bindMount(t, people, filepath.Join(dir, "home"))
	bindMount(t, deep, filepath.Join(dir, "home/u/deep"))
	v := openTree(t, dir)
	for _, p := range []string{"/home", "/home/hidden", "/home/u/f", "/to/f"} {
		if _, err := v.Stat(p); !errors.Is(err, offline.ErrAbsentVolume) {
			t.Errorf("Stat(%q): %v", p, err)
		}
	}
	if err := v.Apply(offline.Change{Path: "/home/new", After: keyFile("x", 0o600)}); !errors.Is(err, offline.ErrAbsentVolume) {
		t.Errorf("Apply: %v", err)
	}
	for _, m := range [][2]string{{"/home", people}, {"/to/deep", deep}} {
		fd, err := unix.Open(m[1], unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Mount(m[0], fd); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := v.ReadFile("/to/f", 10); err != nil || string(got) != "f" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := v.ReadFile("/to/deep/g", 10); err != nil || string(got) != "g" || v.MountPoint("/home/u/deep/g") != "/home/u/deep" {
		t.Errorf("%q, %v, in %q", got, err, v.MountPoint("/home/u/deep/g"))
	}
	if err := v.Apply(offline.Change{Path: "/home/u/new", After: keyFile("x", 0o600)}); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(people, "u/new")); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}
