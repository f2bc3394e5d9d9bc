package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// RoleBackup is the role of a backup.
const RoleBackup = "backup"

// BackupName is what a backup is called, as the runbook documents it. It stands
// in the tag Name: an image's own name may hold no colon.
func BackupName(instance string) string { return "AWSSupport-EC2Rescue:" + instance }

// An image that was just made may not be known yet, and the instance is down.
var untilPointInTime = rhythm{time.Second, time.Second}

// backUp makes an image or a snapshot of the stopped instance, and waits for its
// point in time, not for its completion.
func (b *bracket) backUp(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Ask.Backup == BackupNone {
		return flow.Wait{}, nil
	}
	if r.Backup == nil {
		if wait, err := b.makeBackup(ctx, r); err != nil || !wait.Done() {
			return wait, err
		}
	}
	if r.Ask.Backup == BackupSnapshot || len(r.Backup.Snapshots) > 0 {
		return flow.Wait{}, nil
	}
	found, err := b.cloud.images.look(ctx, []string{r.Backup.ID})
	image := Image{}
	if len(found) == 1 {
		image = found[0]
	}
	switch {
	case err != nil:
		return flow.Wait{}, err
	case image.State == "failed" || image.State == "error" || image.State == "invalid":
		return flow.Wait{}, fmt.Errorf("EC2 could not make the backup %s: it is %s: %s", image.ID, image.State, orUnknown(shorten(image.Reason)))
	case len(image.Snapshots) > 0:
		b.cloud.images.forget(image.ID)
		r.Backup.State, r.Backup.Snapshots = image.State, image.Snapshots
		return flow.Wait{}, nil
	}
	return b.wait("backup", untilPointInTime, "for the point in time of the backup %s", r.Backup.ID), nil
}

// makeBackup makes it once. An image is unique by its name; a snapshot is looked
// for by its tag when it may have been made.
func (b *bracket) makeBackup(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if b.unsure("backup") {
		found, err := b.backups(ctx, r)
		if err != nil {
			return flow.Wait{}, err
		}
		if len(found) > 0 {
			r.Backup = &found[0]
			return flow.Wait{}, nil
		}
		if wait := b.settle("backup"); !wait.Done() {
			return wait, nil
		}
	}
	tags := r.made(RoleBackup, BackupName(r.Ask.Instance), map[string]string{TagKept: r.Run})
	text := "Before regain run " + r.Run + " on " + r.Ask.Instance
	b.doubt("backup")
	var id string
	var err error
	if r.Ask.Backup == BackupSnapshot {
		id, err = b.cloud.BackUpSnapshot(ctx, r.Original.Root.Volume, text, tags)
	} else {
		id, err = b.cloud.BackUpImage(ctx, r.Ask.Instance, "regain "+r.Run+" "+r.Ask.Instance, text, tags)
	}
	b.sure("backup", err)
	if err != nil {
		return flow.Wait{}, err
	}
	r.Backup = &Backup{ID: id, State: "pending"}
	b.cloud.images.watch(id)
	if r.Ask.Backup == BackupSnapshot {
		return flow.Wait{}, nil
	}
	b.begins("backup")
	return b.wait("backup", untilPointInTime, "for the point in time of the backup %s", id), nil
}

// backups are those that the run has made.
func (b *bracket) backups(ctx context.Context, r *Rescue) ([]Backup, error) {
	found, err := b.cloud.BackupsTagged(ctx, TagRun, r.Run)
	// An image's snapshots carry the tag too; they are the image's.
	return slices.DeleteFunc(found, func(is Backup) bool {
		return is.Tags[TagRole] != RoleBackup || is.Tags["Name"] == EnabledName(r.Ask.Instance)
	}), err
}

// settleBackup keeps the backup where the volume may have been written to, and
// removes it where not: the volume is what it was.
func (b *bracket) settleBackup(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Ask.Backup == BackupNone || r.Backup == nil && !b.unsure("backup") {
		return flow.Wait{}, nil
	}
	keep := r.Exposed && (r.Result == nil || r.Result.Touched)
	complete := r.Backup != nil && (len(r.Backup.Snapshots) > 0 || r.Ask.Backup == BackupSnapshot)
	found := []Backup{}
	if complete && !b.unsure("backup") && !b.late["backup"] {
		found = append(found, *r.Backup)
	} else {
		var err error
		if found, err = b.backups(ctx, r); err != nil {
			return flow.Wait{}, err
		}
		switch {
		case len(found) == 0 && keep && complete: // an answer that lags behind takes no backup away
			found = append(found, *r.Backup)
		case len(found) == 0:
			r.Backup = nil
			return b.settle("backup"), nil
		}
	}
	if keep {
		found = r.keepBackup(found)
	}
	if len(found) == 0 {
		return flow.Wait{}, nil
	}
	return b.removeBackups(ctx, r, found)
}

// keepBackup keeps one of those that were found, and returns the others: a call
// whose effect came late was made again.
func (r *Rescue) keepBackup(found []Backup) (others []Backup) {
	if r.Backup == nil {
		r.Backup = &Backup{ID: found[0].ID}
	}
	for _, one := range found {
		if one.ID == r.Backup.ID {
			*r.Backup = one
		} else {
			others = append(others, one)
		}
	}
	r.keep(keptBackup(*r.Backup, r.Caller.Region))
	return others
}

// removeBackups removes what was found, and has it looked for again. It waits
// for an image's snapshots to be known: those of an image that is gone would be
// the user's to find.
func (b *bracket) removeBackups(ctx context.Context, r *Rescue, found []Backup) (flow.Wait, error) {
	for _, made := range found {
		if strings.HasPrefix(made.ID, "ami-") && len(made.Snapshots) == 0 && made.State == "pending" {
			return b.wait("backup", rhythm{2 * time.Second, 2 * time.Second}, "for the snapshots of the backup %s, to remove them", made.ID), nil
		}
		b.doubt("backup")
		switch err := b.cloud.DeleteBackup(ctx, made); {
		case is(err, State): // EC2 takes minutes to see that an image has let a snapshot go
			return b.wait("free", rhythm{0, 5 * time.Second}, "for the backup %s to be free to remove", made.ID), nil
		case err != nil && !is(err, NotFound):
			return flow.Wait{}, err
		}
	}
	return flow.Wait{For: time.Second, Why: "for the backup to be gone"}, nil
}

func (r *Rescue) keep(k Kept) {
	if !slices.Contains(r.Kept, k) {
		r.Kept = append(r.Kept, k)
	}
}

// aBackup begins what a backup is called among what is kept.
const aBackup = "backup "

// keptBackup says how a backup is removed.
func keptBackup(of Backup, region string) Kept {
	in := ""
	if region != "" {
		in = " --region " + region
	}
	if strings.HasPrefix(of.ID, "snap-") {
		return Kept{What: aBackup + of.ID, Remove: "aws ec2 delete-snapshot --snapshot-id " + of.ID + in}
	}
	commands := []string{"aws ec2 deregister-image --image-id " + of.ID + in}
	for _, s := range of.Snapshots {
		commands = append(commands, "aws ec2 delete-snapshot --snapshot-id "+s+in)
	}
	return Kept{What: aBackup + of.ID, Remove: strings.Join(commands, " && ")}
}
