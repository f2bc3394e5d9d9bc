package testdisk

import (
	"path/filepath"
	"testing"
	"time"
)

func TestBoot(t *testing.T) {
	Need(t, "mmdebstrap", "qemu-system-x86_64", "ssh", "ssh-keygen")
	right, wrong := newKeys(t)
	start := time.Now()
	img, err := NewImage(t.Context(), filepath.Join(t.TempDir(), "disk"), Bookworm, Full, GPTExt4, func(root string) error {
		return addKey(root, right)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := img.View(func(root string) error {
		wantFile(t, root, "boot/grub/grub.cfg", "linux\t/boot/vmlinuz-6.")
		return nil
	}); err != nil {
		t.Error(err)
	}
	t.Logf("image after %v", time.Since(start).Round(time.Millisecond))
	start = time.Now()
	machine, err := img.Boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("greeting after %v", time.Since(start).Round(time.Millisecond))
	wantLogins(t, machine, machine.Console, right, wrong)
	t.Logf("logged in after %v", time.Since(start).Round(time.Millisecond))
	if err := machine.Close(); err != nil {
		t.Error(err)
	}
}
