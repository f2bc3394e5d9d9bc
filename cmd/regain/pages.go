package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/offline"
)

// planPage is what a reset would do; in short where it is about to be done.
func planPage(plan controller.Plan, whole bool) string {
	p := &page{}
	i := plan.Original.Instance
	p.line("%s", planHeadline(plan, whole))
	p.section("Found")
	p.field("instance", join(", ", i.ID, name(i), i.State, i.Type, i.Architecture, i.Zone))
	p.field("root volume", join(", ", plan.Original.Root.Volume+" at "+plan.Original.Root.Name, fmt.Sprintf("%d GiB", plan.Original.Volume.GiB), encrypted(plan.Original.Volume)))
	p.field("helper", join(", ", plan.Place.Type, plan.Place.AMI, place(plan.Place), plan.Place.Why))
	p.risks(plan.Risks)
	if !whole {
		return p.String()
	}
	if len(plan.Steps) > 0 {
		p.section("Steps")
		for n, step := range plan.Steps {
			p.wrapped(fmt.Sprintf("  %2d. ", n+1), step)
		}
		p.field("estimated downtime", plan.Downtime.Round(time.Second).String())
	}
	if len(plan.Permissions) > 0 {
		p.section("Permissions")
		for _, action := range actions(plan.Permissions) {
			p.line("  %s", action)
		}
		p.wrapped("  ", "regain policy controller prints them as a policy")
	}
	return p.String()
}

func planHeadline(plan controller.Plan, whole bool) string {
	switch {
	case plan.Refused():
		return "REFUSED: this stands in the way. Nothing was changed."
	case whole:
		return "PLAN: this is what a reset would do. Nothing was changed."
	}
	return "About to reset " + plan.Original.Instance.ID + ":"
}

func (p *page) risks(risks []controller.Risk) {
	if len(risks) == 0 {
		return
	}
	p.section("Risks")
	for _, r := range risks {
		mark := "!"
		switch {
		case r.Note:
			mark = "-"
		case r.Accepted:
			mark = "+"
		}
		p.wrapped("  "+mark+" ", r.Title+" ["+r.ID+"]")
		p.wrapped("      ", r.Detail)
		switch {
		case r.Accepted && r.Flag != "":
			p.wrapped("      ", "accepted with "+r.Flag)
		case r.Flag != "" && !r.Note:
			p.wrapped("      ", "to accept it: "+r.Flag)
		}
	}
}

func name(i controller.Instance) string {
	if n := i.Tags["Name"]; n != "" {
		return fmt.Sprintf("%q", n)
	}
	return ""
}

func encrypted(v controller.Volume) string {
	if v.Encrypted {
		return "encrypted"
	}
	return ""
}

func place(where controller.Place) string {
	if where.New {
		return "in a temporary VPC in " + where.Zone
	}
	return "in " + where.Subnet
}

// actions are the names of the permissions, each once, in their order.
func actions(list []controller.Permission) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range list {
		if !seen[p.Action] {
			seen[p.Action] = true
			out = append(out, p.Action)
		}
	}
	return out
}

// join leaves out what is empty.
func join(sep string, parts ...string) string {
	var out []string
	for _, part := range parts {
		if part != "" {
			out = append(out, part)
		}
	}
	return strings.Join(out, sep)
}

// outcomePage is how a run ended: where the instance is, what changed, what is
// kept, and what to type next.
func outcomePage(g given, o controller.Outcome) string {
	p := &page{given: g}
	r := o.Rescue
	p.wrapped("", outcomeHeadline(o))
	if o.Run != "" {
		p.line("Run %s", o.Run)
	}
	if o.Error != "" {
		p.section("Why")
		p.field(nonEmpty(o.Step, "error"), strings.TrimPrefix(o.Error, o.Step+": "))
		p.problem(o)
	}
	p.result(o)
	for _, w := range r.Warnings {
		p.wrapped("  note: ", w)
	}
	if len(r.Kept) > 0 {
		p.section("Kept on purpose")
		for _, k := range r.Kept {
			p.wrapped("  ", k.What+"; to remove it:")
			p.copied("  " + k.Remove)
		}
	}
	if len(o.Login) > 0 {
		p.section("Log in")
		p.copied(o.Login...)
	}
	if o.State == controller.StateNotHome {
		p.section("Next")
		p.copied("regain resume "+o.Run, "regain rollback "+o.Run)
	}
	return p.String()
}

func outcomeHeadline(o controller.Outcome) string {
	windows := o.Rescue.Original != nil && o.Rescue.Original.Instance.Platform == controller.Windows
	back := o.State == controller.StateTakenBack || o.State == controller.StateInterrupted
	switch {
	case back && o.Rescue.Gone:
		return "GONE: somebody has terminated " + o.Instance + ". What was made for the run is removed."
	case back && o.Rescue.Left:
		return "HOME, but not as it was: what was written to the volume of " + o.Instance + " could not be taken back."
	}
	switch o.State {
	case controller.StateRescued:
		if windows {
			return armedHeadline(o)
		}
		if o.Rescue.Original != nil && o.Rescue.Original.Instance.State == controller.Stopped {
			return "RESCUED: " + o.Instance + " lets you in with the new key when it is started."
		}
		return "RESCUED: " + o.Instance + " lets you in with the new key."
	case controller.StateUnproven:
		return "NOT PROVEN: the new key is in place on " + o.Instance + ", and sshd should accept it, but no login has proven it."
	case controller.StateTakenBack:
		return "TAKEN BACK: " + o.Instance + " is as it was."
	case controller.StateInterrupted:
		return "INTERRUPTED, and taken back: " + o.Instance + " is as it was."
	case controller.StateNotHome:
		return "NOT HOME: " + o.Instance + " is not as it was, and the run goes on when you say so."
	}
	return "REFUSED: nothing was changed on " + o.Instance + "."
}

// armedHeadline says when the password comes: the instance has been started, or is
// stopped as it was.
func armedHeadline(o controller.Outcome) string {
	if o.Rescue.Original.Instance.State == controller.Stopped {
		return "ARMED: " + o.Instance + " makes a new administrator password when it is started."
	}
	return "ARMED: " + o.Instance + " was started, and makes a new administrator password, which takes 4 to 15 minutes."
}

// problem is the agent's reason, where it is the agent that failed, as far as the
// error has not said it.
func (p *page) problem(o controller.Outcome) {
	r := o.Rescue
	if r.Result == nil {
		return
	}
	fresh := func(texts ...string) string {
		for i, t := range texts {
			if strings.Contains(o.Error, t) {
				texts[i] = ""
			}
		}
		return join("; ", texts...)
	}
	if problem := r.Result.Problem; problem != nil {
		p.field("hint", fresh(problem.Hint))
	}
	if r.Result.Report == nil {
		return
	}
	for _, f := range r.Result.Report.Findings {
		if f.Severity == offline.Blocks && !f.Repaired {
			p.field(f.ID, join("; ", fresh(f.Title, f.Evidence, f.Hint), consent(f)))
		}
	}
}

func consent(f offline.Finding) string {
	switch {
	case f.Consent == "":
		return ""
	case strings.HasPrefix(f.Consent, "--accept "):
		return "to go on all the same: " + f.Consent
	}
	return "allow the repair with " + f.Consent
}

// result is what was changed, unless it has been taken back, and the proof.
func (p *page) result(o controller.Outcome) {
	r, back := o.Rescue, o.State == controller.StateTakenBack || o.State == controller.StateInterrupted
	if r.Result != nil && r.Result.Report != nil && !back {
		p.report(r.Result.Report)
		p.field("login", join(": ", r.Verified.State, r.Verified.Detail))
	}
	if o.Downtime > 0 {
		p.field("down for", o.Downtime.Round(time.Second).String())
	}
}

func (p *page) report(report *offline.Report) {
	if len(report.Changes) > 0 {
		p.section("Changed on the volume")
		for _, c := range report.Changes {
			p.field(c.Path, join(": ", c.Action, c.Why))
		}
	}
	p.section("Result")
	for _, v := range report.Verdicts {
		p.field(v.User, fmt.Sprintf("%s before, %s now", v.Before, v.After))
	}
	if w := report.Windows; w != nil {
		p.field("password", join(" ", "made by", w.Agent, w.Version, ofRun(w)))
		for _, warning := range w.Warnings {
			p.field("note", warning)
		}
	}
	if k := report.Key; k != nil {
		p.field("key", join(", ", k.Type, k.Fingerprint, stored(k)))
	}
}

// ofRun is what regain password --run takes on another machine.
func ofRun(w *offline.Windows) string {
	if w.Run == "" {
		return ""
	}
	return "of run " + w.Run
}

func stored(k *offline.Key) string {
	if k.Parameter == "" {
		return ""
	}
	return fmt.Sprintf("private half in %s, version %d", k.Parameter, k.Version)
}

func nonEmpty(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func statusPage(g given, s controller.Status) string {
	p := &page{given: g}
	p.line("%s  %s", s.Run, s.Instance)
	p.field("is", join(", ", s.Way, s.Step, s.Outcome))
	p.field("began", join(", by ", when(s.Began), s.Owner))
	p.field("why", s.Error)
	if !s.Journal {
		p.field("journal", "not on this machine: told by tags alone")
	}
	p.left(s)
	if s.Way != wayHome {
		p.section("Next")
		p.copied("regain resume "+s.Run, "regain rollback "+s.Run)
	}
	return p.String()
}

// left is what of a run exists, or stays on purpose.
func (p *page) left(s controller.Status) {
	p.field("exists", strings.Join(s.Made, ", "))
	for _, k := range s.Kept {
		p.field("kept", k.What)
		p.copied("  " + k.Remove)
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func listPage(g given, runs []controller.Status) string {
	if len(runs) == 0 {
		return "No run is under way: every instance is home.\n"
	}
	p := &page{given: g}
	for _, s := range runs {
		p.line("%-24s  %-19s  %s", s.Run, s.Instance, join(", ", s.Way, s.Step, s.Outcome, s.Owner))
		p.left(s)
	}
	return p.String()
}
