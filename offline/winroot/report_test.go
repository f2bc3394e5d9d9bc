package winroot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
)

func TestReport(t *testing.T) {
	m := machine{Machine: windows.Machine{Release: "2022", Agents: []windows.Agent{{Kind: windows.EC2LaunchV2}, {Kind: windows.EC2Config, NoStarter: true}}}}
	m.mounted(t, func(v *volume, _ string) {
		s := detect(t, v)
		p := s.Plan(winroot.Wishes{UserData: []byte{}})
		var got map[string]any
		data, err := json.Marshal(offline.Report{Windows: p.Report(s)})
		if err == nil {
			err = json.Unmarshal(data, &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		r := got["windows"].(map[string]any)
		if r["agent"] != "ec2launch-v2" || r["version"] != versions[windows.EC2LaunchV2] || fmt.Sprint(r["armed"]) != "[]" || len(r["agents"].([]any)) != 2 {
			t.Errorf("%s", data)
		}
		if why := fmt.Sprint(r["why"]); !strings.Contains(why, "EC2Launch.exe") || !strings.Contains(why, "automatic") {
			t.Errorf("why: %s", why)
		}
		for _, want := range []string{".run-once", "nothing starts it", "activateWindows"} {
			if !strings.Contains(string(data), want) {
				t.Errorf("%q is not in %s", want, data)
			}
		}
	})
}

// TestSecrets: what the settings keep secret is neither shown nor told.
func TestSecrets(t *testing.T) {
	launch := "{\"adminPasswordType\": \"Specify\", \"adminPassword\": \"Hunter2\"}"
	config := "<Ec2ConfigurationSettings><Plugins><Plugin><Name>Ec2SetPassword</Name><State>Disabled</State></Plugin></Plugins><AdminPassword>Hunter2</AdminPassword></Ec2ConfigurationSettings>"
	agent := "config:\n- stage: preReady\n  tasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: static\n        data: Hunter2\n"
	onNTFS(t, func(dir string) {
		for kind, text := range map[string]string{windows.EC2LaunchV1: launch, windows.EC2Config: config, windows.EC2LaunchV2: agent} {
			v := machine{Machine: windows.Machine{
				Release: "2016", Agents: []windows.Agent{{Kind: kind, Settings: &text}},
				Software: "\n[Microsoft\\Windows NT\\CurrentVersion\\Winlogon]\nDefaultPassword = sz:Hunter2\n",
			}}.on(t, filepath.Join(dir, kind))
			s := detect(t, v)
			p := s.Plan(winroot.Wishes{})
			said := fmt.Sprintf("%+v %+v %+v", p.Findings, p.Why, *p.Report(s))
			for _, c := range p.Changes {
				said += fmt.Sprintf("%+v", c.Summary())
			}
			if len(p.Changes) == 0 || strings.Contains(said, "Hunter2") || !strings.Contains(said, "masked") {
				t.Errorf("%s: %s", kind, said)
			}
			v.Close()
		}
	})
}

// TestHiveInUse: once Windows has run, the change of a hive is neither made nor
// taken back.
func TestHiveInUse(t *testing.T) {
	m := machine{Machine: windows.Machine{Release: "2019", Agents: agents(windows.EC2LaunchV1)}}
	m.mounted(t, func(v *volume, dir string) {
		changes := detect(t, v).Plan(winroot.Wishes{}).Changes
		of := changes[slices.IndexFunc(changes, func(c offline.Change) bool { return len(c.Patches) > 0 })]
		hive.SetSequences(t, filepath.Join(dir, windows.SoftwareHive), 9, 9)
		if err := v.Apply(of); !errors.Is(err, offline.ErrDrift) {
			t.Errorf("before: %v", err)
		}
		if err := v.Apply(of.Invert()); !errors.Is(err, offline.ErrDrift) {
			t.Errorf("after: %v", err)
		}
	})
}
