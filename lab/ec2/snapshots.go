package ec2

import (
	"context"
	"fmt"
	"os"
	"time"

	labimage "github.com/seed-77750964/regain/lab/image"
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

// createSnapshot answers when the copy is whole: the point in time is fixed then,
// and pending is only the upload that EC2 would still do.
func (e *EC2) createSnapshot(ctx context.Context, r *request) (any, error) {
	id, description, tags := r.Require("VolumeId"), r.String("Description"), r.tagsAtCreation("snapshot")
	if err := r.end(); err != nil {
		return nil, err
	}
	var snap string
	err := e.change(func(a *account, now time.Time) error {
		v, err := a.volume(id)
		if err != nil {
			return err
		}
		if err := e.maySnapshot(a, v, now); err != nil {
			return err
		}
		snap = e.newSnapshot(a, v, description, now).ID
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := e.take(ctx, snap, id); err != nil {
		return nil, err
	}
	var answer snapshotItem
	return &answer, e.change(func(a *account, now time.Time) error {
		a.born(now, tags["snapshot"], snap)
		s := a.Snapshots[snap]
		e.taken(s, now)
		answer = e.snapshotItem(a, s, now)
		return nil
	})
}

func (e *EC2) maySnapshot(a *account, v *volume, now time.Time) error {
	if !v.Filled || v.State == "creating" || v.State == "error" {
		return wire.Faultf("IncorrectState", "Volume '%s' is in the '%s' state.", v.ID, v.State)
	}
	open := 0
	for _, s := range a.Snapshots {
		if s.Volume == v.ID && s.State == pending {
			open++
		}
	}
	most := rules.LimitOf("ec2.snapshot.concurrent")
	if v.Type == "st1" || v.Type == "sc1" {
		most = rules.LimitOf("ec2.snapshot.concurrent-hdd")
	}
	switch {
	case open >= most:
		return wire.Faultf("ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.")
	case now.Before(e.after(v.LastSnapshot, "ec2.snapshot.interval")):
		return wire.Faultf("SnapshotCreationPerVolumeRateExceeded",
			"The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep interval between requests.")
	}
	return nil
}

// newSnapshot notes a snapshot that is about to be taken.
func (e *EC2) newSnapshot(a *account, v *volume, description string, now time.Time) *snapshot {
	v.LastSnapshot = now
	s := &snapshot{
		ID: e.newID("snap"), Volume: v.ID, Description: description, State: pending, Size: v.Size, Encrypted: v.Encrypted, Key: v.Key,
		Made: now, ProductCodes: v.ProductCodes,
	}
	a.Snapshots[s.ID] = s
	return s
}

// taken: the copy is whole.
func (e *EC2) taken(s *snapshot, now time.Time) {
	s.Taken, s.Due = true, e.after(now, "ec2.snapshot.pending")
}

// take copies a volume. Where it cannot, no snapshot is left.
func (e *EC2) take(ctx context.Context, snap, volume string) error {
	e.hold(e.volumePath(volume))
	defer e.unclaim(e.volumePath(volume))
	err := labimage.Copy(ctx, e.volumePath(volume), e.snapshotPath(snap))
	if err == nil {
		return nil
	}
	_ = e.change(func(a *account, _ time.Time) error {
		delete(a.Snapshots, snap)
		a.Trash = append(a.Trash, e.snapshotPath(snap))
		return nil
	})
	if os.IsNotExist(err) {
		return wire.Faultf("InvalidVolume.NotFound", "The volume '%s' does not exist.", volume)
	}
	return fmt.Errorf("cannot take snapshot: %w", err)
}

func (e *EC2) deleteSnapshot(_ context.Context, r *request) (any, error) {
	id := r.Require("SnapshotId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		if _, err := a.snapshot(id); err != nil {
			return err
		}
		for _, x := range a.Images {
			for _, d := range x.Devices {
				if d.Snapshot == id {
					return wire.Faultf("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", id, x.ID)
				}
			}
		}
		delete(a.Snapshots, id)
		a.forget(id)
		a.Trash = append(a.Trash, e.snapshotPath(id))
		return nil
	})
}

type snapshotItem struct {
	ID          string    `xml:"snapshotId"`
	Volume      string    `xml:"volumeId"`
	Status      string    `xml:"status"`
	StartTime   string    `xml:"startTime"`
	Completed   string    `xml:"completionTime,omitempty"`
	Progress    string    `xml:"progress"`
	Owner       string    `xml:"ownerId"`
	Size        int       `xml:"volumeSize"`
	Description string    `xml:"description"`
	Encrypted   bool      `xml:"encrypted"`
	KmsKeyID    string    `xml:"kmsKeyId,omitempty"`
	Tier        string    `xml:"storageTier"`
	Tags        []tagItem `xml:"tagSet>item"`
}

func (e *EC2) snapshotItem(a *account, s *snapshot, now time.Time) snapshotItem {
	item := snapshotItem{
		ID: s.ID, Volume: s.Volume, Status: s.State, StartTime: stamp(s.Made), Progress: "100%", Owner: e.Account, Size: s.Size,
		Description: s.Description, Encrypted: s.Encrypted, KmsKeyID: s.Key, Tier: "standard", Tags: a.tagItems(s.ID),
	}
	if s.State == "completed" {
		item.Completed = stamp(s.Due)
		return item
	}
	whole := e.Pace.Of("ec2.snapshot.pending")
	item.Progress = itoa(max(0, min(99, int(100*(whole-s.Due.Sub(now))/max(whole, 1))))) + "%"
	return item
}

func (e *EC2) describeSnapshots(_ context.Context, r *request) (any, error) {
	owners := r.Strings("Owner")
	r.Ignore("RestorableBy")
	owned := e.snapshotListing().only(func(s *snapshot) bool { return s.Taken && e.owned(e.ownerOf(s), owners) })
	return describe(e, r, "SnapshotId", "snapshotSet", owned, e.snapshotItem)
}

// ownerOf is the account, or that of the lab's helper images.
func (e *EC2) ownerOf(s *snapshot) string {
	if s.Volume == "" {
		return helperOwner
	}
	return e.Account
}

// owned tells whether an owner is among those asked for; none asks for all.
func (e *EC2) owned(owner string, asked []string) bool {
	for _, o := range asked {
		if o == owner || o == "self" && owner == e.Account || o == "amazon" && owner == helperOwner {
			return true
		}
	}
	return len(asked) == 0
}

func (e *EC2) snapshotListing() listing[*snapshot] {
	return listing[*snapshot]{
		all: func(a *account) []*snapshot { return sorted(a.Snapshots) }, id: func(s *snapshot) string { return s.ID }, kind: snapshotKind,
		fields: map[string]func(*account, *snapshot) []string{
			"snapshot-id": func(_ *account, s *snapshot) []string { return one(s.ID) },
			"volume-id":   func(_ *account, s *snapshot) []string { return one(s.Volume) },
			"status":      func(_ *account, s *snapshot) []string { return one(s.State) },
			"description": func(_ *account, s *snapshot) []string { return one(s.Description) },
			"owner-id":    func(_ *account, s *snapshot) []string { return one(e.ownerOf(s)) },
			"volume-size": func(_ *account, s *snapshot) []string { return one(itoa(s.Size)) },
			"encrypted":   func(_ *account, s *snapshot) []string { return one(btoa(s.Encrypted)) },
			"start-time":  func(_ *account, s *snapshot) []string { return one(stamp(s.Made)) },
		},
	}
}

// hold keeps a file from being removed while it is copied.
func (e *EC2) hold(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reading[path]++
}
