package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// parseReport reads the agent's report from a command's output: one JSON object
// of the schema that this program knows, with nothing but space around it.
func parseReport(stdout string) (*offline.Report, error) {
	var r offline.Report
	dec := json.NewDecoder(strings.NewReader(stdout))
	if err := dec.Decode(&r); err != nil {
		return nil, fmt.Errorf("cannot read the agent's report: %w", err)
	}
	if r.Schema != offline.Schema {
		return nil, fmt.Errorf("cannot read the agent's report: its schema is %q and not %q", shorten(r.Schema), offline.Schema)
	}
	if dec.More() {
		return nil, errors.New("cannot read the agent's report: there is more than one object")
	}
	for i := range r.Changes {
		r.Changes[i].Diff = ""
	}
	inOwnWords(&r)
	return &r, nil
}

// undone tells from the output of an undo whether nothing that the runs wrote is
// left: each was taken back, or never began. An agent that is killed says nothing,
// while those for the other runs do.
func undone(stdout string, runs int) error {
	dec := json.NewDecoder(strings.NewReader(stdout))
	for n := 0; ; n++ {
		var r offline.Report
		switch err := dec.Decode(&r); {
		case errors.Is(err, io.EOF) && n >= max(runs, 1):
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the agent has reported on %d of %d runs that it was to take back", n, runs)
		case err != nil:
			return fmt.Errorf("cannot read the agent's report: %w", err)
		case r.Error != nil && r.Error.Code == unknownRun:
			continue
		case r.Error != nil:
			inOwnWords(&r)
			return &AgentError{Outcome: r.Outcome, Problem: *r.Error, Left: true}
		case r.Schema != offline.Schema || r.Command != "undo" || r.Outcome == offline.Failed || r.Outcome == offline.Refused:
			return &AgentError{Outcome: r.Outcome, Left: true}
		}
	}
}

// unknownRun is the agent's code for a run that it has no journal of.
const unknownRun = "unknown-run"

// An AgentError means that the agent did not let the key in. The volume is as it
// was, unless Left says otherwise.
type AgentError struct {
	Outcome offline.Outcome
	Problem offline.Problem
	Left    bool
}

func (e *AgentError) Error() string {
	text := "the agent says: " + orUnknown(e.Problem.Message)
	if e.Problem.Hint != "" {
		text += " (" + e.Problem.Hint + ")"
	}
	return text
}

// exitLeft is the agent's exit code when something it wrote is still there.
const exitLeft = 3

// resultOf is what a report of rescue says, as far as the record needs it.
func resultOf(report *offline.Report, code int) *Result {
	res := &Result{Outcome: report.Outcome, Report: report, Problem: report.Error}
	res.Touched = report.Outcome == offline.Rescued || report.Outcome == offline.Failed && (len(report.Changes) > 0 || code == exitLeft)
	for _, v := range report.Verdicts {
		if v.After != offline.Denied {
			res.Users = append(res.Users, v.User)
		}
	}
	return res
}

// rescued tells whether the key is in and would be accepted.
func (r *Rescue) rescued() bool { return r.Result != nil && r.Result.Good }

// judge returns why a report is no success: only the effect counts. The task is
// what was asked, of an instance that runs Windows or not.
func judge(report *offline.Report, code int, t offline.Task, windows bool) error {
	if report.Outcome != offline.Rescued && (report.Outcome != offline.Unchanged || report.Error != nil) {
		problem := offline.Problem{Message: string(report.Outcome)}
		if report.Error != nil {
			problem = *report.Error
		}
		return &AgentError{Outcome: report.Outcome, Problem: problem, Left: code == exitLeft}
	}
	if report.Run != t.Run || report.Volume != t.Volume {
		return fmt.Errorf("the report is of run %q on %q, and not of %s on %s", shorten(report.Run), shorten(report.Volume), t.Run, t.Volume)
	}
	if windows {
		return judgeArmed(report.Windows, t)
	}
	if report.Windows != nil {
		return errors.New("the volume holds a Windows, and by EC2's word the instance runs Linux: there is nobody to log in by SSH")
	}
	if report.Key == nil {
		return errors.New("the report names no key")
	}
	if len(report.Verdicts) == 0 {
		return errors.New("the report has no verdict")
	}
	for _, v := range report.Verdicts {
		if v.After != offline.Accepted && (v.After != offline.Unknown || !t.AcceptUnknown) {
			return fmt.Errorf("the report's verdict for %s is %q", shorten(v.User), v.After)
		}
	}
	return judgeKey(report.Key, t)
}

// judgeKey compares the key that is in with the one that was to be let in.
func judgeKey(k *offline.Key, t offline.Task) error {
	public, err := sshkey.ParsePublicInput([]byte(k.Public))
	if err != nil {
		return fmt.Errorf("the report's key: %w", err)
	}
	if public.Fingerprint() != k.Fingerprint {
		return errors.New("the report's key has another fingerprint than it says")
	}
	if t.PublicKey == "" {
		if k.Parameter == "" {
			return errors.New("the report does not say where the private key is")
		}
		return nil
	}
	asked, err := sshkey.ParsePublicInput([]byte(t.PublicKey))
	if err != nil {
		return fmt.Errorf("the key that was asked for: %w", err)
	}
	if asked.Fingerprint() != public.Fingerprint() {
		return errors.New("the key that is in is not the one that was asked for")
	}
	return nil
}
