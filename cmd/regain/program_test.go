package main

import (
	"bytes"
	"strings"
	"testing"
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
