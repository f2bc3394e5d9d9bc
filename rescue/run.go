package rescue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/offline/winroot"
	"github.com/seed-77750964/regain/rescue/journal"
)

// Rescue lets the key in, or has Windows set a new administrator password at its
// next start. First everything is decided on a read-only view;
// then the private key is stored; only then is the volume opened for writing and
// changed, as it was decided; a fresh read-only mount proves the result. What
// goes wrong after the first write is taken back.
func (p *Patient) Rescue(ctx context.Context, r Request) (offline.Report, error) {
	o := &operation{p: p, r: r, report: newReport("rescue", r, p)}
	err := o.run(ctx)
	return o.finish(err), err
}

// operation is one rescue under way.
type operation struct {
	p      *Patient
	r      Request
	report offline.Report
	key    Key
	plans  []access.Plan // one for each chosen user
	write  map[int]bool
	stored bool
	begun  bool             // the journal holds the run, and the volume perhaps some of its changes
	system *sshd.System     // of the last look, for what it knows of the installed sshd
	arm    *winroot.Plan    // of a Windows: in place of key, plans and system
	before *offline.Windows // of a Windows that is armed now
	stale  bool             // the first look was at filesystems whose journals are not replayed
}

func (o *operation) run(ctx context.Context) error {
	if err := o.recoverOpenRuns(ctx); err != nil {
		return err
	}
	if done, err := o.decide(ctx); done || err != nil {
		return err
	}
	if err := o.store(ctx); err != nil {
		return err
	}
	changes, err := o.apply(ctx)
	if err == nil {
		err = o.verify(ctx, changes)
	}
	if err == nil {
		err = o.r.State.Record(o.r.Run, o.r.Now, journal.Done)
	}
	if err != nil {
		return o.takeBack(ctx, err)
	}
	o.report.Outcome = offline.Rescued
	return nil
}

// store keeps the private key. A Windows gets none.
func (o *operation) store(ctx context.Context) error {
	if o.arm != nil {
		return nil
	}
	place, warnings, err := o.key.Store(ctx)
	if err != nil {
		return err
	}
	o.stored = true
	o.report.Key = &place
	o.report.Warnings = append(o.report.Warnings, warnings...)
	return nil
}

// decide looks at the volume read-only. done is true when there is nothing to
// write: the key is in already, the run is dry, or it is refused.
func (o *operation) decide(ctx context.Context) (done bool, err error) {
	o.r.say("looking at the volume")
	tree, err := o.p.Tree(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, tree.Close(ctx)) }()
	if o.p.root.windows {
		return o.decideWindows(tree)
	}
	if o.r.Windows {
		return false, &Refusal{Code: "not-windows", Text: "the volume holds a Linux, and what was asked for is of Windows", Hint: "leave out the flags that begin with --windows"}
	}
	x, err := examine(tree, o.r)
	o.describe(tree, x)
	if err != nil {
		return false, err
	}
	o.system, o.stale = x.system, len(tree.mounts.staleness()) > 0
	if o.key, err = o.r.Keys.Choose(x.accepts, x.fips()); err != nil {
		return false, err
	}
	if err := o.plan(x); err != nil {
		return false, err
	}
	changes := allChanges(o.plans)
	switch {
	case o.report.Outcome == offline.Refused:
		return true, nil
	case len(changes) == 0 || o.r.DryRun:
		o.report.Outcome = offline.Unchanged
		return true, nil
	}
	o.write, err = o.p.writable(tree, changes)
	return false, err
}

// plan decides for every chosen user and notes verdicts and findings.
func (o *operation) plan(x *exam) error {
	pub := o.key.Public()
	o.report.Key = &offline.Key{Type: pub.Algorithm, Fingerprint: pub.Fingerprint(), Public: pub.String()}
	before := make([]sshd.Verdict, len(x.chosen))
	for i, u := range x.chosen {
		v, err := x.system.Judge(u.Name, pub)
		if err != nil {
			return err
		}
		before[i] = v
	}
	wishes, err := o.wishes(x)
	if err != nil {
		return err
	}
	if o.plans, err = decideAll(x, wishes); err != nil {
		return err
	}
	o.note(x, before)
	for i, plan := range o.plans {
		nowhere := plan.Path == "" && plan.Verdict.Answer != offline.Accepted // no way could even be tried
		if !o.good(plan.Verdict) || nowhere {
			o.report.Outcome = offline.Refused
			o.report.Error = refusalFor(x.chosen[i].Name, plan)
		}
	}
	if o.report.Outcome != offline.Refused {
		o.report.Changes = summaries(allChanges(o.plans))
	}
	return nil
}

// good tells whether a verdict is one to go on with.
func (o *operation) good(v sshd.Verdict) bool {
	return v.Answer == offline.Accepted || v.Answer == offline.Unknown && o.r.AcceptUnknown
}

// writable names the filesystems to open for writing: those that hold what
// changes, and those whose journal must be replayed for a true view.
func (p *Patient) writable(tree *Tree, changes []offline.Change) (map[int]bool, error) {
	write := map[int]bool{}
	if tree.mounts == nil {
		return write, nil
	}
	for _, c := range changes {
		content, ok := tree.at[tree.Volume.MountPoint(c.Path)]
		if !ok {
			return nil, fmt.Errorf("cannot change %q: its filesystem is not of this volume", c.Path)
		}
		write[content] = true
	}
	for _, content := range tree.at {
		sb := p.disk.Contents[content].Superblock
		if sb.DirtyKnown && sb.Dirty {
			write[content] = true
		}
	}
	return write, nil
}

// apply opens the volume for writing and makes the changes. Each finds the file
// as it was planned, or is refused as drift.
func (o *operation) apply(ctx context.Context) (changes []offline.Change, err error) {
	o.r.say("writing")
	tree, err := o.p.Tree(ctx, o.write)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tree.Close(ctx)) }()
	if o.stale {
		if err := o.decideAgain(tree); err != nil {
			return nil, err
		}
	}
	changes = o.changes()
	o.report.Changes = summaries(changes)
	tree.Volume.OnStep = o.r.OnStep
	patient := o.p.patient(o.r)
	patient.Mounts = mountPoints(tree.Volume, changes)
	if err := o.r.State.Begin(o.r.Run, o.r.Now, patient, changes); err != nil {
		return nil, err
	}
	o.begun = true
	return changes, applyAll(ctx, tree.Volume, changes)
}

// decideAgain plans anew where the first look was stale: opening the volume for
// writing has replayed the journal, and what is there now is what counts.
func (o *operation) decideAgain(tree *Tree) error {
	x, err := examine(tree, o.r)
	if err != nil {
		return err
	}
	o.system = x.system
	wishes, err := o.wishes(x)
	if err != nil {
		return err
	}
	if o.plans, err = decideAll(x, wishes); err != nil {
		return err
	}
	for _, plan := range o.plans {
		if !o.good(plan.Verdict) {
			return &Failure{Code: "view-was-stale", Err: errors.New("after the journal was replayed the login is refused for other reasons"),
				Hint: "run again: the journal is replayed now, and the reasons will be shown"}
		}
	}
	return nil
}

// applyAll makes the changes in order. An interrupt is heeded between two of them.
func applyAll(ctx context.Context, v *offline.Volume, changes []offline.Change) error {
	for _, c := range changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.Apply(c); err != nil {
			return err
		}
	}
	return v.Sync()
}

// decideAll decides for one user after the other, each on the volume as the
// plans before leave it.
func decideAll(x *exam, wishes []access.Wish) ([]access.Plan, error) {
	var plans []access.Plan
	volume, system := x.tree.Volume, x.system
	for _, w := range wishes {
		decider, err := access.New(volume, system, x.args.Raw)
		if err != nil {
			return nil, err
		}
		plan, err := decider.Decide(w)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
		if len(plan.Changes) == 0 || len(wishes) == 1 {
			continue
		}
		volume = volume.Preview(plan.Changes)
		if system, err = system.On(volume); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

func (o *operation) changes() []offline.Change {
	if o.arm != nil {
		return o.arm.Changes
	}
	return allChanges(o.plans)
}

func allChanges(plans []access.Plan) []offline.Change {
	var all []offline.Change
	for _, p := range plans {
		all = append(all, p.Changes...)
	}
	return slices.Clip(all)
}

// verify mounts afresh, read-only, and asks again: the bytes are there, and the
// verdict is the one that was promised.
func (o *operation) verify(ctx context.Context, changes []offline.Change) (err error) {
	o.r.say("verifying through a fresh mount")
	tree, err := o.p.Tree(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close(ctx)) }()
	final := map[string]offline.Change{}
	for _, c := range changes {
		final[c.Path] = c
	}
	for path, c := range final {
		done, err := shows(tree.Volume, c)
		if err != nil {
			return err
		}
		if !done {
			return fmt.Errorf("cannot verify %q: the fresh mount shows something else", path)
		}
	}
	if o.arm != nil {
		return o.armedAfter(tree.Volume)
	}
	system, err := o.system.On(tree.Volume)
	if err != nil {
		return err
	}
	return o.verdictsAfter(system)
}

func (o *operation) verdictsAfter(system *sshd.System) error {
	for i, plan := range o.plans {
		user := plan.Verdict.User
		v, err := system.Judge(user, o.key.Public())
		if err != nil {
			return err
		}
		o.report.Verdicts[i].After = v.Answer
		o.report.Verdicts[i].Reasons = reasonTexts(v)
		if !o.good(v) {
			return &Failure{Code: "not-accepted", Err: fmt.Errorf("the fresh mount shows that SSH would still not accept %q: %s", user, v.Answer)}
		}
	}
	return nil
}
