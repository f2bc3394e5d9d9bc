package rescue

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
)

// lookAtWindows says whether a new password is set at the next start and, to
// diagnose, what is in the way.
func lookAtWindows(report *offline.Report, tree *Tree, r Request) (err error) {
	s, err := winroot.Detect(tree.Volume)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	describeWindows(report, tree, s, r)
	plan := s.Plan(winroot.Wishes{Run: r.Run, Agent: r.Agent})
	plan.Findings = settled(plan)
	report.Windows = plan.Report(s)
	report.Findings = append(report.Findings, s.Findings...)
	if report.Command == "diagnose" {
		report.Findings = plan.Findings
	}
	list(&report.Findings)
	return nil
}

// list keeps JSON from showing null.
func list[T any](l *[]T) {
	if *l == nil {
		*l = []T{}
	}
}

func describeWindows(report *offline.Report, tree *Tree, s *winroot.System, r Request) {
	report.OS = s.OS()
	report.Filesystems = append(report.Filesystems, tree.Filesystems...)
	report.Warnings = append(report.Warnings, tree.Warnings...)
	if len(r.Users) > 0 || r.Expires > 0 || r.Revoke {
		report.Warnings = append(report.Warnings, "this is a Windows: what was said of users and SSH keys means nothing to it")
	}
}

// decideWindows plans what has Windows set a new password at its next start.
func (o *operation) decideWindows(tree *Tree) (done bool, err error) {
	if o.r.Public != nil && o.r.Fallback == nil {
		return false, &Refusal{Code: "key-type", Text: fmt.Sprintf("a key of type %s was given, and a password is encrypted to RSA keys only", o.r.Public.Algorithm),
			Hint: "give an RSA key, or none to have the launch agent encrypt the password to the instance's key pair"}
	}
	s, err := winroot.Detect(tree.Volume)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	describeWindows(&o.report, tree, s, o.r)
	plan := s.Plan(winroot.Wishes{Run: o.r.Run, Agent: o.r.Agent, Fallback: o.r.Fallback, Allow: o.r.Allow, UserData: o.r.UserData})
	plan.Findings = settled(plan)
	o.arm = &plan
	o.report.Windows = plan.Report(s)
	o.report.Findings = append(o.report.Findings, plan.Findings...)
	switch {
	case len(plan.Refused) > 0:
		o.report.Windows.Refused, o.report.Windows.Consents = plan.Refused, consents(plan)
		o.report.Outcome, o.report.Error = offline.Refused, armingRefused(plan)
		return true, nil
	case plan.Already:
		o.report.Outcome = offline.Unchanged
		o.report.Warnings = append(o.report.Warnings, fmt.Sprintf("%s sets a new password at the next start as the volume stands: nothing has to be changed", plan.Agent))
		return true, nil
	case len(plan.Changes) == 0:
		return false, errors.New("the plan is empty, and a new password would not be set")
	}
	o.report.Changes = summaries(plan.Changes)
	if o.r.DryRun {
		o.report.Outcome = offline.Unchanged
		return true, nil
	}
	o.write, err = o.p.writable(tree, plan.Changes)
	return false, err
}

// consents are the flags that let pass what is in the way, and can.
func consents(plan winroot.Plan) []string {
	var flags []string
	for _, f := range plan.Findings {
		if slices.Contains(plan.Refused, f.ID) && f.Consent != "" && !slices.Contains(flags, f.Consent) {
			flags = append(flags, f.Consent)
		}
	}
	return flags
}

// settled are the findings of a plan as a report has them: each once, and with a
// consent only where that lets it pass. It does not where there is another of its
// kind that wants more, as on the way to the very file that is edited.
func settled(plan winroot.Plan) (list []offline.Finding) {
	for _, f := range plan.Findings {
		if slices.ContainsFunc(plan.Findings, func(g offline.Finding) bool {
			return g.ID == f.ID && g.Severity == offline.Blocks && g.Consent == "" && len(g.Changes) == 0
		}) {
			f.Consent = ""
		}
		if !slices.ContainsFunc(list, func(g offline.Finding) bool { return g.ID == f.ID && g.Path == f.Path && g.Evidence == f.Evidence }) {
			list = append(list, f)
		}
	}
	return list
}

// armingRefused names what is in the way.
func armingRefused(plan winroot.Plan) *offline.Problem {
	var against, hints []string
	add := func(list *[]string, text string) {
		if text != "" && !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	for _, f := range plan.Findings {
		if f.Severity != offline.Blocks || !slices.Contains(plan.Refused, f.ID) {
			continue
		}
		add(&against, strings.TrimSuffix(f.Title+": "+f.Evidence, ": "))
		hint := f.Hint
		if f.Consent != "" {
			hint = strings.TrimSuffix("run again with "+f.Consent+", or "+strings.TrimPrefix(hint, "or "), ", or ")
		}
		add(&hints, hint)
	}
	return &offline.Problem{Code: "arming-refused", Message: "Windows was not made to set a new password: " + strings.Join(against, "; "), Hint: strings.Join(hints, "; ")}
}

// armedAfter looks at the volume anew: it must be Windows itself, not the plan,
// that says so.
func (o *operation) armedAfter(v *offline.Volume) (err error) {
	s, err := winroot.Detect(v)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	now := o.arm.Report(s)
	if !slices.Contains(now.Armed, string(o.arm.Agent)) {
		return &Failure{Code: "not-armed", Err: fmt.Errorf("the fresh mount shows that %s would still set no password", o.arm.Agent)}
	}
	o.before, o.report.Windows = o.report.Windows, now
	o.markRepaired(true)
	return nil
}

// notArmed has the report say of a run that was taken back what it said before.
func (o *operation) notArmed() {
	if o.before != nil {
		o.report.Windows = o.before
	}
	o.markRepaired(false)
}

func (o *operation) markRepaired(done bool) {
	for i := range o.report.Findings {
		f := &o.report.Findings[i]
		if f.Repaired = done && len(f.Changes) > 0; f.Repaired {
			f.Hint = ""
		}
	}
}
