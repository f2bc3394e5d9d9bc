package offline_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

// openTree opens a directory as a Volume.
func openTree(t *testing.T, dir string) *offline.Volume {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// plant writes files below dir; a value "-> target" makes a symbolic link, a
// name that ends in a slash a directory.
func plant(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(content, "-> "); link {
			err = os.Symlink(target, p)
		} else if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(p, 0o755)
		} else {
			err = os.WriteFile(p, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLinksStayInside(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{
		"etc/passwd":    "inside",
		"abs":           "-> /etc/passwd",
		"up":            "-> ../../../../../../etc/passwd",
		"home":          "-> /data/home",
		"data/home/u/f": "file",
		"chain0":        "-> chain1", "chain1": "-> chain2", "chain2": "-> etc/passwd",
		"loop": "-> loop2", "loop2": "-> loop",
		"magic": "-> /proc/self/root/etc/passwd",
		"dir/l": "-> ../etc/./../etc/passwd",
	})
	v := openTree(t, dir)
	for _, p := range []string{"/abs", "up", "/chain0", "dir/l", "/data/../abs"} {
		if got, err := v.ReadFile(p, 100); err != nil || string(got) != "inside" {
			t.Errorf("ReadFile(%q) = %q, %v", p, got, err)
		}
	}
	if real, err := v.Realpath("/home/u/f"); err != nil || real != "/data/home/u/f" {
		t.Errorf("Realpath = %q, %v", real, err)
	}
	if _, err := v.ReadFile("/loop", 100); !errors.Is(err, offline.ErrLoop) {
		t.Errorf("loop: %v", err)
	}
	if _, err := v.ReadFile("/magic", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to /proc left the tree: %v", err)
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{"d/": "", "big": strings.Repeat("x", 101)})
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Fatal(err)
	}
	v := openTree(t, dir)
	for p, want := range map[string]error{
		"/d": offline.ErrNotRegular, "/fifo": offline.ErrNotRegular, "/null": offline.ErrNotRegular, "/big": offline.ErrTooLarge,
	} {
		if _, err := v.ReadFile(p, 100); !errors.Is(err, want) {
			t.Errorf("ReadFile(%q): %v, want %v", p, err, want)
		}
	}
}

func TestMountTable(t *testing.T) {
	root, home := t.TempDir(), t.TempDir()
	plant(t, root, map[string]string{"home/hidden": "below the mount point", "to": "-> /home/u", "var/log/x": "x"})
	plant(t, home, map[string]string{"u/f": "on the other volume", "out": "-> /var/log/x"})
	v := openTree(t, root)
	fd, err := unix.Open(home, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Mount("/home", fd); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{"/to/f": "on the other volume", "/home/out": "x"} {
		if got, err := v.ReadFile(p, 100); err != nil || string(got) != want {
			t.Errorf("ReadFile(%q) = %q, %v", p, got, err)
		}
	}
	if _, err := v.ReadFile("/home/hidden", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file below the mount point shows: %v", err)
	}
	v.MarkAbsent("/var")
	if _, err := v.Stat("/home/out"); !errors.Is(err, offline.ErrAbsentVolume) {
		t.Errorf("a path on an absent filesystem: %v", err)
	}
}
