package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
)

var began = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// story is a rescue as the engine tells of it.
func story(run, instance string) []controller.Event {
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	e := func(s int, step, way, event, why string) controller.Event {
		return controller.Event{Time: at(s), Run: run, Instance: instance, Step: step, Way: way, Event: event, Why: why}
	}
	down := func(e controller.Event) controller.Event { e.Down = at(10); return e }
	failed := down(e(30, "rescue", "out", "failed", ""))
	failed.Error = "sshd would still refuse the key"
	return []controller.Event{
		e(0, "helper", "out", "begins", ""), e(1, "helper", "out", "waits", "for the helper to boot"), e(5, "helper", "out", "waits", "for the helper to boot"),
		e(9, "helper", "out", "done", ""), down(e(10, "stop", "out", "begins", "")), down(e(12, "stop", "out", "waits", "for i-1 to stop")),
		down(e(20, "stop", "out", "done", "")), failed, down(e(31, "stop", "home", "begins", "")), down(e(36, "stop", "home", "undone", "")), e(40, "", "home", "home", ""),
	}
}

func TestPlainLines(t *testing.T) {
	var out, err bytes.Buffer
	p := &program{stdout: &out, stderr: &err}
	v := p.newView()
	for _, e := range story("r", "i-1") {
		v.watch(e)
	}
	v.close()
	want := `regain: helper: waiting for the helper to boot
regain: helper: done (9s)
regain: stop: waiting for i-1 to stop [down 2s]
regain: stop: done (10s) [down 10s]
regain: rescue: failed: sshd would still refuse the key
regain: home: stop: done (5s) [down 26s]
`
	if err.String() != want || out.Len() != 0 {
		t.Errorf("stdout %q, stderr:\n%s\nwant:\n%s", out.String(), err.String(), want)
	}
}

func TestJSONEvents(t *testing.T) {
	var out, err bytes.Buffer
	p := &program{stdout: &out, stderr: &err, json: true}
	v := p.newView()
	events := story("r", "i-1")
	for _, e := range events {
		v.watch(e)
	}
	v.close()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(events) || err.Len() != 0 {
		t.Fatalf("%d lines for %d events, stderr %q", len(lines), len(events), err.String())
	}
	if want := `{"event":{"time":"2026-11-22T12:00:00Z","run":"r","instance":"i-1","step":"helper","way":"out","event":"begins"}}`; lines[0] != want {
		t.Errorf("got  %s\nwant %s", lines[0], want)
	}
}

// The live line tells of the step, the wait and the downtime, takes one line,
// and is gone before anything else is printed.
func TestLiveLine(t *testing.T) {
	var err bytes.Buffer
	p := &program{stdout: &bytes.Buffer{}, stderr: &err, alive: true, width: func() int { return 60 }}
	v := &view{p: p, runs: map[string]*shown{}, stop: make(chan struct{}), ended: make(chan struct{})}
	events := story("r", "i-1")
	for _, e := range events[:6] {
		v.watch(e)
	}
	v.draw(began.Add(17 * time.Second))
	if got := err.String()[strings.LastIndex(err.String(), "\n")+1:]; got != "… stop 7s: waiting for i-1 to stop [down 7s]" {
		t.Errorf("the line is %q", got)
	}
	v.watch(events[6])
	if got := err.String(); !strings.HasSuffix(got, "\r\x1b[Kregain: stop: done (10s) [down 10s]\n") {
		t.Errorf("the live line stays: %q", got)
	}
	long := events[5]
	long.Why = strings.Repeat("x", 200) + "\x1b[2J"
	v.watch(long)
	err.Reset()
	v.draw(began.Add(18 * time.Second))
	if got := err.String(); len([]rune(got)) > 59 || strings.Contains(got, "\x1b") {
		t.Errorf("too long, or not escaped: %q", got)
	}
}

func TestSeveralRunsAreTold(t *testing.T) {
	var err bytes.Buffer
	p := &program{stdout: &bytes.Buffer{}, stderr: &err, alive: true, width: func() int { return 100 }}
	v := &view{p: p, runs: map[string]*shown{}, stop: make(chan struct{}), ended: make(chan struct{})}
	for _, e := range story("r1", "i-1")[:2] {
		v.watch(e)
	}
	for _, e := range story("r2", "i-2")[:4] {
		v.watch(e)
	}
	v.turn = 1
	v.draw(began.Add(9 * time.Second))
	if got := err.String(); !strings.Contains(got, "regain: i-2 helper: done (9s)\n") || !strings.HasSuffix(got, "… 2 of 2 under way; i-2: helper 9s") {
		t.Errorf("got %q", got)
	}
}
