package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A moment is when something is killed: at an event of a step, on the way out or
// home.
type moment struct{ step, way, event string }

func (m moment) String() string { return m.way + "-" + m.step + "-" + m.event }

func (m moment) is(e event) bool { return m == moment{e.Step, e.Way, e.Event} }

// moments are those of an undisturbed run, so that no step can be forgotten.
func moments(t *testing.T, l *lab, flags ...string) []moment {
	t.Helper()
	p := begin(t, l)
	end := p.l.watch(p.reset(flags...), undisturbed)
	if end.code != 0 {
		t.Fatalf("an undisturbed reset ended with %d\n%s", end.code, end.stderr)
	}
	p.judge(t, end.run, end)
	var list []moment
	for _, e := range end.events {
		if m := (moment{e.Step, e.Way, e.Event}); e.Event != "waits" && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	if len(list) < 50 {
		t.Fatalf("only %d moments: %v", len(list), list)
	}
	return list
}

// A way is what a person does when regain was killed.
type way string

const (
	resumes   way = "resume"
	rollsBack way = "rollback"
	elsewhere way = "elsewhere" // where the journal is not
)

var ways = []way{resumes, rollsBack, elsewhere}

// cut is a run that is killed at a moment, and taken up.
type cut struct {
	at moment
	by way
}

func (c cut) String() string { return c.at.String() + "/" + string(c.by) }

// cuts are the cases: in a sweep each moment with each way, else the beginnings
// of steps, the ways by turns.
func cuts(list []moment) (all []cut) {
	n := 0
	for _, m := range list {
		if !sweep() && m.event != "begins" && m.event != "home" {
			continue
		}
		for i, by := range ways {
			if sweep() || i == n%len(ways) {
				all = append(all, cut{m, by})
			}
		}
		n++
	}
	return all
}

// kill -9 of regain at each step of a real run, and then resume, rollback, or
// resume on another machine.
func TestRegainIsKilled(t *testing.T) {
	l := newLab(t, "--speed", "50")
	sideBySide(t, 16, cuts(moments(t, l)), cut.String, func(t *testing.T, c cut) {
		made, asked := withStep(c.at.step)
		p := begin(t, l, made...)
		end := p.l.watch(p.reset(asked...), killAt(c.at))
		late := c.at.way == "home" && end.code == 0 // the last steps take less than the signal
		if end.code != -1 && c.at.event != "home" && !late {
			t.Fatalf("it was not killed, but ended with %d: %s", end.code, end.stderr)
		}
		p.goOn(t, c.by, end.run)
	})
}

// killAt kills at a moment.
func killAt(m moment) func(event) syscall.Signal {
	return func(e event) syscall.Signal {
		if m.is(e) {
			return syscall.SIGKILL
		}
		return 0
	}
}

// withStep makes a step do something: what the instance is made with, and what is
// asked of reset.
func withStep(step string) (made, asked []string) {
	switch step {
	case "network":
		return nil, []string{"--subnet", "new-vpc"}
	case "unprotect":
		return []string{"--stop-protection"}, []string{"--lift-stop-protection"}
	case "backup":
		return nil, []string{"--backup", "snapshot"}
	}
	return nil, nil
}

// goOn takes the run up and judges the end.
func (p *patient) goOn(t *testing.T, by way, run string) {
	t.Helper()
	p.judge(t, run, p.l.takeUp(t, by, run, p.id, p.state))
}

// takeUp takes up a run on an instance whose journal lies in a directory.
func (l *lab) takeUp(t *testing.T, by way, run, id, state string) ending {
	t.Helper()
	agent := []string{"--agent", programs + "/regain-agent"}
	var end ending
	switch by {
	case resumes:
		end = l.watch(append([]string{"resume", run, "--state-dir", state}, agent...), undisturbed)
	case rollsBack:
		end = l.watch([]string{"rollback", run, "--state-dir", state}, undisturbed)
	case elsewhere:
		end = l.watch(append([]string{"resume", id, "--take-over", "--state-dir", t.TempDir()}, agent...), undisturbed)
	}
	over := end.state == "" && (strings.Contains(end.stderr, "there is no run") || strings.Contains(end.stderr, "it is home"))
	if end.code != 0 && !over {
		t.Errorf("%s ended with %d, %q\n%s%s", by, end.code, end.state, tail(end.stdout), end.stderr)
	}
	if want := map[way]string{resumes: "rescued", elsewhere: "rescued"}[by]; !over && want != "" && end.state != want {
		t.Errorf("%s ended %s", by, end.state)
	}
	return end
}
