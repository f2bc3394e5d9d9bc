package source

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// ownNamespace gives the test a mount table of its own, which ends with the
// thread that the test is bound to.
func ownNamespace(t *testing.T) Finder {
	t.Helper()
	testdisk.Need(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	return Finder{Mountinfo: "/proc/thread-self/mountinfo"}
}

func mountAt(t *testing.T, source, at, fstype string, flags uintptr) {
	t.Helper()
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(source, at, fstype, flags, ""); err != nil {
		t.Fatalf("mount %s at %s: %v", fstype, at, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
}

// onDisk is a directory outside of any tmpfs, where TMPDIR may lie: what is in
// memory does not count as a part of a tree.
func onDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "regain-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestOpenRoot(t *testing.T) {
	finder := ownNamespace(t)
	dir, data := filepath.Join(t.TempDir(), "a b"), onDisk(t)
	mountAt(t, data, filepath.Join(dir, "home"), "", unix.MS_BIND)
	mountAt(t, data, filepath.Join(dir, "home", "deep"), "", unix.MS_BIND)
	mountAt(t, "none", filepath.Join(dir, "proc"), "proc", 0)
	mountAt(t, "none", filepath.Join(dir, "run"), "tmpfs", 0)
	mountAt(t, data, filepath.Join(dir, "opt"), "", unix.MS_BIND)
	if err := unix.Mount("", filepath.Join(dir, "opt"), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	mountAt(t, data, filepath.Join(dir, "var"), "", unix.MS_BIND)
	mountAt(t, "none", filepath.Join(dir, "var"), "tmpfs", 0) // hides the one before
	r, err := finder.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Path != dir || r.ReadOnly {
		t.Errorf("got %q, read-only %v", r.Path, r.ReadOnly)
	}
	got := map[string]bool{}
	for _, s := range r.Submounts {
		got[s.Path] = s.ReadOnly
	}
	if len(got) != 3 || got["/home"] || got["/home/deep"] || !got["/opt"] {
		t.Errorf("submounts %v", got)
	}
	if r.Submounts[0].Path != "/home" || len(r.Unused) != 4 {
		t.Errorf("first %q, unused %q", r.Submounts[0].Path, r.Unused)
	}
}

func TestRootTake(t *testing.T) {
	r, err := Finder{}.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fd := r.Take()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(fd); err != nil {
		t.Errorf("what was taken was closed: %v", err)
	}
}

func TestOpenRootRefuses(t *testing.T) {
	finder := ownNamespace(t)
	bound := filepath.Join(t.TempDir(), "bound")
	mountAt(t, "/", bound, "", unix.MS_BIND)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/", link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/", "/..", link, bound, "/proc/self/root"} {
		r, err := finder.OpenRoot(dir)
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Reason != OwnRoot {
			t.Errorf("%s: %v", dir, err)
		}
		if err == nil {
			r.Close()
		}
	}
	for _, dir := range []string{"/nonesuch", "/etc/passwd", "/dev/null"} {
		if _, err := finder.OpenRoot(dir); err == nil {
			t.Errorf("%s is accepted", dir)
		}
	}
}

// On an ostree system the helper's root is a directory deep inside /sysroot.
func TestDirectoryThatContainsTheRoot(t *testing.T) {
	mounts := []mountEntry{
		{1, "259:1", "/ostree/deploy/x/deploy/1", "/", "xfs", "/dev/a"},
		{2, "259:1", "/", "/sysroot", "xfs", "/dev/a"},
		{3, "259:2", "/", "/mnt", "xfs", "/dev/b"},
	}
	for dir, want := range map[string]bool{
		"/sysroot": true, "/sysroot/ostree/deploy": true, "/sysroot/ostree/deploy/y": false,
		"/mnt": false, "/etc": false, "/mnt/x": false, "/sysroot2": false,
	} {
		if got := contains(whereIs("/", mounts), whereIs(dir, mounts)); got != want {
			t.Errorf("%s: got %v, want %v", dir, got, want)
		}
	}
}
