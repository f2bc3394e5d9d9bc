package agentconf

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The task and a stage with it, where lists are written in brackets.
const (
	flowTask  = `{"task": "setAdminAccount", "inputs": {"password": {"type": "random"}}}`
	flowStage = `{"stage": "preReady", "tasks": [` + flowTask + `]}`
)

// insertAdmin adds the task as the first of stage preReady, or that stage as the
// first of all: the agent goes by the names of stages. At the head of a list no
// comment and no end of a long text can be mistaken for part of a neighbour.
func (d document) insertAdmin() (Edit, error) {
	key, list, newStage := d.place()
	if list == nil || list.Kind != yaml.SequenceNode {
		return Edit{}, &Refusal{
			File: agentConfig, Code: TaskShape, Why: "no list of stages, or of the tasks of stage preReady, to add setAdminAccount to",
			Hint: "write the task by hand, as in AWS's example of the file",
		}
	}
	var edit Edit
	if list.Style&yaml.FlowStyle != 0 {
		edit = d.insertFlow(list, newStage)
	} else {
		var err error
		if edit, err = d.insertBlock(key, list, newStage); err != nil {
			return Edit{}, err
		}
	}
	if !d.onlyAdded(edit.After, func(now document, _ *yaml.Node) {
		_, list, _ := now.place()
		if newStage {
			list = child(now.top, "config")
		}
		list.Content = list.Content[1:]
	}) {
		return Edit{}, d.refuse(TaskShape, list.Line, "the list is written as the editor does not know")
	}
	edit.Notes = []string{"the task setAdminAccount is added, for the account Administrator: whether the agent finds a renamed one is not documented"}
	if newStage {
		edit.Notes = append(edit.Notes, "the stage preReady is added")
	}
	return edit, nil
}

// place is the key and the list that get a new first item.
func (d document) place() (key, list *yaml.Node, newStage bool) {
	key, list = entry(d.top, "config")
	for _, stage := range items(list) {
		if strings.EqualFold(word(child(stage, "stage")), adminStage) {
			key, list = entry(stage, "tasks")
			return key, list, false
		}
	}
	return key, list, true
}

func (d document) insertFlow(list *yaml.Node, newStage bool) Edit {
	item := flowTask
	if newStage {
		item = flowStage
	}
	at := min(d.at(list)+len("["), len(d.s))
	if len(list.Content) > 0 {
		rest := d.s[at:]
		gap := rest[:len(rest)-len(strings.TrimLeft(rest, " \t\r\n"))]
		item = gap + item + ","
	}
	return d.splice(at, at, item)
}

// insertBlock writes the item on lines of their own, behind the line of the key.
func (d document) insertBlock(key, list *yaml.Node, newStage bool) (Edit, error) {
	s, ok := d.styleOf(list)
	if !ok || list.Content[0].Line <= key.Line {
		return Edit{}, d.refuse(TaskShape, list.Line, "the list is written as the editor does not know")
	}
	lines := s.task()
	if newStage {
		inner, ok := d.styleOf(child(list.Content[0], "tasks"))
		if !ok {
			inner = style{dash: s.dash + s.pad(), gap: s.gap, step: s.step}
		}
		lines = append([]string{s.dash + "-" + s.gap + "stage: " + adminStage, s.dash + s.pad() + "tasks:"}, inner.task()...)
	}
	return d.insertLines(key.Line+1, lines), nil
}

// insertLines puts lines in front of a line, ended as the one before.
func (d document) insertLines(line int, lines []string) Edit {
	at := d.lineStart(line)
	before := d.s[:at]
	end := "\n"
	if strings.HasSuffix(before, "\r\n") || !strings.HasSuffix(before, "\n") && strings.Contains(before, "\r\n") {
		end = "\r\n"
	}
	added := strings.Join(lines, end) + end
	if line > len(d.lines) { // the last line has no end
		added = end + strings.TrimSuffix(added, end)
	}
	return d.splice(at, at, added)
}

// insertInputs completes a task that has none.
func (d document) insertInputs(task *yaml.Node) (Edit, error) {
	key, name := entry(task, "task")
	_, list, _ := d.place()
	s := style{dash: strings.Repeat(" ", max(key.Column-1-len("- "), 0)), gap: " ", step: strings.Repeat(" ", step(items(list)))}
	edit := d.insertLines(name.Line+1, s.task()[1:])
	if task.Style&yaml.FlowStyle != 0 {
		at := min(d.at(name)+len(name.Value), len(d.s))
		if name.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
			at = min(at+len(`""`), len(d.s))
		}
		edit = d.splice(at, at, `, "inputs": {"password": {"type": "random"}}`)
	}
	if !d.onlyAdded(edit.After, func(_ document, task *yaml.Node) {
		k, v := entry(task, "inputs")
		task.Content = slices.DeleteFunc(task.Content, func(n *yaml.Node) bool { return n == k || n == v })
	}) {
		return Edit{}, d.refuse(TaskShape, task.Line, "the task is written as the editor does not know")
	}
	edit.Notes = []string{"inputs are added to the task setAdminAccount"}
	return edit, nil
}

// A style is how a list is indented: white space before the dash, behind it, and
// from a key to the keys below it.
type style struct{ dash, gap, step string }

func (s style) pad() string { return " " + s.gap }

func (s style) task() []string {
	indent := s.dash + s.pad()
	return []string{
		s.dash + "-" + s.gap + "task: " + adminTask,
		indent + "inputs:",
		indent + s.step + "password:",
		indent + s.step + s.step + "type: random",
	}
}

var dashed = regexp.MustCompile(`^( *)-( +)$`)

// styleOf takes the first item as the example.
func (d document) styleOf(list *yaml.Node) (style, bool) {
	found := items(list)
	if len(found) == 0 {
		return style{}, false
	}
	m := dashed.FindStringSubmatch(d.s[d.lineStart(found[0].Line):d.at(found[0])])
	if m == nil {
		return style{}, false
	}
	return style{dash: m[1], gap: m[2], step: strings.Repeat(" ", step(found))}, true
}

// step is how much deeper the first mapping within the items stands than its key.
func step(found []*yaml.Node) int {
	for _, item := range found {
		for i := 0; i+1 < len(item.Content); i += 2 {
			key, value := item.Content[i], item.Content[i+1]
			if value.Kind == yaml.MappingNode && value.Line > key.Line && value.Column > key.Column {
				return min(value.Column-key.Column, 8)
			}
		}
	}
	return 2
}

// onlyAdded reads the result: the task sets a random password, and without what was
// added all is as it was.
func (d document) onlyAdded(after []byte, remove func(now document, task *yaml.Node)) bool {
	now, err := readDocument(d.file, after)
	if err != nil {
		return false
	}
	task, err := now.adminTask()
	if err != nil || word(child(child(child(task, "inputs"), "password"), "type")) != "random" {
		return false
	}
	remove(now, task)
	return equalNodes(d.top, now.top)
}
