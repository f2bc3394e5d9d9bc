// Package task reads how Windows has stored a scheduled task, and arms the one that EC2Launch v1 disables after its first
// run, so that it runs at the next start.
//
// A task lives twice: as an XML file below System32\Tasks, and as values in the SOFTWARE hive, which on Server 2016 and
// later are what counts. The package gets the bytes of both and returns patches of the same size for the values and new
// bytes for the file. It opens no volume and no hive, writes nothing, and never makes a task that is not there.
package task

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Name is what EC2Launch v1 calls its task, in the root folder of the Task Scheduler.
const Name = "Amazon Ec2 Launch - Instance Initialization"

// script is what the task's action runs.
const script = "InitializeInstance.ps1"

const (
	namespace   = "http://schemas.microsoft.com/windows/2004/02/mit/task"
	maxDepth    = 32
	maxElements = 4096
)

// A Definition is what the file of a task says.
type Definition struct {
	Enabled  bool // may run at all
	Stated   bool // the file says so; otherwise it is the schema's default, which is enabled
	Triggers []Trigger
	Actions  []Action

	enabled span // of the text in Settings/Enabled
}

// A Trigger starts a task.
type Trigger struct {
	Kind    string // the element's name: BootTrigger, LogonTrigger, …
	Enabled bool
}

// An Action is what a task does.
type Action struct {
	Kind      string // the element's name: Exec, ComHandler, …
	Command   string
	Arguments string
}

type span struct{ from, to int }

// InitializesInstance says whether an action runs EC2Launch's script.
func (d Definition) InitializesInstance() bool {
	for _, a := range d.Actions {
		if a.Kind == "Exec" && containsFold(a.Arguments, script) {
			return true
		}
	}
	return false
}

// StartsAtBoot says whether a boot trigger is there and enabled.
func (d Definition) StartsAtBoot() bool {
	for _, t := range d.Triggers {
		if t.Kind == "BootTrigger" && t.Enabled {
			return true
		}
	}
	return false
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// Parse reads the file of a task.
func Parse(file []byte) (Definition, error) {
	_, d, err := read(file)
	return d, err
}

// Enable is the file with the task enabled: the same bytes where it is already.
func Enable(file []byte) ([]byte, error) {
	t, d, err := read(file)
	switch {
	case err != nil:
		return nil, err
	case d.Enabled:
		return file, nil
	}
	t.chars = t.chars[:d.enabled.from] + "true" + t.chars[d.enabled.to:]
	return t.encode(), nil
}

// read prints what the file made the XML decoder say: the words may be the file's.
func read(file []byte) (text, Definition, error) {
	t, err := decode(file)
	if err != nil {
		return text{}, Definition{}, fmt.Errorf("cannot read the task's file: %w", err)
	}
	d, err := parse(t.chars)
	if err != nil {
		return text{}, Definition{}, fmt.Errorf("cannot read the task's file: %s", offline.Printable(err.Error()))
	}
	return t, d, nil
}

// A walk goes through the document once. Its path is that of the element at hand, as in Task/Settings/Enabled.
type walk struct {
	Definition
	source   string
	path     []string
	elements int
	start    int    // where the content of the element at hand begins
	chars    string // its character data so far
	settings int
}

func parse(source string) (Definition, error) {
	w := walk{Definition: Definition{Enabled: true}, source: source}
	dec := xml.NewDecoder(strings.NewReader(source))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // decoded before
	for {
		before := int(dec.InputOffset())
		token, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			return w.result()
		case err != nil:
			return Definition{}, err
		}
		if err := w.take(token, before, int(dec.InputOffset())); err != nil {
			return Definition{}, fmt.Errorf("at byte %d of the text: %w", before, err)
		}
	}
}

func (w *walk) result() (Definition, error) {
	if w.elements == 0 {
		return Definition{}, errors.New("no element")
	}
	return w.Definition, nil
}

func (w *walk) take(token xml.Token, before, after int) error {
	switch token := token.(type) {
	case xml.Directive:
		return errors.New("a document type declaration, which no task has")
	case xml.CharData:
		w.chars += string(token)
	case xml.StartElement:
		w.path = append(w.path, token.Name.Local)
		w.elements++
		w.start, w.chars = after, ""
		return w.open(token.Name)
	case xml.EndElement:
		err := w.close(span{w.start, before})
		w.path = w.path[:len(w.path)-1]
		w.start, w.chars = after, ""
		return err
	}
	return nil
}

func (w *walk) open(name xml.Name) error {
	switch {
	case w.elements > maxElements || len(w.path) > maxDepth:
		return errors.New("more elements than a task has")
	case name.Space != namespace:
		return fmt.Errorf("the element %q is not of a task", name.Local)
	case len(w.path) == 1 && (name.Local != "Task" || w.elements > 1):
		return errors.New("not one Task")
	}
	switch parent := w.parent(); {
	case parent == "Task" && name.Local == "Settings":
		w.settings++
		if w.settings > 1 {
			return errors.New("settings twice")
		}
	case parent == "Task/Triggers":
		w.Triggers = append(w.Triggers, Trigger{Kind: name.Local, Enabled: true})
	case parent == "Task/Actions":
		w.Actions = append(w.Actions, Action{Kind: name.Local})
	}
	return nil
}

func (w *walk) parent() string { return strings.Join(w.path[:len(w.path)-1], "/") }

func (w *walk) close(content span) error {
	name := w.path[len(w.path)-1]
	switch parent := w.parent(); {
	case parent == "Task/Settings" && name == "Enabled":
		return w.closeEnabled(content)
	case len(w.path) == 4 && strings.HasPrefix(parent, "Task/Triggers/") && name == "Enabled":
		enabled, err := parseBool(w.chars)
		w.Triggers[len(w.Triggers)-1].Enabled = enabled
		return err
	case parent == "Task/Actions/Exec" && name == "Command":
		w.Actions[len(w.Actions)-1].Command = w.chars
	case parent == "Task/Actions/Exec" && name == "Arguments":
		w.Actions[len(w.Actions)-1].Arguments = w.chars
	}
	return nil
}

func (w *walk) closeEnabled(content span) error {
	raw := w.source[content.from:content.to]
	enabled, err := parseBool(raw) // not the character data: what is replaced must be the word alone
	switch {
	case err != nil:
		return err
	case w.Stated:
		return errors.New("enabled is said twice")
	}
	w.Enabled, w.Stated = enabled, true
	word := strings.TrimSpace(raw)
	w.enabled.from = content.from + strings.Index(raw, word)
	w.enabled.to = w.enabled.from + len(word)
	return nil
}

// parseBool reads what XML Schema calls a boolean.
func parseBool(s string) (bool, error) {
	switch strings.TrimSpace(s) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, errors.New("enabled is neither true nor false")
}
