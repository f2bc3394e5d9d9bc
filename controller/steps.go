package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller/flow"
)

// fleet is what the runs of one call share.
type fleet struct {
	*Controller
	cloud    *poller
	groups   groups
	delivery parcels
	first    string // the run under whose name the agent is delivered
}

// bracket is the steps of one run. What it remembers may be lost at any time:
// whatever it has forgotten is found by looking.
type bracket struct {
	*fleet
	// resumed says that an earlier process may have made what the record does
	// not know.
	resumed bool
	begun   map[string]time.Time // effects under way, by what is waited for
	doubts  map[string]time.Time // calls that may have had an effect, and are looked for
	checked map[string]bool      // doubts that are settled
	late    map[string]bool      // settled by giving up: an effect may show later still

	turned   bool
	wrote    bool   // the lock
	online   string // the helper that was online
	caught   int    // steps that a rebuilt run has caught up with
	loss     string // why the last helper was lost, as EC2 says
	prepared string // the helper that has the agent
	plugged  string // the helper that had the volume
	partial  []Part // of the network, as found
	probe    chan Verification
	signer   ssh.Signer // the new key, for the proof
}

func (f *fleet) bracket(resumed bool) *bracket {
	return &bracket{fleet: f, resumed: resumed, begun: map[string]time.Time{}, doubts: map[string]time.Time{}, checked: map[string]bool{}, late: map[string]bool{}}
}

// The names of the steps that others refer to.
const (
	stepLock   = "lock"
	stepRescue = "rescue"
)

// steps are a rescue, in order: out through every Do, home through every Undo.
func (b *bracket) steps() []flow.Step[Rescue] {
	steps := []flow.Step[Rescue]{
		{Name: "look", Do: b.look, Undo: b.compare, DoLimit: 15 * time.Minute},
		{Name: "preflight", Do: b.preflight},
		{Name: stepLock, Do: b.lock, Undo: b.unlock},
		{Name: "network", Do: b.makeNetwork, Undo: b.removeNetwork},
		{Name: "deliver", Do: b.deliver, Undo: b.undeliver},
		{Name: "helper", Do: b.helper, Undo: b.terminate},
		{Name: "prepare", Do: b.prepare},
		{Name: "arm", Do: b.arm},
		{Name: "keep", Do: nothing, Undo: b.settleImages}, // after the start: no backup is worth an instance that is down
		{Name: "standby", Do: b.enterStandby, Undo: b.exitStandby},
		{Name: "verify", Do: nothing, Undo: b.verify},
		{Name: "unprotect", Do: b.unprotect, Undo: b.protect},
		{Name: "stop", Do: b.stop, DoLimit: longestStop, Undo: b.start, UndoLimit: time.Hour},
		{Name: "enable", Do: nothing, Undo: b.enable},
		{Name: "backup", Do: b.backUp, Undo: nothing}, // its Undo is that of keep
		{Name: "detach", Do: b.detach, Undo: b.attachHome},
		{Name: "attach", Do: b.attach, Undo: b.detachHelper},
		{Name: stepRescue, Do: b.rescue, Undo: b.calm, DoLimit: time.Hour},
	}
	last := &steps[len(steps)-1]
	last.Do = b.catchUp(steps[:len(steps)-1], last.Do)
	locked := slices.IndexFunc(steps, func(s flow.Step[Rescue]) bool { return s.Name == stepLock })
	for i := range steps[locked+1:] {
		if undo := &steps[locked+1+i].Undo; *undo != nil {
			*undo = b.homing(*undo)
		}
	}
	for i := range steps[locked:] {
		if s := &steps[locked+i]; s.Undo != nil {
			s.Undo = b.surviving(s.Name, s.Undo)
		}
	}
	if b.mutate != nil {
		steps = b.mutate(steps)
	}
	return steps
}

type move func(context.Context, *Rescue) (flow.Wait, error)

func nothing(context.Context, *Rescue) (flow.Wait, error) { return flow.Wait{}, nil }

// homing has the tags say that a run has turned round, and how it went, before
// its first Undo: then it does not go out again either where its journal is
// lost.
func (b *bracket) homing(undo move) move {
	return func(ctx context.Context, r *Rescue) (flow.Wait, error) {
		if !b.turned {
			b.turned = true
			b.groups.withdraw(r.Ask.Instance)
			b.groups.withdraw(r.Helper)
		}
		if r.Locked && !r.Homing && !r.Gone {
			if err := b.tell(ctx, r, func(r *Rescue) { r.Homing = true }); err != nil {
				return b.bereaved(ctx, r, err)
			}
		}
		return undo(ctx, r)
	}
}

// surviving has an Undo that fails ask whether somebody has terminated the
// instance: then there is nothing to put back, and all the rest to clean up.
func (b *bracket) surviving(step string, undo move) move {
	return func(ctx context.Context, r *Rescue) (flow.Wait, error) {
		if r.Gone && slices.Contains(ofPatient, step) {
			return flow.Wait{}, nil
		}
		wait, err := undo(ctx, r)
		if err != nil && !r.Gone {
			return b.bereaved(ctx, r, err)
		}
		return wait, err
	}
}

// bereaved returns the error of an Undo, unless it is due to the loss of the
// instance. What is no word about a resource is not asked after: a throttled call
// would bring another.
func (b *bracket) bereaved(ctx context.Context, r *Rescue, err error) (flow.Wait, error) {
	passing := func(k Kind) bool { return is(err, k) }
	if slices.ContainsFunc([]Kind{Throttled, Unknown, Capacity, Quota, Denied}, passing) || !b.terminated(ctx, r) {
		return flow.Wait{}, err
	}
	r.Gone = true
	r.Warnings = append(r.Warnings, "somebody has terminated the instance; its root volume "+r.Original.Root.Volume+
		" stays, if it was not attached then: aws ec2 delete-volume removes it")
	return flow.Wait{For: time.Second, Why: "to clean up after the instance, which was terminated"}, nil
}

// ofPatient are the steps whose Undo puts something of the instance back.
var ofPatient = []string{"standby", "verify", "unprotect", "stop", "enable", "detach"}

// terminated tells whether the instance is gone for good. One that is not known
// any more was terminated an hour ago, or an answer is wrong for a moment.
func (b *bracket) terminated(ctx context.Context, r *Rescue) bool {
	if r.Original == nil {
		return false
	}
	found, err := b.cloud.Instances(ctx, r.Ask.Instance)
	if err != nil {
		return false
	}
	if len(found) == 0 {
		b.beginsOnce("vanished")
		return b.resumed || b.since("vanished") > settling
	}
	return gone(found[0].State)
}

// tell changes the record together with the tags, where another machine, or this
// one after a crash, finds it.
func (b *bracket) tell(ctx context.Context, r *Rescue, change func(*Rescue)) error {
	told := *r
	change(&told)
	// Past the poller: nobody waits to see it, and the instance is down.
	err := b.cloud.Cloud.Tag(ctx, map[string]string{TagRecord: encodeRecord(&told)}, r.tagged()...)
	if err != nil && !(r.Gone && is(err, NotFound)) {
		return err
	}
	change(r)
	return nil
}

// tagged are the resources that carry the run's tags as long as it has them.
func (r *Rescue) tagged() []string {
	if r.Gone {
		return []string{r.Original.Root.Volume}
	}
	return []string{r.Ask.Instance, r.Original.Root.Volume}
}

// The rhythm of looking: first when the effect usually has taken place, then
// every step, and less often the longer it takes.
type rhythm struct{ first, step time.Duration }

// begins notes that the effect of a call is under way.
func (b *bracket) begins(what string) { b.begin(what, 0) }

// begin notes that it will be under way after a while.
func (b *bracket) begin(what string, after time.Duration) {
	b.begun[what] = b.Clock.Now().Add(b.onClock(after))
}

// wait says when to look again for an effect.
func (b *bracket) wait(what string, every rhythm, format string, args ...any) flow.Wait {
	since, ok := b.begun[what]
	if !ok { // an earlier process began it
		since = b.Clock.Now().Add(-b.onClock(every.first))
		b.begun[what] = since
	}
	spent := b.spent(since)
	wait := max(every.step, (spent-every.first)/8)
	if spent < every.first {
		wait = every.first - spent
	}
	return flow.Wait{For: wait, Why: fmt.Sprintf(format, args...)}
}

// settling is how long a thing that was made may be missing from answers.
const settling = 10 * time.Second

// underWay is how long a request of which nobody awaits the answer may take to
// have its effect. A lab's speed does not shorten it.
const underWay = 2 * time.Second

// doubt notes that a call is made whose effect may stay unknown to us; sure,
// that its answer was heard. An error is no answer: even one that sounds final
// may come after the effect.
func (b *bracket) doubt(what string) {
	b.doubts[what] = b.Clock.Now()
	delete(b.checked, what)
}

func (b *bracket) sure(what string, err error) {
	if err != nil {
		b.doubts[what] = b.Clock.Now() // the call may have taken effect only now
		return
	}
	delete(b.doubts, what)
	b.checked[what] = true
}

// unsure tells whether something may exist that the record does not know.
func (b *bracket) unsure(what string) bool {
	_, doubted := b.doubts[what]
	return doubted || b.resumed && !b.checked[what]
}

// settle is asked when a look has not found what is in doubt: it has the look
// repeated until answers can be trusted.
func (b *bracket) settle(what string) flow.Wait {
	since, ok := b.doubts[what]
	if !ok {
		since = b.Clock.Now()
		b.doubts[what] = since
	}
	left := max(settling, b.spent(b.Clock.Now().Add(-underWay))) - b.spent(since)
	if left > 0 {
		return flow.Wait{For: min(left, settling/2), Why: "for " + what + " to show, if there is one"}
	}
	delete(b.doubts, what)
	b.checked[what], b.late[what] = true, true
	return flow.Wait{}
}

// sight is the cloud as look wants it: shared looks, and remembered look-ups.
func (b *bracket) sight() viewer {
	return b.remembering(b.cloud)
}

func (b *bracket) look(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Original != nil {
		return flow.Wait{}, nil // rebuilt from tags
	}
	if r.Original = b.plans.take(b.Clock.Now(), r.Ask.Instance); r.Original != nil {
		return flow.Wait{}, nil
	}
	was, err := look(ctx, b.sight(), r.Ask.Instance)
	if err != nil {
		return flow.Wait{}, err
	}
	if state := was.Instance.State; moving(state) {
		return b.wait("look", rhythm{5 * time.Second, 5 * time.Second}, "the instance is %s", state), nil
	}
	r.Original = was
	return flow.Wait{}, nil
}

// compare looks again. What the run had to put back must be as it was; what else
// has changed meanwhile is told.
func (b *bracket) compare(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Original == nil || !r.Locked || r.Gone {
		return flow.Wait{}, nil
	}
	is, err := look(ctx, &selective{viewer: b.sight(), was: r.Original}, r.Ask.Instance)
	if err != nil {
		return flow.Wait{}, err
	}
	if gone(is.Instance.State) {
		r.Warnings = append(r.Warnings, "the instance is "+is.Instance.State)
		return flow.Wait{}, nil
	}
	if left := compare(ours(r.Original), ours(is)); len(left) > 0 {
		return flow.Wait{}, &DifferenceError{Differences: left}
	}
	r.Warnings = append(r.Warnings, compare(r.Original, is)...)
	return flow.Wait{}, nil
}

// A DifferenceError means that the instance is not what it was.
type DifferenceError struct{ Differences []string }

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("the instance is not as it was: %v", e.Differences)
}

// ours is the part of an instance that a run changes and puts back.
func ours(o *Original) *Original {
	device := o.Root
	device.State = ""
	return &Original{
		Instance:   Instance{RootDevice: o.Instance.RootDevice, Devices: []Device{device}},
		Root:       device,
		Attributes: Attributes{StopProtection: o.Attributes.StopProtection},
	}
}

// selective does not ask again for what a run cannot have changed.
type selective struct {
	viewer
	was *Original
}

// Attributes asks only where stop protection was lifted.
func (s *selective) Attributes(ctx context.Context, instance string) (Attributes, error) {
	if !s.was.Attributes.StopProtection {
		return s.was.Attributes, nil
	}
	return s.viewer.Attributes(ctx, instance)
}

// Group asks only where there was one.
func (s *selective) Group(ctx context.Context, instance string) (*Group, error) {
	if s.was.Group == nil {
		return nil, nil
	}
	return s.viewer.Group(ctx, instance)
}

func (b *bracket) preflight(ctx context.Context, r *Rescue) (flow.Wait, error) {
	r.Ask = r.Ask.on(r.Original.Instance.Platform)
	if r.Rebuilt {
		return flow.Wait{}, nil // it was passed before
	}
	plan, err := b.examineOn(ctx, b.remembering(b.cloud), r.Run, r.Ask, r.Original)
	if err != nil {
		return flow.Wait{}, err
	}
	r.Caller = plan.Caller
	if err := plan.refusal(); err != nil {
		return flow.Wait{}, err
	}
	r.Place, r.UserData = &plan.Place, plan.UserData
	return flow.Wait{}, nil
}

// made are the tags of what a run makes.
func (r *Rescue) made(role, name string, more map[string]string) map[string]string {
	tags := map[string]string{TagRun: r.Run, TagRole: role, "Name": name}
	maps.Copy(tags, more)
	return tags
}
