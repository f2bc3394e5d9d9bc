package rescue_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// TestBoot is the whole promise: a Debian 12 disk whose key is lost and whose
// ~/.ssh sshd refuses is rescued, boots as a machine, and lets the new key in.
func TestBoot(t *testing.T) {
	t.Parallel()
	testdisk.Need(t, "qemu-system-x86_64")
	b := newBench(t)
	broken, err := testdisk.BreakagesNamed("lost-key,ssh-dir")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "disk.raw")
	img, err := testdisk.NewImage(t.Context(), path, testdisk.Bookworm, testdisk.Full, testdisk.GPTExt4, broken...)
	if err != nil {
		t.Fatal(err)
	}
	b.wantRescued(path)
	machine, err := img.Boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	login, err := machine.Login(t.Context(), "admin", b.private)
	if err != nil || !login.OK {
		t.Errorf("login: %+v, %v\n%s", login, err, machine.Console())
	}
	if err := machine.Close(); err != nil {
		t.Error(err)
	}
}
