package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// TestExclusive: flags that exclude each other are a matter of usage.
func TestExclusive(t *testing.T) {
	const id = "i-0123456789abcdef0"
	for says, args := range map[string][]string{
		"--windows-agent and --public-key exclude each other": {"reset", id, "--public-key", "x", "--windows-agent", "ec2config"},
		"--agent and --stdout exclude each other":             {"key", id, "--stdout", "--agent"},
	} {
		var complaints bytes.Buffer
		p := &program{stdout: &complaints, stderr: &complaints, env: func(string) string { return "" }, width: func() int { return 80 }}
		if code := p.run(t.Context(), args); code != exitUsage || !strings.Contains(complaints.String(), says) {
			t.Errorf("%v: code %d: %s", args, code, &complaints)
		}
	}
}

// TestInterruptedAtOnce: what changes nothing says no more than that it was
// interrupted.
func TestInterruptedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cloud, state := sim.New(sim.Options{}), t.TempDir()
	id := cloud.AddInstance(sim.Patient{Instance: controller.Instance{Platform: controller.Windows}})
	for _, args := range [][]string{{"password", id, "--key", keyFile(t, "PKCS #1", "")}, {"replace", id, "--key-name", "lost", "--yes"}} {
		var out, complaints bytes.Buffer
		p := &program{
			stdout: &out, stderr: &complaints, width: func() int { return 80 }, env: func(name string) string { return map[string]string{"XDG_STATE_HOME": state}[name] },
			connect: func(context.Context, account) (controller.Cloud, error) { return cloud, nil },
		}
		if code := p.run(ctx, args); code != exitInterrupted || strings.Contains(complaints.String(), "way home") || strings.Contains(complaints.String(), "context canceled") || len(cloud.Mutations()) > 0 {
			t.Errorf("%v: code %d: %s", args, code, &complaints)
		}
	}
}
