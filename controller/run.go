package controller

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// ErrRolledBack is the failure of a run that was taken back on request.
var ErrRolledBack = errors.New("taken back on request")

// driven is a run with its journal.
type driven struct {
	*flow.Run[Rescue]
	journal Journal
}

// Reset regains access to instances, side by side. Each outcome says how its run
// ended; the error is that of not having begun at all, or of a journal that
// cannot be written.
func (c *Controller) Reset(ctx context.Context, asks ...Ask) (outcomes []Outcome, err error) {
	f := c.fleet(len(asks))
	var runs []driven
	defer func() { err = errors.Join(err, closeAll(runs)) }()
	for _, ask := range asks {
		if err := CheckInstanceID(ask.Instance); err != nil {
			return nil, err
		}
		f.cloud.instances.watch(ask.Instance)
		f.cloud.members.watch(ask.Instance)
		f.cloud.secrets.watch(parameterName(ask.Instance))
	}
	for _, ask := range asks {
		run, err := f.begin(ask.withDefaults())
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return f.drive(ctx, runs)
}

// many is from how many runs on side by side answers may be a little older: the
// more there are, the more of them a look serves.
const many = 20

func (c *Controller) fleet(size int) *fleet {
	freshness := c.Freshness
	if freshness == 0 {
		freshness = time.Second
	}
	if size > many {
		freshness *= 3
	}
	f := &fleet{Controller: c, cloud: newPoller(c.Cloud, c.Clock, c.onClock(freshness))}
	f.cloud.alone = size == 1
	f.groups.alone, f.groups.now = size == 1, c.Clock.Now
	return f
}

// spent is how much of the cloud's time has gone by; in a lab it may run faster
// than the clock.
func (c *Controller) spent(since time.Time) time.Duration {
	return time.Duration(float64(c.Clock.Now().Sub(since)) * max(c.Speed, 1))
}

// onClock is how long a span of the cloud's time takes on the clock.
func (c *Controller) onClock(span time.Duration) time.Duration {
	return time.Duration(float64(span) / max(c.Speed, 1))
}

// begin makes a run and its journal.
func (f *fleet) begin(ask Ask) (driven, error) {
	id, journal, err := f.create()
	if err != nil {
		return driven{}, err
	}
	r := Rescue{Run: id, Began: f.Clock.Now().UTC(), Owner: f.Owner, Ask: ask, Fleet: f.first}
	if f.first == "" {
		f.first = id
	}
	var w watched
	run, err := flow.Begin(f.bracket(false).steps(), flow.Journal[Rescue](journal), r, f.options(&w))
	if err != nil {
		return driven{}, errors.Join(err, journal.Close())
	}
	w.run = run
	return driven{run, journal}, nil
}

// create makes a journal under a name that is new.
func (f *fleet) create() (id string, journal Journal, err error) {
	for range 5 { // chance repeats itself among hundreds
		if id, err = f.runID(); err != nil {
			return "", nil, err
		}
		if journal, err = f.Runs.Create(id); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return id, journal, err
}

// runID is time and chance: 20261122T155300Z-3fa2c1.
func (c *Controller) runID() (string, error) {
	chance := make([]byte, 3)
	if _, err := io.ReadFull(c.Random, chance); err != nil {
		return "", fmt.Errorf("cannot name the run: %w", err)
	}
	return c.Clock.Now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(chance), nil
}

// drive drives runs until they are over.
func (f *fleet) drive(ctx context.Context, runs []driven) ([]Outcome, error) {
	runners := make([]flow.Runner, len(runs))
	for i, r := range runs {
		runners[i] = r
	}
	err := flow.Fleet{Clock: f.Clock, Speed: f.Speed, Workers: f.Workers, Flush: f.groups.flush}.Drive(ctx, runners...)
	var outcomes []Outcome
	for _, r := range runs {
		outcomes = append(outcomes, outcome(r.Run, f.Clock.Now()))
	}
	return outcomes, err
}

func closeAll(runs []driven) error {
	var errs []error
	for _, r := range runs {
		errs = append(errs, r.journal.Close())
	}
	return errors.Join(errs...)
}

// watched is a run as whoever watches it needs to know it.
type watched struct{ run *flow.Run[Rescue] }

// options are a run's surroundings.
func (f *fleet) options(w *watched) flow.Options {
	o := flow.Options{Now: f.Clock.Now, Transient: f.transient}
	if f.Watch != nil {
		o.Watch = func(n flow.Notice) {
			if w.run != nil {
				f.Watch(event(n, &w.run.State, w.run.Way()))
			}
		}
	}
	return o
}

// expired are the codes of credentials that were good a while ago. The SDK reads
// new ones from where it has them.
var expired = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}

// transient tells which failures of a call only mean "again".
func (c *Controller) transient(err error, attempt int) (flow.Wait, bool) {
	var failed *CloudError
	if !errors.As(err, &failed) {
		return flow.Wait{}, false
	}
	backoff := min(time.Second<<min(attempt-1, 5), 20*time.Second)
	switch failed.Kind {
	case Throttled:
		if failed.After > 0 {
			return flow.Wait{For: failed.After, Why: "for a turn at " + failed.Action}, true
		}
		return flow.Wait{For: backoff + c.jitter(backoff), Why: failed.Action + " is throttled"}, true
	case Unknown:
		return flow.Wait{For: backoff, Why: "there was no answer to " + failed.Action}, true
	case Capacity:
		return flow.Wait{For: 20 * time.Second, Why: "EC2 has no capacity for that now (" + failed.Code + "), it is tried again"}, true
	case Denied:
		if slices.Contains(expired, failed.Code) {
			return flow.Wait{For: 20 * time.Second, Why: "for new credentials, as these have expired (" + failed.Code + "): log in again, and it goes on"}, true
		}
	case Quota:
		if failed.Action == "ec2:StartInstances" { // somebody took what the stop set free, or the helper has it
			return flow.Wait{For: 20 * time.Second, Why: "EC2 has no room for the instance now (" + failed.Code + "), it is tried again"}, true
		}
	case State, NotFound: // what was just made or changed is not known everywhere yet
		return flow.Wait{For: backoff, Why: failed.Error()}, attempt <= 5
	}
	return flow.Wait{}, false
}

// jitter is a random part of a wait, so that runs do not come back together.
func (c *Controller) jitter(most time.Duration) time.Duration {
	var b [1]byte
	if _, err := io.ReadFull(c.Random, b[:]); err != nil {
		return 0
	}
	return most * time.Duration(b[0]) / 256
}

// Resume goes on with a run that is not home: ref names it, or its instance.
// Where its journal is not to be had, it is rebuilt from the tags.
func (c *Controller) Resume(ctx context.Context, ref string, takeOver bool) (Outcome, error) {
	return c.goOn(ctx, ref, takeOver, false)
}

// Rollback takes a run back that is on its way out. One that is on its way home
// goes on, and one that is home is told what to do instead.
func (c *Controller) Rollback(ctx context.Context, ref string, takeOver bool) (Outcome, error) {
	o, err := c.goOn(ctx, ref, takeOver, true)
	if o.State == StateTakenBack {
		o.Err, o.Error = nil, ""
	}
	return o, err
}

func (c *Controller) goOn(ctx context.Context, ref string, takeOver, back bool) (o Outcome, err error) {
	f := c.fleet(1)
	d, err := f.open(ctx, ref, takeOver, back)
	if err != nil {
		return Outcome{}, err
	}
	defer func() { err = errors.Join(err, d.journal.Close()) }()
	if back && d.Way() == flow.AtHome {
		return Outcome{}, homeError(&d.State)
	}
	if back {
		if err := d.Turn(ErrRolledBack); err != nil {
			return Outcome{}, err
		}
	}
	outcomes, err := f.drive(ctx, []driven{d})
	return outcomes[0], err
}

// A HomeError means that a run is home, so that there is nothing to take back.
type HomeError struct{ Run, Instead string }

func (e *HomeError) Error() string {
	return "cannot take run " + e.Run + " back: it is home. " + e.Instead
}

// homeError says what to do instead.
func homeError(r *Rescue) error {
	e := &HomeError{Run: r.Run, Instead: "Nothing of it is left"}
	switch {
	case r.rescued() && r.windows():
		e.Instead = "Windows makes the new password when it starts (regain password " + r.Ask.Instance + " --key FILE), and what makes it disarms itself"
	case r.rescued():
		e.Instead = "The new key is in: log in and remove its line from authorized_keys, or let the next run do it" +
			" (regain reset " + r.Ask.Instance + " --revoke-previous)"
	}
	for _, k := range r.Kept {
		if strings.HasPrefix(k.What, aBackup) { // not the key, and not the image of the armed machine
			e.Instead += ". The " + k.What + " has the volume as it was before"
		}
	}
	return e
}

// open takes up the run that ref names.
func (f *fleet) open(ctx context.Context, ref string, takeOver, back bool) (driven, error) {
	run, err := f.resolve(ctx, ref)
	if err != nil {
		return driven{}, err
	}
	journal, err := f.Runs.Open(run)
	if errors.Is(err, fs.ErrNotExist) {
		return f.rebuild(ctx, run, takeOver, back)
	}
	if err != nil {
		return driven{}, err
	}
	d, err := f.replay(journal)
	if err == nil && !d.Over() {
		err = f.claim(ctx, &d.State, takeOver)
	}
	if err != nil {
		return driven{}, errors.Join(err, journal.Close())
	}
	return d, nil
}

func (f *fleet) replay(journal Journal) (driven, error) {
	var w watched
	run, err := flow.Resume(f.bracket(true).steps(), flow.Journal[Rescue](journal), f.options(&w))
	w.run = run
	return driven{run, journal}, err
}

// learn takes from the tags what a process told there and could not journal.
func (r *Rescue) learn(tags map[string]string) {
	told := &Rescue{Original: &Original{}}
	if tags[TagRun] != r.Run {
		return
	}
	if _, err := decode(recordFields, tags[TagRecord], told); err == nil {
		r.Homing, r.Calm, r.Forward = r.Homing || told.Homing, r.Calm || told.Calm, r.Forward || told.Forward
		r.NotEnabled = r.NotEnabled || told.NotEnabled
	}
}

// claim sees that no other run and nobody else has the instance.
func (f *fleet) claim(ctx context.Context, r *Rescue, takeOver bool) error {
	found, err := f.cloud.Instances(ctx, r.Ask.Instance)
	if err != nil || len(found) == 0 {
		return err
	}
	tags := found[0].Tags
	r.learn(tags)
	other := tags[TagRun] != "" && tags[TagRun] != r.Run
	foreign := tags[TagRun] == r.Run && tags[TagOwner] != tagText(f.Owner)
	switch {
	case (other || foreign) && !takeOver:
		return lockedBy(r.Ask.Instance, tags, f.Clock.Now())
	case foreign:
		r.Owner = f.Owner
		return f.cloud.Tag(ctx, map[string]string{TagOwner: tagText(f.Owner)}, r.Ask.Instance)
	}
	return nil
}
