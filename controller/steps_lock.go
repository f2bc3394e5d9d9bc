package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// A LockedError means that another run has the instance. Nothing of this one is
// left.
type LockedError struct {
	Instance, Run, Owner, Since string
	Age                         time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("run %s of %s, begun %s ago, has not brought %s home: go on with it (regain resume %s), or take over (--take-over)",
		e.Run, orUnknown(e.Owner), e.Age.Round(time.Second), e.Instance, e.Run)
}

// racing is how long a run waits, after it has locked, for another to show that
// looked before and writes now.
const racing = 2 * time.Second

// lock tags the instance and its root volume. There is no atomic way to do so:
// the last of two runs that write at the same time has it, and the other, which
// reads that, withdraws. Both look once more before the stop.
func (b *bracket) lock(ctx context.Context, r *Rescue) (flow.Wait, error) {
	holder, err := b.holder(ctx, r, 0)
	if err != nil {
		return flow.Wait{}, err
	}
	mine := holder[TagRun] == r.Run
	switch {
	case mine && (!b.wrote || b.since("lock") >= racing):
		r.Locked = true
		return flow.Wait{}, nil
	case mine:
		return flow.Wait{For: racing - b.since("lock"), Why: "whether another run begins at the same time"}, nil
	case holder[TagRun] != "" && (b.wrote || !r.Ask.Accepts("locked")):
		return flow.Wait{}, lockedBy(r.Ask.Instance, holder, b.Clock.Now())
	case b.wrote && b.since("lock") < settling:
		return flow.Wait{For: racing, Why: "for the lock to show"}, nil
	}
	b.wrote = true
	b.begins("lock")
	if err := b.cloud.Tag(ctx, lockTags(r), r.Ask.Instance, r.Original.Root.Volume); err != nil {
		return flow.Wait{}, err
	}
	return flow.Wait{For: racing, Why: "whether another run begins at the same time"}, nil
}

func (b *bracket) since(what string) time.Duration { return b.spent(b.begun[what]) }

// holder are the tags of whoever has the instance. The root volume is asked too
// before this run has written: it may have come from an instance that another
// run has.
func (b *bracket) holder(ctx context.Context, r *Rescue, age time.Duration) (map[string]string, error) {
	instance, err := b.instanceLately(ctx, r.Ask.Instance, age)
	if err != nil {
		return nil, err
	}
	if instance.Tags[TagRun] != "" || b.wrote || r.Locked {
		return instance.Tags, nil
	}
	volume, err := b.volume(ctx, r.Original.Root.Volume)
	return volume.Tags, err
}

func lockedBy(instance string, holder map[string]string, now time.Time) error {
	e := &LockedError{Instance: instance, Run: holder[TagRun], Owner: holder[TagOwner], Since: holder[TagSince]}
	if since, err := time.Parse(time.RFC3339, e.Since); err == nil {
		e.Age = now.Sub(since)
	}
	return e
}

// unlock removes the tags, and those of the run from what is kept, unless
// another run has taken the instance meanwhile.
func (b *bracket) unlock(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Original == nil || !r.Locked && !b.wrote && !b.resumed {
		return flow.Wait{}, nil
	}
	ids, holder := r.tagged(), map[string]string{}
	if !r.Gone {
		var err error
		if holder, err = b.holder(ctx, r, recent); err != nil {
			return flow.Wait{}, err
		}
	}
	if run := holder[TagRun]; run != "" && run != r.Run {
		ids = nil
	}
	if r.Backup != nil {
		ids = append(append(ids, r.Backup.ID), r.Backup.Snapshots...)
	}
	if r.Enabled != nil {
		ids = append(append(ids, r.Enabled.ID), r.Enabled.Snapshots...)
	}
	if len(ids) == 0 {
		return flow.Wait{}, nil
	}
	switch {
	case r.Gone: // and so may be its volume
		for _, id := range ids {
			if err := b.cloud.Untag(ctx, lockKeys, id); err != nil && !is(err, NotFound) && !is(err, Invalid) {
				return flow.Wait{}, err
			}
		}
		return flow.Wait{}, nil
	case b.groups.alone:
		return flow.Wait{}, b.cloud.Untag(ctx, lockKeys, ids...)
	}
	freed := b.groups.do(ctx, "untag", strings.Join(ids, " "), 10*time.Second, func(ctx context.Context, of ...string) (string, error) {
		return "", b.cloud.Untag(ctx, lockKeys, strings.Fields(strings.Join(of, " "))...)
	})
	if freed == nil {
		return company("to unlock the instance"), nil
	}
	return flow.Wait{}, freed.err
}

// instance and volume look at one; that it is not there is an error.
func (b *bracket) instance(ctx context.Context, id string) (Instance, error) {
	return b.instanceLately(ctx, id, 0)
}

func (b *bracket) instanceLately(ctx context.Context, id string, age time.Duration) (Instance, error) {
	found, err := b.cloud.instances.within(ctx, max(age, b.cloud.instances.fresh), []string{id})
	if err != nil {
		return Instance{}, err
	}
	if len(found) != 1 {
		return Instance{}, fmt.Errorf("cannot find instance %s any more", id)
	}
	return found[0], nil
}

func (b *bracket) volume(ctx context.Context, id string) (Volume, error) {
	found, err := b.cloud.Volumes(ctx, id)
	if err != nil {
		return Volume{}, err
	}
	if len(found) != 1 {
		return Volume{}, fmt.Errorf("cannot find volume %s any more", id)
	}
	return found[0], nil
}
