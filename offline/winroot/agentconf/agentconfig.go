package agentconf

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The names of agent-config.yml that the edit is about.
const (
	adminTask  = "setAdminAccount"
	adminStage = "preReady"
	adminName  = "Administrator"
)

// EditAgentConfig makes the task setAdminAccount of stage preReady set a random
// password, in agent-config.yml as YAML or JSON. Where there is no such task it
// refuses with TaskMissing, unless insert consents to what is missing being added.
//
// The task runs only when the agent's mark of an earlier run is gone; that file is
// another package's business, and [AgentTasks] says what else its absence sets off.
func EditAgentConfig(data []byte, insert bool) (Edit, error) {
	d, err := readDocument(agentConfig, data)
	if err != nil {
		return Edit{}, err
	}
	task, err := d.adminTask()
	if err != nil {
		return Edit{}, err
	}
	var edit Edit
	switch bare := task != nil && child(task, "inputs") == nil; {
	case task != nil && !bare:
		edit, err = d.random(task)
	case !insert:
		err = needsConsent(task)
	case bare:
		edit, err = d.insertInputs(task)
	default:
		edit, err = d.insertAdmin()
	}
	if err != nil {
		return Edit{}, err
	}
	if task != nil && !d.asDocumented(task) {
		edit.Notes = append(edit.Notes, "the words on the way to setAdminAccount are in another case than AWS writes them: whether the agent takes them so is not documented")
	}
	edit.Notes = append(edit.Notes, d.encodingNotes()...)
	if d.wide() {
		edit.Notes = append(edit.Notes, "the file is UTF-16; AWS documents no such file")
	}
	edit.UserData = true
	return edit, nil
}

func needsConsent(task *yaml.Node) error {
	r := &Refusal{
		File: agentConfig, Code: TaskMissing, Why: "no task setAdminAccount in it: the agent sets no password",
		Hint: "allow the task to be added",
	}
	if task != nil {
		r.Line, r.Why, r.Hint = task.Line, "setAdminAccount has no inputs: what it does then is not documented", "allow them to be added"
	}
	return r
}

// adminTask finds the one task, or nil.
func (d document) adminTask() (*yaml.Node, error) {
	var found *yaml.Node
	for _, stage := range items(child(d.top, "config")) {
		for _, task := range items(child(stage, "tasks")) {
			if !strings.EqualFold(word(child(task, "task")), adminTask) {
				continue
			}
			if found != nil {
				return nil, d.refuse(TaskTwice, task.Line, "a second task setAdminAccount: which of them counts is not known")
			}
			if !strings.EqualFold(word(child(stage, "stage")), adminStage) {
				return nil, &Refusal{
					File: agentConfig, Code: TaskStage, Line: task.Line, Why: "setAdminAccount stands in another stage than preReady",
					Hint: "AWS documents it for preReady only; move it there",
				}
			}
			found = task
		}
	}
	return found, nil
}

// asDocumented tells whether the words that lead to the task are in AWS's own case.
func (d document) asDocumented(task *yaml.Node) bool {
	words := map[string]bool{"config": true, "stage": true, "tasks": true, "task": true, "inputs": true, "password": true, "type": true, adminTask: true, adminStage: true}
	known := func(n *yaml.Node, names ...string) bool {
		for _, name := range names {
			if key, value := entry(n, name); key != nil && !words[key.Value] || (name == "task" || name == "stage") && !words[word(value)] {
				return false
			}
		}
		return true
	}
	for _, stage := range items(child(d.top, "config")) {
		if slices.Contains(items(child(stage, "tasks")), task) && !known(stage, "stage", "tasks") {
			return false
		}
	}
	inputs := child(task, "inputs")
	return known(d.top, "config") && known(task, "task", "inputs") && known(inputs, "password") && known(child(inputs, "password"), "type")
}

// random is the edit of the task's password type.
func (d document) random(task *yaml.Node) (Edit, error) {
	inputs := child(task, "inputs")
	password := child(inputs, "password")
	kind := child(password, "type")
	if word(kind) == "" {
		return Edit{}, &Refusal{
			File: agentConfig, Code: TaskShape, Line: task.Line, Why: "setAdminAccount has no inputs.password.type",
			Hint: "write inputs with a password of type random into the task",
		}
	}
	edit := d.unchanged()
	if kind.Value != "random" {
		var err error
		if edit, err = d.replace(kind, "random"); err != nil {
			return Edit{}, err
		}
	}
	if name := word(child(inputs, "name")); name != "" && !strings.EqualFold(name, adminName) {
		edit.Notes = append(edit.Notes, "the password is that of the account "+shown(name))
	}
	if child(password, "data") != nil {
		edit.Notes = append(edit.Notes, "the fixed password in password.data stays in the file; AWS documents it for type static only")
	}
	return edit, nil
}
