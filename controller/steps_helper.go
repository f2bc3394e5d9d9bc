package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// RoleHelper is the role of a helper.
const RoleHelper = "helper"

// A helper boots and registers in 30 to 60 s; nobody is down meanwhile.
var (
	whileBooting   = rhythm{45 * time.Second, 5 * time.Second}
	whilePreparing = rhythm{8 * time.Second, 2 * time.Second}
)

// longBoot is when a helper that has not registered deserves a word.
const longBoot = 3 * time.Minute

// mostLost is how many helpers are replaced before a run gives up.
const mostLost = 2

// helper launches the helper, and waits until Systems Manager reaches it.
func (b *bracket) helper(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Helper == "" {
		if wait, err := b.launch(ctx, r); err != nil || !wait.Done() {
			return wait, err
		}
	}
	if b.online == r.Helper {
		return flow.Wait{}, nil
	}
	found, err := b.cloud.Managed(ctx, r.Helper)
	if err != nil {
		return flow.Wait{}, err
	}
	if len(found) == 1 && found[0].Online {
		b.online = r.Helper
		b.cloud.managed.forget(r.Helper)
		b.begins("alive " + r.Helper)
		return flow.Wait{}, nil
	}
	if lost, err := b.lostHelper(ctx, r); err != nil || lost {
		return flow.Wait{For: time.Second, Why: "to replace the helper, which is lost"}, err
	}
	hint := ""
	if b.since("helper") > longBoot && !r.Place.New {
		hint = ", which takes long: it needs a way out, also through the VPC's default security group; --subnet new-vpc brings a network of its own"
	}
	return b.wait("helper", whileBooting, "for the helper %s to register with Systems Manager%s", r.Helper, hint), nil
}

// otherLaunch are EC2's answers to a token that has launched what is gone, or was
// other than what is asked for now: a record that was rebuilt may choose anew.
var otherLaunch = []string{"IdempotentInstanceTerminated", "IdempotentParameterMismatch"}

// launch is repeated with the same token until its answer is known.
func (b *bracket) launch(ctx context.Context, r *Rescue) (flow.Wait, error) {
	l := Launch{
		Token: fmt.Sprintf("%s-%d", r.Run, r.Helpers+1), Image: r.Place.AMI, Type: r.Place.Type, Subnet: r.Place.Subnet,
		PublicIP: r.Place.PublicIP, Profile: r.Ask.Profile, Tags: r.made(RoleHelper, "regain helper of "+r.Ask.Instance, nil),
	}
	if r.Place.New {
		l.Subnet, l.Groups = r.part(SubnetPart), []string{r.part(GroupPart)}
	}
	b.doubt("helper")
	id, err := b.cloud.Launch(ctx, l)
	b.sure("helper", err)
	var refused *CloudError
	if errors.As(err, &refused) && slices.Contains(otherLaunch, refused.Code) {
		return flow.Wait{For: time.Second, Why: "to replace the helper, which is lost"}, b.replace(ctx, r)
	}
	if err != nil {
		return flow.Wait{}, err
	}
	r.Helper = id
	b.cloud.managed.watch(id)
	b.begins("helper")
	b.begin("alive "+id, whileBooting.first)
	return b.wait("helper", whileBooting, "for the helper %s to boot and register with Systems Manager", id), nil
}

// watchHelper is how often a helper that should be alive is looked at.
const watchHelper = 90 * time.Second

// lostHelper looks, now and then, whether the helper is still there, and gives
// it up if not.
func (b *bracket) lostHelper(ctx context.Context, r *Rescue) (bool, error) {
	if last, ok := b.begun["alive "+r.Helper]; ok && b.spent(last) < watchHelper {
		return false, nil
	}
	b.begins("alive " + r.Helper)
	alive, err := b.alive(ctx, r.Helper)
	if err != nil || alive {
		return false, err
	}
	return true, b.replace(ctx, r)
}

// silence is how long a helper that runs may be lost to Systems Manager, which
// says so after five minutes, before we give it up.
const silence = time.Minute

// alive tells whether a helper can still do something. One that is not known
// (yet) is given the time that answers may lag behind.
func (b *bracket) alive(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	found, err := b.cloud.Instances(ctx, id)
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		launched, ok := b.begun["helper"]
		return ok && b.spent(launched) < time.Minute, nil
	}
	if found[0].State != Running || b.online != id {
		b.loss = cmp.Or(found[0].StateReason, "it is "+found[0].State)
		return found[0].State == Pending || found[0].State == Running, nil
	}
	b.loss = "Systems Manager does not reach it any more"
	managed, err := b.cloud.Managed(ctx, id)
	if err != nil || len(managed) == 0 || managed[0].Online {
		delete(b.begun, "silent "+id)
		return true, err
	}
	delete(b.begun, "alive "+id) // look again soon
	b.beginsOnce("silent " + id)
	return b.since("silent "+id) < silence, nil
}

// replace gives a helper up: the next launch makes another. It is terminated
// first, as its agent may still be at work where Systems Manager does not reach:
// that sets the volume free, too.
func (b *bracket) replace(ctx context.Context, r *Rescue) error {
	if r.Helper != "" {
		if err := b.cloud.Terminate(ctx, r.Helper); err != nil && !is(err, NotFound) {
			return err
		}
	}
	if r.Helpers >= mostLost {
		return fmt.Errorf("the helper was lost %d times, the last time with: %s", r.Helpers+1, shorten(cmp.Or(b.loss, "no reason that is known")))
	}
	r.Helpers++
	r.Helper, r.Prepare = "", ""
	return nil
}

// terminate ends all helpers of the run, and waits until they are gone.
func (b *bracket) terminate(ctx context.Context, r *Rescue) (flow.Wait, error) {
	ids, err := b.helpers(ctx, r)
	if err != nil {
		return flow.Wait{}, err
	}
	left := 0
	for _, id := range ids {
		gone, wait, err := b.terminateOne(ctx, id)
		switch {
		case err != nil || !wait.Done():
			return wait, err
		case !gone:
			left++
		}
	}
	if left > 0 {
		return b.wait("terminate", rhythm{30 * time.Second, 5 * time.Second}, "for the helper to be gone"), nil
	}
	if len(ids) == 0 && b.unsure("helper") {
		return b.settle("helper"), nil
	}
	return flow.Wait{}, nil
}

func (b *bracket) terminateOne(ctx context.Context, id string) (gone bool, wait flow.Wait, err error) {
	if asked, ok := b.begun["terminate "+id]; ok || b.resumed {
		found, err := b.cloud.Instances(ctx, id)
		switch {
		case err != nil:
			return false, flow.Wait{}, err
		case len(found) == 1 && (found[0].State == Terminated || found[0].State == ShuttingDown):
			return found[0].State == Terminated, flow.Wait{}, nil
		case len(found) == 0 && ok:
			return b.spent(asked) > settling, flow.Wait{}, nil
		}
	}
	done := b.groups.do(ctx, "terminate", id, 10*time.Second, func(ctx context.Context, ids ...string) (string, error) {
		return "", b.cloud.Terminate(ctx, ids...)
	})
	switch {
	case done == nil:
		return false, company("to terminate the helper"), nil
	case is(done.err, NotFound): // not yet known, or not any more
		wait = b.settle("helper " + id)
		return wait.Done(), wait, nil
	case done.err != nil:
		return false, flow.Wait{}, done.err
	}
	b.begins("terminate " + id)
	b.begins("terminate")
	return false, flow.Wait{}, nil
}

// helpers are the ids of the run's helpers: the one that is known, or where
// there may be others, those that carry the run's tag.
func (b *bracket) helpers(ctx context.Context, r *Rescue) ([]string, error) {
	var ids []string
	if r.Helper != "" {
		ids = append(ids, r.Helper)
	}
	if r.Helpers == 0 && !b.unsure("helper") {
		return ids, nil
	}
	found, err := b.cloud.InstancesTagged(ctx, TagRun, r.Run)
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		if i.Tags[TagRole] == RoleHelper && !slices.Contains(ids, i.ID) {
			ids = append(ids, i.ID)
		}
	}
	return ids, nil
}

// ended waits for a command on the helper. A helper that is lost meanwhile is
// replaced, which ends the wait with status Lost.
func (b *bracket) ended(ctx context.Context, r *Rescue, what, command string, every rhythm) (Invocation, flow.Wait, error) {
	inv, err := b.cloud.Invocation(ctx, command, r.Helper)
	if err != nil && !is(err, NotFound) {
		return inv, flow.Wait{}, err
	}
	if err == nil && over(inv) {
		return inv, flow.Wait{}, nil
	}
	if lost, err := b.lostHelper(ctx, r); err != nil || lost {
		return Invocation{Status: statusLost, Details: "the helper is lost"}, flow.Wait{}, err
	}
	return inv, b.wait(what, every, "for the helper: %s is %s", what, orUnknown(inv.Details)), nil
}

// statusLost is the status of a command whose helper is lost.
const statusLost = "Lost"

// over tells whether nothing of a command runs any more.
func over(inv Invocation) bool {
	return slices.Contains([]string{"Success", "Cancelled", "TimedOut", "Failed"}, inv.Status)
}
