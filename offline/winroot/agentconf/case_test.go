package agentconf

import (
	"strings"
	"testing"
)

// TestCaseIsTold: one word in another case than AWS's, and who has the plan is told
// that the agent may pass over it.
func TestCaseIsTold(t *testing.T) {
	const file = "config:\n- stage: preReady\n  tasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: random\n"
	for _, word := range []string{"", "config", "stage", "tasks", "task:", "inputs", "password", "type", "setAdminAccount", "preReady"} {
		text := file
		if word != "" {
			text = strings.Replace(file, word, strings.ToUpper(word), 1)
		}
		edit, err := EditAgentConfig([]byte(text), false)
		if err != nil || strings.Contains(strings.Join(edit.Notes, "\n"), "another case") != (word != "") {
			t.Errorf("%q: %v, %v", word, edit.Notes, err)
		}
	}
}
