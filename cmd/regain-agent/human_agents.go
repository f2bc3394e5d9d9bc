package main

import (
	"strings"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
)

// windowsHeadline says what a Windows does at its next start.
func windowsHeadline(r offline.Report) string {
	armed := len(r.Windows.Armed) > 0
	switch {
	case r.Outcome == offline.Rescued:
		return "ARMED: Windows sets a new administrator password at its next start." + runNote(r)
	case r.Command == agent.Rescue:
		return "NOTHING TO DO: Windows sets a new administrator password at its next start as\nit is."
	case r.Command == agent.Inspect:
		return "What is on the volume. Nothing was changed."
	case armed:
		return "ARMED: Windows sets a new administrator password at its next start. Nothing was\nchanged."
	}
	return "NOT ARMED: Windows sets no new administrator password at its next start. Nothing\nwas changed."
}

// launchAgents lists what sets passwords, the one that is used first.
func (p *page) launchAgents(w *offline.Windows) {
	if w == nil {
		return
	}
	if w.Agent != "" {
		why := strings.Join(w.Why, "; ")
		p.field("password by", strings.TrimSuffix(strings.TrimSpace(w.Agent+" "+w.Version)+": "+why, ": "))
	}
	for _, a := range w.Agents {
		p.field("agent", strings.TrimSpace(a.Agent+" "+a.Version)+": "+agentState(a))
	}
}

func agentState(a offline.WindowsAgent) string {
	switch {
	case !a.Installed:
		return "left over"
	case a.Armed:
		return "sets a password at the next start"
	}
	return "sets no password: " + strings.Join(a.Why, "; ")
}

// consent says what the flag of a finding does.
func consent(flag string) string {
	if strings.HasPrefix(flag, "--accept ") {
		return "to go on all the same: " + flag
	}
	return "repaired with: " + flag
}

func loginTitle(r offline.Report) string {
	if r.Windows != nil {
		place := "KEY: the private key's file"
		if r.Instance == "" {
			place = "INSTANCE: its id; " + place
		}
		return "Once Windows has started (" + place + ")"
	}
	return "Log in now (for HOST put the instance's name or address)"
}
