package winroot

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/regf"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// An arming is what it takes for one agent to set a password at the next start.
type arming struct {
	s       *System
	program string // canonical
	allowed func(id string) bool

	why      []string // what keeps it from doing so as the volume stands
	findings []offline.Finding
	changes  []offline.Change // settings first, then what arms
	userData bool             // the agent, armed, runs user data
	tasks    []agentconf.Task // of the settings
}

func (m *arming) armed() bool { return len(m.why) == 0 }

func (m *arming) find(id, path, evidence string) {
	m.findings = append(m.findings, finding(id, path, evidence))
}

// unreadable is the finding for a path that the arming needs: nobody can accept
// that.
func (m *arming) unreadable(path string, err error) {
	f := unreadable(path, err)
	f.Consent = ""
	m.findings = append(m.findings, f)
}

// missing says what keeps the agent from setting a password.
func (m *arming) missing(format string, args ...any) {
	m.why = append(m.why, shown(fmt.Sprintf(format, args...)))
}

// allows tells whether a repair is consented to. The finding stays, without the
// flag that asks for it, and with the changes that the consent gave.
func (m *arming) allows(id string) bool { return m.allowed != nil && m.allowed(id) }

// settings edits a settings file that must be there; false where that cannot be.
func (m *arming) settings(agent agentconf.Agent, path string, edit func([]byte) (agentconf.Edit, error)) (agentconf.Edit, bool) {
	canonical, before, err := m.s.snapshot(path, agentconf.MaxSize)
	if err != nil {
		m.missing("%s cannot be read", path)
		m.unreadable(path, err)
		return agentconf.Edit{}, false
	}
	if before == nil {
		m.missing("%s is not there", path)
		m.find("windows/config-absent", path, "there is no such file")
		return agentconf.Edit{}, false
	}
	e, err := edit(before.Data)
	if err != nil {
		m.refuse(canonical, err)
		return agentconf.Edit{}, false
	}
	for _, note := range e.Notes {
		m.find("windows/agent-note", canonical, note)
	}
	m.userData = e.UserData
	if !e.Already {
		m.missing("%s does not ask for a new password", canonical)
		after := before.Clone()
		after.Data = e.After
		m.changes = append(m.changes, offline.Change{
			Path: canonical, Before: before, After: after, Why: "so that the agent sets a random password",
			Shown: &offline.Shown{Before: agentconf.Mask(agent, e.Before), After: agentconf.Mask(agent, e.After)},
		})
	}
	return e, true
}

// reach finds the changes that could not be made, before the first of them is.
func (m *arming) reach() {
	for _, c := range m.changes {
		if c.Before == nil {
			continue
		}
		if err := m.s.v.Alone(c.Path); err != nil {
			m.unreadable(c.Path, err)
		}
	}
}

// snapshot is a file as a Change wants it; nil where there is none.
func (s *System) snapshot(path string, limit int64) (canonical string, f *offline.File, err error) {
	canonical, err = s.v.Realpath(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil, nil
	case err != nil:
		return path, nil, err
	}
	f, err = s.v.Snapshot(canonical, limit)
	if err == nil && (f == nil || f.Kind != offline.Regular) {
		err = fmt.Errorf("%q: %w", canonical, offline.ErrNotRegular)
	}
	return canonical, f, err
}

func (m *arming) refuse(path string, err error) {
	m.missing("%s cannot be used", path)
	var refusal *agentconf.Refusal
	if !errors.As(err, &refusal) {
		m.find("windows/config-unreadable", path, err.Error())
		return
	}
	f := finding("windows/config-"+string(refusal.Code), path, refusal.Error())
	if refusal.Hint != "" && f.Consent == "" {
		f.Hint = offline.Printable(refusal.Hint) + "; or " + useFallback
	}
	m.findings = append(m.findings, f)
}

// started wants a service that starts by itself.
func (m *arming) started(service string) {
	start, ok := m.s.start(service)
	if !ok {
		m.missing("the service %s is not there", service)
		m.find("windows/service-unknown", m.s.system.path, "the service "+service+" has no start value")
		return
	}
	if start <= startAutomatic {
		return
	}
	const id = "windows/service-disabled"
	m.missing("the service %s is %s", service, startName(start))
	f := finding(id, m.s.system.path, fmt.Sprintf("the service %s is %s", service, startName(start)))
	if m.allows(id) {
		f.Changes = m.patch(m.s.system, "so that the service "+service+" starts with Windows", func() (regf.Patch, error) {
			return m.s.system.setNumber(m.s.service(service), "Start", startAutomatic)
		})
	}
	m.findings = append(m.findings, f)
}

// patch adds the change of one value.
func (m *arming) patch(h *hive, why string, value func() (regf.Patch, error)) []offline.Change {
	p, err := value()
	if err != nil {
		m.hiveFailed(h, err)
		return nil
	}
	return m.patches(h, why, p)
}

func (m *arming) patches(h *hive, why string, patches ...regf.Patch) []offline.Change {
	c, err := h.change(why, patches...)
	if err != nil {
		m.hiveFailed(h, err)
		return nil
	}
	m.changes = append(m.changes, c)
	return []offline.Change{c}
}

func (m *arming) hiveFailed(h *hive, err error) {
	id := "windows/hive-unreadable"
	if errors.Is(err, regf.ErrDirty) {
		id = "windows/hive-dirty"
	}
	m.find(id, h.path, err.Error())
}
