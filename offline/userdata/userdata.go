// Package userdata tells in a few words what the user data of an instance has a
// launch agent of Windows run, and nothing of its text, which holds secrets: the
// words may travel and be logged where user data may not.
//
// What user data means to which agent is the business of agentconf. The package
// asks no instance for it.
package userdata

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// The words.
const (
	None       = "none"       // nothing that an agent runs, or no user data at all
	Script     = "script"     // a batch script in tags
	PowerShell = "powershell" // a PowerShell script in tags
	Persist    = "persist"    // the scripts run at every start
	Tasks      = "tasks"      // tasks in the form of EC2Launch v2
	Sysprep    = "sysprep"    // something in it generalises the machine
)

// Words lists all of them.
func Words() []string { return []string{None, Script, PowerShell, Persist, Tasks, Sysprep} }

// Describe is what there is to say of user data, decoded from base64: words with
// commas between, as the task's WindowsUserData takes them. The empty text means
// that it cannot be read, and is not known.
func Describe(data []byte) string {
	tags := agentconf.ReadUserData(agentconf.EC2LaunchV1, true, data)
	tasks := agentconf.ReadUserData(agentconf.EC2LaunchV2, true, data)
	var words []string
	for _, t := range tags.Tasks {
		words = append(words, t.Name)
	}
	if tags.Persist && len(tags.Tasks) > 0 {
		words = append(words, Persist)
	}
	if !slices.Equal(tags.Tasks, tasks.Tasks) { // EC2Launch v2 takes tags where there are no tasks
		words = append(words, Tasks)
	}
	if tags.Sysprep || tasks.Sysprep {
		words = append(words, Sysprep)
	}
	switch {
	case len(words) > 0:
		return strings.Join(words, ",")
	case bytes.IndexByte(data, 0) >= 0: // packed: EC2Launch v2 knows a way to read that
		return ""
	}
	return None
}

// StandIn is user data of which the same words are true, for what reads user data
// itself. It is nil for the empty text, where user data is not known.
func StandIn(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	words := strings.Split(text, ",")
	for i, word := range words {
		words[i] = strings.TrimSpace(word)
		if !slices.Contains(Words(), words[i]) {
			return nil, errors.New("that is none of the words for user data") // and may be user data: it is not shown
		}
	}
	if slices.Contains(words, None) && len(words) > 1 {
		return nil, fmt.Errorf("user data that holds %s holds nothing else", None)
	}
	data := []byte{}
	for _, part := range standIns {
		if slices.Contains(words, part.word) {
			data = append(data, part.text...)
		}
	}
	return data, nil
}

// standIns are comments to what reads tasks: to that, tags mean nothing.
var standIns = []struct{ word, text string }{
	{Tasks, "tasks:\n  - task: in the form of EC2Launch v2\n"},
	{Persist, "# <persist>true</persist>\n"},
	{Script, "# <script></script>\n"},
	{PowerShell, "# <powershell></powershell>\n"},
	{Sysprep, "# sysprep.exe\n"},
}
