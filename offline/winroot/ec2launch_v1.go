package winroot

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/regf"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
	"github.com/seed-77750964/regain/offline/winroot/task"
)

const (
	launchV1  = "/ProgramData/Amazon/EC2-Windows/Launch"
	taskFile  = "/Windows/System32/Tasks/" + task.Name
	taskCache = currentVersion + `\Schedule\TaskCache`
	maxTask   = 1 << 20
	maxModule = 1 << 20
)

// armEC2LaunchV1 needs the Task Scheduler, the agent's task enabled, and settings
// that ask for a random password, which is what they do where there are none. The
// agent disables its task at the end of a run; the registry decides whether it runs.
func armEC2LaunchV1(m *arming) {
	m.started("Schedule")
	settings := launchV1 + "/Config/LaunchConfig.json"
	if _, err := m.s.v.Realpath(settings); errors.Is(err, fs.ErrNotExist) {
		m.userData = true
		m.find("windows/agent-note", settings, "there are no settings: the agent takes its defaults, a random password and user data")
	} else {
		m.settings(agentconf.EC2LaunchV1, settings, agentconf.EditLaunchConfig)
	}
	m.enableTask()
	if v := m.s.moduleVersion(); v != "" && older(v, tokensSince) {
		m.find("windows/agent-old", launchV1, "version "+v+" is older than "+tokensSince)
	}
}

// tokensSince is the first version that works where an instance requires IMDSv2
// (AWS's history of EC2Launch).
const tokensSince = "1.3.2002730"

// older compares versions number by number.
func older(a, b string) bool {
	number := func(s string) []int {
		var list []int
		for part := range strings.SplitSeq(s, ".") {
			n, _ := strconv.Atoi(part) // what is no number counts as 0
			list = append(list, n)
		}
		return list
	}
	return slices.Compare(number(a), number(b)) < 0
}

// registration is what the volume holds of the agent's task.
func (s *System) registration() (r task.Registration, file *offline.File, path string, err error) {
	h := s.software
	tree := taskCache + `\Tree\` + task.Name
	r.Tree = h.key(tree) != nil
	if r.Tree {
		if v, ok := h.value(tree, "Id"); ok {
			r.ID, err = v.Text()
			h.failed(err)
		}
		key := taskCache + `\Tasks\` + r.ID
		r.Key = r.ID != "" && h.key(key) != nil
		if r.Key {
			r.Path = rawText(h, key, "Path")
			r.Triggers, r.Hash, r.Actions = h.bytes(key, "Triggers"), h.bytes(key, "Hash"), h.bytes(key, "Actions")
		}
		r.Boot = keyNames(h, taskCache+`\Boot`)
	}
	path, file, err = s.snapshot(taskFile, maxTask)
	if file != nil {
		r.File = file.Data
	}
	return r, file, path, err
}

func rawText(h *hive, path, name string) string {
	v, ok := h.value(path, name)
	if !ok {
		return ""
	}
	text, err := v.Text()
	h.failed(err)
	return text
}

func keyNames(h *hive, path string) []string {
	k := h.key(path)
	if k == nil {
		return nil
	}
	keys, err := k.Subkeys()
	h.failed(err)
	var names []string
	for _, sub := range keys {
		names = append(names, sub.Name)
	}
	return names
}

// taskActivator says that the task is registered.
func (s *System) taskActivator() string {
	if s.software.key(taskCache+`\Tree\`+task.Name) == nil {
		return ""
	}
	return "task " + task.Name
}

func (m *arming) enableTask() {
	r, file, path, err := m.s.registration()
	if err != nil {
		m.missing("%s cannot be read", path)
		m.unreadable(path, err)
		return
	}
	for _, p := range r.Check() {
		m.missing("%s", p.Text)
		m.find("windows/"+p.Code, path, p.Text)
	}
	triggers, err := task.ParseTriggers(r.Triggers)
	if err != nil { // it is among the findings
		return
	}
	if !triggers.Enabled() {
		m.missing("the task is disabled")
	}
	edit, err := task.Arm(r.Stores)
	if err != nil {
		m.find("windows/task-unknown", path, err.Error())
		return
	}
	for _, note := range edit.Notes {
		m.find("windows/agent-note", path, note)
	}
	m.patchTask(taskCache+`\Tasks\`+r.ID, edit)
	if edit.File != nil { // last: while the file says less than the registry, a second plan ends this one
		after := file.Clone()
		after.Data = edit.File
		m.changes = append(m.changes, offline.Change{
			Path: path, Before: file, After: after, Why: "so that the task's file says what the registry says",
			Shown: &offline.Shown{Before: decoded(file.Data), After: decoded(edit.File)},
		})
	}
}

// patchTask changes the values of the task, in one change.
func (m *arming) patchTask(key string, edit task.Edit) {
	var patches []regf.Patch
	for _, value := range []struct {
		name    string
		patches []task.Patch
	}{{"Triggers", edit.Triggers}, {"Hash", edit.Hash}} {
		for _, p := range value.patches {
			v, ok := m.s.software.value(key, value.name)
			if !ok {
				m.find("windows/task-unknown", m.s.software.path, "the task has no value "+value.name)
				return
			}
			patch, err := v.Patch(int(p.Offset), p.After)
			if err != nil {
				m.hiveFailed(m.s.software, err)
				return
			}
			patches = append(patches, patch)
		}
	}
	if len(patches) > 0 {
		m.patches(m.s.software, "so that the task of EC2Launch is enabled, and the sums of its file are right", patches...)
	}
}

var moduleVersion = regexp.MustCompile(`(?im)^\s*ModuleVersion\s*=\s*['"]([0-9][0-9.]{0,40})['"]`)

// moduleVersion is the version of EC2Launch v1, from its PowerShell module.
func (s *System) moduleVersion() string {
	path := s.exists(launchV1 + "/Module/Ec2Launch.psd1")
	if path == "" {
		return ""
	}
	data, err := s.v.ReadFile(path, maxModule)
	if err != nil {
		s.unreadable(path, err)
		return ""
	}
	return versionOf(data)
}

func versionOf(manifest []byte) string {
	found := moduleVersion.FindStringSubmatch(decoded(manifest))
	if found == nil {
		return ""
	}
	return found[1]
}

// decoded is a text of Windows, to be looked at: UTF-16 with a byte order mark of
// either kind, or else bytes.
func decoded(data []byte) string {
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(string(data), "\xff\xfe"):
		order = binary.LittleEndian
	case strings.HasPrefix(string(data), "\xfe\xff"):
		order = binary.BigEndian
	default:
		return strings.TrimPrefix(string(data), "\ufeff")
	}
	var units []uint16
	for at := 2; at+1 < len(data); at += 2 {
		units = append(units, order.Uint16(data[at:]))
	}
	return string(utf16.Decode(units))
}

// runOfV1 says what a run of EC2Launch v1 does beside the password.
func (m *arming) runOfV1() {
	for _, what := range []string{
		"routes to the metadata service, activation of Windows, wallpaper, DNS suffixes, the boot volume's size",
		"settings of the network adapter, which may restart the computer once more",
		"the administrator account is enabled, and its password never expires; the service AmazonSSMAgent starts automatically",
	} {
		m.find("windows/runs-again", launchV1, what)
	}
}
