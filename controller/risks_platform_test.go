package controller

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/offline"
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

// rsaOf is a public key of so many bits. Nobody needs its private half.
func rsaOf(bits int) string {
	n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
	public, err := ssh.NewPublicKey(&rsa.PublicKey{N: n, E: 65537})
	if err != nil {
		panic(err)
	}
	return authorized(public)
}

const persistent = "<powershell>secret-command</powershell><persist>true</persist>"

// windowsCases are situations of a Windows instance; see situationCases.
var windowsCases = []struct {
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
	{"online", func(c *still, _ *Ask, _ *Instance) { c.managed = []Managed{{ID: patientID, Online: true}} }, []string{"windows-online"}, "AWSSupport-RunEC2RescueForWindowsTool"},
	{"online once", func(c *still, _ *Ask, _ *Instance) {
		c.managed = []Managed{{ID: patientID, Ping: "ConnectionLost"}}
	}, nil, ""},
	{"online, stopped since", func(c *still, _ *Ask, i *Instance) {
		c.managed, i.State = []Managed{{ID: patientID, Online: true}}, Stopped
	}, nil, ""},
	{"may not ask Systems Manager", func(c *still, _ *Ask, _ *Instance) { c.fails["Managed"] = denial("ssm:DescribeInstanceInformation") }, []string{"look-denied"}, "ssm:DescribeInstanceInformation"},
	{"TPM", func(_ *still, _ *Ask, i *Instance) { i.TPM = true }, []string{"windows-tpm"}, "BitLocker"},
	{"user data", func(c *still, _ *Ask, _ *Instance) { c.userData = []byte(persistent) }, []string{"windows-user-data"}, "always"},
	{"sysprep", func(c *still, _ *Ask, _ *Instance) {
		c.userData = []byte("version: 1.1\ntasks:\n  - task: sysprep\n    inputs: {clean: true}\n")
	}, []string{"windows-sysprep", "windows-user-data"}, "sysprep"},
	{"force", func(_ *still, a *Ask, _ *Instance) { a.Accept = []string{"force-stop"} }, []string{"force-stop", "windows-force-stop"}, "registry"},
	{"own key", func(_ *still, a *Ask, i *Instance) {
		a.PublicKey, i.KeyName, i.MetadataOff, i.MetadataTokens = rsaOf(2048), "", true, true
	}, nil, ""},
	{"own key, user data", func(c *still, a *Ask, _ *Instance) { a.PublicKey, c.userData = rsaOf(4096), []byte(persistent) }, nil, ""},
	{"own key of another type", func(_ *still, a *Ask, _ *Instance) {
		a.PublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJb1VvXwDOFY8uP5GMuUP0ZX3ZsMJZ0MxlSZwqM2hpJ own"
	}, []string{"windows-public-key"}, "ssh-ed25519"},
	{"own key too short", func(_ *still, a *Ask, _ *Instance) { a.PublicKey = rsaOf(1024) }, []string{"windows-public-key"}, "1024 bits"},
	{"own key unread", func(_ *still, a *Ask, _ *Instance) { a.PublicKey = "ssh-rsa A" }, []string{"windows-public-key"}, "cannot be read"},
	{"about SSH", func(_ *still, a *Ask, _ *Instance) {
		a.Users, a.Verify, a.Keys, a.KeyType, a.Expires = []string{"admin"}, VerifyAlways, KeysController, "rsa", 1
	}, []string{"windows-not-for"}, "--user, --keys controller, --key-type, --expires, --verify always was given"},
	{"no image", func(c *still, _ *Ask, _ *Instance) { delete(c.public, windowsImage("amd64")) }, []string{"helper-image"}, "canonical"},
	{"can hibernate", func(_ *still, _ *Ask, i *Instance) { i.Hibernation = true }, []string{"hibernation"}, ""},
}

func TestWindowsRisks(t *testing.T) {
	for _, tt := range windowsCases {
		c, ask := quiet(), Ask{Instance: patientID}
		onWindows(tt.make)(c, &ask)
		plan := c.plan(t, ask)
		var ids []string
		details := ""
		for _, r := range plan.Risks {
			details += r.Detail + "\n"
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, tt.risks) || !strings.Contains(details, tt.says) {
			t.Errorf("%s: %v, want %v: %s", tt.name, ids, tt.risks, details)
		}
		if strings.Contains(details, "secret-command") {
			t.Errorf("%s: the text of user data is shown: %s", tt.name, details)
		}
		expectConsents(t, c, ask, plan)
		if text := fmt.Sprintf("%+v", plan); strings.Contains(text, "secret-command") {
			t.Errorf("%s: the plan has the text of user data", tt.name)
		}
	}
}

// TestUserDataInWords: the agent is told what user data holds, never its text.
func TestUserDataInWords(t *testing.T) {
	for data, want := range map[string]string{"": "none", persistent: "powershell,persist", "PK\x03\x04\x00": ""} {
		c := quiet()
		c.userData = []byte(data)
		onWindows(func(*still, *Ask, *Instance) {})(c, nil)
		plan := c.plan(t, Ask{Instance: patientID})
		r := &Rescue{Ask: plan.Ask, Original: &plan.Original, UserData: plan.UserData}
		if got := r.task("r-1").WindowsUserData; got != want || plan.UserData != want {
			t.Errorf("%q: %q and %q, want %q", data, plan.UserData, got, want)
		}
	}
}

// TestWindowsTask: what is asked of the agent of a Windows volume.
func TestWindowsTask(t *testing.T) {
	for name, tt := range map[string]struct{ ask, want offline.Task }{
		"nothing":  {offline.Task{}, offline.Task{}},
		"the key":  {offline.Task{PublicKey: "own"}, offline.Task{WindowsFallback: "own"}},
		"an agent": {offline.Task{WindowsAgent: "ec2config", Repair: "all"}, offline.Task{WindowsAgent: "ec2config", Repair: "all"}},
		"accepted": {offline.Task{Accept: "windows/hive-log"}, offline.Task{Accept: "windows/hive-log"}},
		"sysprep":  {offline.Task{Accept: "windows/hive-log,windows/sysprep"}, offline.Task{Accept: "windows/hive-log,windows/sysprep"}},
	} {
		for _, consent := range []bool{false, true} {
			r := &Rescue{Original: &Original{Instance: Instance{Platform: Windows, KeyName: "lost"}, Root: Device{Volume: "vol-1"}},
				Ask: Ask{Instance: "i-1", PublicKey: tt.ask.PublicKey, Repair: tt.ask.Repair, WindowsAgent: tt.ask.WindowsAgent, InSpiteOf: tt.ask.Accept}.withDefaults().on(Windows)}
			want := tt.want
			want.Command, want.Run, want.Instance, want.Volume, want.Wait = "rescue", "r-1", "i-1", "vol-1", armedFor
			if consent {
				r.Ask.Accept = []string{"windows-sysprep"}
				if !strings.Contains(want.Accept, "sysprep") {
					want.Accept = strings.TrimPrefix(want.Accept+",windows/sysprep", ",")
				}
			}
			if got := r.task("r-1"); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %v: %+v, want %+v", name, consent, got, want)
			}
		}
	}
}

// TestLinuxIsNotAsked: what matters to Windows alone is not asked of others.
func TestLinuxIsNotAsked(t *testing.T) {
	c := quiet()
	c.userData = []byte(persistent)
	c.change(func(i *Instance) { i.KeyName, i.MetadataTokens, i.TPM = "", true, true })
	plan := c.plan(t, Ask{Instance: patientID})
	if len(plan.Risks) > 0 || slices.Contains(c.asked, "UserData") || slices.Contains(c.asked, "KeyPair") || slices.Contains(c.asked, "Managed") || plan.UserData != "" {
		t.Errorf("%+v, asked %v, %q", plan.Risks, c.asked, plan.UserData)
	}
	for _, ask := range []Ask{{WindowsAgent: "ec2config"}, {InSpiteOf: "windows/sysprep"}} {
		ask.Instance = patientID
		if ids := riskIDs(quiet().plan(t, ask).Risks); !slices.Equal(ids, []string{"not-windows"}) {
			t.Errorf("%+v: %v", ask, ids)
		}
	}
}
