package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
)

// An instance that runs, or is about to, is not stopped without a yes.
func TestConsent(t *testing.T) {
	for state, asks := range map[string]bool{
		controller.Running: true, controller.Pending: true, controller.Stopped: false, controller.Stopping: false,
	} {
		var plan controller.Plan
		plan.Original.Instance.ID, plan.Original.Instance.State = "i-0123456789abcdef0", state
		err := (&program{}).consent(t.Context(), &resetFlags{}, []controller.Plan{plan})
		usage := (*usageError)(nil)
		if asks != (errors.As(err, &usage) && strings.Contains(usage.text, "i-0123456789abcdef0 would be stopped")) {
			t.Errorf("%s: %v", state, err)
		}
		if err := (&program{}).consent(t.Context(), &resetFlags{yes: true}, []controller.Plan{plan}); err != nil {
			t.Errorf("%s, with --yes: %v", state, err)
		}
	}
}

// TestWindowsFlags: what only Windows instances are asked is checked before anything
// is begun.
func TestWindowsFlags(t *testing.T) {
	for _, tt := range []struct {
		ask    controller.Ask
		says   string
		accept []string
	}{
		{controller.Ask{}, "", nil},
		{controller.Ask{WindowsAgent: "ec2launch-v1", InSpiteOf: "windows/hive-log"}, "", nil},
		{controller.Ask{InSpiteOf: "windows/hive-log,windows/sysprep"}, "", []string{"windows-sysprep"}},
		{controller.Ask{InSpiteOf: "windows/sysprep", Accept: []string{"windows-sysprep"}}, "", []string{"windows-sysprep"}},
		{controller.Ask{WindowsAgent: "cloudbase-init"}, "none of ec2launch-v2, ec2launch-v1, ec2config", nil},
		{controller.Ask{InSpiteOf: "all"}, "no id of a finding", nil},
		{controller.Ask{InSpiteOf: "windows/setup, windows/x"}, "no id of a finding", nil},
		{controller.Ask{InSpiteOf: "windows/setup,"}, "no id of a finding", nil},
	} {
		tt.ask.Backup, tt.ask.Verify, tt.ask.Keys, tt.ask.KeyType = controller.BackupAMI, controller.VerifyAuto, controller.KeysAgent, "auto"
		asks, err := (&resetFlags{ask: tt.ask}).asks([]string{"i-0123456789abcdef0"})
		usage := (*usageError)(nil)
		if (tt.says == "") != (err == nil) || err != nil && (!errors.As(err, &usage) || !strings.Contains(usage.text, tt.says)) {
			t.Errorf("%+v: %v, want %q", tt.ask, err, tt.says)
		}
		if err == nil && !slices.Equal(asks[0].Accept, tt.accept) {
			t.Errorf("%+v: accepts %v, want %v", tt.ask, asks[0].Accept, tt.accept)
		}
	}
}

// TestKeyFlags: what cannot be done about a key is said before the account is asked.
func TestKeyFlags(t *testing.T) {
	for says, args := range map[string][]string{
		`--keys "given" is none of agent, controller`:      {"--keys", "given"},
		`--key-type "dsa" is none of auto, ed25519, ecdsa`: {"--key-type", "dsa"},
		"--keys controller makes no ecdsa key":             {"--keys", "controller", "--key-type", "ecdsa"},
		"--expires must lie in the future":                 {"--expires", "-1h"},
	} {
		var complaints bytes.Buffer
		p := &program{stdout: &complaints, stderr: &complaints, env: func(string) string { return "" }, width: func() int { return 80 }}
		if code := p.run(t.Context(), append([]string{"reset", "i-0123456789abcdef0"}, args...)); code != exitUsage || !strings.Contains(complaints.String(), says) {
			t.Errorf("%v: code %d: %s", args, code, &complaints)
		}
	}
}
