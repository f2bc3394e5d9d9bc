package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// The states of a volume and its attachments that matter here.
const (
	volumeAvailable = "available"
	nowAttached     = "attached"
	nowAttaching    = "attaching"
)

var (
	whileAttaching = rhythm{3 * time.Second, time.Second}
	whileDetaching = rhythm{4 * time.Second, time.Second}
)

// whereabouts looks where the root volume is.
func (b *bracket) whereabouts(ctx context.Context, r *Rescue) (Volume, Attachment, error) {
	return b.lately(ctx, r, 0)
}

// recent is how old a look may be for a first move that EC2 refuses if it was
// wrong. It saves a call while the instance is down.
const recent = 30 * time.Second

// lately is whereabouts, as seen not longer ago than age.
func (b *bracket) lately(ctx context.Context, r *Rescue, age time.Duration) (Volume, Attachment, error) {
	id := r.Original.Root.Volume
	found, err := b.cloud.volumes.within(ctx, max(age, b.cloud.volumes.fresh), []string{id})
	switch {
	case err != nil:
		return Volume{}, Attachment{}, err
	case len(found) == 0 && r.Gone: // together with the instance
		return Volume{}, Attachment{}, nil
	case len(found) == 0:
		return Volume{}, Attachment{}, fmt.Errorf("cannot find volume %s any more", id)
	case len(found[0].Attachments) == 0:
		return found[0], Attachment{}, nil
	}
	return found[0], found[0].Attachments[0], nil
}

// detach takes the root volume from the instance, which is stopped.
func (b *bracket) detach(ctx context.Context, r *Rescue) (flow.Wait, error) {
	v, at, err := b.whereabouts(ctx, r)
	switch {
	case err != nil:
		return flow.Wait{}, err
	case at.Instance == r.Ask.Instance:
		return b.unplug(ctx, v, at)
	case at.Instance != "" && at.Instance != r.Helper:
		return flow.Wait{}, fmt.Errorf("the root volume is attached to %s", at.Instance)
	}
	return flow.Wait{}, nil
}

// unplug detaches a volume from where it is.
func (b *bracket) unplug(ctx context.Context, v Volume, at Attachment) (flow.Wait, error) {
	what := "detach " + at.Instance
	if at.State == nowAttached {
		if err := b.cloud.Detach(ctx, v.ID, at.Instance); err != nil {
			return flow.Wait{}, err
		}
		b.begins(what)
	}
	return b.wait(what, whileDetaching, "for %s to be detached from %s: it is %s", v.ID, at.Instance, at.State), nil
}

// plug attaches a volume and waits for it.
func (b *bracket) plug(ctx context.Context, v Volume, at Attachment, instance, device string) (flow.Wait, error) {
	what := "attach " + instance
	switch {
	case at.Instance == instance && at.Device == device && at.State == nowAttached:
		return flow.Wait{}, nil
	case at.Instance == instance && (at.Device == device || at.State == nowAttaching):
		// under way, one way or the other
	case at.Instance == instance: // under another name
		return b.unplug(ctx, v, at)
	case at.Instance != "": // a helper that was lost, and goes
	case v.State == volumeAvailable:
		if err := b.cloud.Attach(ctx, v.ID, instance, device); err != nil {
			return flow.Wait{}, err
		}
		b.begins(what)
	}
	return b.wait(what, whileAttaching, "for %s to be attached to %s", v.ID, instance), nil
}

// attachHome puts the volume back under exactly the name it had, with the flag
// that AttachVolume never sets.
func (b *bracket) attachHome(ctx context.Context, r *Rescue) (flow.Wait, error) {
	v, at, err := b.whereabouts(ctx, r)
	if err != nil {
		return flow.Wait{}, err
	}
	home := r.Original.Root
	if wait, err := b.plug(ctx, v, at, r.Ask.Instance, home.Name); err != nil || !wait.Done() {
		return wait, err
	}
	if at.DeleteOnTermination != home.DeleteOnTermination {
		return flow.Wait{}, b.cloud.SetDeleteOnTermination(ctx, r.Ask.Instance, home.Name, home.DeleteOnTermination)
	}
	return flow.Wait{}, nil
}

// attach gives the volume to the helper, where the agent waits for it.
func (b *bracket) attach(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if wait, err := b.armed(ctx, r); err != nil || !wait.Done() {
		return wait, err
	}
	v, at, err := b.whereabouts(ctx, r)
	if err != nil {
		return flow.Wait{}, err
	}
	if at.Instance == r.Ask.Instance { // EC2 may answer with what was a moment ago
		b.beginsOnce("strayed")
		if b.since("strayed") < settling {
			return flow.Wait{For: 2 * time.Second, Why: "for EC2's answers to agree on where the volume is"}, nil
		}
		return flow.Wait{}, fmt.Errorf("the root volume is attached to the instance again")
	}
	delete(b.begun, "strayed")
	if at.Instance == "" {
		if wait, err := b.patient(ctx, r); err != nil || !wait.Done() {
			return wait, err
		}
	}
	r.Exposed = true
	wait, err := b.plug(ctx, v, at, r.Helper, r.Place.Device)
	switch {
	case is(err, State) || is(err, NotFound): // is it the helper that is gone?
		delete(b.begun, "alive "+r.Helper)
		if lost, again := b.lostHelper(ctx, r); again != nil || lost {
			return flow.Wait{For: time.Second, Why: "to replace the helper, which is lost"}, again
		}
	case err == nil && wait.Done():
		b.plugged = r.Helper
		r.attempt().Had = true
	}
	return wait, err
}

// armed sees to it that a helper is alive and its agent waits: one that was lost
// is replaced by the same moves that made it.
func (b *bracket) armed(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Helper != "" {
		if _, err := b.lostHelper(ctx, r); err != nil {
			return flow.Wait{}, err
		}
	}
	if a := r.attempt(); r.Helper != "" && a != nil && a.Helper == r.Helper && a.Command != "" && !a.Over {
		return flow.Wait{}, nil
	}
	for _, ensure := range []move{b.helper, b.prepare, b.arm} {
		if wait, err := ensure(ctx, r); err != nil || !wait.Done() {
			return wait, err
		}
	}
	return flow.Wait{}, nil
}

// patient sees that the agent still waits: one that was armed long ago may have
// given up before the volume comes. It is armed anew.
func (b *bracket) patient(ctx context.Context, r *Rescue) (flow.Wait, error) {
	a := r.attempt()
	if armed, ok := b.begun[a.Run]; a.Had || ok && b.spent(armed) < armedFor-10*time.Minute {
		return flow.Wait{}, nil
	}
	inv, err := b.cloud.Invocation(ctx, a.Command, a.Helper)
	if is(err, NotFound) {
		return flow.Wait{}, nil
	}
	if err == nil && over(inv) {
		a.Over = true
		return flow.Wait{For: time.Second, Why: "to arm the agent again, which waits no more"}, nil
	}
	b.begins(a.Run)
	return flow.Wait{}, err
}

// letGo is how long a helper may take to let a volume go before it is terminated.
const letGo = 2 * time.Minute

// detachHelper takes the volume from the helper, once no agent will write to it.
func (b *bracket) detachHelper(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if wait, err := b.calm(ctx, r); err != nil || !wait.Done() {
		return wait, err
	}
	age := recent
	if !b.begun["detach "+r.Helper].IsZero() {
		age = 0
	}
	v, at, err := b.lately(ctx, r, age)
	switch {
	case err != nil:
		return flow.Wait{}, err
	case at.Instance == "" || at.Instance == r.Ask.Instance:
		return flow.Wait{}, nil
	}
	if since, ok := b.begun["detach "+at.Instance]; ok && b.spent(since) > letGo {
		if _, _, err := b.terminateOne(ctx, at.Instance); err != nil {
			return flow.Wait{}, err
		}
	}
	return b.unplug(ctx, v, at)
}
