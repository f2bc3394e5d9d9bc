package rescue

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue/journal"
)

// homing bounds the way back after a failure or an interrupt.
const homing = 2 * time.Minute

// Undo puts every file back as the run found it. It may be called again: what is
// back already is left alone. A file that somebody has changed since is drift,
// and then nothing at all is changed.
func (p *Patient) Undo(ctx context.Context, r Request) (offline.Report, error) {
	report := newReport("undo", r, p)
	changes, err := p.undo(ctx, r, r.Run)
	report.Changes = summaries(changes)
	report.Outcome = offline.Unchanged
	if err != nil {
		report.Changes = []offline.ChangeSummary{}
		conclude(&report, err)
		return report, err
	}
	report.Warnings, err = p.laterRuns(r)
	return report, err
}

// laterRuns warns of runs that came after the one that was undone: their keys
// may rest on what it had repaired.
func (p *Patient) laterRuns(r Request) ([]string, error) {
	runs, err := r.State.Runs()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(runs, func(run journal.Run) bool { return run.ID == r.Run })
	var warnings []string
	for _, run := range runs[at+1:] {
		if run.State == journal.Done && run.Patient.Same(p.patient(r)) {
			warnings = append(warnings, fmt.Sprintf("run %s came later and may rest on what is undone now: run regain-agent diagnose", run.ID))
		}
	}
	return warnings, nil
}

// undo returns the inverse changes of the run that it has made.
func (p *Patient) undo(ctx context.Context, r Request, id string) (done []offline.Change, err error) {
	run, err := r.State.Load(id)
	if err != nil {
		return nil, &Refusal{Code: "unknown-run", Text: err.Error(), Hint: "the journal is in the --state-dir of the rescue"}
	}
	if p.disk != nil {
		if err := p.chooseRoot(ctx); err != nil {
			return nil, err
		}
	}
	if !run.Patient.Same(p.patient(r)) {
		return nil, &Refusal{Code: "other-volume", Text: fmt.Sprintf("run %s worked on another volume (root filesystem %q)", id, run.Patient.RootUUID)}
	}
	inverse := inverted(run.Changes)
	pending, err := p.pending(ctx, run.Patient, inverse)
	if err != nil || len(pending) == 0 && run.State == journal.Undone {
		return nil, err
	}
	if err := p.putBack(ctx, r, inverse); err != nil {
		return nil, err
	}
	back := byPath(pending)
	made := slices.DeleteFunc(slices.Clone(inverse), func(c offline.Change) bool { return back[c.Path] == nil })
	return made, r.State.Record(id, r.Now, journal.Undone)
}

func inverted(changes []offline.Change) []offline.Change {
	var list []offline.Change
	for _, c := range slices.Backward(changes) {
		i := c.Invert()
		i.Why = "undo: " + i.Why
		list = append(list, i)
	}
	return list
}

// pending looks, read-only, which of the inverse changes are still to be made,
// and refuses drift before anything is touched. Where another filesystem shows
// at the place of one that the run wrote to, nothing can be told.
func (p *Patient) pending(ctx context.Context, was journal.Patient, inverse []offline.Change) (todo []offline.Change, err error) {
	tree, err := p.Tree(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tree.Close(ctx)) }()
	if is := mountPoints(tree.Volume, inverse); len(was.Mounts) > 0 && !slices.Equal(was.Mounts, is) {
		return nil, &Refusal{Code: "other-mounts", Text: fmt.Sprintf("the run changed files on what is mounted at %q; now they would lie on what is mounted at %q", was.Mounts, is),
			Hint: "mount the system's filesystems as they were mounted for the rescue"}
	}
	started, err := fromHere(tree.Volume, inverse)
	if err != nil {
		return nil, err
	}
	begun := byPath(started)
	for file, chain := range byPath(inverse) {
		if len(begun[file]) == 0 || foreignContent(tree.Volume, chain, inverse) {
			return nil, p.drifted(file)
		}
		last := chain[len(chain)-1]
		done, err := shows(tree.Volume, last)
		if err != nil {
			return nil, err
		}
		if !done {
			todo = append(todo, last)
		}
	}
	return todo, nil
}

// drifted refuses to undo. A Windows that has started since has changed its files
// itself, and what was armed has run.
func (p *Patient) drifted(file string) *Refusal {
	hint := "compare it with the journal in the state directory, and put it back by hand; then a rescue with another --state-dir begins anew"
	if p.root.windows {
		hint = "if Windows has started since, what was armed has run, and regain-agent diagnose says whether anything still sets a password; else " + hint
	}
	return &Refusal{Code: "drift", Text: fmt.Sprintf("%q has changed since the run: nothing was taken back", file), Hint: hint}
}

// mountPoints are the mount points of the filesystems that hold what changes.
func mountPoints(v *offline.Volume, changes []offline.Change) []string {
	var points []string
	for _, c := range changes {
		points = append(points, v.MountPoint(c.Path))
	}
	slices.Sort(points)
	return slices.Compact(points)
}

// fromHere leaves out the inverse changes to which there is nothing: of several
// changes to one file, a run that was cut off has not made the last ones. A path
// that is left without any is as no change has left it.
func fromHere(v *offline.Volume, inverse []offline.Change) ([]offline.Change, error) {
	var list []offline.Change
	reached := map[string]bool{}
	for _, c := range inverse {
		if !reached[c.Path] {
			drifted, err := v.Drifted(c)
			if err != nil {
				return nil, err
			}
			reached[c.Path] = !drifted
		}
		if reached[c.Path] {
			list = append(list, c)
		}
	}
	return list, nil
}

func byPath(changes []offline.Change) map[string][]offline.Change {
	paths := map[string][]offline.Change{}
	for _, c := range changes {
		paths[c.Path] = append(paths[c.Path], c)
	}
	return paths
}

// foreignContent tells whether a directory that the run has made holds what the
// run has not: it could not be removed then.
func foreignContent(v *offline.Volume, chain, inverse []offline.Change) bool {
	last := chain[len(chain)-1]
	if last.After != nil || last.Before.Kind != offline.Dir {
		return false
	}
	names, err := v.ReadDir(last.Path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool {
		ours := slices.ContainsFunc(inverse, func(c offline.Change) bool { return c.Path == path.Join(last.Path, name) })
		return !ours && !offline.IsTemp(name)
	})
}

func (p *Patient) putBack(ctx context.Context, r Request, inverse []offline.Change) (err error) {
	look, err := p.Tree(ctx, nil)
	if err != nil {
		return err
	}
	write, err := p.writable(look, inverse)
	if err = errors.Join(err, look.Close(ctx)); err != nil {
		return err
	}
	tree, err := p.Tree(ctx, write)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close(ctx)) }()
	tree.Volume.OnStep = r.OnStep
	todo, err := fromHere(tree.Volume, inverse)
	if err != nil {
		return err
	}
	if len(byPath(todo)) < len(byPath(inverse)) { // since the look before
		return offline.ErrDrift
	}
	return applyAll(ctx, tree.Volume, todo)
}

// takeBack is the way home after a failure: it outlives an interrupt, and has a
// deadline of its own.
func (o *operation) takeBack(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), homing)
	defer cancel()
	o.r.say("taking back what was written")
	var err error
	if o.begun { // else nothing has been written
		_, err = o.p.undo(ctx, o.r, o.r.Run)
	}
	if err != nil {
		return &Failure{Code: "not-taken-back", Err: fmt.Errorf("%w; and it could not be taken back: %w", cause, err), Left: true,
			Hint: "run regain-agent undo with the same source and --run " + o.r.Run}
	}
	o.report.Changes = []offline.ChangeSummary{}
	for i := range o.report.Verdicts {
		o.report.Verdicts[i].After = o.report.Verdicts[i].Before
	}
	if o.arm != nil {
		o.notArmed()
		return cause
	}
	warning, err := o.key.Forget(ctx)
	if err != nil {
		warning = err.Error()
	}
	if warning != "" {
		o.report.Warnings = append(o.report.Warnings, warning)
	}
	return cause
}

// recoverOpenRuns takes back the runs on this volume that were cut off, so that
// a new one starts from where they started.
func (o *operation) recoverOpenRuns(ctx context.Context) error {
	if o.r.State == nil { // a dry run where no run has ever been
		return nil
	}
	runs, err := o.r.State.Runs()
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(runs, func(run journal.Run) bool { return !run.Open() })
	if len(runs) == 0 {
		return nil
	}
	if o.p.disk != nil {
		if err := o.p.chooseRoot(ctx); err != nil {
			return err
		}
	}
	here := o.p.patient(o.r)
	for _, run := range slices.Backward(runs) {
		if !run.Patient.Same(here) {
			continue
		}
		if !run.Patient.SamePlace(here) { // a copy, or the same volume under another name: not ours to decide
			o.report.Warnings = append(o.report.Warnings, fmt.Sprintf("run %s on a volume with this root filesystem was cut off, at %s: if it is this one, undo it", run.ID, offline.Printable(run.Patient.Path)))
			continue
		}
		if o.r.DryRun {
			o.report.Warnings = append(o.report.Warnings, fmt.Sprintf("run %s was cut off; a real run takes it back first", run.ID))
			continue
		}
		o.r.say("taking back run " + run.ID + ", which was cut off")
		if _, err := o.p.undo(ctx, o.r, run.ID); err != nil {
			return &Failure{Code: "not-taken-back", Err: fmt.Errorf("cannot take back run %s, which was cut off: %w", run.ID, err), Left: true,
				Hint: "put right what the message names, and run regain-agent undo with the same source and --run " + run.ID}
		}
		o.report.Warnings = append(o.report.Warnings, fmt.Sprintf("run %s had been cut off; it was taken back first", run.ID))
	}
	return nil
}

// patient identifies the volume in the journal.
func (p *Patient) patient(r Request) journal.Patient {
	j := journal.Patient{Volume: p.VolumeID, Instance: r.Instance, Path: p.Name}
	if p.disk == nil {
		j.Root, j.Born = p.source.Root.Path, p.source.Root.Born
		return j
	}
	if sb := p.disk.Contents[p.root.content].Superblock; sb != nil {
		j.RootUUID = sb.UUID
	}
	j.Subvol = p.root.subvol.path
	return j
}
