package controller

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/offline"
)

const (
	aKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJb1VvXwDOFY8uP5GMuUP0ZX3ZsMJZ0MxlSZwqM2hpJ"
)

func goodReport(t *testing.T) *offline.Report {
	t.Helper()
	return &offline.Report{
		Schema: offline.Schema, Run: "r-1", Command: "rescue", Volume: "vol-1", Outcome: offline.Rescued,
		Verdicts: []offline.Verdict{{User: "admin", Before: offline.Denied, After: offline.Accepted}},
		Changes:  []offline.ChangeSummary{{Path: "/p", Diff: "a diff"}},
		Key:      &offline.Key{Public: aKey, Fingerprint: fingerprint(t, aKey), Parameter: "/ec2rl/openssh/i-1/key", Version: 3},
	}
}

func fingerprint(t *testing.T, key string) string {
	t.Helper()
	public, err := (&Rescue{Public: key, Result: &Result{}}).publicKey()
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(public)
}

func TestJudge(t *testing.T) {
	task := offline.Task{Run: "r-1", Volume: "vol-1"}
	other := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, tt := range map[string]struct {
		change func(*offline.Report, *offline.Task)
		want   string // of the error; empty: none
	}{
		"rescued":             {func(*offline.Report, *offline.Task) {}, ""},
		"own key":             {func(r *offline.Report, t *offline.Task) { t.PublicKey = aKey + " with a comment" }, ""},
		"in already":          {func(r *offline.Report, t *offline.Task) { t.PublicKey, r.Outcome = aKey, offline.Unchanged }, ""},
		"accepted unknown":    {func(r *offline.Report, t *offline.Task) { t.AcceptUnknown, r.Verdicts[0].After = true, offline.Unknown }, ""},
		"unknown":             {func(r *offline.Report, _ *offline.Task) { r.Verdicts[0].After = offline.Unknown }, "verdict"},
		"refused by sshd":     {func(r *offline.Report, _ *offline.Task) { r.Verdicts[0].After = offline.Denied }, "verdict"},
		"no verdict":          {func(r *offline.Report, _ *offline.Task) { r.Verdicts = nil }, "no verdict"},
		"no key":              {func(r *offline.Report, _ *offline.Task) { r.Key = nil }, "no key"},
		"a Windows":           {func(r *offline.Report, _ *offline.Task) { r.Key, r.Windows = nil, &offline.Windows{} }, "holds a Windows"},
		"of another run":      {func(r *offline.Report, _ *offline.Task) { r.Run = "r-2" }, "of run"},
		"on another volume":   {func(r *offline.Report, _ *offline.Task) { r.Volume = "vol-2" }, "vol-2"},
		"another key":         {func(_ *offline.Report, t *offline.Task) { t.PublicKey = other }, "not the one"},
		"another fingerprint": {func(r *offline.Report, _ *offline.Task) { r.Key.Fingerprint = "SHA256:x" }, "fingerprint"},
		"a key nobody holds":  {func(r *offline.Report, _ *offline.Task) { r.Key.Parameter = "" }, "private key"},
		"no key at all":       {func(r *offline.Report, _ *offline.Task) { r.Key.Public = "junk" }, "report's key"},
		"failed":              {func(r *offline.Report, _ *offline.Task) { r.Outcome = offline.Failed }, "agent says"},
		"refused": {func(r *offline.Report, _ *offline.Task) {
			r.Outcome, r.Error = offline.Refused, &offline.Problem{Message: "no root", Hint: "look"}
		}, "no root (look)"},
		"unchanged with an error": {func(r *offline.Report, _ *offline.Task) {
			r.Outcome, r.Error = offline.Unchanged, &offline.Problem{Message: "hm"}
		}, "hm"},
	} {
		r, asked := goodReport(t), task
		tt.change(r, &asked)
		switch err := judge(r, 0, asked, false); {
		case tt.want == "" && err != nil, tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestParseReport(t *testing.T) {
	good := goodReport(t)
	text, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseReport(string(text) + "\n")
	if good.Changes[0].Diff = ""; err != nil || !reflect.DeepEqual(got, good) {
		t.Errorf("%+v, want %+v: %v", got, good, err)
	}
	for name, text := range map[string]string{
		"nothing": "", "cut": string(text[:len(text)/2]), "a message": "Killed", "two": string(text) + string(text),
		"another schema": `{"schema":"regain.report/2"}`, "none": "{}", "a list": "[]",
	} {
		if got, err := parseReport(text); err == nil {
			t.Errorf("%s is taken for a report: %+v", name, got)
		}
	}
}

func TestUndone(t *testing.T) {
	line := func(outcome offline.Outcome, code string) string {
		r := offline.Report{Schema: offline.Schema, Command: "undo", Outcome: outcome}
		if code != "" {
			r.Error = &offline.Problem{Code: code, Message: code}
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + "\n"
	}
	good, never, drift := line(offline.Unchanged, ""), line(offline.Refused, unknownRun), line(offline.Failed, "drift")
	for text, want := range map[string]int{ // of how many runs it may be the output
		good: 1, never: 1, never + good: 2, good + never: 2, never + good + good: 3,
		drift: 0, good + drift: 0, "": 0, good + "Killed": 0, good + `{"run":`: 0, line(offline.Failed, ""): 0, "{}": 0,
	} {
		for runs := range 4 {
			if err := undone(text, runs); (err == nil) != (want > 0 && runs <= want) {
				t.Errorf("%d runs, %q: %v", runs, text, err)
			}
		}
	}
}

func TestResult(t *testing.T) {
	for name, tt := range map[string]struct {
		outcome offline.Outcome
		changes int
		code    int
		touched bool
	}{
		"rescued": {offline.Rescued, 1, 0, true}, "unchanged": {offline.Unchanged, 0, 0, false}, "refused": {offline.Refused, 0, 4, false},
		"taken back": {offline.Failed, 1, 1, true}, "not begun": {offline.Failed, 0, 1, false}, "left": {offline.Failed, 0, exitLeft, true},
	} {
		r := goodReport(t)
		r.Outcome, r.Changes = tt.outcome, r.Changes[:tt.changes]
		if res := resultOf(r, tt.code); res.Touched != tt.touched || res.Good || !reflect.DeepEqual(res.Users, []string{"admin"}) {
			t.Errorf("%s: %+v", name, res)
		}
	}
}
