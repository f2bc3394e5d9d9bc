package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// callsSince are those in the log from a place on, and the place behind them. The
// last line may be half written.
func (l *lab) callsSince(place int64) (all []call, next int64) {
	l.t.Helper()
	f, err := os.Open(filepath.Join(l.state, "calls.jsonl"))
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, place, 1<<40))
	if err != nil {
		l.t.Fatal(err)
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	for line := range bytes.Lines(data) {
		var c call
		if err := json.Unmarshal(line, &c); err != nil {
			l.t.Errorf("the call log has %q: %v", line, err)
		}
		all = append(all, c)
	}
	return all, place + int64(len(data))
}

// await returns when a call is in the log that is wanted, or the context ends.
func (l *lab) await(ctx context.Context, wanted func(call) bool) bool {
	var place int64
	for ctx.Err() == nil {
		var new []call
		if new, place = l.callsSince(place); slices.ContainsFunc(new, wanted) {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// A fault is what happens to the n-th call of an action.
type fault struct {
	kind, action string
	nth          int
	killed       way // regain is killed when it has happened, and then this; empty: not
}

func (f fault) String() string {
	name := fmt.Sprintf("%s-%s-%d", f.kind, f.action, f.nth)
	if f.killed != "" {
		name += "/killed/" + string(f.killed)
	}
	return name
}

func (f fault) rule() string {
	code := ""
	if f.kind == "error" {
		code = ", code: InternalError, status: 500"
	}
	return fmt.Sprintf("- {action: %s, nth: %d, kind: %s%s}\n", f.action, f.nth, f.kind, code)
}

// faulty is a lab of one's own with a file of faults.
func faulty(t *testing.T, rules string) (*lab, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return newLab(t, "--speed", "50", "--faults", file), file
}

// mutations are the calls by which an undisturbed reset changes something, each
// with how often it had been made.
func mutations(t *testing.T) (all []fault) {
	t.Helper()
	l := newLab(t, "--speed", "50")
	p := begin(t, l)
	before := len(l.calls())
	end := p.l.watch(p.reset("--backup", "snapshot"), undisturbed)
	if end.code != 0 {
		t.Fatalf("an undisturbed reset ended with %d\n%s", end.code, end.stderr)
	}
	made := map[string]int{}
	for _, c := range l.calls()[before:] {
		if c.Mutating && c.operator() {
			made[c.Action]++
			all = append(all, fault{action: c.Action, nth: made[c.Action]})
		}
	}
	if len(all) < 15 {
		t.Fatalf("only %d calls that change something: %v", len(all), all)
	}
	return all
}

// The answer to a call that changes something gets lost, of every other call, and
// of the calls between regain is killed at that. In a sweep both, and at each call
// the call itself gets lost, or is refused for a moment.
func TestAnAnswerIsLost(t *testing.T) {
	var cases []fault
	for n, f := range mutations(t) {
		for _, kind := range []string{"timeout-after", "timeout-before", "throttle", "error"} {
			if f.kind = kind; kind == "timeout-after" && n%2 == 0 || sweep() {
				cases = append(cases, f)
			}
		}
		for i, by := range ways {
			if f.kind, f.killed = "timeout-after", by; n%2 == 1 && i == n/2%len(ways) || sweep() {
				cases = append(cases, f)
			}
		}
	}
	sideBySide(t, 16, cases, fault.String, func(t *testing.T, f fault) {
		l, _ := faulty(t, f.rule())
		p := begin(t, l)
		end := p.l.beside(p.reset("--backup", "snapshot"), undisturbed, func(ctx context.Context, regain *os.Process) {
			if f.killed != "" && p.l.await(ctx, f.happened) {
				_ = regain.Kill() // it may have ended
			}
		})
		if !slices.ContainsFunc(l.calls(), f.happened) {
			t.Errorf("there was no fault")
		}
		switch {
		case end.code == -1:
			p.goOn(t, f.killed, end.run)
		case end.code != 0:
			t.Errorf("it ended with %d, %q: %s", end.code, end.state, end.stderr)
			fallthrough
		default:
			p.judge(t, end.run, end)
		}
	})
}

func (f fault) happened(c call) bool {
	if f.kind == "timeout-after" || f.kind == "timeout-before" {
		return c.Action == f.action && strings.HasPrefix(c.Outcome, f.kind)
	}
	return c.Action == f.action && c.Outcome != "ok"
}
