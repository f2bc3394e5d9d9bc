package controller

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// unknownWay is the way of a run of which only tags are left, and these of a
// version that did not say.
const unknownWay = "unknown"

// past is a journal that is only read.
type past []flow.Entry[Rescue]

func (p past) Entries() ([]flow.Entry[Rescue], error) { return p, nil }
func (p past) Append(flow.Entry[Rescue]) error        { return errors.ErrUnsupported }
func (p past) Close() error                           { return nil }

// here is what a journal of this machine tells of a run.
func (f *fleet) here(run string) (s Status, err error) {
	entries, err := f.Runs.Peek(run)
	if err != nil {
		return Status{}, err
	}
	d, err := f.replay(past(entries))
	if err != nil {
		return Status{}, err
	}
	r := d.State
	r.keepParameter()
	s = Status{Run: run, Instance: r.Ask.Instance, Owner: r.Owner, Began: r.Began, Way: string(d.Way()), Step: d.Step(), Journal: true, Kept: r.Kept}
	if r.rescued() {
		s.Outcome, s.Users, s.HostKey, s.Started, s.Keys = StateRescued, r.Result.Users, r.Verified.HostKey, r.Started, r.Ask.Keys
		if r.Result.Report != nil {
			s.AgentRun = r.Result.Report.Run
			if w := r.Result.Report.Windows; w != nil { // of the script of an earlier run, which waited already
				s.AgentRun = cmp.Or(w.Run, s.AgentRun)
			}
		}
	}
	if err := d.Failure(); err != nil {
		s.Error = err.Error()
		s.Outcome = StateTakenBack
		if errors.Is(err, flow.ErrInterrupted) {
			s.Outcome = StateInterrupted
		}
	}
	if d.Way() != flow.AtHome {
		s.Outcome = ""
	}
	return s, nil
}

// Status tells of one run, and what it has made that still exists.
func (c *Controller) Status(ctx context.Context, ref string) (Status, error) {
	f := c.fleet(1)
	run, err := f.resolve(ctx, ref)
	if err != nil {
		return Status{}, err
	}
	tagged, err := f.tagged(ctx, run)
	if err != nil {
		return Status{}, err
	}
	s, err := f.here(run)
	if errors.Is(err, fs.ErrNotExist) {
		if tagged[run] == nil {
			return Status{}, &NoRunError{Ref: ref}
		}
		return *tagged[run], nil
	}
	if err != nil {
		return Status{}, err
	}
	if t := tagged[run]; t != nil {
		s.Made = t.Made
	}
	return s, nil
}

// List tells of the runs that are not home, wherever they were begun, and of
// those that were begun here, newest first.
func (c *Controller) List(ctx context.Context) ([]Status, error) {
	f := c.fleet(1)
	tagged, err := f.tagged(ctx, "")
	if err != nil {
		return nil, err
	}
	runs, err := f.Runs.List()
	if err != nil {
		return nil, err
	}
	var all []Status
	for _, run := range runs {
		s, err := f.here(run)
		if err != nil {
			s = Status{Run: run, Way: unknownWay, Journal: true, Error: err.Error()}
		}
		if t := tagged[run]; t != nil {
			s.Made = t.Made
			if s.Instance == "" {
				s.Instance, s.Owner, s.Began = t.Instance, t.Owner, t.Began
			}
			delete(tagged, run)
		}
		all = append(all, s)
	}
	for _, s := range tagged {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(b.Run, a.Run) })
	return all, nil
}

// tagged is what the tags tell of a run, or of all, by run.
func (f *fleet) tagged(ctx context.Context, run string) (map[string]*Status, error) {
	all := map[string]*Status{}
	of := func(tags map[string]string) *Status {
		id := tags[TagRun]
		if all[id] == nil {
			all[id] = &Status{Run: id, Way: unknownWay}
		}
		return all[id]
	}
	instances, err := f.cloud.InstancesTagged(ctx, TagRun, run)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		s := of(i.Tags)
		if i.Tags[TagRecord] == "" {
			s.Made = append(s.Made, i.ID)
			continue
		}
		s.Instance, s.Owner = i.ID, i.Tags[TagOwner]
		s.Began, _ = time.Parse(time.RFC3339, i.Tags[TagSince]) // one that cannot be read is not shown
		if r, _, err := recordFrom(i.ID, i.Tags); err == nil {
			s.Way = string(flow.Out)
			if r.Homing {
				s.Way = string(flow.Homing)
			}
		}
	}
	backups, err := f.cloud.BackupsTagged(ctx, TagRun, run)
	if err != nil {
		return nil, err
	}
	for _, b := range backups {
		of(b.Tags).Made = append(of(b.Tags).Made, b.ID)
	}
	parts, err := f.cloud.Parts(ctx, TagRun, run)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if p.Tags[TagRun] != "" {
			of(p.Tags).Made = append(of(p.Tags).Made, p.ID)
		} else if run != "" {
			s := of(map[string]string{TagRun: run})
			s.Made = append(s.Made, p.ID)
		}
	}
	return all, nil
}
