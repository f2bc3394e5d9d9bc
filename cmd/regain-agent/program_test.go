package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// call runs the program in this process.
func call(euid int, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, euid: euid}
	code = p.run(context.Background(), args)
	return code, out.String(), errs.String()
}

func TestOnlyRoot(t *testing.T) {
	for _, command := range []string{"inspect", "diagnose", "rescue", "undo"} {
		code, stdout, stderr := call(1000, command, "--image", "missing.raw")
		if code != exitFailed || stdout != "" || !strings.Contains(stderr, "only root") {
			t.Errorf("%s: %d, %q, %q", command, code, stdout, stderr)
		}
	}
	if code, stdout, _ := call(1000, "rescue", "--image", "d", "--json"); code != exitFailed || !strings.Contains(stdout, `"code":"not-root"`) {
		t.Errorf("%d, %s", code, stdout)
	}
	for _, args := range [][]string{{"version"}, {"--help"}, {"rescue", "--help"}, {}} {
		if code, stdout, stderr := call(1000, args...); code != exitDone || stdout == "" || stderr != "" {
			t.Errorf("%q: %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestExitCodes(t *testing.T) {
	blocked := offline.Report{Command: agent.Diagnose, Outcome: offline.Unchanged, Verdicts: []offline.Verdict{{User: "a", After: offline.Unknown}}}
	opened := offline.Report{Command: agent.Diagnose, Outcome: offline.Unchanged, Verdicts: []offline.Verdict{{User: "a", After: offline.Denied}, {User: "a", After: offline.Accepted}}}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	oops := errors.New("oops")
	for name, tt := range map[string]struct {
		ctx    context.Context
		report offline.Report
		err    error
		want   int
	}{
		"rescued":                 {nil, offline.Report{Command: agent.Rescue, Outcome: offline.Rescued}, nil, exitDone},
		"rescued all the same":    {cancelled, offline.Report{Command: agent.Rescue, Outcome: offline.Rescued}, nil, exitDone},
		"failed":                  {nil, offline.Report{Command: agent.Rescue, Outcome: offline.Failed}, oops, exitFailed},
		"refused volume":          {nil, offline.Report{Command: agent.Rescue, Outcome: offline.Refused}, &rescue.Refusal{}, exitFailed},
		"usage":                   {nil, offline.Report{}, fmt.Errorf("x: %w", &agent.UsageError{}), exitUsage},
		"left":                    {nil, offline.Report{}, &rescue.Failure{Err: oops, Left: true}, exitLeft},
		"left, after interrupt":   {cancelled, offline.Report{}, &rescue.Failure{Err: oops, Left: true}, exitLeft},
		"failure, taken back":     {nil, offline.Report{}, &rescue.Failure{Err: oops}, exitFailed},
		"undo failed":             {nil, offline.Report{Command: agent.Undo, Outcome: offline.Failed}, oops, exitLeft},
		"undo interrupted":        {cancelled, offline.Report{Command: agent.Undo, Outcome: offline.Failed}, oops, exitLeft},
		"undo refused":            {nil, offline.Report{Command: agent.Undo, Outcome: offline.Refused}, &rescue.Refusal{}, exitFailed},
		"login stays refused":     {nil, offline.Report{Command: agent.Rescue, Outcome: offline.Refused}, nil, exitFindings},
		"blocked":                 {nil, blocked, nil, exitFindings},
		"open by one of the keys": {nil, opened, nil, exitDone},
		"interrupted":             {cancelled, offline.Report{Command: agent.Rescue, Outcome: offline.Failed}, oops, exitInterrupted},
	} {
		if tt.ctx == nil {
			tt.ctx = context.Background()
		}
		if got := exitCode(tt.ctx, tt.report, tt.err); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// An output that nobody reads is a failure, not silence.
func TestUnwritableOutput(t *testing.T) {
	p := &program{stdout: brokenPipe{}, stderr: &bytes.Buffer{}}
	if code := p.finish(context.Background(), offline.Report{Outcome: offline.Rescued}, nil); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// JSON is one line with every list in place, for results and errors alike.
func TestJSONHasNoNullLists(t *testing.T) {
	var out bytes.Buffer
	if err := encode(&out, offline.Report{}); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("more than one line: %s", out.String())
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"filesystems", "users", "verdicts", "findings", "changes"} {
		if string(fields[name]) != "[]" {
			t.Errorf("%s is %s", name, fields[name])
		}
	}
}
