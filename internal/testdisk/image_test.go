package testdisk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestImage(t *testing.T) {
	Need(t, "mmdebstrap", "sfdisk", "blkid", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "mkfs.vfat")
	for _, layout := range Layouts() {
		t.Run(string(layout), func(t *testing.T) {
			start := time.Now()
			path := filepath.Join(t.TempDir(), "disk.raw")
			img, err := NewImage(t.Context(), path, Bookworm, Small, layout, writeFile("home/admin/mark", "here"))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("made in %v", time.Since(start).Round(time.Millisecond))
			err = img.Mount(func(root string) error {
				wantFile(t, root, "home/admin/mark", "here")
				wantFile(t, root, "etc/fstab", "UUID=")
				wantFile(t, root, "etc/passwd", "admin:x:1000:1000:Debian:/home/admin:/bin/bash")
				wantFile(t, root, "etc/shadow", "admin:!:")
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			wantUnmounted(t, path)
		})
	}
}

func TestImageRefusesToOverwrite(t *testing.T) {
	Need(t, "mmdebstrap")
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewImage(t.Context(), path, Bookworm, Small, BareExt4); err == nil {
		t.Error("NewImage wrote over a file")
	}
	wantFile(t, filepath.Dir(path), "precious", "data")
}

func writeFile(name, text string) Mutation {
	return func(root string) error { return os.WriteFile(filepath.Join(root, name), []byte(text), 0o644) }
}

func wantFile(t *testing.T, root, name, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Error(err)
	} else if !strings.Contains(string(got), want) {
		t.Errorf("%s is %q, want %q in it", name, got, want)
	}
}

// wantUnmounted looks for loop devices that still hold the image.
func wantUnmounted(t *testing.T, image string) {
	t.Helper()
	for _, loop := range loopsOf(t, image) {
		t.Errorf("%s still holds the image", loop)
	}
}

func loopsOf(t *testing.T, image string) []string {
	t.Helper()
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	var loops []string
	for _, f := range files {
		held, _ := os.ReadFile(f) // it may be cleared meanwhile
		if strings.TrimSpace(string(held)) == image {
			loops = append(loops, f)
		}
	}
	return loops
}
