package agent_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/agent"
)

// Harden changes the whole process, so a child does it and tells.
func TestHarden(t *testing.T) {
	if os.Getenv("HARDEN_CHILD") == "1" {
		if err := agent.Harden(); err != nil {
			t.Fatal(err)
		}
		limits, err := os.ReadFile("/proc/self/limits")
		if err != nil {
			t.Fatal(err)
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s\n%s", limits, status)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHarden$", "-test.v")
	cmd.Env = append(os.Environ(), "HARDEN_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{"Max core file size 0 0", "Umask: 0077"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
