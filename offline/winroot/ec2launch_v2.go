package winroot

import (
	"errors"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

const (
	launchV2  = "/ProgramData/Amazon/EC2Launch"
	ranBefore = launchV2 + "/state/.run-once"
	maxMark   = 64 << 10
)

// armEC2LaunchV2 needs the service, a task that sets a random password in the
// settings, and that the agent takes the next start for its first. AWS's own
// procedure leaves the settings out: images that were built by others often tell
// the agent to set no password, and then nothing happens but everything else.
func armEC2LaunchV2(m *arming) {
	m.started("Amazon EC2Launch")
	path := launchV2 + "/config/agent-config.yml"
	edit, ok := m.settings(agentconf.EC2LaunchV2, path, m.editAgentConfig)
	if ok {
		tasks, err := agentconf.AgentTasks(edit.After)
		if err != nil {
			m.refuse(path, err)
		}
		m.tasks = tasks
	}
	m.forgetRun()
}

// editAgentConfig adds the task where there is none, with consent.
func (m *arming) editAgentConfig(data []byte) (agentconf.Edit, error) {
	edit, err := agentconf.EditAgentConfig(data, false)
	var refusal *agentconf.Refusal
	if errors.As(err, &refusal) && refusal.Code == agentconf.TaskMissing && m.allows("windows/config-task-missing") {
		return agentconf.EditAgentConfig(data, true)
	}
	return edit, err
}

// forgetRun removes the mark of an earlier run.
func (m *arming) forgetRun() {
	canonical, mark, err := m.s.snapshot(ranBefore, maxMark)
	switch {
	case err != nil:
		m.missing("%s cannot be read", ranBefore)
		m.unreadable(ranBefore, err)
	case mark != nil:
		m.missing("%s says that the agent has run", canonical)
		m.changes = append(m.changes, offline.Change{Path: canonical, Before: mark, Why: "so that the agent takes the next start for its first"})
	}
}

// runsAgain says which tasks of the settings run at the next start because the
// agent takes it for its first.
func (m *arming) runsAgain() {
	var list []string
	for _, t := range m.tasks {
		name := strings.TrimSpace(t.Name + " " + t.What)
		if t.Stage != "" {
			name += " (" + t.Stage + ")"
		}
		switch {
		case t.Sysprep && t.Frequency != agentconf.Always:
			m.find("windows/sysprep", launchV2, "the agent's settings run sysprep: "+name)
		case t.Frequency != agentconf.Always && !strings.EqualFold(t.Name, "setAdminAccount"):
			list = append(list, name)
		}
	}
	for from := 0; from < len(list); from += tasksShown { // evidence is cut at a line's length
		m.find("windows/runs-again", launchV2, strings.Join(list[from:min(from+tasksShown, len(list))], ", "))
		if from > maxTaskLines*tasksShown {
			m.find("windows/runs-again", launchV2, "and more")
			return
		}
	}
}

const (
	tasksShown   = 4
	maxTaskLines = 16
)
