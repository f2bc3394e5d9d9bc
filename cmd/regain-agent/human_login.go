package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
)

// before says what sshd would have answered to the volume as it was.
func (p *page) before(r offline.Report) {
	if len(r.Verdicts) == 0 {
		return
	}
	title := "Verdict"
	if r.Command == agent.Rescue {
		title = "Before"
	}
	p.section(title)
	for _, v := range r.Verdicts {
		p.field(v.User, verdict(v, v.Before))
		reasons := v.Earlier
		if reasons == nil {
			reasons = v.Reasons
		}
		if v.Before != offline.Accepted {
			p.list(against(reasons, r.Findings))
		}
	}
}

// against keeps the reasons that speak against a login: those that a finding
// repeats. A report where none does shows them all.
func against(reasons []string, findings []offline.Finding) []string {
	var list []string
	for _, reason := range reasons {
		if slices.ContainsFunc(findings, func(f offline.Finding) bool { return f.Evidence == reason }) {
			list = append(list, reason)
		}
	}
	if list == nil {
		return reasons
	}
	return list
}

func verdict(v offline.Verdict, answer offline.Answer) string {
	text := string(answer)
	if answer == offline.Unknown {
		text = "cannot be told from outside"
	}
	if v.Fingerprint == "" {
		return text + ", whatever the key: there is none yet"
	}
	return text + ", with key " + v.Fingerprint
}

// findings lists what speaks against the login and what to do about it. What
// the reasons have said already is not said again.
func (p *page) findings(r offline.Report) {
	if len(r.Findings) == 0 {
		return
	}
	p.section("Findings")
	for i, f := range r.Findings {
		state := string(f.Severity)
		if f.Repaired {
			state = "repaired"
		}
		if i == 0 || !alike(f, r.Findings[i-1]) {
			p.field(state, findingTitle(f))
		}
		if f.Evidence != "" && f.User == "" {
			p.list([]string{f.Evidence})
		}
		if i+1 < len(r.Findings) && alike(f, r.Findings[i+1]) {
			continue
		}
		if f.Hint != "" {
			p.list([]string{"to do: " + strings.TrimPrefix(f.Hint, "or ")})
		}
		if f.Consent != "" {
			p.list([]string{consent(f.Consent)})
		}
	}
}

// alike tells whether two findings are one with two pieces of evidence.
func alike(f, g offline.Finding) bool {
	f.Evidence, f.Changes, g.Evidence, g.Changes = "", nil, "", nil
	return f.User == "" && reflect.DeepEqual(f, g)
}

func findingTitle(f offline.Finding) string {
	title := f.Title
	if f.Path != "" {
		title += ": " + f.Path
	}
	if f.Title != f.ID {
		title += " [" + f.ID + "]"
	}
	return title
}

func (p *page) changes(r offline.Report) {
	if len(r.Changes) == 0 {
		return
	}
	p.section("Changes")
	for i, c := range r.Changes {
		p.wrapped(fmt.Sprintf("  %d. ", i+1), fmt.Sprintf("%s %s: %s", c.Action, c.Path, c.Why))
		for line := range strings.Lines(c.Diff) {
			p.raw("     " + line)
		}
	}
}

func (p *page) after(r offline.Report) {
	if r.Command != agent.Rescue || len(r.Verdicts) == 0 || r.Outcome == offline.Failed {
		return
	}
	p.section("After")
	if r.DryRun {
		p.wrapped("  ", "This is foretold; the real run proves it through a fresh mount.")
	}
	for _, v := range r.Verdicts {
		p.field(v.User, verdict(v, v.After))
		if v.After != offline.Accepted {
			p.list(against(v.Reasons, r.Findings))
		}
	}
	p.keys(r)
}

func (p *page) keys(r offline.Report) {
	if k := r.Key; k != nil {
		p.field("key", k.Type+" "+k.Fingerprint)
		switch {
		case k.Parameter != "":
			p.field("private key", fmt.Sprintf("in Parameter Store: %s, version %d", k.Parameter, k.Version))
		case k.File != "":
			p.field("private key", "in the file "+k.File)
		}
	}
	for _, k := range r.Previous {
		state := "still opens the door (--revoke-previous takes it out)"
		if k.Revoked {
			state = "revoked"
		}
		p.field("earlier key", fmt.Sprintf("%s of %s, by run %s, %s line %d: %s", k.Fingerprint, k.User, k.Run, k.Path, k.Line, state))
	}
}

func (p *page) warnings(r offline.Report) {
	if len(r.Warnings) == 0 {
		return
	}
	p.section("Please note")
	p.list(r.Warnings)
}

// next are commands to copy, each on one line of its own.
func (p *page) next(r offline.Report) {
	var login, back []string
	for _, line := range r.Login {
		if strings.HasPrefix(line, "regain-agent "+agent.Undo+" ") {
			back = append(back, line)
		} else {
			login = append(login, line)
		}
	}
	if len(login) > 0 {
		p.section(loginTitle(r))
		p.copied(login)
	}
	if len(back) > 0 {
		p.section("Take it back")
		p.copied(back)
	}
}
