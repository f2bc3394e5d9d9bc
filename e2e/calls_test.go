package e2e

import (
	"encoding/json"
	"strings"
)

// call is a line of the lab's call log.
type call struct {
	Service, Action, Caller, Outcome string
	Resources                        []string
	Mutating                         bool
}

// calls is the call log.
func (l *lab) calls() []call {
	l.t.Helper()
	var all []call
	for line := range strings.Lines(l.must(0, "regain-lab", "calls", "--state", l.state, "--json")) {
		var c call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			l.t.Fatalf("%v: %s", err, line)
		}
		all = append(all, c)
	}
	return all
}

// name is the action as IAM calls it.
func (c call) name() string { return c.Service + ":" + c.Action }

// operator tells whether the caller is who works in the account, and not a
// helper.
func (c call) operator() bool { return strings.HasSuffix(c.Caller, ":user/operator") }
