package rescue_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// A boot entry that ends in a shell lets nobody in, whatever key is in place:
// nothing is changed, and the boot entry is named.
func TestABootThatStopsIsRefused(t *testing.T) {
	b := newBench(t)
	dir := brokenTree(t)
	menu := "menuentry 'Debian' {\n\tlinux /boot/vmlinuz root=/dev/vda1 ro init=/bin/sh\n}\n"
	if err := os.MkdirAll(filepath.Join(dir, "boot/grub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "boot/grub/grub.cfg"), []byte(menu), 0o644); err != nil {
		t.Fatal(err)
	}
	was := walkDir(t, dir)
	report, err := b.rescue(dir)
	if err != nil || report.Outcome != offline.Refused {
		t.Fatalf("%s, %v", report.Outcome, err)
	}
	if !slices.ContainsFunc(report.Findings, func(f offline.Finding) bool {
		return f.ID == "linux/boot-stops" && f.Severity == offline.Blocks && f.Hint != ""
	}) {
		t.Errorf("findings %+v", report.Findings)
	}
	wantSame(t, was, walkDir(t, dir))
}

// A disk whose root is destroyed is refused with what it still holds.
func TestADestroyedRootIsNamed(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(t.TempDir(), "disk")
	img, err := testdisk.NewImage(t.Context(), path, testdisk.Bookworm, testdisk.Small, testdisk.GPTHome)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(img.Path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 1<<20), 128<<20); err != nil { // partition 1 begins here
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var refusal *rescue.Refusal
	if _, err := b.rescue(path); !errors.As(err, &refusal) || refusal.Code != "no-root" || !strings.Contains(refusal.Text, "partition 1 (unknown)") {
		t.Errorf("rescue: %v", err)
	}
}
