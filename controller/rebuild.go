package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// A NoRunError means that there is nothing to go on with.
type NoRunError struct{ Ref string }

func (e *NoRunError) Error() string {
	if e.Ref == "" {
		return "no run that was begun here is under way: regain list tells of others"
	}
	of := ""
	if strings.HasPrefix(e.Ref, "i-") {
		of = "of "
	}
	return "there is no run " + of + e.Ref + ": neither a journal here, nor tags in this account and region"
}

// resolve finds the run that ref names: itself, the one that has an instance, or
// without a name, the only one here that is not home.
func (f *fleet) resolve(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		return f.onlyOpen()
	}
	if !strings.HasPrefix(ref, "i-") {
		return ref, nil
	}
	if err := CheckInstanceID(ref); err != nil {
		return "", err
	}
	found, err := f.cloud.Instances(ctx, ref)
	if err != nil {
		return "", err
	}
	if len(found) == 1 && found[0].Tags[TagRun] != "" && found[0].Tags[TagRole] == "" {
		return found[0].Tags[TagRun], nil
	}
	runs, err := f.Runs.List()
	if err != nil {
		return "", err
	}
	newest := ""
	for _, run := range runs {
		s, err := f.here(run)
		if err != nil || s.Instance != ref {
			continue
		}
		if s.Way != string(flow.AtHome) {
			return run, nil
		}
		newest = cmp.Or(newest, run)
	}
	if newest == "" {
		return "", &NoRunError{Ref: ref}
	}
	return newest, nil
}

// onlyOpen is the run here that is not home. Of several none is guessed.
func (f *fleet) onlyOpen() (string, error) {
	runs, err := f.Runs.List()
	if err != nil {
		return "", err
	}
	var open, named []string
	for _, run := range runs {
		s, err := f.here(run)
		if err != nil {
			return "", fmt.Errorf("cannot tell which run is meant: %w: name one", err)
		}
		if s.Way != string(flow.AtHome) {
			open, named = append(open, run), append(named, run+" of "+s.Instance)
		}
	}
	switch len(open) {
	case 0:
		return "", &NoRunError{}
	case 1:
		return open[0], nil
	}
	return "", fmt.Errorf("%d runs are not home, name one: %s", len(open), strings.Join(named, ", "))
}

// rebuild makes a run's record, and a journal for it, from the tags on the
// instance and its root volume.
func (f *fleet) rebuild(ctx context.Context, run string, takeOver, back bool) (driven, error) {
	r, err := f.fromTags(ctx, run, back)
	if err != nil {
		return driven{}, err
	}
	if err := f.claim(ctx, r, takeOver); err != nil {
		return driven{}, err
	}
	journal, err := f.Runs.Create(run)
	if err != nil {
		return driven{}, err
	}
	now := f.Clock.Now()
	begun := []flow.Entry[Rescue]{{Version: flow.Version, Time: now, Event: flow.Begun, State: *r}}
	begun = append(begun, f.resumedEntry(r, now, back))
	for _, e := range begun {
		if err := journal.Append(e); err != nil {
			return driven{}, errors.Join(err, journal.Close())
		}
	}
	d, err := f.replay(journal)
	if err != nil {
		return driven{}, errors.Join(err, journal.Close())
	}
	return d, nil
}

// resumedEntry has the journal of a rebuilt run begin at the last step, as all
// may have been done. On the way out that step catches up with the others; on
// the way home each Undo looks, and finds what is back already.
func (f *fleet) resumedEntry(r *Rescue, now time.Time, back bool) flow.Entry[Rescue] {
	steps := f.bracket(true).steps()
	last := len(steps) - 1
	e := flow.Entry[Rescue]{Version: flow.Version, Time: now, Step: last, Name: steps[last].Name, Event: flow.Did, State: *r}
	switch {
	case !r.Homing && back:
		e.Event, e.Err = flow.Turned, ErrRolledBack.Error()
	case !r.Homing:
		e.Step, e.Name = last-1, steps[last-1].Name
	case !r.rescued():
		e.Event, e.Err = flow.Turned, "the run was on its way home, and why is not in the tags"
	}
	return e
}

// catchUp is the last Do of a run that may have been rebuilt: then it does
// first what is missing of the steps before, so that whatever fails, the way
// home begins behind all of them.
func (b *bracket) catchUp(before []flow.Step[Rescue], do move) move {
	return func(ctx context.Context, r *Rescue) (flow.Wait, error) {
		for r.Rebuilt && b.caught < len(before) {
			if wait, err := before[b.caught].Do(ctx, r); err != nil || !wait.Done() {
				return wait, err
			}
			b.caught++
		}
		return do(ctx, r)
	}
}

// fromTags reads what the tags tell of a run, and looks up the rest.
func (f *fleet) fromTags(ctx context.Context, run string, back bool) (*Rescue, error) {
	found, err := f.cloud.InstancesTagged(ctx, TagRun, run)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, func(i Instance) bool { return i.Tags[TagRecord] != "" })
	if i < 0 {
		return nil, &NoRunError{Ref: run}
	}
	r, lost, err := recordFrom(found[i].ID, found[i].Tags)
	if err != nil {
		return nil, err
	}
	if !back {
		if err := f.askAgain(r, lost); err != nil {
			return nil, err
		}
	}
	if err := f.restoreOriginal(ctx, r, found[i]); err != nil {
		return nil, err
	}
	if r.Caller, err = f.cloud.Caller(ctx); err != nil {
		return nil, err
	}
	return r, f.adopt(ctx, r, found)
}

// recordFrom decodes the tags.
func recordFrom(instance string, tags map[string]string) (r *Rescue, lost []string, err error) {
	r = &Rescue{Run: tags[TagRun], Owner: tags[TagOwner], Rebuilt: true, Locked: true, Original: &Original{}}
	r.Ask.Instance = instance
	if _, err := decode(recordFields, tags[TagRecord], r); err != nil {
		return nil, nil, err
	}
	if lost, err = decode(askFields, tags[TagAsk], &r.Ask); err != nil {
		return nil, nil, err
	}
	if r.Began, err = time.Parse(time.RFC3339, tags[TagSince]); err != nil {
		return nil, nil, fmt.Errorf("cannot read the tags: %w", err)
	}
	if r.Original.Root.Volume == "" || r.Original.Root.Name == "" {
		return nil, nil, errors.New("cannot read the tags: they do not name the root volume")
	}
	return r, lost, nil
}

// askAgain fills in what did not fit into the tags. On the way home it is not
// needed.
func (f *fleet) askAgain(r *Rescue, lost []string) error {
	if i := slices.Index(lost, "P"); i >= 0 && f.PublicKey != "" {
		r.Ask.PublicKey, lost = f.PublicKey, slices.Delete(lost, i, i+1)
	}
	if len(lost) == 0 || r.Homing {
		return nil
	}
	if slices.Contains(lost, "P") {
		return fmt.Errorf("cannot go on with run %s: its journal is not here, and the public key did not fit into the tags: give it again with --public-key, or take the run back with regain rollback", r.Run)
	}
	return fmt.Errorf("cannot go on with run %s: its journal is not here, and what was asked for did not all fit into the tags: take it back with regain rollback", r.Run)
}

// restoreOriginal looks at the instance as it is, and puts in what the tags say
// that it was.
func (f *fleet) restoreOriginal(ctx context.Context, r *Rescue, is Instance) error {
	was := r.Original
	state := was.Instance.State
	var err error
	if was.Attributes.TerminationProtection, was.Attributes.Shutdown, err = f.unchanging(ctx, is.ID); err != nil {
		return err
	}
	volumes, err := f.cloud.Volumes(ctx, was.Root.Volume)
	if err != nil || len(volumes) != 1 {
		return errOr(err, "cannot find the root volume "+was.Root.Volume)
	}
	group, err := f.cloud.Group(ctx, is.ID)
	if err != nil {
		return err
	}
	if was.Group != nil && group != nil {
		lifecycle := was.Group.Lifecycle
		was.Group = group
		was.Group.Lifecycle = lifecycle
	}
	was.Instance = is
	was.Instance.State = state
	was.Root.State = nowAttached
	was.Instance.Devices = slices.DeleteFunc(slices.Clone(is.Devices), func(d Device) bool { return d.Name == was.Root.Name || d.Volume == was.Root.Volume })
	was.Instance.Devices = append(was.Instance.Devices, was.Root)
	was.Volume = volumes[0]
	was.Instance.Tags, was.Volume.Tags = without(is.Tags), without(was.Volume.Tags)
	was.Volume.State = "in-use"
	was.Volume.Attachments = []Attachment{{Instance: is.ID, Device: was.Root.Name, State: nowAttached, DeleteOnTermination: was.Root.DeleteOnTermination}}
	return nil
}

// unchanging are the attributes that no run changes.
func (f *fleet) unchanging(ctx context.Context, id string) (protected bool, shutdown string, err error) {
	a, err := f.cloud.Attributes(ctx, id)
	return a.TerminationProtection, a.Shutdown, err
}

// without is a copy without the tags of a run.
func without(tags map[string]string) map[string]string {
	left := maps.Clone(tags)
	maps.DeleteFunc(left, func(k, _ string) bool { return strings.HasPrefix(k, ownTags) })
	return left
}

// adopt finds what the run has made so far: its helper, its network.
func (f *fleet) adopt(ctx context.Context, r *Rescue, tagged []Instance) error {
	helpers := slices.DeleteFunc(slices.Clone(tagged), func(i Instance) bool { return i.Tags[TagRole] != RoleHelper })
	slices.SortFunc(helpers, func(a, b Instance) int { return b.Launched.Compare(a.Launched) })
	plan, err := f.examineOn(ctx, f.remembering(f.cloud), r.Run, r.Ask, r.Original)
	if err != nil {
		return err
	}
	r.Place, r.UserData = &plan.Place, plan.UserData
	parts, err := f.cloud.Parts(ctx, TagRun, r.Run)
	if err != nil {
		return err
	}
	r.Place.New = r.Place.New && len(helpers) == 0 || len(parts) > 0
	for _, i := range helpers {
		if i.State == Pending || i.State == Running {
			r.Helper = i.ID
			r.Helpers = len(helpers) - 1
			break
		}
	}
	return nil
}
