package winroot_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
	"github.com/seed-77750964/regain/offline/winroot/gpo"
)

func put(name, text string) func(string) error {
	return func(dir string) error {
		at := filepath.Join(dir, name)
		return errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644))
	}
}

func twins(names ...string) func(string) error {
	return func(dir string) error {
		var errs []error
		for _, name := range names {
			errs = append(errs, put(name, "x")(dir))
		}
		return errors.Join(errs...)
	}
}

func link(name string) func(string) error {
	return func(dir string) error { return os.Link(filepath.Join(dir, name), filepath.Join(dir, "second")) }
}

const (
	sysprepConfig = "config:\n- stage: preReady\n  tasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: random\n- stage: postReady\n  tasks:\n  - task: sysprep\n    inputs:\n      clean: true\n"
	noTaskConfig  = "version: 1.0\nconfig:\n- stage: preReady\n  tasks:\n  - task: activateWindows\n"
	tabConfig     = "version: 1.0\nconfig:\n- stage: preReady\n\ttasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: doNothing\n\t\t\t\tdata: Hunter2 # Hunter2\n"
	tabbedText    = "config:\n- stage: preReady\n\ttasks:\n  - task: executeScript\n    inputs:\n    - content: |\n\t\t\t\tnet user\n"
)

// TestRefusals makes each hazard for real: it is found, nothing is to be changed,
// and only what may be accepted can be.
func TestRefusals(t *testing.T) {
	const v1, v2, config = windows.EC2LaunchV1, windows.EC2LaunchV2, windows.EC2Config
	v2Settings := func(text string) []windows.Agent { return []windows.Agent{{Kind: v2, Settings: &text}} }
	none, broken := "", "<Ec2ConfigurationSettings>"
	const tasks = windows.TaskCache + `\Tasks\` + windows.TaskGUID
	tree := "\n[" + windows.TaskCache + `\Tree\Amazon Ec2 Launch - Instance Initialization]` + "\n"
	cases := []struct {
		name     string
		agents   []windows.Agent
		system   string
		software string
		damage   func(dir string) error
		wishes   winroot.Wishes
		id       string
		consents bool // allowing it lets the plan go on
	}{
		{name: "hibernated", damage: testdisk.Hibernated, id: "windows/hibernated"},
		{name: "dirty system", damage: func(dir string) error {
			hive.SetSequences(t, filepath.Join(dir, windows.SystemHive), 8, 7)
			return nil
		}, id: "windows/hive-dirty"},
		{name: "torn software", damage: func(dir string) error {
			hive.BreakChecksum(t, filepath.Join(dir, windows.SoftwareHive))
			return nil
		}, id: "windows/hive-dirty"},
		{name: "newer log", damage: func(dir string) error {
			hive.WriteLog(t, filepath.Join(dir, windows.SoftwareHive), filepath.Join(dir, windows.SoftwareHive+".LOG2"), 9999)
			return nil
		}, id: "windows/hive-log", consents: true},
		{name: "no hive", damage: put(windows.SystemHive, strings.Repeat("x", 9000)), id: "windows/hive-unreadable"},
		{name: "twins", damage: twins("ProgramData/amazon/x"), id: "windows/path-ambiguous"},
		{name: "twins elsewhere", agents: agents(config), damage: twins("ProgramData/x", "programdata/x"), id: "windows/path-ambiguous", consents: true},
		{name: "second name of a mark", damage: link(windows.RunOnce), id: "windows/hard-link"},
		{name: "second name of a hive", agents: agents(v1), damage: link(windows.SoftwareHive), id: "windows/hard-link"},
		{name: "control set", system: "\n[Select]\nCurrent = dword:7\n", id: "windows/control-set"},
		{name: "set-up", system: "\n[Setup]\nSetupType = dword:2\n", id: "windows/setup", consents: true},
		{name: "set-up in progress", system: "\n[Setup]\nSystemSetupInProgress = dword:1\n", id: "windows/setup", consents: true},
		{name: "image", software: "\n[Microsoft\\Windows\\CurrentVersion\\Setup\\State]\nImageState = sz:IMAGE_STATE_UNDEPLOYABLE\n", id: "windows/image-state", consents: true},
		{name: "LanmanNT", system: "\n[ControlSet001\\Control\\ProductOptions]\nProductType = sz:LanmanNT\n", id: "windows/domain-controller"},
		{name: "directory", damage: put("Windows/NTDS/ntds.dit", "x"), id: "windows/domain-controller"},
		{name: "sysprep", agents: v2Settings(sysprepConfig), id: "windows/sysprep", consents: true},
		{name: "sysprep in user data", wishes: winroot.Wishes{UserData: []byte("<powershell>sysprep.exe /oobe</powershell>")}, id: "windows/sysprep", consents: true},
		{name: "no task", agents: v2Settings(noTaskConfig), id: "windows/config-task-missing", consents: true},
		{name: "tab", agents: v2Settings(tabConfig), id: "windows/config-tab", consents: true},
		{name: "tab in a text", agents: v2Settings(tabbedText), id: "windows/config-tab-unclear"},
		{name: "no settings", agents: v2Settings(none), id: "windows/config-absent"},
		{name: "broken XML", agents: []windows.Agent{{Kind: config, Settings: &broken}}, id: "windows/config-malformed"},
		{name: "service", agents: []windows.Agent{{Kind: v2, Start: 4}}, id: "windows/service-disabled", consents: true},
		{name: "scheduler", agents: agents(v1), system: "\n[ControlSet001\\Services\\Schedule]\nStart = dword:4\n", id: "windows/service-disabled", consents: true},
		{name: "task's id", agents: agents(v1), software: tree + "Id = sz:..\\..\\x\n", id: "windows/task-id-malformed"},
		{name: "task's key", agents: agents(v1), software: tree + "Id = sz:{00000000-0000-0000-0000-000000000000}\n", id: "windows/task-key-missing"},
		{name: "task's action", agents: agents(v1), software: "\n[" + tasks + "]\nActions = hex:030000\n", id: "windows/task-action-foreign"},
		{name: "task's triggers", agents: agents(v1), software: "\n[" + tasks + "]\nTriggers = hex:1700\n", id: "windows/task-triggers-short"},
		{name: "task's file", agents: agents(v1), damage: put(windows.TaskFile, "no xml"), id: "windows/task-file-unreadable"},
		{name: "armed twice", agents: []windows.Agent{{Kind: v1, Armed: true}, {Kind: config, Armed: true}}, id: "windows/agents-armed", consents: true},
	}
	onNTFS(t, func(dir string) {
		for _, c := range cases {
			if c.agents == nil {
				c.agents = agents(v2)
			}
			m := machine{Machine: windows.Machine{Release: "2016", Agents: c.agents, System: c.system, Software: c.software}, damage: c.damage}
			v := m.on(t, filepath.Join(dir, c.name))
			s := detect(t, v)
			p := s.Plan(c.wishes)
			if !slices.Contains(p.Refused, c.id) || len(p.Changes) > 0 || p.Already {
				t.Errorf("%s: refused for %v, changes %d, want %s", c.name, p.Refused, len(p.Changes), c.id)
			}
			i := slices.IndexFunc(p.Findings, func(f offline.Finding) bool { return f.ID == c.id && (f.Consent != "") == c.consents })
			if i < 0 || p.Findings[i].Severity != offline.Blocks || p.Findings[i].Title == "" || p.Findings[i].Hint == "" || p.Findings[i].Evidence == "" {
				t.Errorf("%s: %+v", c.name, p.Findings)
			}
			c.wishes.Allow = []string{c.id}
			p = s.Plan(c.wishes)
			if goes := len(p.Refused) == 0; goes != c.consents || goes != (len(p.Changes) > 0 || p.Already) {
				t.Errorf("%s: with consent refused for %v, changes %d", c.name, p.Refused, len(p.Changes))
			}
			v.Close()
		}
	})
}

// TestJunction: a way to an agent's files that leads elsewhere is not gone. The
// kernel must not have seen the directory that the junction was.
func TestJunction(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	img, err := testdisk.NewNTFS(t.Context(), filepath.Join(t.TempDir(), "windows.img"), 64<<20, func(dir string) error {
		windows.Write(t, dir, windows.Machine{Release: "2012 R2", Agents: agents(windows.EC2Config)})
		return errors.Join(os.Mkdir(filepath.Join(dir, "ProgramData"), 0o755), os.MkdirAll(filepath.Join(dir, "Users/EC2-Windows"), 0o755))
	}, testdisk.Junction("ProgramData/Amazon", "Users"))
	if err != nil {
		t.Fatal(err)
	}
	err = img.View(func(dir string) error {
		v := open(t, dir)
		defer v.Close()
		const id = "windows/reparse-point"
		if p := detect(t, v).Plan(winroot.Wishes{}); !slices.Equal(p.Refused, []string{id}) {
			t.Errorf("%+v", p)
		}
		if p := detect(t, v).Plan(winroot.Wishes{Allow: []string{id}}); len(p.Refused) > 0 || len(p.Changes) != 1 {
			t.Errorf("accepted, for another agent: %+v", p)
		}
		if p := detect(t, v).Plan(winroot.Wishes{Agent: windows.EC2LaunchV2, Allow: []string{id}}); len(p.Refused) == 0 {
			t.Errorf("%+v", p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCauses holds the catalogue to be whole and the ids to be known.
func TestCauses(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range winroot.Causes() {
		if seen[c.ID] || !strings.HasPrefix(c.ID, "windows/") || c.Title == "" || c.Severity == offline.Blocks && c.Hint == "" {
			t.Errorf("%+v", c)
		}
		seen[c.ID] = true
	}
}

// TestWarnings are what does not stand in the way, and must be told.
func TestWarnings(t *testing.T) {
	tasks := "config:\n- stage: boot\n  tasks:\n  - task: extendRootPartition\n- stage: preReady\n  tasks:\n  - task: activateWindows\n  - task: setAdminAccount\n" +
		"    inputs:\n      name: boss\n      password:\n        type: static\n        data: s3cretData\n- stage: postReady\n  tasks:\n  - task: startSsm\n" +
		"  - task: executeScript\n    inputs:\n    - frequency: once\n      type: powershell\n      content: net user x Hunter2\n"
	m := machine{Machine: windows.Machine{
		Release: "2022", Agents: []windows.Agent{{Kind: windows.EC2LaunchV2, Settings: &tasks}},
		System:   "\n[ControlSet001\\Control\\Terminal Server]\nfDenyTSConnections = dword:1\n",
		Software: "\n[Microsoft\\Windows NT\\CurrentVersion]\nCurrentBuild = sz:12345\nProductName = sz:Windows\x1b[31m\u202eServer\n",
	}, damage: func(dir string) error {
		at := filepath.Join(dir, "Boot/BCD")
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		hive.Create(t, at, "[Objects\\{0}]\n[Objects\\{1}\\Elements\\260000b0]\nElement = hex:01\n")
		return err
	}}
	m.mounted(t, func(v *volume, _ string) {
		s := detect(t, v)
		p := s.Plan(winroot.Wishes{UserData: []byte("<powershell>net user x Hunter3</powershell>")})
		want := []string{"windows/account-name", "windows/agent-note", "windows/rdp-off", "windows/release-unknown", "windows/runs-again", "windows/serial-console", "windows/user-data"}
		if got := ids(p.Findings, offline.Warning); !slices.Equal(got, want) || len(p.Refused) > 0 {
			t.Errorf("warnings %v, refused for %v", got, p.Refused)
		}
		if !s.SerialConsole || s.Release != "" {
			t.Errorf("%+v", s.Product)
		}
		said := fmt.Sprintf("%+v %+v", p.Findings, *p.Report(s))
		for _, c := range p.Changes {
			said += fmt.Sprintf("%+v", c.Summary())
		}
		for _, name := range []string{"extendRootPartition", "activateWindows", "executeScript", "boss"} {
			if !strings.Contains(said, name) {
				t.Errorf("%s is not told", name)
			}
		}
		for _, secret := range []string{"s3cretData", "Hunter", "\x1b", "\u202e"} {
			if strings.Contains(said, secret) {
				t.Errorf("%q is told", secret)
			}
		}
	})
}

// TestServerIsNoClient: the builds of Windows for desks are those of servers.
func TestServerIsNoClient(t *testing.T) {
	m := machine{Machine: windows.Machine{
		Release: "2008 R2", Agents: agents(windows.EC2Config),
		System:   "\n[ControlSet001\\Control\\ProductOptions]\nProductType = sz:WinNT\n",
		Software: "\n[Microsoft\\Windows NT\\CurrentVersion]\nProductName = sz:Windows 7\nInstallationType = sz:Client\n",
	}}
	m.mounted(t, func(v *volume, _ string) {
		if s := detect(t, v); s.Release != "" || s.OS().ID != "windows" {
			t.Errorf("%+v", s.Product)
		}
	})
}

// TestManyControlSets reads the one in use.
func TestManyControlSets(t *testing.T) {
	m := machine{Machine: windows.Machine{Release: "2019", Agents: []windows.Agent{{Kind: windows.EC2LaunchV2, Armed: true}}, System: "\n[Select]\nCurrent = dword:2\n"}}
	m.mounted(t, func(v *volume, _ string) {
		s := detect(t, v)
		if s.ControlSet != "ControlSet002" || !s.Agents[0].Disabled || s.Agents[0].Armed {
			t.Errorf("%s, %+v", s.ControlSet, s.Agents)
		}
	})
}

// TestJunctionAnywhere puts a junction at each place on the way to what is edited:
// no plan for what lies behind it has changes.
func TestJunctionAnywhere(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	key := newKey(t)
	const v1, v2, config = windows.EC2LaunchV1, windows.EC2LaunchV2, windows.EC2Config
	for place, kind := range map[string]string{
		"Program Files": config, "Program Files/Amazon/Ec2ConfigService/Settings": config, "ProgramData/Amazon/EC2-Windows/Launch/Config": v1,
		"Windows/System32/Tasks": v1, "ProgramData": v2, "ProgramData/Amazon/EC2Launch/config": v2, "ProgramData/Amazon/EC2Launch/state": v2,
		"Windows/System32/GroupPolicy": "", "Windows/System32/GroupPolicy/Machine/Scripts/Startup": "", "Windows/System32/config": v2, "Windows": v1,
	} {
		img, err := testdisk.NewNTFS(t.Context(), filepath.Join(t.TempDir(), "windows.img"), 64<<20, func(dir string) error {
			m := windows.Machine{Release: "2016", Files: map[string]string{gpo.StartupDir + "/other.cmd": "rem"}}
			if kind != "" {
				m.Agents = agents(kind)
			}
			windows.Write(t, dir, m)
			return os.Rename(filepath.Join(dir, place), filepath.Join(dir, "moved"))
		}, testdisk.Junction(place, "moved"))
		if err != nil {
			t.Fatal(err)
		}
		err = img.View(func(dir string) error {
			v := open(t, dir)
			defer v.Close()
			s, err := winroot.Detect(v.Volume)
			if errors.Is(err, offline.ErrReparse) {
				return nil
			} else if err != nil {
				return err
			}
			defer s.Close()
			w := winroot.Wishes{Agent: agentconf.Agent(kind), UserData: []byte{}, Allow: allIDs()}
			if kind == "" {
				w.Run, w.Fallback = "r", key
			}
			if p := s.Plan(w); len(p.Changes) > 0 || p.Already || len(p.Refused) == 0 || len(ids(p.Findings, offline.Blocks)) == 0 {
				t.Errorf("%s: %+v", place, p)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// TestUserDataThatIsNotUnderstood is told of, since it may run all the same.
func TestUserDataThatIsNotUnderstood(t *testing.T) {
	m := machine{Machine: windows.Machine{Release: "2022", Agents: agents(windows.EC2LaunchV2)}}
	m.mounted(t, func(v *volume, _ string) {
		for data, want := range map[string]string{
			"PK\x03\x04\x00":                       "no text",
			"<powershell>\nHunter2":                "not closed",
			"tasks:\n\t- task: x\n\t  pw: Hunter2": "indented with a tab",
			"":                                     "",
			"hello":                                "",
		} {
			said := ""
			for _, f := range detect(t, v).Plan(winroot.Wishes{UserData: []byte(data)}).Findings {
				if f.ID == "windows/user-data" {
					said += f.Evidence + "\n"
				}
			}
			if !strings.Contains(said, want) || want == "" && said != "" || strings.Contains(said, "Hunter2") {
				t.Errorf("%q: %q", data, said)
			}
		}
	})
}

// TestHiveThatTellsNothing: what cannot be told without the SYSTEM hive is not
// told to be otherwise.
func TestHiveThatTellsNothing(t *testing.T) {
	m := machine{Machine: windows.Machine{Release: "2012 R2"}, damage: put(windows.SystemHive, strings.Repeat("x", 9000))}
	m.mounted(t, func(v *volume, _ string) {
		var found []string
		for _, f := range detect(t, v).Findings {
			found = append(found, f.ID)
		}
		if !slices.Contains(found, "windows/control-set") || slices.Contains(found, "windows/release-unknown") {
			t.Errorf("it finds %q", found)
		}
	})
}
