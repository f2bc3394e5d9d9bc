package winroot_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
)

// FuzzDetect looks at a tree whose hives, boot configuration, settings and policy
// are hostile, and plans for it. The tree lies on an ordinary filesystem, which
// serves as well to look.
func FuzzDetect(f *testing.F) {
	minimal := hive.Minimal()
	f.Add(minimal, minimal, minimal, "ModuleVersion = '1.3'", "[Startup]\r\n0CmdLine=regain-r.cmd\r\n")
	f.Add([]byte{}, []byte("regf"), []byte{}, "\xff\xfeM\x00", "\xff\xfe[\x00")
	if _, err := exec.LookPath("hivexregedit"); err == nil {
		dir := f.TempDir()
		windows.Write(f, dir, windows.Machine{Release: "2016", Agents: agents(windows.EC2LaunchV1, windows.EC2LaunchV2, windows.EC2Config)})
		hive.Create(f, filepath.Join(dir, "BCD"), "[Objects\\{1}\\Elements\\260000b0]\nElement = hex:01\n")
		f.Add(read(f, dir, windows.SoftwareHive), read(f, dir, windows.SystemHive), read(f, dir, "BCD"), "ModuleVersion = '1.3'", othersPolicy)
	}
	key := newKey(f)
	f.Fuzz(func(t *testing.T, software, system, boot []byte, module, scripts string) {
		dir := t.TempDir()
		for name, data := range map[string]string{
			windows.SoftwareHive: string(software), windows.SystemHive: string(system), "Boot/BCD": string(boot),
			"ProgramData/Amazon/EC2-Windows/Launch/Scripts/InitializeInstance.ps1": "", "ProgramData/Amazon/EC2-Windows/Launch/Module/Ec2Launch.psd1": module,
			"Program Files/Amazon/EC2Launch/EC2Launch.exe": "MZ", "Program Files/Amazon/Ec2ConfigService/Ec2Config.exe": "MZ",
			windows.AgentConfig: module, windows.ConfigXML: scripts, windows.LaunchConfig: module,
			"Windows/System32/GroupPolicy/Machine/Scripts/scripts.ini":           scripts,
			"Windows/System32/GroupPolicy/Machine/Scripts/Startup/regain-r.cmd":  "",
			"Windows/System32/GroupPolicy/Machine/Scripts/Startup/regain-r.ps1":  "",
			"Windows/System32/GroupPolicy/gpt.ini":                               module,
			"Windows/System32/Tasks/Amazon Ec2 Launch - Instance Initialization": scripts,
		} {
			if err := put(name, data)(dir); err != nil {
				t.Fatal(err)
			}
		}
		s, done := plainly(t, dir)
		defer done()
		for _, w := range []winroot.Wishes{{}, {Run: "r", Fallback: key}, {Agent: windows.EC2LaunchV1, UserData: []byte(scripts), Allow: allIDs()}} {
			checkPlan(t, s, s.Plan(w))
		}
	})
}

func allIDs() (list []string) {
	for _, c := range winroot.Causes() {
		list = append(list, c.ID)
	}
	return list
}

// checkPlan is what every plan promises.
func checkPlan(t *testing.T, s *winroot.System, p winroot.Plan) {
	t.Helper()
	if len(p.Changes) > 0 && (len(p.Refused) > 0 || p.Already) || p.Already && len(p.Refused) > 0 {
		t.Errorf("%d changes, already %v, refused for %v", len(p.Changes), p.Already, p.Refused)
	}
	for _, c := range p.Changes {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
	}
	said := []string{s.Name, s.Version, s.Edition, s.ImageState, p.Version}
	for _, f := range p.Findings {
		said = append(said, f.Path, f.Evidence, f.Title, f.Hint)
		if f.Title == f.ID {
			t.Errorf("%s is of no known kind", f.ID)
		}
	}
	r := p.Report(s)
	said = append(append(said, r.Warnings...), r.Why...)
	for _, a := range r.Agents {
		said = append(append(said, a.Version, a.Program, a.Activator), a.Why...)
	}
	for _, text := range said {
		if text != offline.Printable(text) || len(text) > 8000 {
			t.Errorf("%q is said", text)
		}
	}
}

// TestPlanPromises: what holds of plans for hostile volumes holds of a good one.
func TestPlanPromises(t *testing.T) {
	m := machine{Machine: windows.Machine{Release: "2016", Agents: agents(windows.EC2LaunchV1)}}
	m.mounted(t, func(v *volume, _ string) {
		s := detect(t, v)
		p := s.Plan(winroot.Wishes{})
		checkPlan(t, s, p)
		if len(p.Changes) != 2 {
			t.Errorf("%d changes", len(p.Changes))
		}
	})
}
