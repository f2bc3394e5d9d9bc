package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/agent"
)

const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBTA6LfnwE6WRDnVgPXnXvX2yTxR5N2g2dYdvPE1Oelp someone"

func TestReadPublicKey(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct{ arg, code string }{
		"text":                  {line, ""},
		"text with a newline":   {"\n" + line + "\n", ""},
		"file":                  {write("id.pub", line+"\n"), ""},
		"file with a blank":     {write("my id.pub", line+"\n"), ""},
		"damaged text":          {line[:40] + " x", "malformed"},
		"options":               {"no-pty " + line, "options"},
		"empty":                 {" ", "empty"},
		"no such file":          {filepath.Join(dir, "missing"), "usage"},
		"directory":             {dir, "usage"},
		"private text":          {"-----BEGIN OPENSSH PRIVATE KEY-----", "private-key"},
		"private base64":        {"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "private-key"},
		"private file":          {write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n"), "private-key"},
		"file far too long":     {write("long", strings.Repeat(line+"\n", 1000)), "too-long"},
		"file with two keys":    {write("two", line+"\n"+line+"\n"), "several"},
		"file in another shape": {write("ssh2", "---- BEGIN SSH2 PUBLIC KEY ----\n"), "ssh2"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := agent.ReadPublicKey(tt.arg)
			if tt.code == "" {
				if got != line || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			var usage *agent.UsageError
			if !errors.As(err, &usage) {
				t.Fatalf("got %q, %v, want a usage error", got, err)
			}
			if code, _ := usage.Details(); code != tt.code {
				t.Errorf("code %q, want %q: %v", code, tt.code, err)
			}
			if text := usage.Error() + usage.Hint; strings.Contains(text, "b3Blb") || strings.Contains(text, "c2VjcmV0") {
				t.Errorf("the error shows what may be private: %s", text)
			}
		})
	}
}
