package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// TestPasswordCommand runs the command against the cloud in memory.
func TestPasswordCommand(t *testing.T) {
	const secret = "R4nd0m&Word"
	for _, tt := range []struct {
		name   string
		args   []string
		told   bool
		code   int
		out    string // of stdout, all of it; or, where JSON, part of it
		errors string // part of stderr
	}{
		{"printed", nil, true, exitDone, secret + "\n", "the password of its administrator on i-"},
		{"JSON", []string{"--json"}, true, exitDone, `"password":"R4nd0m&Word"`, ""},
		{"none", []string{"--timeout", "1ms"}, false, exitFailed, "", "the console is empty"},
		{"none, JSON", []string{"--timeout", "1ms", "--json"}, false, exitFailed, `"hint":"the console is empty`, ""},
		{"no key", []string{"--key", "/none"}, true, exitUsage, "", "cannot read the private key"},
	} {
		path := keyFile(t, "PKCS #1", "")
		key, err := (&program{}).readRSAKey(path)
		if err != nil {
			t.Fatal(err)
		}
		cloud := sim.New(sim.Options{})
		id := cloud.AddInstance(sim.Patient{Instance: controller.Instance{Platform: controller.Windows}})
		if tt.told {
			cipher, err := rsa.EncryptPKCS1v15(rand.Reader, &key.PublicKey, []byte(secret)) //nolint:staticcheck // it is what agents do
			if err != nil {
				t.Fatal(err)
			}
			cloud.Tell(id, cipher)
		}
		var out, complaints bytes.Buffer
		p := &program{
			stdin: strings.NewReader(""), stdout: &out, stderr: &complaints, width: func() int { return 80 },
			env:     func(name string) string { return map[string]string{"XDG_STATE_HOME": t.TempDir()}[name] },
			connect: func(context.Context, account) (controller.Cloud, error) { return cloud, nil },
			dial:    func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") },
		}
		code := p.run(t.Context(), append([]string{"password", id, "--key", path}, tt.args...))
		if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(complaints.String(), tt.errors) {
			t.Errorf("%s: code %d, stdout %q, stderr %q", tt.name, code, &out, &complaints)
		}
		if strings.Contains(complaints.String(), secret) || strings.Count(out.String(), secret) != strings.Count(tt.out, secret) {
			t.Errorf("%s: the password is told more than once: %q %q", tt.name, &out, &complaints)
		}
		for line := range strings.Lines(out.String()) {
			if strings.Contains(tt.name, "JSON") && !json.Valid([]byte(line)) {
				t.Errorf("%s: %q is not JSON", tt.name, line)
			}
		}
	}
}

// TestPasswordOfABlock decrypts what a start-up script has left in a file, with no
// cloud to ask.
func TestPasswordOfABlock(t *testing.T) {
	path := keyFile(t, "PKCS #1", "")
	key, err := (&program{}).readRSAKey(path)
	if err != nil {
		t.Fatal(err)
	}
	block := filepath.Join(t.TempDir(), "block.txt")
	if err := os.WriteFile(block, []byte(sealedBlock(t, &key.PublicKey, "20261122T155300Z-3fa2c1-1", "Admin", "R4nd0m")), 0o600); err != nil {
		t.Fatal(err)
	}
	const id = "i-0123456789abcdef0"
	for _, tt := range []struct {
		args        []string
		code        int
		out, errors string
	}{
		{[]string{"--key", path, "--block", block}, exitDone, "R4nd0m\n", "the password of Admin on " + id},
		{[]string{"--key", path, "--block", block, "--run", "20261122T155300Z-3fa2c1-1"}, exitDone, "R4nd0m\n", ""},
		{[]string{"--key", path, "--block", block, "--run", "20261122T155300Z-000000"}, exitFailed, "", "no whole block"},
		{[]string{"--key", path, "--block", path}, exitFailed, "", "no whole block"},
		{[]string{"--key", path, "--block", "/none"}, exitUsage, "", "cannot read the block"},
		{[]string{"--key", keyFile(t, "PKCS #1", ""), "--block", block}, exitFailed, "", "does not open it"},
	} {
		var out, complaints bytes.Buffer
		p := &program{
			stdin: strings.NewReader(""), stdout: &out, stderr: &complaints, width: func() int { return 80 },
			env:     func(string) string { return "" },
			connect: func(context.Context, account) (controller.Cloud, error) { return nil, errors.New("no cloud") },
		}
		code := p.run(t.Context(), append([]string{"password", id}, tt.args...))
		if code != tt.code || out.String() != tt.out || !strings.Contains(complaints.String(), tt.errors) {
			t.Errorf("%q: code %d, stdout %q, stderr %q", tt.args, code, &out, &complaints)
		}
	}
}

// sealedBlock is what the start-up script writes; see package newpassword.
func sealedBlock(t *testing.T, key *rsa.PublicKey, run, user, password string) string {
	t.Helper()
	cipher, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key, []byte(run+"\x00"+user+"\x00"+password), nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	parts := slices.Collect(slices.Chunk([]byte(base64.StdEncoding.EncodeToString(cipher)), 48))
	for i, part := range parts {
		head := fmt.Sprintf("regain1:%s:0a1b2c3d:sealed:%d:%d:%s:", run, i+1, len(parts), part)
		sum := sha1.Sum([]byte(head))
		fmt.Fprintf(&text, "<%s%x>\r\n", head, sum[:4])
	}
	return text.String()
}

func TestPasswordLine(t *testing.T) {
	found := controller.Password{Instance: "i-1", User: "Admin", Password: "hidden", From: controller.FromScript}
	if got := passwordLine(found); got != "the password of Admin on i-1, from its start-up script:" {
		t.Error(got)
	}
	found.User, found.From, found.Set = "", controller.FromAgent, time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)
	if got := passwordLine(found); got != "the password of its administrator on i-1, from its launch agent at 2026-11-22T16:00:00Z:" {
		t.Error(got)
	}
	if _, err := os.Stat("regain-i-1"); err == nil {
		t.Error("a file was written")
	}
}
