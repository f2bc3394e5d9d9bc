package mount_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/rescue/mount"
)

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// mkfs are commands that make a small filesystem in a file.
var mkfs = map[string]struct {
	size int64
	args []string
}{
	"ext2":  {8 << 20, []string{"mkfs.ext2", "-q", "-F"}},
	"ext3":  {16 << 20, []string{"mkfs.ext3", "-q", "-F"}},
	"ext4":  {16 << 20, []string{"mkfs.ext4", "-q", "-F"}},
	"xfs":   {64 << 20, []string{"mkfs.xfs", "-q", "-f", "--unsupported"}},
	"btrfs": {128 << 20, []string{"mkfs.btrfs", "-q", "-f"}},
	"vfat":  {8 << 20, []string{"mkfs.vfat"}},
}

// image makes a filesystem of the type in a file of its own.
func image(t *testing.T, fstype string, extra ...string) string {
	t.Helper()
	m := mkfs[fstype]
	testdisk.Need(t, m.args[0])
	path := filepath.Join(t.TempDir(), fstype+".img")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, m.size); err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, m.args[1:]...), extra...)
	run(t, m.args[0], append(args, path)...)
	return path
}

// attach maps the whole image; the test's end detaches it.
func attach(t *testing.T, path string, readonly bool) *mount.Loop {
	t.Helper()
	mode := os.O_RDWR
	if readonly {
		mode = os.O_RDONLY
	}
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return attachRange(t, f, 0, info.Size(), readonly)
}

func attachRange(t *testing.T, f *os.File, offset, size int64, readonly bool) *mount.Loop {
	t.Helper()
	loop, err := mount.AttachLoop(deadline(t), f, offset, size, readonly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { loop.Close() })
	return loop
}

// tree is a mounted filesystem of a test.
type tree struct {
	t    *testing.T
	fd   int
	loop *mount.Loop
}

func open(t *testing.T, loop *mount.Loop, o mount.Options) *tree {
	t.Helper()
	fd, err := mount.Detached(loop.Path, o)
	if err != nil {
		t.Fatal(err)
	}
	m := &tree{t, fd, loop}
	t.Cleanup(m.close)
	return m
}

func (m *tree) close() {
	if m.fd >= 0 {
		unix.Close(m.fd)
		m.fd = -1
	}
}

func (m *tree) write(name, content string) {
	m.t.Helper()
	fd, err := unix.Openat(m.fd, name, unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		m.t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		m.t.Fatal(err)
	}
}

// read is the file's content, or the error in brackets.
func (m *tree) read(name string) string {
	m.t.Helper()
	fd, err := unix.Openat(m.fd, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "[" + err.Error() + "]"
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b)
}

// seed writes one file into the image and unmounts cleanly.
func seed(t *testing.T, path, fstype, name, content string) {
	t.Helper()
	loop := attach(t, path, false)
	m := open(t, loop, mount.Options{Type: fstype})
	m.write(name, content)
	m.close()
	if err := loop.Detach(deadline(t)); err != nil {
		t.Fatal(err)
	}
}

// dirtyCopy is a copy of the image taken while it is mounted and "late" has
// just been written: its journal is full.
func dirtyCopy(t *testing.T, path, fstype string) string {
	t.Helper()
	loop := attach(t, path, false)
	m := open(t, loop, mount.Options{Type: fstype})
	m.write("late", "late\n")
	duplicate := clone(t, path)
	m.close()
	if err := loop.Detach(deadline(t)); err != nil {
		t.Fatal(err)
	}
	return duplicate
}

func clone(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.img")
	run(t, "cp", "--sparse=always", path, to)
	return to
}

func sum(t *testing.T, path string) string {
	t.Helper()
	s, err := testdisk.Sum(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// backing lists the loop devices behind which the file stands.
func backing(t *testing.T, path string) (loops []string) {
	t.Helper()
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && strings.TrimSpace(string(b)) == path {
			loops = append(loops, f)
		}
	}
	return loops
}
