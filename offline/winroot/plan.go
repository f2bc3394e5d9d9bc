package winroot

import (
	"crypto/rsa"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// Wishes are what the operator asks for, and what is known of the instance.
type Wishes struct {
	Run string // names the start-up script
	// Agent is the one to arm; empty: the one that is armed, or else the first that
	// can be.
	Agent agentconf.Agent
	// Fallback is the operator's key for the start-up script, which is then used in
	// place of the agents; nil: it is not.
	Fallback *rsa.PublicKey
	// Allow lists the ids of findings that may be repaired or accepted, as their
	// Consent says.
	Allow []string
	// UserData is that of the instance, decoded; nil: not known.
	UserData []byte
}

// A Plan is what to change so that a new password is set at the next start.
type Plan struct {
	Agent    agentconf.Agent // that sets it; empty: none was found
	Version  string
	Why      []string // it is this one
	Already  bool     // it will, as the volume stands: there is nothing to change
	Changes  []offline.Change
	Findings []offline.Finding // the plan repairs those that have Changes
	Refused  []string          // ids of the findings for which there are no changes

	// Run has installed the start-up script, or is to, where that is the agent: the
	// one that was wished, or an earlier one whose script waits.
	Run string
}

func (p Plan) script() string { return scriptName(p.Run) }

// Plan decides what to change, and changes nothing. The changes are in the order
// in which they must be made, so that a plan after some of them leads to the same
// end. They are proved on a preview of the volume before they are returned.
func (s *System) Plan(w Wishes) Plan {
	var p Plan
	m := &arming{s: s, allowed: func(id string) bool { return slices.Contains(w.Allow, id) }}
	m.findings = slices.Clone(s.Findings)
	if w.Fallback != nil {
		p.Agent, p.Why, p.Run = StartupScript, []string{"it was asked for"}, w.Run
		if run := s.waiting(w.Fallback); run != "" {
			p.Why, p.Run = append(p.Why, "that of run "+run+" waits already, with the same key"), run
		}
		s.planScript(m, w, p.script())
	} else if a := s.choose(w, &p, m); a != nil {
		s.planAgent(m, a, w)
	}
	m.reach()
	s.others(m, p, w)
	p.conclude(m)
	if len(p.Refused) == 0 && p.Agent != "" {
		p.Already = m.armed() && len(m.changes) == 0
		p.Changes = m.changes
		p.prove(s)
	}
	return p
}

// choose finds the agent to arm: the only one that is armed, else the newest that
// starts by itself, else the newest, else a script that waits already.
func (s *System) choose(w Wishes, p *Plan, m *arming) *Agent {
	a, why := s.pick(w.Agent)
	if a == nil {
		id, text := "windows/agent-none", "neither EC2Launch v2, EC2Launch v1 nor EC2Config is installed"
		if w.Agent != "" {
			id, text = "windows/agent-absent", string(w.Agent)+" is not installed"
		}
		m.find(id, "", text)
		return nil
	}
	p.Agent, p.Version = a.Kind, a.Version
	if a.Kind == StartupScript {
		p.Run = runOf(a.Program)
	}
	p.Why = append([]string{why}, fmt.Sprintf("%s is there, and %s", offline.Printable(a.Program), a.Activator))
	return a
}

func (s *System) pick(named agentconf.Agent) (*Agent, string) {
	var installed, armed, starting, scripts []*Agent
	for i := range s.Agents {
		a := &s.Agents[i]
		switch {
		case !a.Installed() || named != "" && a.Kind != named:
			continue
		case a.Kind == StartupScript: // whoever installed it has the key
			scripts = append(scripts, a)
			continue
		case a.Armed:
			armed = append(armed, a)
		}
		installed = append(installed, a)
		if !a.Disabled {
			starting = append(starting, a)
		}
	}
	switch {
	case named != "" && len(installed)+len(scripts) > 0:
		return append(installed, scripts...)[0], "it was named"
	case len(armed) == 1:
		return armed[0], "it sets a password at the next start as the volume stands"
	case len(starting) > 0:
		return starting[0], preferred(starting, "that start with Windows")
	case len(installed) > 0:
		return installed[0], preferred(installed, "that are installed")
	case len(scripts) > 0:
		return scripts[0], "an earlier run has installed it, and there is no launch agent"
	}
	return nil, ""
}

func preferred(agents []*Agent, which string) string {
	if len(agents) == 1 {
		return "it is the only one of the launch agents " + which
	}
	return "it is the newest of the launch agents " + which
}

// planAgent arms a launch agent, and says what that brings about.
func (s *System) planAgent(m *arming, a *Agent, w Wishes) {
	m.program = a.Program
	for _, k := range kinds() {
		if k.agent == a.Kind {
			k.arm(m)
		}
	}
	switch a.Kind {
	case agentconf.EC2LaunchV2:
		m.runsAgain()
	case agentconf.EC2LaunchV1:
		m.runOfV1()
	}
	if !m.userData {
		return
	}
	if w.UserData == nil {
		m.find("windows/user-data", "", "the user data of the instance is not known here: look whether it may run once more, and calls sysprep")
		return
	}
	u := agentconf.ReadUserData(a.Kind, m.userData, w.UserData)
	if u.Runs {
		m.findTasks("windows/user-data", "", u.Tasks)
	}
	for _, note := range u.Notes {
		m.find("windows/user-data", "", note)
	}
	if u.Sysprep {
		m.find("windows/sysprep", "", "the user data of the instance calls sysprep")
	}
}

// others finds what else would set a password. Who names an agent has chosen.
func (s *System) others(m *arming, p Plan, w Wishes) {
	for _, a := range s.Agents {
		if !a.Armed || p.Agent == "" || p.chose(a) {
			continue
		}
		text := fmt.Sprintf("%s would set a password at the next start, and so would %s", a.Kind, p.Agent)
		if run := runOf(a.Program); a.Kind == StartupScript && run != "" {
			text = fmt.Sprintf("the start-up script of run %s would set a password at the next start, and so would %s: take that run back first, or start the instance once", run, p.Agent)
		}
		f := finding("windows/agents-armed", a.Program, text)
		switch {
		case w.Agent != "":
			f.Severity, f.Consent = offline.Warning, ""
		case w.Fallback != nil: // an agent cannot be named beside it
			f.Hint = "start the instance once, whereupon what is armed disarms itself, and run again"
		}
		m.findings = append(m.findings, f)
	}
}

// chose tells whether a is the agent of the plan. There can be several scripts.
func (p Plan) chose(a Agent) bool {
	return a.Kind == p.Agent && (p.Run == "" || strings.EqualFold(path.Base(a.Program), p.script()))
}

// conclude sorts out what stands in the way: what blocks, and was neither accepted
// nor repaired.
func (p *Plan) conclude(m *arming) {
	for _, f := range m.findings {
		consent, _, _ := strings.Cut(f.Consent, " ")
		switch allowed := m.allows(f.ID); {
		case allowed && Consent(consent) == Accept:
			f.Severity, f.Consent = offline.Warning, ""
		case allowed && len(f.Changes) > 0:
			f.Consent = ""
		case f.Severity == offline.Blocks && !slices.Contains(p.Refused, f.ID):
			p.Refused = append(p.Refused, f.ID)
		}
		p.Findings = append(p.Findings, f)
	}
}

// prove looks at the volume as the changes will leave it.
func (p *Plan) prove(s *System) {
	if p.Already {
		return
	}
	after, err := Detect(s.v.Preview(p.Changes))
	why := "it cannot be looked at"
	if err == nil {
		defer after.Close()
		for _, a := range after.Agents {
			switch {
			case !p.chose(a):
				continue
			case a.Armed:
				return
			}
			why = strings.Join(a.Why, "; ")
		}
	}
	p.Findings = append(p.Findings, finding("windows/not-armed", "", why))
	p.Refused, p.Changes = append(p.Refused, "windows/not-armed"), nil
}

// Report is what a report says of the plan and of the system as it now is: after
// the changes, a second look at the volume.
func (p Plan) Report(now *System) *offline.Windows {
	r := &offline.Windows{Agent: string(p.Agent), Version: p.Version, Why: p.Why, Armed: []string{}, Already: p.Already, Run: p.Run}
	for _, a := range now.Agents {
		r.Agents = append(r.Agents, a.report())
		if a.Armed {
			r.Armed = append(r.Armed, string(a.Kind))
		}
	}
	for _, f := range p.Findings {
		if f.Severity == offline.Warning {
			r.Warnings = append(r.Warnings, f.Title+": "+f.Evidence)
		}
	}
	return r
}
