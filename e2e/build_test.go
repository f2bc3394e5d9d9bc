package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// programs is the directory of the programs under test, built once.
var programs string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	if os.Geteuid() != 0 {
		return m.Run(), nil // every test skips itself
	}
	dir, err := os.MkdirTemp("", "regain-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"regain", "regain-agent", "regain-lab"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../cmd/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // the helper runs the agent as it is shipped
		if out, err := cmd.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("cannot build %s: %w\n%s", name, err, out)
		}
	}
	programs = dir
	return m.Run(), nil
}

// need skips a test where it cannot run; in CI that is a failure (mustrun).
func need(t testing.TB) {
	t.Helper()
	testdisk.Need(t, "losetup", "mkfs.ext4", "ssh", "ssh-keygen", "curl", "aws", "debugfs", "sfdisk")
}
