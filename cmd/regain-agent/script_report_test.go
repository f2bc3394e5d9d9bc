package main

import (
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-77750964/regain/offline"
)

// setRun holds the last output to the report's form, and keeps the run as $RUN.
func setRun(ts *testscript.TestScript, _ bool, _ []string) {
	text := ts.ReadFile("stdout")
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	var report offline.Report
	ts.Check(in.Decode(&report))
	if strings.TrimSpace(text[in.InputOffset():]) != "" {
		ts.Fatalf("more than one object")
	}
	var fields map[string]any
	ts.Check(json.Unmarshal([]byte(text), &fields))
	for _, name := range []string{"filesystems", "users", "verdicts", "findings", "changes"} {
		if _, ok := fields[name].([]any); !ok {
			ts.Fatalf("%s is %v, no list", name, fields[name])
		}
	}
	for _, v := range report.Verdicts {
		if v.Reasons == nil {
			ts.Fatalf("the reasons for %s are null", v.User)
		}
	}
	if report.Run == "" || report.Schema != offline.Schema {
		ts.Fatalf("no run, or no schema: %+v", report)
	}
	ts.Setenv("RUN", report.Run)
}
