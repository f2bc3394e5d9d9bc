package controller

import (
	"slices"
	"strings"
	"testing"
)

// onWindows makes the patient a Windows instance, and changes it.
func onWindows(edit func(*still, *Ask, *Instance)) func(*still, *Ask) {
	return func(c *still, a *Ask) {
		c.change(func(i *Instance) {
			i.Platform, i.Details = Windows, "Windows"
			edit(c, a, i)
		})
	}
}

const persistent = "<powershell>secret-command</powershell><persist>true</persist>"

func TestWindowsRisks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		make  func(*still, *Ask, *Instance)
		risks []string
		says  string
	}{
		{name: "nothing", make: func(*still, *Ask, *Instance) {}},
		{"no key pair", func(_ *still, _ *Ask, i *Instance) { i.KeyName = "" }, []string{"windows-no-key-pair"}, "without one"},
		{"key pair deleted", func(_ *still, _ *Ask, i *Instance) { i.KeyName = "old" }, []string{"windows-key-pair-gone"}, `"old"`},
		{"key pair not RSA", func(c *still, _ *Ask, _ *Instance) { c.pairs["lost"] = KeyPair{Name: "lost", Type: "ed25519"} }, []string{"windows-key-pair-type"}, "ed25519"},
		{"key pair of no type", func(c *still, _ *Ask, _ *Instance) { c.pairs["lost"] = KeyPair{Name: "lost"} }, []string{"windows-key-pair-type"}, "unknown"},
		{"key pairs denied", func(c *still, _ *Ask, _ *Instance) { c.fails["KeyPair"] = denial("ec2:DescribeKeyPairs") }, []string{"look-denied"}, "ec2:DescribeKeyPairs"},
		{"user data denied", func(c *still, _ *Ask, _ *Instance) { c.fails["UserData"] = denial("ec2:DescribeInstanceAttribute") }, []string{"look-denied"}, ""},
		{"metadata off", func(_ *still, _ *Ask, i *Instance) { i.MetadataOff = true }, []string{"windows-metadata-off"}, ""},
		{"tokens", func(_ *still, _ *Ask, i *Instance) { i.MetadataTokens = true }, []string{"windows-metadata-tokens"}, "1.3.2002730"},
		{"TPM", func(_ *still, _ *Ask, i *Instance) { i.TPM = true }, []string{"windows-tpm"}, "BitLocker"},
		{"user data", func(c *still, _ *Ask, _ *Instance) { c.userData = []byte(persistent) }, []string{"windows-user-data"}, "always"},
		{"sysprep", func(c *still, _ *Ask, _ *Instance) {
			c.userData = []byte("version: 1.1\ntasks:\n  - task: sysprep\n    inputs: {clean: true}\n")
		}, []string{"windows-sysprep", "windows-user-data"}, "sysprep"},
		{"force", func(_ *still, a *Ask, _ *Instance) { a.Accept = []string{"force-stop"} }, []string{"force-stop", "windows-force-stop"}, "registry"},
		{"can hibernate", func(_ *still, _ *Ask, i *Instance) { i.Hibernation = true }, []string{"hibernation"}, ""},
	} {
		c, ask := quiet(), Ask{Instance: patientID}
		onWindows(tt.make)(c, &ask)
		plan := c.plan(t, ask)
		var ids []string
		details := ""
		for _, r := range plan.Risks {
			details += r.Detail + "\n"
			if r.ID != "windows" {
				ids = append(ids, r.ID)
			}
		}
		slices.Sort(ids)
		if !slices.Equal(ids, tt.risks) || !strings.Contains(details, tt.says) {
			t.Errorf("%s: %v, want %v: %s", tt.name, ids, tt.risks, details)
		}
		if strings.Contains(details, "secret-command") {
			t.Errorf("%s: the text of user data is shown: %s", tt.name, details)
		}
	}
}

// TestLinuxIsNotAsked: what matters to Windows alone is not asked of others.
func TestLinuxIsNotAsked(t *testing.T) {
	c := quiet()
	c.userData = []byte(persistent)
	c.change(func(i *Instance) { i.KeyName, i.MetadataTokens, i.TPM = "", true, true })
	plan := c.plan(t, Ask{Instance: patientID})
	if len(plan.Risks) > 0 || slices.Contains(c.asked, "UserData") || slices.Contains(c.asked, "KeyPair") {
		t.Errorf("%+v, asked %v", plan.Risks, c.asked)
	}
}
