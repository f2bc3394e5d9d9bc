package mount_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/rescue/mount"
)

func TestDetachedRoundTrip(t *testing.T) {
	for _, fstype := range []string{"ext2", "ext3", "ext4", "xfs", "btrfs"} {
		t.Run(fstype, func(t *testing.T) {
			path := image(t, fstype)
			before := mountinfo(t)
			loop := attach(t, path, false)
			m := open(t, loop, mount.Options{Type: fstype})
			m.write("f", "hello")
			if after := mountinfo(t); strings.Contains(after, loop.Path+" ") {
				t.Errorf("mount shows in mountinfo:\n%s\nbefore:\n%s", after, before)
			}
			if err := mount.SyncFS(m.fd); err != nil {
				t.Error(err)
			}
			wantAttributes(t, m.fd)
			m.close()
			if err := loop.Detach(deadline(t)); err != nil {
				t.Fatal(err)
			}
			if left := backing(t, path); left != nil {
				t.Errorf("still attached: %v", left)
			}
			again := open(t, attach(t, path, true), mount.Options{Type: fstype, ReadOnly: true})
			if got := again.read("f"); got != "hello" {
				t.Errorf("fresh mount reads %q", got)
			}
			if _, err := unix.Openat(again.fd, "g", unix.O_CREAT|unix.O_WRONLY, 0o600); !errors.Is(err, unix.EROFS) {
				t.Errorf("create on a read-only mount: %v, want EROFS", err)
			}
		})
	}
}

func mountinfo(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantAttributes(t *testing.T, fd int) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		t.Fatal(err)
	}
	const want = unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC | unix.ST_NOATIME
	if st.Flags&want != want {
		t.Errorf("mount flags %#x lack some of %#x", st.Flags, want)
	}
}

// The superblock's own errors=panic must not reach the helper's kernel.
func TestErrorsPanicIsOverridden(t *testing.T) {
	testdisk.Need(t, "tune2fs")
	path := image(t, "ext4")
	run(t, "tune2fs", "-e", "panic", path)
	loop := attach(t, path, true)
	open(t, loop, mount.Options{Type: "ext4", ReadOnly: true})
	options, err := os.ReadFile("/proc/fs/ext4/" + strings.TrimPrefix(loop.Path, "/dev/") + "/options")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(options), "errors=remount-ro") || strings.Contains(string(options), "errors=panic") {
		t.Errorf("options in force:\n%s", options)
	}
}

func TestDetachedRefuses(t *testing.T) {
	testdisk.Need(t)
	blank := image(t, "ext4")
	if err := os.Truncate(blank, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(blank, 1<<20); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, device string
		o            mount.Options
		want         string
	}{
		{"type not on the list", "/dev/null", mount.Options{Type: "ntfs"}, `type "ntfs" is not one of ext2`},
		{"type with escapes", "/dev/null", mount.Options{Type: "\x1b[2J"}, `type "\x1b[2J" is not`},
		{"recovery on a writable mount", "/dev/null", mount.Options{Type: "ext4", NoRecovery: true}, "only on a read-only mount"},
		{"subvolume of ext4", "/dev/null", mount.Options{Type: "ext4", Subvolume: "@"}, "ext4 has no subvolumes"},
		{"not a block device", "/dev/null", mount.Options{Type: "ext4"}, "not a block device"},
		{"no device", "/dev/nonesuch", mount.Options{Type: "ext4"}, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mount.Detached(c.device, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	loop := attach(t, blank, true)
	for _, fstype := range []string{"ext4", "xfs", "btrfs"} {
		if _, err := mount.Detached(loop.Path, mount.Options{Type: fstype, ReadOnly: true}); err == nil {
			t.Errorf("a blank disk mounts as %s", fstype)
		}
	}
}

func TestWritableMountOfReadOnlyDevice(t *testing.T) {
	path := image(t, "ext4")
	_, err := mount.Detached(attach(t, path, true).Path, mount.Options{Type: "ext4"})
	if !errors.Is(err, mount.ErrReadOnlyDevice) {
		t.Errorf("got %v", err)
	}
}

// Whether the helper's kernel has vfat or not: it mounts, or the refusal says so.
func TestTypeThatTheKernelMayLack(t *testing.T) {
	path := image(t, "vfat")
	loop := attach(t, path, true)
	fd, err := mount.Detached(loop.Path, mount.Options{Type: "vfat", ReadOnly: true})
	if err == nil {
		unix.Close(fd)
	}
	if supported := mount.Supported("vfat"); supported != (err == nil) {
		t.Errorf("supported %v, mount says %v", supported, err)
	}
	if err != nil && !errors.Is(err, mount.ErrNoDriver) {
		t.Errorf("got %v, want %v", err, mount.ErrNoDriver)
	}
}
