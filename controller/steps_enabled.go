package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// EnabledName is what an image of a Windows instance is called that makes a new
// password at its first start, as the runbook documents it. It stands in the tag
// Name of the image and of its snapshots: an image's own name may hold no colon.
func EnabledName(instance string) string {
	return "AWSSupport-EC2Rescue: Password-enabled AMI from " + instance
}

// longestImage is how long an instance that is down waits for its password-enabled
// image: that is for who has lost the key pair, and not what the run is about.
const longestImage = 2 * time.Minute

// enables tells whether a password-enabled image of a Windows instance is made:
// where an image is wanted at all, and a launch agent encrypts to whatever key pair
// the new instance has. The key itself may be missing in a run that was put
// together from tags.
func (a Ask) enables() bool { return a.Backup == BackupAMI && a.Keys != KeysGiven }

func (r *Rescue) enables() bool { return r.windows() && r.rescued() && r.Ask.enables() }

// enable makes the image, between the volume's way home and the start, by which
// the agent is disarmed again. No failure keeps the instance down.
//
// EC2 documents a point in time for a snapshot, when CreateSnapshot returns, and
// none for an image: its snapshots are waited for before the instance starts.
func (b *bracket) enable(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if !r.enables() || r.NotEnabled {
		return flow.Wait{}, nil
	}
	b.beginsOnce("enable")
	wait, err := b.imageEnabled(ctx, r)
	late := b.since("enable") > longestImage
	var refused *CloudError
	switch {
	case err == nil && (wait.Done() || !late):
		return wait, nil
	case err == nil:
		err = errors.New("its point in time has not come")
	case !late && errors.As(err, &refused):
		if _, passes := b.transient(err, 1); passes || refused.Kind == NotFound || refused.Kind == Exists {
			return flow.Wait{}, err // tried again
		}
		if refused.Action != "ec2:CreateImage" && refused.Kind != Denied {
			return flow.Wait{For: 2 * time.Second, Why: "to look again for the password-enabled image"}, nil
		}
	}
	return flow.Wait{}, b.giveUpImage(ctx, r, err)
}

// giveUpImage goes on without the image, which the tags tell: one that shows later
// is of a machine that runs, and is not what it is called.
func (b *bracket) giveUpImage(ctx context.Context, r *Rescue, why error) error {
	given := func(r *Rescue) { r.NotEnabled = true }
	if err := b.tell(ctx, r, given); err != nil {
		if _, passes := b.transient(err, 1); passes {
			return err
		}
		given(r)
	}
	r.Warnings = append(r.Warnings, "a password-enabled image could not be made: "+why.Error())
	return nil
}

// errRuns means that the time for the image is over.
var errRuns = errors.New("the instance runs already")

// stillDown fails where a run that was cut off has started the instance.
func (b *bracket) stillDown(ctx context.Context, r *Rescue) error {
	if !b.resumed {
		return nil
	}
	is, err := b.instance(ctx, r.Ask.Instance)
	if err == nil && is.State != Stopped {
		err = errRuns
	}
	return err
}

func (b *bracket) imageEnabled(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Enabled == nil {
		if wait, err := b.makeEnabled(ctx, r); err != nil || !wait.Done() {
			return wait, err
		}
	}
	if len(r.Enabled.Snapshots) > 0 {
		return flow.Wait{}, nil
	}
	if err := b.stillDown(ctx, r); err != nil {
		return flow.Wait{}, err
	}
	found, err := b.cloud.images.look(ctx, []string{r.Enabled.ID})
	if err != nil {
		return flow.Wait{}, err
	}
	for _, image := range found {
		switch {
		case image.State == "failed" || image.State == "error" || image.State == "invalid":
			return flow.Wait{}, fmt.Errorf("%s is %s: %s", image.ID, image.State, orUnknown(shorten(image.Reason)))
		case len(image.Snapshots) > 0:
			b.cloud.images.forget(image.ID)
			r.Enabled.State, r.Enabled.Snapshots = image.State, image.Snapshots
			return flow.Wait{}, nil
		}
	}
	return b.wait("enabled", untilPointInTime, "for the point in time of the password-enabled image %s", r.Enabled.ID), nil
}

// makeEnabled makes it once: it is unique by its name, and looked for by its tags
// when it may have been made.
func (b *bracket) makeEnabled(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if b.unsure("enabled") {
		found, err := b.enabled(ctx, r)
		if err != nil {
			return flow.Wait{}, err
		}
		if len(found) > 0 {
			r.Enabled = &found[0]
			return flow.Wait{}, nil
		}
		if wait := b.settle("enabled"); !wait.Done() {
			return wait, nil
		}
	}
	if err := b.stillDown(ctx, r); err != nil {
		return flow.Wait{}, err
	}
	tags := r.made(RoleBackup, EnabledName(r.Ask.Instance), map[string]string{TagKept: r.Run})
	b.doubt("enabled")
	id, err := b.cloud.BackUpImage(ctx, r.Ask.Instance, "regain "+r.Run+" "+r.Ask.Instance+" password-enabled",
		"Makes a new administrator password at its first start: regain run "+r.Run+" on "+r.Ask.Instance, tags)
	b.sure("enabled", err)
	if err != nil {
		return flow.Wait{}, err
	}
	r.Enabled = &Backup{ID: id, State: "pending"}
	b.cloud.images.watch(id)
	b.begins("enabled")
	return b.wait("enabled", untilPointInTime, "for the point in time of the password-enabled image %s", id), nil
}

// enabled are the images of the kind that the run has made.
func (b *bracket) enabled(ctx context.Context, r *Rescue) ([]Backup, error) {
	found, err := b.cloud.BackupsTagged(ctx, TagRun, r.Run)
	return slices.DeleteFunc(found, func(is Backup) bool { return is.Tags["Name"] != EnabledName(r.Ask.Instance) }), err
}

// settleImages keeps the password-enabled image, and sees to the backup.
func (b *bracket) settleImages(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if wait, err := b.settleEnabled(ctx, r); err != nil || !wait.Done() {
		return wait, err
	}
	return b.settleBackup(ctx, r)
}

// settleEnabled keeps one image, and removes what a call has made whose effect
// came late, or after it was given up.
func (b *bracket) settleEnabled(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if !r.enables() || r.Enabled == nil && !b.unsure("enabled") {
		return flow.Wait{}, nil
	}
	if !r.NotEnabled && r.Enabled != nil && len(r.Enabled.Snapshots) > 0 && !b.unsure("enabled") && !b.late["enabled"] {
		r.keepEnabled()
		return flow.Wait{}, nil
	}
	found, err := b.enabled(ctx, r)
	if err != nil {
		return flow.Wait{}, err
	}
	if len(found) == 0 {
		r.Enabled = nil
		return b.settle("enabled"), nil
	}
	if r.NotEnabled {
		return b.removeBackups(ctx, r, found)
	}
	n := 0
	if r.Enabled != nil {
		n = max(0, slices.IndexFunc(found, func(is Backup) bool { return is.ID == r.Enabled.ID }))
	}
	r.Enabled = &found[n]
	r.keepEnabled()
	others := slices.Concat(found[:n], found[n+1:])
	if len(others) == 0 {
		return flow.Wait{}, nil
	}
	return b.removeBackups(ctx, r, others)
}

func (r *Rescue) keepEnabled() {
	k := keptBackup(*r.Enabled, r.Caller.Region)
	k.What = "password-enabled image " + r.Enabled.ID
	r.keep(k)
}
