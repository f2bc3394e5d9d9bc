package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"net"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/runs"
	"github.com/seed-77750964/regain/controller/sim"
)

// replaceable is an account with a Windows instance that was reset.
func replaceable(t *testing.T) (*sim.Cloud, string) {
	t.Helper()
	clock := sim.NewClock()
	cloud := sim.New(sim.Options{Clock: clock})
	cloud.AddBucket("regain-123456789012-eu-central-1")
	cloud.AddKeyPair(controller.KeyPair{Name: "mine", Type: "rsa"})
	id := cloud.AddInstance(sim.Patient{Instance: controller.Instance{Platform: controller.Windows, Groups: []string{"sg-1"}}})
	c := &controller.Controller{
		Cloud: cloud, Clock: clock, Random: rand.New(rand.NewSource(1)), Runs: runs.Dir(t.TempDir()), Owner: "ann@box",
		Agent: func(string) ([]byte, error) { return []byte("the agent"), nil },
	}
	outcomes, err := c.Reset(t.Context(), controller.Ask{Instance: id})
	if err != nil || outcomes[0].State != controller.StateRescued {
		t.Fatal(err, outcomes)
	}
	return cloud, id
}

func TestReplaceCommand(t *testing.T) {
	cloud, id := replaceable(t)
	launches := func() int {
		n := 0
		for _, action := range cloud.Mutations() {
			if action == "ec2:RunInstances" {
				n++
			}
		}
		return n
	}
	helper := launches()
	call := func(stdin io.Reader, asks bool, args ...string) (int, string, string) {
		var out, complaints bytes.Buffer
		state := t.TempDir()
		p := &program{
			stdin: stdin, stdout: &out, stderr: &complaints, width: func() int { return 80 }, asks: asks,
			env:     func(name string) string { return map[string]string{"XDG_STATE_HOME": state}[name] },
			connect: func(context.Context, account) (controller.Cloud, error) { return cloud, nil },
			dial:    func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") },
		}
		code := p.run(t.Context(), append([]string{"replace", id}, args...))
		return code, out.String(), complaints.String()
	}
	for _, tt := range []struct {
		name, typed string
		asks        bool
		args        []string
		code        int
		launched    int
		says        string
	}{
		{"no key name", "", false, nil, exitUsage, 0, "--key-name NAME"},
		{"no such key pair", "", false, []string{"--key-name", "none", "--yes"}, exitFailed, 0, `no key pair "none"`},
		{"dry run", "", false, []string{"--key-name", "mine", "--dry-run"}, exitDone, 0, "Not as it was"},
		{"nobody to ask", "", false, []string{"--key-name", "mine"}, exitUsage, 0, "say --yes"},
		{"no", "n\n", true, []string{"--key-name", "mine"}, exitFailed, 0, "not confirmed"},
		{"yes", "y\n", true, []string{"--key-name", "mine"}, exitDone, 1, "LAUNCHED: i-"},
		{"once more", "", false, []string{"--key-name", "mine"}, exitDone, 1, "ALREADY LAUNCHED: i-"},
		{"JSON", "", false, []string{"--key-name", "mine", "--json"}, exitDone, 1, `"existing":true`},
	} {
		code, out, complaints := call(strings.NewReader(tt.typed), tt.asks, tt.args...)
		if code != tt.code || !strings.Contains(out+complaints, tt.says) || launches()-helper != tt.launched {
			t.Errorf("%s: code %d, %d launched: %s %s", tt.name, code, launches()-helper, out, complaints)
		}
	}
}

// TestReplaceHints: each refusal of the launch says what to do about it.
func TestReplaceHints(t *testing.T) {
	for says, refused := range map[string]controller.CloudError{
		"regain policy replace --role": {Kind: controller.Denied, Action: "ec2:RunInstances", Code: "UnauthorizedOperation"},
		"quota":                        {Kind: controller.Quota, Action: "ec2:RunInstances", Code: "VcpuLimitExceeded"},
		"no room":                      {Kind: controller.Capacity, Action: "ec2:RunInstances", Code: "InsufficientInstanceCapacity"},
		"run again in a minute":        {Kind: controller.Invalid, Action: "ec2:RunInstances", Code: "IdempotentParameterMismatch"},
		"in the statement Look":        {Kind: controller.Denied, Action: "ec2:DescribeImages", Code: "UnauthorizedOperation"},
	} {
		if got := (&noReplacement{&refused}).details(); !strings.Contains(got, says) {
			t.Errorf("%s: %q, want %q", refused.Code, got, says)
		}
	}
}
