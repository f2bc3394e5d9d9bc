package e2e

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
)

// powerCuts are the moments at which everything loses its power: in CI those of
// the steps that change something outside.
func powerCuts(all []moment) []moment {
	return slices.DeleteFunc(all, func(m moment) bool {
		telling := []string{"lock", "helper", "prepare", "arm", "stop", "backup", "detach", "attach", "rescue"}
		return !sweep() && (m.event != "begins" || !slices.Contains(telling, m.step)) || m.event == "home"
	})
}

// kill -9 of the lab takes the instances, the helper and the agent along, as a
// power failure does, and the answers that regain waits for. regain goes on by
// itself when the lab is back, or is resumed.
func TestLabIsKilled(t *testing.T) {
	list := moments(t, newLab(t, "--speed", "50"))
	sideBySide(t, 12, powerCuts(list), moment.String, func(t *testing.T, m moment) {
		l := newLab(t, "--speed", "50")
		p := begin(t, l)
		cut := false
		end := p.l.watch(p.reset("--backup", "snapshot"), func(e event) syscall.Signal {
			if m.is(e) && !cut {
				cut = true
				l.end(syscall.SIGKILL)
				l.start()
			}
			return 0
		})
		if !cut {
			t.Fatalf("the power was not cut\n%s", tail(end.stdout))
		}
		t.Logf("regain ended with %d, %q", end.code, end.state)
		if end.code == 3 || end.state == "" {
			p.goOn(t, resumes, end.run)
			return
		}
		if want := map[string]int{"rescued": 0, "taken-back": 1}; want[end.state] != end.code {
			t.Errorf("it ended with %d, %q: %s", end.code, end.state, end.stderr)
		}
		p.judge(t, end.run, end)
	})
}

// SIGINT at each step out: the instance is taken back, or it was too late for that.
func TestInterrupt(t *testing.T) {
	l := newLab(t, "--speed", "50")
	list := slices.DeleteFunc(moments(t, l), func(m moment) bool { return m.way != "out" || m.event != "begins" && !sweep() })
	sideBySide(t, 16, list, moment.String, func(t *testing.T, m moment) {
		made, asked := withStep(m.step)
		p := begin(t, l, made...)
		end := p.l.watch(p.reset(asked...), func(e event) syscall.Signal {
			if m.is(e) {
				return syscall.SIGINT
			}
			return 0
		})
		switch said := fmt.Sprint(end.code, " ", end.state); {
		case said == "130 interrupted":
		case said == "0 rescued" && m.step == "rescue":
		default:
			t.Errorf("it ended with %s: %s\n%s", said, end.stderr, tail(end.stdout))
		}
		p.judge(t, end.run, end)
	})
}
