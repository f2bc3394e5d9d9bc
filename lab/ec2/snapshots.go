package ec2

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) snapshot(id string) (*snapshot, error) {
	s, err := find(a.Snapshots, snapshotKind, id)
	if err == nil && !s.Taken {
		return nil, snapshotKind.lost(id)
	}
	return s, err
}

func (e *EC2) createSnapshot(ctx context.Context, r *request) (any, error) {
	id, description, tags := r.Require("VolumeId"), r.String("Description"), r.tagsAtCreation("snapshot")
	begin := func(a *account, now time.Time) (c copying, err error) {
		v, err := a.volume(id)
		if err == nil {
			err = e.maySnapshot(a, v, now)
		}
		if err == nil {
			c.snapshots = one(e.newSnapshot(a, v, description, now))
		}
		return c, err
	}
	return e.copy(ctx, r, begin, func(a *account, c copying, now time.Time) item {
		a.born(now, tags["snapshot"], c.snapshots...)
		return e.snapshotItem(a, a.Snapshots[c.snapshots[0]], now)
	})
}

// maySnapshot is mayCopy with the rate, which is CreateSnapshot's alone.
func (e *EC2) maySnapshot(a *account, v *volume, now time.Time) error {
	if err := e.mayCopy(a, v); err != nil || !now.Before(e.after(v.LastSnapshot, "ec2.snapshot.interval")) {
		return err
	}
	return wire.Faultf("SnapshotCreationPerVolumeRateExceeded",
		"The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep interval between requests.")
}

func (e *EC2) mayCopy(a *account, v *volume) error {
	if !v.Filled || v.State == "creating" || v.State == "error" {
		return wire.Faultf("IncorrectState", "Volume '%s' is in the '%s' state.", v.ID, v.State)
	}
	open, rule := 0, "ec2.snapshot.concurrent"
	for _, s := range a.Snapshots {
		if s.Volume == v.ID && s.State == pending {
			open++
		}
	}
	if v.Type == "st1" || v.Type == "sc1" {
		rule = "ec2.snapshot.concurrent-hdd"
	}
	if open >= rules.LimitOf(rule) {
		return wire.Faultf("ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.")
	}
	return nil
}

// newSnapshot notes a snapshot that is about to be taken.
func (e *EC2) newSnapshot(a *account, v *volume, description string, now time.Time) string {
	v.LastSnapshot = now
	s := &snapshot{
		ID: e.newID("snap"), Volume: v.ID, Description: description, State: pending, Size: v.Size, Encrypted: v.Encrypted, Key: v.Key,
		Made: now, ProductCodes: v.ProductCodes,
	}
	a.Snapshots[s.ID] = s
	return s.ID
}

func (e *EC2) deleteSnapshot(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "SnapshotId", (*account).snapshot, func(a *account, s *snapshot, _ time.Time) (any, error) {
		for _, x := range a.Images {
			if slices.Contains(x.snapshots(), s.ID) {
				return nil, wire.Faultf("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", s.ID, x.ID)
			}
		}
		e.removeSnapshot(a, s.ID)
		return done, nil
	})
}

// removeSnapshot deletes a snapshot, and its file as soon as nobody copies from it.
func (e *EC2) removeSnapshot(a *account, id string) {
	drop(a, a.Snapshots, id)
	a.Trash = append(a.Trash, e.snapshotPath(id))
}

func (e *EC2) snapshotItem(a *account, s *snapshot, now time.Time) item {
	if !s.Taken {
		return nil
	}
	progress, completed := "100%", s.Due
	if s.State != "completed" {
		whole := e.Pace.Of("ec2.snapshot.pending")
		progress, completed = strconv.Itoa(max(0, min(99, int(100*(whole-s.Due.Sub(now))/max(whole, 1)))))+"%", time.Time{}
	}
	return item{
		{"snapshotId", s.ID}, {"volumeId", s.Volume}, {"status", s.State}, {"startTime", s.Made}, {"completionTime?", completed}, {"progress", progress},
		{"ownerId", e.ownerOf(s)}, {"volumeSize", s.Size}, {"description", s.Description}, {"encrypted", s.Encrypted}, {"kmsKeyId?", s.Key},
		{"storageTier", "standard"}, {"tagSet?", a.tagItems(s.ID)}, e.owners(e.ownerOf(s)),
	}
}

// ownerOf is the account, or that of a helper's image.
func (e *EC2) ownerOf(s *snapshot) string {
	for _, h := range helperImages {
		if s.ID == helperSnapshot(h.id) {
			return h.owner
		}
	}
	return e.Account
}

// owners is the account to which something belongs, by all its names, for those that
// choose by owner.
func (e *EC2) owners(account string) field {
	names := map[string]string{e.Account: "self", amazonLinux: "amazon", canonical: "amazon"}
	return field{".owner", []string{account, names[account]}}
}

// snapshotListing shows those that are whole: nobody knows of the others yet.
var snapshotListing = listing{
	ids: "SnapshotId", set: "snapshotSet", kind: snapshotKind, chosen: map[string]string{"Owner": "owner/item"}, ignored: []string{"RestorableBy"},
	filters: map[string]string{
		"snapshot-id": "snapshotId", "volume-id": "volumeId", "status": "status", "description": "description", "owner-id": "ownerId",
		"volume-size": "volumeSize", "encrypted": "encrypted", "start-time": "startTime",
	},
	rows: rows(func(a *account) map[string]*snapshot { return a.Snapshots }, (*EC2).snapshotItem),
}
