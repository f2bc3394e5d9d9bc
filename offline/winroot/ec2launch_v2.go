package winroot

import (
	"errors"
	"fmt"
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
		m.find("windows/account-name", path, "EC2Launch v2 sets the password of the account Administrator, unless its settings name another")
	}
	m.forgetRun()
}

// editAgentConfig puts spaces in place of tabs, with consent.
func (m *arming) editAgentConfig(data []byte) (agentconf.Edit, error) {
	edit, err := m.editTasks(data)
	if !refusedFor(err, agentconf.TabIndent) {
		return edit, err
	}
	spaced, lines, unclear := agentconf.Untab(data)
	if unclear != nil {
		return agentconf.Edit{}, unclear
	}
	if !m.allows("windows/config-tab") {
		return agentconf.Edit{}, err
	}
	if edit, err = m.editTasks(spaced); err != nil {
		return agentconf.Edit{}, err
	}
	edit.Before, edit.Already = data, false
	edit.Notes = append(edit.Notes, fmt.Sprintf("spaces take the place of the tabs that %d lines are indented with, the first of them line %d", len(lines), lines[0]))
	return edit, nil
}

// editTasks adds the task where there is none, with consent.
func (m *arming) editTasks(data []byte) (agentconf.Edit, error) {
	edit, err := agentconf.EditAgentConfig(data, false)
	if refusedFor(err, agentconf.TaskMissing) && m.allows("windows/config-task-missing") {
		return agentconf.EditAgentConfig(data, true)
	}
	return edit, err
}

func refusedFor(err error, code agentconf.Code) bool {
	var refusal *agentconf.Refusal
	return errors.As(err, &refusal) && refusal.Code == code
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
	var again []agentconf.Task
	for _, t := range m.tasks {
		switch {
		case t.Frequency == agentconf.Always:
		case t.Sysprep:
			m.find("windows/sysprep", launchV2, "the agent's settings run sysprep: "+taskName(t))
		case !strings.EqualFold(t.Name, "setAdminAccount"):
			again = append(again, t)
		}
	}
	m.findTasks("windows/runs-again", launchV2, again)
}

const maxTasks = 32

// findTasks is a finding for each task, up to a bound.
func (m *arming) findTasks(id, path string, tasks []agentconf.Task) {
	for _, t := range tasks[:min(len(tasks), maxTasks)] {
		m.find(id, path, taskName(t))
	}
	if more := len(tasks) - maxTasks; more > 0 {
		m.find(id, path, fmt.Sprintf("and %d more", more))
	}
}

func taskName(t agentconf.Task) string {
	return strings.Join(strings.Fields(t.Stage+" "+t.Name+" "+t.What), " ")
}
