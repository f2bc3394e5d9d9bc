package winroot

import (
	"fmt"
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/regf"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// An Agent is a program that sets the administrator's password, as far as it is
// on the volume. It counts as installed with two proofs: itself on the disk, and
// what starts it. Folders are often left behind by older ones.
type Agent struct {
	Kind      agentconf.Agent
	Version   string // empty: not known
	Program   string // canonical; empty: it is not there
	Activator string // the service or task that starts it; empty: nothing does
	Disabled  bool   // the activator is there, and does not start it by itself
	Armed     bool   // it sets a password at the next start, as the volume stands
	Why       []string
}

// Installed tells whether both proofs are there.
func (a Agent) Installed() bool { return a.Program != "" && a.Activator != "" }

// A kind is what is known of one launch agent.
type kind struct {
	agent    agentconf.Agent
	programs []string // where it may lie
	service  string   // that starts it; empty: a task does
	display  string   // its name in the list of installed programs
	arm      func(*arming)
}

// kinds are the launch agents, as they are preferred: newest first.
func kinds() []kind {
	return []kind{
		{agentconf.EC2LaunchV2, []string{"/Program Files/Amazon/EC2Launch/EC2Launch.exe"}, "Amazon EC2Launch", "Amazon EC2Launch", armEC2LaunchV2},
		{agentconf.EC2LaunchV1, []string{launchV1 + "/Scripts/InitializeInstance.ps1"}, "", "", armEC2LaunchV1},
		{
			agentconf.EC2Config, []string{"/Program Files/Amazon/Ec2ConfigService/Ec2Config.exe", "/Program Files/Amazon/Ec2ConfigSetup/Ec2Config.exe"},
			"Ec2Config", "EC2ConfigService", armEC2Config,
		},
	}
}

// The start values of a service.
const (
	startAutomatic = 2
	startManual    = 3
	startDisabled  = 4
)

var startNames = map[uint32]string{0: "boot", 1: "system", startAutomatic: "automatic", startManual: "manual", startDisabled: "disabled"}

// start is how a service starts; false where there is no such service.
func (s *System) start(service string) (uint32, bool) {
	return s.system.number(s.service(service), "Start")
}

func (s *System) findAgents() {
	for _, k := range kinds() {
		a := s.look(k)
		if a.Program == "" && a.Activator == "" {
			continue
		}
		if a.Installed() {
			m := &arming{s: s, program: a.Program}
			k.arm(m)
			a.Armed, a.Why = m.armed(), m.why
		} else {
			s.find("windows/agent-leftover", a.Program, leftover(a))
		}
		s.Agents = append(s.Agents, a)
	}
	s.findScripts()
}

func leftover(a Agent) string {
	if a.Program == "" {
		return fmt.Sprintf("%s: %s, but its program is not there", a.Kind, a.Activator)
	}
	return fmt.Sprintf("%s: its program is there, but nothing starts it", a.Kind)
}

func (s *System) look(k kind) Agent {
	a := Agent{Kind: k.agent}
	for _, p := range k.programs {
		if a.Program == "" {
			a.Program = s.exists(p)
		}
	}
	if k.service == "" {
		a.Activator = s.taskActivator()
		a.Version = s.moduleVersion()
		return a
	}
	if start, ok := s.start(k.service); ok {
		a.Activator = fmt.Sprintf("service %s, %s", k.service, startName(start))
		a.Disabled = start > startAutomatic
	}
	if a.Program != "" || a.Activator != "" {
		a.Version = s.installedVersion(k.display)
	}
	return a
}

func startName(start uint32) string {
	if name, ok := startNames[start]; ok {
		return name
	}
	return fmt.Sprintf("start value %d", start)
}

// maxPrograms bounds the list of installed programs.
const maxPrograms = 4096

// installedVersion is the version of an installed program, from the list that the
// control panel shows. An odd entry of somebody else's there is nobody's business.
func (s *System) installedVersion(display string) string {
	for _, list := range []string{`Microsoft\Windows\CurrentVersion\Uninstall`, `WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall`} {
		if s.software.root == nil {
			return ""
		}
		k, err := s.software.root.Sub(list)
		if err != nil {
			continue
		}
		programs, err := k.Subkeys()
		if err != nil {
			continue
		}
		for _, program := range programs[:min(len(programs), maxPrograms)] {
			if strings.EqualFold(textOf(program, "DisplayName"), display) {
				return shown(textOf(program, "DisplayVersion"))
			}
		}
	}
	return ""
}

func textOf(k *regf.Key, name string) string {
	v, err := k.Value(name)
	if err != nil {
		return ""
	}
	text, err := v.Text()
	if err != nil {
		return ""
	}
	return text
}

// dir is a path beside the program's.
func dir(program, name string) string { return path.Join(path.Dir(program), name) }

// report is the agent as a report has it.
func (a Agent) report() offline.WindowsAgent {
	return offline.WindowsAgent{
		Agent: string(a.Kind), Version: a.Version, Program: offline.Printable(a.Program), Activator: a.Activator,
		Installed: a.Installed(), Armed: a.Armed, Why: a.Why,
	}
}
