package offline

import (
	"encoding/json"
	"strings"
)

// Fit shortens the report to at most limit bytes of JSON, as a channel asks that
// cuts what is longer (Run Command keeps 24,000 characters of output). What goes
// first is what a reader can do without: diffs, then what did not block, then
// evidence and hints. Truncated names what went. The outcome, the key, the
// verdicts' answers, what is armed on a Windows, what it was refused for and the
// beginning of the error stay; a report that does not fit even so is left as short
// as it gets.
func (r Report) Fit(limit int) Report {
	for _, c := range cuts {
		if size(r) <= limit {
			break
		}
		c.cut(&r)
		r.Truncated = append(r.Truncated[:len(r.Truncated):len(r.Truncated)], c.name)
	}
	return r
}

type cut struct {
	name string
	cut  func(*Report)
}

var cuts = []cut{
	{"changes.diff", func(r *Report) {
		r.Changes = edited(r.Changes, func(c *ChangeSummary) { c.Diff = "" })
	}},
	{"users", func(r *Report) { r.Users = kept(r.Users, func(u User) bool { return u.Chosen }) }},
	{"findings.warning", func(r *Report) {
		r.Findings = kept(r.Findings, func(f Finding) bool { return f.Severity != Warning })
	}},
	{"filesystems", func(r *Report) {
		r.Filesystems = kept(r.Filesystems, func(f Filesystem) bool { return f.Role != "" })
	}},
	{"verdicts.reasons_before", func(r *Report) {
		r.Verdicts = edited(r.Verdicts, func(v *Verdict) { v.Earlier = nil })
	}},
	{"findings.evidence", func(r *Report) {
		r.Findings = edited(r.Findings, func(f *Finding) { f.Evidence, f.Hint = "", "" })
	}},
	{"changes", func(r *Report) { r.Changes = []ChangeSummary{} }},
	{"previous_keys", func(r *Report) { r.Previous = nil }},
	{"findings", func(r *Report) { r.Findings = []Finding{} }},
	{"verdicts.reasons", func(r *Report) {
		r.Verdicts = edited(r.Verdicts, func(v *Verdict) { v.Reasons = []string{} })
	}},
	{"warnings", func(r *Report) { r.Warnings = nil }},
	{"windows.agents", windows(func(w *Windows) { w.Agents, w.Why = nil, nil })},
	{"windows.warnings", windows(func(w *Windows) { w.Warnings = nil })},
	{"login", func(r *Report) { r.Login = nil }},
	{"all filesystems", func(r *Report) { r.Filesystems = []Filesystem{} }},
	{"error", func(r *Report) {
		if r.Error != nil {
			r.Error = &Problem{Code: r.Error.Code, Message: beginning(r.Error.Message), Hint: beginning(r.Error.Hint)}
		}
	}},
}

// windows cuts a copy of what is said of a Windows.
func windows(cut func(*Windows)) func(*Report) {
	return func(r *Report) {
		if r.Windows != nil {
			w := *r.Windows
			cut(&w)
			r.Windows = &w
		}
	}
}

// beginning is enough of a text to understand it.
func beginning(text string) string {
	const most = 1000
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func size(r Report) int {
	data, err := json.Marshal(r)
	if err != nil {
		return 0
	}
	return len(data) + 1 // and the end of the line
}

// edited is a copy of the list with each element edited.
func edited[T any](list []T, edit func(*T)) []T {
	list = append([]T{}, list...)
	for i := range list {
		edit(&list[i])
	}
	return list
}

// kept is a copy of the list with the elements that are wanted.
func kept[T any](list []T, want func(T) bool) []T {
	out := []T{}
	for _, e := range list {
		if want(e) {
			out = append(out, e)
		}
	}
	return out
}
