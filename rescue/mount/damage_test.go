package mount_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/rescue/mount"
)

// Features that a kernel may lack. If this one has them it mounts; if not, the
// refusal is about a feature and quotes the kernel.
func TestFeatureThatTheKernelMayLack(t *testing.T) {
	for _, c := range []struct {
		name, fstype string
		args         []string
		said         string
	}{
		{"ext4 casefold", "ext4", []string{"-O", "casefold"}, "casefold"},
		{"xfs v4", "xfs", []string{"-m", "crc=0"}, "V4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop := attach(t, image(t, c.fstype, c.args...), true)
			fd, err := mount.Detached(loop.Path, mount.Options{Type: c.fstype, ReadOnly: true})
			if err == nil {
				unix.Close(fd)
				return
			}
			if !errors.Is(err, mount.ErrFeature) || !strings.Contains(err.Error(), c.said) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDamaged(t *testing.T) {
	for fstype, offset := range map[string]int64{"ext4": 1024 + 1023, "xfs": 0x20, "btrfs": 0x10000 + 0x140} {
		t.Run(fstype, func(t *testing.T) {
			path := image(t, fstype)
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, offset); err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte{^b[0]}, offset); err != nil { // breaks the superblock's checksum
				t.Fatal(err)
			}
			_, err = mount.Detached(attach(t, path, true).Path, mount.Options{Type: fstype, ReadOnly: true})
			if !errors.Is(err, mount.ErrDamaged) {
				t.Errorf("got %v", err)
			}
		})
	}
}
