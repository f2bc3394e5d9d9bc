package winroot_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// layouts are the agents with the releases that may have them.
var layouts = map[string][]string{
	windows.EC2Config:   {"2008 R2", "2012", "2012 R2"},
	windows.EC2LaunchV1: {"2016", "2019"},
	windows.EC2LaunchV2: {"2012 R2", "2016", "2019", "2022", "2025"},
}

var versions = map[string]string{windows.EC2Config: "4.9.5777", windows.EC2LaunchV1: "1.3.2005119", windows.EC2LaunchV2: "2.0.1981"}

func TestDetect(t *testing.T) {
	builds := map[string]string{
		"2008 R2": "6.1.7601", "2012": "6.2.9200", "2012 R2": "6.3.9600", "2016": "10.0.14393.123",
		"2019": "10.0.17763.123", "2022": "10.0.20348.123", "2025": "10.0.26100.123",
	}
	onNTFS(t, func(dir string) {
		for kind, releases := range layouts {
			for i, release := range releases {
				m := machine{Machine: windows.Machine{Release: release, Core: i%2 == 1, Agents: agents(kind)}}
				v := m.on(t, filepath.Join(dir, kind+release))
				s := detect(t, v)
				p := s.Product
				if p.Release != release || p.Version != builds[release] || p.Arch != "amd64" || p.Edition != "ServerDatacenter" ||
					p.Type != "ServerNT" || p.DomainController || p.ControlSet != "ControlSet001" || p.ImageState != "IMAGE_STATE_COMPLETE" ||
					(p.Installation == "Server Core") != m.Core || p.Name != "Windows Server "+release+" Datacenter" {
					t.Errorf("%s with %s: %+v", release, kind, p)
				}
				if len(s.Agents) != 1 || !s.Agents[0].Installed() || s.Agents[0].Armed || string(s.Agents[0].Kind) != kind || s.Agents[0].Version != versions[kind] {
					t.Errorf("%s with %s: %+v", release, kind, s.Agents)
				}
				if len(s.Findings) > 0 {
					t.Errorf("%s with %s: %+v", release, kind, s.Findings)
				}
				v.Close()
			}
		}
	})
}

func TestOS(t *testing.T) {
	p := winroot.Product{Name: "Windows Server 2008 R2 Standard", Release: "2008 R2", Version: "6.1.7601", Arch: "amd64"}
	want := offline.OS{Family: "windows", ID: "windows-server-2008-r2", Version: "6.1.7601", Name: p.Name, Arch: "amd64"}
	if got := p.OS(); got != want {
		t.Errorf("%+v", got)
	}
	if got := (winroot.Product{Name: "Windows 11"}).OS(); got.ID != "windows" {
		t.Errorf("%+v", got)
	}
}

func TestNotWindows(t *testing.T) {
	onNTFS(t, func(dir string) {
		v := open(t, dir)
		defer v.Close()
		if _, err := winroot.Detect(v.Volume); !errors.Is(err, winroot.ErrNotWindows) {
			t.Errorf("an empty volume gives %v", err)
		}
	})
}

// TestChoice is which of several agents acts, and why.
func TestChoice(t *testing.T) {
	const v1, v2, config = windows.EC2LaunchV1, windows.EC2LaunchV2, windows.EC2Config
	cases := []struct {
		name   string
		agents []windows.Agent
		named  string
		want   string
		blocks string // the one finding that does, if any
	}{
		{"the newest", agents(config, v1, v2), "", v2, ""},
		{"v1 before EC2Config", agents(v1, config), "", v1, ""},
		{"named", agents(config, v1, v2), config, config, ""},
		{"one that is armed", []windows.Agent{{Kind: v2}, {Kind: v1, Armed: true}}, "", v1, ""},
		{"two that are armed", []windows.Agent{{Kind: v2, Armed: true}, {Kind: v1, Armed: true}}, "", v2, "[windows/agents-armed]"},
		{"two armed, one named", []windows.Agent{{Kind: v2, Armed: true}, {Kind: v1, Armed: true}}, v1, v1, ""},
		{"leftover program", []windows.Agent{{Kind: v2, NoStarter: true}, {Kind: v1}}, "", v1, ""},
		{"leftover service", []windows.Agent{{Kind: v2, NoProgram: true}, {Kind: config}}, "", config, ""},
		{"leftover task", []windows.Agent{{Kind: v1, NoProgram: true, Armed: true}, {Kind: v2}}, "", v2, ""},
		{"one that is disabled", []windows.Agent{{Kind: v2, Start: 4}, {Kind: v1}}, "", v1, ""},
		{"all disabled", []windows.Agent{{Kind: v2, Start: 4}, {Kind: config, Start: 4}}, "", v2, "[windows/service-disabled]"},
		{"named, but absent", agents(v2), v1, "", "[windows/agent-absent]"},
		{"none", nil, "", "", "[windows/agent-none]"},
		{"leftovers only", []windows.Agent{{Kind: v2, NoStarter: true}, {Kind: v1, NoStarter: true}}, "", "", "[windows/agent-none]"},
	}
	onNTFS(t, func(dir string) {
		for _, c := range cases {
			v := machine{Machine: windows.Machine{Release: "2019", Agents: c.agents}}.on(t, filepath.Join(dir, c.name))
			s := detect(t, v)
			p := s.Plan(winroot.Wishes{Agent: agentconf.Agent(c.named)})
			blocks := ""
			if b := ids(p.Findings, offline.Blocks); len(b) > 0 {
				blocks = fmt.Sprint(b)
			}
			if string(p.Agent) != c.want || blocks != c.blocks || (len(p.Refused) == 0) != (blocks == "") {
				t.Errorf("%s: %s (%v), blocks %s, refused %v; want %s, %s", c.name, p.Agent, p.Why, blocks, p.Refused, c.want, c.blocks)
			}
			for _, a := range s.Agents {
				if !a.Installed() && len(ids(s.Findings, offline.Warning)) == 0 {
					t.Errorf("%s: the leftover of %s is not told: %+v", c.name, a.Kind, s.Findings)
				}
			}
			v.Close()
		}
	})
}

// TestScriptLeftByARun is an agent's rival, and the choice where there is no agent.
func TestScriptLeftByARun(t *testing.T) {
	key := newKey(t)
	onNTFS(t, func(dir string) {
		for kind, want := range map[string]string{"": "startup-script", windows.EC2LaunchV2: windows.EC2LaunchV2} {
			m := windows.Machine{Release: "2022"}
			if kind != "" {
				m.Agents = agents(kind)
			}
			v := machine{Machine: m}.on(t, filepath.Join(dir, "root"+kind))
			apply(t, v, detect(t, v).Plan(winroot.Wishes{Run: "r", Fallback: key}).Changes)
			p := detect(t, v).Plan(winroot.Wishes{})
			if string(p.Agent) != want || p.Already != (kind == "") || (len(p.Refused) > 0) != (kind != "") {
				t.Errorf("with %q: %+v", kind, p)
			}
			v.Close()
		}
	})
}

// TestOldAgent: EC2Launch v1 before 1.3.2002730 has no tokens for the metadata.
func TestOldAgent(t *testing.T) {
	const manifest = "ProgramData/Amazon/EC2-Windows/Launch/Module/Ec2Launch.psd1"
	onNTFS(t, func(dir string) {
		root := filepath.Join(dir, "root")
		machine{Machine: windows.Machine{Release: "2016", Agents: agents(windows.EC2LaunchV1)}}.on(t, root).Close()
		for text, want := range map[string]struct {
			version string
			old     bool
		}{
			"ModuleVersion = '1.3.740'":                             {"1.3.740", true},
			"@{\r\n\tModuleVersion='1.3.2002730'\r\n}":              {"1.3.2002730", false},
			"  moduleversion = \"1.4.299\" # ModuleVersion = '0.1'": {"1.4.299", false},
			string(windows.UTF16LE("ModuleVersion = '1.3.98'")):     {"1.3.98", true},
			"# ModuleVersion = '1.3.98'":                            {"", false},
			"ModuleVersion = '1.3\x1b[31m'":                         {"", false},
			"":                                                      {"", false},
		} {
			if err := put(manifest, text)(root); err != nil {
				t.Fatal(err)
			}
			v := open(t, root)
			s := detect(t, v)
			warnings := ids(s.Plan(winroot.Wishes{}).Findings, offline.Warning)
			if s.Agents[0].Version != want.version || slices.Contains(warnings, "windows/agent-old") != want.old {
				t.Errorf("%q: version %q, %v", text, s.Agents[0].Version, warnings)
			}
			v.Close()
		}
	})
}

// TestOddTypes: values that somebody made with the wrong type keep nobody from a reset,
// where Windows itself passes over them.
func TestOddTypes(t *testing.T) {
	m := machine{Machine: windows.Machine{
		Release: "2019", Agents: agents(windows.EC2LaunchV1),
		System:   "\n[ControlSet001\\Control\\Terminal Server]\nfDenyTSConnections = sz:1\n\n[ControlSet001\\Services\\TermService]\nStart = hex:04\n",
		Software: "\n[Microsoft\\Windows NT\\CurrentVersion]\nUBR = sz:5\nProductName = dword:5\nEditionID = hex:00\n",
	}}
	m.mounted(t, func(v *volume, _ string) {
		s := detect(t, v)
		if p := s.Plan(winroot.Wishes{}); len(s.Findings) > 0 || len(p.Refused) > 0 || len(p.Changes) != 2 || s.Version != "10.0.17763" {
			t.Errorf("%+v, %+v", s.Product, p)
		}
	})
	m.System = "\n[ControlSet001\\Services\\Schedule]\nStart = sz:2\n"
	m.mounted(t, func(v *volume, _ string) {
		if p := detect(t, v).Plan(winroot.Wishes{}); !slices.Equal(p.Refused, []string{"windows/service-unknown"}) {
			t.Errorf("%+v", p)
		}
	})
}

// TestSpelledOtherwise: Windows does not mind in which case names are written, and
// EC2Config has had several folders.
func TestSpelledOtherwise(t *testing.T) {
	const v1, v2, config = windows.EC2LaunchV1, windows.EC2LaunchV2, windows.EC2Config
	cases := map[string]struct {
		kind    string
		renames [][2]string
	}{
		"EC2ConfigService": {config, [][2]string{
			{"Program Files/Amazon/Ec2ConfigService/Settings/Config.xml", "Program Files/Amazon/Ec2ConfigService/Settings/config.xml"},
			{"Program Files/Amazon/Ec2ConfigService", "Program Files/Amazon/EC2ConfigService"},
		}},
		"Ec2ConfigSetup": {config, [][2]string{{"Program Files/Amazon/Ec2ConfigService", "Program Files/Amazon/Ec2ConfigSetup"}}},
		"EC2CONFIGSETUP": {config, [][2]string{{"Program Files/Amazon/Ec2ConfigService", "PROGRAM FILES/AMAZON/EC2CONFIGSETUP"}}},
		"v1": {v1, [][2]string{
			{windows.TaskFile, strings.ToUpper(windows.TaskFile)}, {windows.LaunchConfig, strings.ToLower(windows.LaunchConfig)},
		}},
		"v2": {v2, [][2]string{
			{windows.RunOnce, "ProgramData/Amazon/EC2Launch/state/.Run-Once"}, {"ProgramData/Amazon/EC2Launch", "PROGRAMDATA/amazon/Ec2launch"},
			{"Program Files/Amazon/EC2Launch/EC2Launch.exe", "program files/AMAZON/ec2launch/EC2LAUNCH.EXE"},
		}},
	}
	onNTFS(t, func(dir string) {
		for name, c := range cases {
			m := machine{Machine: windows.Machine{Release: "2016", Agents: agents(c.kind)}, damage: func(dir string) error {
				for _, r := range c.renames {
					if err := respell(dir, r[0], r[1]); err != nil {
						return err
					}
				}
				return nil
			}}
			root := filepath.Join(dir, name)
			v := m.on(t, root)
			s := detect(t, v)
			if len(s.Findings) > 0 || len(s.Agents) != 1 || !s.Agents[0].Installed() {
				t.Errorf("%s: %+v, %+v", name, s.Agents, s.Findings)
			}
			before := tree(t, root)
			p := s.Plan(winroot.Wishes{})
			apply(t, v, p.Changes)
			again := detect(t, v).Plan(winroot.Wishes{})
			if len(p.Changes) == 0 || !again.Already || len(changed(before, tree(t, root))) != len(p.Changes) {
				t.Errorf("%s: %+v, and then %+v", name, p, again)
			}
			v.Close()
		}
	})
}

// respell moves a file or directory to a path that Windows takes for the same, or
// for another of the same depth, one component after the other from the last.
func respell(dir, from, to string) error {
	was, is := strings.Split(from, "/"), strings.Split(to, "/")
	for n := len(was); n > 0; n-- {
		parent := strings.Join(was[:n-1], "/")
		if was[n-1] == is[n-1] {
			continue
		}
		if err := os.Rename(filepath.Join(dir, parent, was[n-1]), filepath.Join(dir, parent, is[n-1])); err != nil {
			return err
		}
	}
	return nil
}
