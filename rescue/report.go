package rescue

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/rescue/source"
)

// newReport is a report with every list in place, so that JSON shows [] and
// never null.
func newReport(command string, r Request, p *Patient) offline.Report {
	return offline.Report{
		Schema: offline.Schema, Run: r.Run, Command: command, Instance: r.Instance, Volume: p.VolumeID, DryRun: r.DryRun,
		Filesystems: []offline.Filesystem{}, Users: []offline.User{}, Verdicts: []offline.Verdict{},
		Findings: []offline.Finding{}, Changes: []offline.ChangeSummary{},
	}
}

// describe notes what was found, as far as the look came.
func (o *operation) describe(tree *Tree, x *exam) { describe(&o.report, tree, x) }

func describe(report *offline.Report, tree *Tree, x *exam) {
	report.Filesystems = append(report.Filesystems, tree.Filesystems...)
	report.Warnings = append(report.Warnings, tree.Warnings...)
	if x == nil {
		return
	}
	report.OS = x.os
	report.Users = append(report.Users, x.users...)
	for _, p := range tree.Problems {
		report.Findings = append(report.Findings, offline.Finding{
			ID: "linux/unreadable-setting", Severity: offline.Warning, Path: p.Path, Title: titleFor("linux/unreadable-setting"), Evidence: offline.Printable(p.String()),
		})
	}
	for _, a := range tree.Absent {
		report.Findings = append(report.Findings, offline.Finding{
			ID: "linux/filesystem-absent", Severity: offline.Warning, Path: a.Point, Title: titleFor("linux/filesystem-absent"), Evidence: offline.Printable(a.Why),
			Hint: adviceFor("linux/filesystem-absent").ByHand,
		})
	}
}

// note adds verdicts and findings of a rescue: what was against each user
// before, and whether the plan repairs it.
func (o *operation) note(x *exam, before []sshd.Verdict) {
	for i, plan := range o.plans {
		user := x.chosen[i].Name
		o.report.Verdicts = append(o.report.Verdicts, offline.Verdict{
			User: user, Fingerprint: plan.Verdict.Fingerprint, Before: before[i].Answer, After: plan.Verdict.Answer,
			Reasons: reasonTexts(plan.Verdict), Earlier: reasonTexts(before[i]),
		})
		o.report.Findings = append(o.report.Findings, findings(before[i], &plan, o.r.Repair, o.r.DryRun)...)
		for _, p := range plan.Previous {
			o.report.Previous = append(o.report.Previous, offline.PreviousKey{
				User: user, Fingerprint: p.Fingerprint, Run: p.Run, Path: p.Path, Line: p.Line,
				Revoked: o.r.Revoke && !p.Key.Equal(o.key.Public()),
			})
		}
		if o.r.Expires > 0 && plan.Path != "" && len(plan.Changes) == 0 {
			o.report.Warnings = append(o.report.Warnings, fmt.Sprintf("the key for %q is in already, and its line stays as it is: it expires no sooner than before", user))
		}
		if text := detour(user, plan); text != "" {
			o.report.Warnings = append(o.report.Warnings, text)
		}
	}
}

// detour says that the key lies in another file than the usual one, and why.
func detour(user string, plan access.Plan) string {
	why := offline.Printable(strings.Join(plan.Rejected, "; "))
	switch {
	case plan.Verdict.Answer == offline.Denied || len(plan.Changes) == 0 || !plan.Fallback && why == "":
		return ""
	case plan.Fallback && why == "":
		return fmt.Sprintf("the key for %q lies in the root-owned file %s, as was allowed", user, offline.Printable(plan.Path))
	case plan.Fallback:
		return fmt.Sprintf("the key for %q lies in the root-owned file %s, because: %s", user, offline.Printable(plan.Path), why)
	}
	return fmt.Sprintf("the key for %q lies in %s, because: %s", user, offline.Printable(plan.Path), why)
}

func reasonTexts(v sshd.Verdict) []string {
	texts := []string{}
	for _, r := range slices.Concat(v.Reasons, v.Notes) {
		texts = append(texts, offline.Printable(r.String()))
	}
	return texts
}

// findings turns what speaks against a login, and what else is worth knowing,
// into findings. plan is nil where nothing was planned.
func findings(before sshd.Verdict, plan *access.Plan, repair access.Repair, dry bool) []offline.Finding {
	var list []offline.Finding
	add := func(r sshd.Reason, severity offline.Severity) {
		gone := plan != nil && plan.Verdict.Answer == offline.Accepted && !has(plan.Verdict, r)
		f := offline.Finding{
			ID: r.ID, Severity: severity, Path: r.Path, Title: titleFor(r.ID), Evidence: offline.Printable(r.String()),
			User: before.User, Repaired: gone && !dry,
		}
		if !gone {
			f.Hint, f.Consent = adviceFor(r.ID).ByHand, consent(severity, adviceFor(r.ID), repair)
		}
		list = append(list, f)
	}
	for _, r := range before.Reasons {
		if severity := severityOf(r.Answer); severity != "" {
			add(r, severity)
		}
	}
	for _, r := range before.Notes {
		add(r, offline.Warning)
	}
	if plan == nil || plan.Verdict.Answer == offline.Accepted {
		return list
	}
	// What the missing key has hidden until now: conditions that only a login
	// with it would come to.
	for _, r := range plan.Verdict.Reasons {
		if severity := severityOf(r.Answer); severity != "" && !has(before, r) {
			add(r, severity)
		}
	}
	return list
}

// severityOf is empty for what speaks for a login.
func severityOf(a offline.Answer) offline.Severity {
	return map[offline.Answer]offline.Severity{offline.Denied: offline.Blocks, offline.Unknown: offline.MayBlock}[a]
}

// consent is the flag with which a rescue would go on in spite of a finding, or
// repair it.
func consent(severity offline.Severity, a advice, repair access.Repair) string {
	switch {
	case repair.None && a.Rescue != "" && a.Rescue != addsKey:
		return "--repair all"
	case severity == offline.MayBlock:
		return "--accept-unknown"
	}
	return ""
}

func has(v sshd.Verdict, r sshd.Reason) bool {
	return slices.ContainsFunc(slices.Concat(v.Reasons, v.Notes), func(s sshd.Reason) bool { return s.ID == r.ID && s.Path == r.Path && s.Answer == r.Answer })
}

// refusalFor explains a plan that does not lead in.
func refusalFor(user string, plan access.Plan) *offline.Problem {
	var against []string
	hint := "repair by hand what the findings name, then run again"
	for _, r := range plan.Verdict.Reasons {
		if r.Answer != offline.Accepted {
			against = append(against, offline.Printable(r.String()))
		}
	}
	code := "login-refused"
	if plan.Verdict.Answer == offline.Unknown {
		code, hint = "login-unknown", "if you know better, run again with --accept-unknown"
	}
	return &offline.Problem{Code: code, Hint: hint,
		Message: fmt.Sprintf("with the key in place, SSH as %q would be %s: %s", user, plan.Verdict.Answer, strings.Join(against, "; "))}
}

func summaries(changes []offline.Change) []offline.ChangeSummary {
	list := []offline.ChangeSummary{}
	for _, c := range changes {
		list = append(list, c.Summary())
	}
	return list
}

// finish puts an error into the report.
func (o *operation) finish(err error) offline.Report {
	if err != nil {
		conclude(&o.report, err)
		if !o.stored {
			o.report.Key = nil
		}
	}
	return o.report
}

// conclude sets outcome and error. Before the first write a failure is a
// refusal when the volume, or the request, is at fault.
func conclude(report *offline.Report, err error) {
	report.Outcome = offline.Failed
	problem := &offline.Problem{Code: "failed", Message: offline.Printable(err.Error())}
	var refusal *Refusal
	var inUse *source.Refusal
	var failure *Failure
	var coded interface{ Details() (code, hint string) }
	switch {
	case errors.As(err, &failure):
		problem.Code, problem.Hint = failure.Code, failure.Hint
	case errors.As(err, &refusal):
		report.Outcome = offline.Refused
		problem.Code, problem.Hint = refusal.Code, refusal.Hint
	case errors.As(err, &inUse):
		report.Outcome = offline.Refused
		problem.Code = "in-use"
	case errors.As(err, &coded):
		problem.Code, problem.Hint = coded.Details()
	}
	report.Error = problem
}
