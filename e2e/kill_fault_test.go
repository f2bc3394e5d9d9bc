package e2e

import (
	"os"
	"testing"
)

// The helper's hardware breaks, and EC2 does not know: another takes its place,
// or the instance comes home.
func TestHelperIsLost(t *testing.T) {
	cases := []fault{{action: "SendCommand", nth: 1}, {action: "SendCommand", nth: 2}, {action: "AttachVolume", nth: 1}, {action: "DetachVolume", nth: 2}}
	sideBySide(t, 4, cases, fault.String, func(t *testing.T, f fault) {
		f.kind = "lost-helper"
		l, _ := faulty(t, f.rule())
		p := begin(t, l)
		end := p.l.watch(p.reset(), undisturbed)
		if end.state != "rescued" && end.state != "taken-back" {
			t.Errorf("it ended with %d, %q: %s\n%s", end.code, end.state, end.stderr, tail(end.stdout))
		}
		p.judge(t, end.run, end)
	})
}

// What is refused for good on the way home leaves the run not home, and says so.
// When it is not refused any more, resume brings it home.
func TestFaultLasts(t *testing.T) {
	var cases []fault
	for _, action := range []string{"StartInstances", "TerminateInstances", "DeleteTags", "DeleteObject", "DetachVolume", "ModifyInstanceAttribute"} {
		cases = append(cases, fault{action: action})
	}
	if !sweep() {
		cases = cases[:3]
	}
	sideBySide(t, 6, cases, fault.String, func(t *testing.T, f fault) {
		l, file := faulty(t, "- {action: "+f.action+", nth: every, kind: error, code: UnauthorizedOperation, status: 403}\n")
		p := begin(t, l)
		end := p.l.watch(p.reset(), undisturbed)
		if f.action == "DetachVolume" { // that is on the way out
			p.ended(t, end, "taken-back")
			return
		}
		if end.code != 3 || end.state != "not-home" {
			t.Fatalf("it ended with %d, %q: %s\n%s", end.code, end.state, end.stderr, tail(end.stdout))
		}
		if r := p.l.run(nil, "regain", "status", end.run, "--state-dir", p.state); r.code != 3 {
			t.Errorf("status ended with %d: %s%s", r.code, r.stdout, r.stderr)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p.goOn(t, resumes, end.run)
	})
}

// There is no machine for the instance when it is to start again: that is tried
// until there is one.
func TestNoCapacity(t *testing.T) {
	l, _ := faulty(t, "- {action: StartInstances, kind: capacity}\n- {action: StartInstances, nth: 2, kind: capacity}\n- {action: RunInstances, kind: capacity}\n")
	p := begin(t, l)
	p.ended(t, p.l.watch(p.reset(), undisturbed), "rescued")
}
