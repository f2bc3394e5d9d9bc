package rescue_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-77750964/regain/offline"
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
