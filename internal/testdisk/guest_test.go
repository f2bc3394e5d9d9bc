package testdisk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A guest that does not come to its end is an error that shows why. One that does
// is rescue/mount's TestNTFS3InAVM.
func TestGuestWithoutAProgram(t *testing.T) {
	Need(t, "mmdebstrap", "qemu-system-x86_64")
	program := filepath.Join(t.TempDir(), "init")
	if err := os.WriteFile(program, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	guest := Guest{Suite: Trixie, Modules: []string{"virtio_blk", "loop", "ntfs3"}, Program: program}
	console, err := guest.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "Kernel panic") {
		t.Errorf("it says %v: %s", err, console)
	}
}
