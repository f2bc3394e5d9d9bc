package task

import (
	"errors"
	"regexp"
	"strings"
)

// A Registration is all that is known of a task before it is armed. Missing things are zero.
type Registration struct {
	Stores
	Tree    bool     // TaskCache\Tree\<Name> is there
	ID      string   // its value Id
	Key     bool     // TaskCache\Tasks\<ID> is there
	Path    string   // its value Path
	Actions []byte   // its value Actions
	Boot    []string // the names of the keys below TaskCache\Boot
}

// A Problem speaks against arming the task: the way out is the start-up script. Its code is stable.
type Problem struct{ Code, Text string }

var guid = regexp.MustCompile(`^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$`)

// Check finds what speaks against arming the task. It goes as far as it can.
func (r Registration) Check() []Problem {
	if !r.Tree {
		return []Problem{{"task-absent", "the task is not registered: nothing can be enabled"}}
	}
	if !guid.MatchString(r.ID) {
		return []Problem{{"task-id-malformed", "the task's Id is no GUID"}}
	}
	if !r.Key {
		return []Problem{{"task-key-missing", "the task's Id leads to no task"}}
	}
	var found problems
	found.unless(r.Path == "" || strings.EqualFold(r.Path, `\`+Name), "task-path-differs", "the task's Id leads to a task of another path")
	found.unless(r.listed(), "task-not-at-boot", "the task is not in the list of those that start with Windows")
	found.unless(RunsScript(r.Actions), "task-action-foreign", "the task does not run "+script)
	found.checkTriggers(r.Triggers)
	found.checkFile(r.File)
	return found
}

func (r Registration) listed() bool {
	for _, name := range r.Boot {
		if strings.EqualFold(name, r.ID) {
			return true
		}
	}
	return false
}

type problems []Problem

func (p *problems) unless(sound bool, code, text string) {
	if !sound {
		*p = append(*p, Problem{code, text})
	}
}

func (p *problems) checkTriggers(value []byte) {
	t, err := ParseTriggers(value)
	p.unless(!errors.Is(err, ErrShort), "task-triggers-short", "the task's triggers are cut short")
	p.unless(!errors.Is(err, ErrVersion), "task-triggers-version", "the task's triggers are of a version that is not known")
	p.unless(err != nil || t.Boot != No, "task-boot-trigger-off", "the task's boot trigger is itself disabled")
}

// checkFile accepts a missing file, since Windows reads the registry. One that is there must not say otherwise.
func (p *problems) checkFile(file []byte) {
	if file == nil {
		return
	}
	d, err := Parse(file)
	if err != nil {
		p.unless(false, "task-file-unreadable", err.Error())
		return
	}
	p.unless(d.InitializesInstance(), "task-file-foreign", "the task's file does not run "+script)
	p.unless(d.StartsAtBoot(), "task-file-not-at-boot", "the task's file has no enabled boot trigger")
}

// RunsScript says whether the value Actions of a task names EC2Launch's script.
func RunsScript(actions []byte) bool { return containsWide(actions, script) }

// containsWide looks for ASCII text as UTF-16LE, in either case and at any byte.
func containsWide(b []byte, text string) bool {
	for start := range b {
		if hasWidePrefix(b[start:], text) {
			return true
		}
	}
	return false
}

func hasWidePrefix(b []byte, text string) bool {
	if len(b) < 2*len(text) {
		return false
	}
	for i := range len(text) {
		if b[2*i+1] != 0 || lower(b[2*i]) != lower(text[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
