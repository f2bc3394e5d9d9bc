package testdisk

import (
	"os"
	"os/exec"
	"testing"
)

// Need skips a test that needs root or a program that is not there. Where
// REGAIN_MUST_RUN is 1, as in CI, it fails the test instead, so that nothing is
// left out in silence.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	missing := ""
	if os.Geteuid() != 0 {
		missing = "root"
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = p
		}
	}
	switch {
	case missing == "":
	case os.Getenv("REGAIN_MUST_RUN") == "1":
		t.Fatalf("needs %s, and REGAIN_MUST_RUN is set", missing)
	default:
		t.Skipf("needs %s", missing)
	}
}
