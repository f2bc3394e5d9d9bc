package agentconf

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Frequency tells how often an agent runs a task.
type Frequency string

// The frequencies. A task that runs once runs again when the agent is armed anew.
const (
	Once    Frequency = "once"
	Always  Frequency = "always"
	Unknown Frequency = "unknown" // a task, or a frequency, that AWS does not document
)

// A Task is what an agent is told to run.
type Task struct {
	Stage     string    `json:"stage,omitempty"`
	Name      string    `json:"name"`
	What      string    `json:"what,omitempty"` // the program, the file or the kind of script; never its text
	Frequency Frequency `json:"frequency"`
	Sysprep   bool      `json:"sysprep,omitempty"` // it is sysprep, or its text calls it: the machine would be generalised
}

// frequencies are those of AWS's task definitions for EC2Launch v2. A task whose
// frequency stands in its inputs is absent.
var frequencies = map[string]Frequency{
	"activatewindows":     Once,
	"enableopenssh":       Once,
	"extendrootpartition": Once,
	"setadminaccount":     Once,
	"sysprep":             Once,
	"enablejumboframes":   Always,
	"initializevolume":    Always,
	"optimizeena":         Always,
	"setdnssuffix":        Always,
	"sethostname":         Always,
	"setwallpaper":        Always,
	"startssm":            Always,
}

// AgentTasks lists the tasks of agent-config.yml in the order of the file. Without
// the agent's mark of an earlier run, those of frequency [Once] run again.
func AgentTasks(data []byte) ([]Task, error) {
	d, err := readDocument(agentConfig, data)
	if err != nil {
		return nil, err
	}
	return stageTasks(d.top), nil
}

func stageTasks(top *yaml.Node) []Task {
	var tasks []Task
	for _, stage := range items(child(top, "config")) {
		tasks = append(tasks, listTasks(shown(word(child(stage, "stage"))), child(stage, "tasks"))...)
	}
	return tasks
}

func listTasks(stage string, list *yaml.Node) []Task {
	var tasks []Task
	for _, n := range items(list) {
		name := word(child(n, "task"))
		task := Task{Stage: stage, Name: shown(name), Frequency: Unknown, Sysprep: strings.EqualFold(name, "sysprep")}
		if f, ok := frequencies[strings.ToLower(name)]; ok {
			task.Frequency = f
		}
		inputs := child(n, "inputs")
		if inputs == nil || inputs.Kind != yaml.SequenceNode {
			tasks = append(tasks, task)
		}
		for _, input := range items(inputs) {
			tasks = append(tasks, task.with(input))
		}
	}
	return tasks
}

// with is the task as one of its inputs has it: a script, a program or a file.
func (t Task) with(input *yaml.Node) Task {
	switch strings.ToLower(word(child(input, "frequency"))) {
	case "once":
		t.Frequency = Once
	case "always":
		t.Frequency = Always
	}
	for _, key := range []string{"destination", "path", "type"} {
		if what := word(child(input, key)); what != "" {
			t.What = shown(what)
			break
		}
	}
	program := strings.Join(append([]string{word(child(input, "path"))}, words(child(input, "arguments"))...), " ")
	t.Sysprep = t.Sysprep || callsSysprep(program) || callsSysprep(word(child(input, "content")))
	return t
}

// words are the scalars of a list, or the one that stands for it.
func words(n *yaml.Node) []string {
	if n != nil && n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var all []string
	for _, item := range items(n) {
		all = append(all, word(item))
	}
	return all
}

// sysprepCall finds the ways to generalise a machine: Windows's own program, with
// its ending or with an option, and those of the three agents. A comment that shows
// such a call counts as well: better asked once too often. What a script builds
// from pieces, decodes or downloads is not seen.
var sysprepCall = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`\bsysprep\.exe\b`,
	`\bsysprep["']?\s+["']?[/-](?:generalize|oobe|audit|shutdown|reboot|quit|quiet|unattend|mode)`,
	`\bSysprepInstance\.ps1\b`,
	`\bec2launch(?:\.exe)?["']?\s+["']?sysprep\b`,
	`\bec2config(?:\.exe)?["']?\s+["']?[/-]sysprep\b`,
	`\bsysprep["']?\s*(?:-ArgumentList|-Args)\b`,
}, "|"))

func callsSysprep(text string) bool {
	return strings.Contains(strings.ToLower(text), "sysprep") && sysprepCall.MatchString(text)
}
