package sim

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// A backup is an image or a snapshot.
type backup struct {
	controller.Backup
	image  string            // a snapshot's
	source string            // volume
	held   map[string]string // files of an image's root volume
	still  bool              // the instance was stopped at its point in time
	began  time.Time
}

var imageName = regexp.MustCompile(`^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$`)

// BackUpImage is CreateImage. The point in time is that of the snapshots, which
// are listed a little later.
func (c *Cloud) BackUpImage(ctx context.Context, of, name, description string, tags map[string]string) (id string, err error) {
	err = c.call(ctx, "ec2:CreateImage", func() error {
		i, err := c.instance(of)
		if err != nil {
			return err
		}
		if err := c.mayImage(i, name, description, tags); err != nil {
			return err
		}
		b := &backup{Backup: controller.Backup{ID: c.id("ami"), Name: name, State: "pending", Tags: maps.Clone(tags)}}
		id = b.ID
		c.backups[id] = b
		c.makes(id)
		sources := slices.Clone(i.plugged)
		c.after(c.options.Delays.Mapping, func() { c.mapped(b, i, sources) })
		return nil
	})
	return id, err
}

func (c *Cloud) mayImage(i *instance, name, description string, tags map[string]string) error {
	root, _ := i.at(i.RootDevice)
	switch {
	case !imageName.MatchString(name):
		return refusal(controller.Invalid, "InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'")
	case len(description) > 255:
		return refusal(controller.Invalid, "InvalidParameterValue", "the description is longer than 255 characters")
	case i.State != controller.Running && i.State != controller.Stopped && i.State != controller.Stopping:
		return refusal(controller.State, "IncorrectState", "instance '%s' is '%s'", i.ID, i.State)
	case root == nil:
		return refusal(controller.State, "IncorrectState", "instance '%s' has no root volume", i.ID)
	}
	for _, b := range c.backups {
		if b.Name == name {
			return refusal(controller.Exists, "InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, b.ID)
		}
	}
	return checkTags(nil, tags)
}

// mapped makes an image's snapshots; a volume that goes before fails it: the
// conservative assumption about what AWS does not say.
func (c *Cloud) mapped(b *backup, i *instance, sources []*volume) {
	if c.backups[b.ID] != b {
		return
	}
	for _, v := range sources {
		if a := v.attachment(i.ID); a == nil || a.State != attached {
			b.State = "failed"
			return
		}
	}
	for _, v := range sources {
		s := c.snapshot(v, b.Tags)
		s.image = b.ID
		b.Snapshots = append(b.Snapshots, s.ID)
	}
	if root, _ := i.at(i.RootDevice); root != nil {
		b.held, b.still = maps.Clone(root.files), i.State == controller.Stopped
	}
	c.after(c.options.Delays.Image, func() { b.State = available })
}

// Held is what an image has of the root volume's files, and whether its instance
// was stopped at its point in time; nil: none yet.
func (c *Cloud) Held(image string) (files map[string]string, still bool) {
	c.outside(func() {
		if b := c.backups[image]; b != nil {
			files, still = maps.Clone(b.held), b.still
		}
	})
	return files, still
}

// BackUpSnapshot is CreateSnapshot. The point in time is fixed when it returns.
func (c *Cloud) BackUpSnapshot(ctx context.Context, of, description string, tags map[string]string) (id string, err error) {
	err = c.call(ctx, "ec2:CreateSnapshot", func() error {
		v := c.volumes[of]
		if v == nil {
			return refusal(controller.NotFound, "InvalidVolume.NotFound", "the volume '%s' does not exist", of)
		}
		pending := 0
		for _, b := range c.backups {
			switch {
			case b.source != of:
			case b.State == "pending" && c.options.Delays.Snapshot > 0 && c.now.Sub(b.began) < 15*time.Second:
				return refusal(controller.Throttled, "SnapshotCreationPerVolumeRateExceeded", "the maximum per volume CreateSnapshot request rate has been exceeded")
			case b.State == "pending":
				pending++
			}
		}
		if pending >= 5 {
			return refusal(controller.Quota, "ConcurrentSnapshotLimitExceeded", "maximum of 5 pending snapshots of a volume")
		}
		if err := checkTags(nil, tags); err != nil || len(description) > 255 {
			return refusal(controller.Invalid, "InvalidParameterValue", "the description or a tag is too long")
		}
		s := c.snapshot(v, tags)
		c.makes(s.ID)
		id = s.ID
		return nil
	})
	return id, err
}

func (c *Cloud) snapshot(v *volume, tags map[string]string) *backup {
	s := &backup{Backup: controller.Backup{ID: c.id("snap"), State: "pending", Tags: maps.Clone(tags)}, source: v.ID, began: c.now}
	c.backups[s.ID] = s
	c.after(c.options.Delays.Snapshot, func() { s.State = "completed" })
	return s
}

// BackupsTagged is DescribeImages, then DescribeSnapshots, by a tag.
func (c *Cloud) BackupsTagged(ctx context.Context, key, value string) (found []controller.Backup, err error) {
	for _, action := range []string{"ec2:DescribeImages", "ec2:DescribeSnapshots"} {
		err = c.call(ctx, action, func() error {
			for _, id := range sorted(c.backups) {
				b := c.backups[id]
				image := b.source == ""
				if image == (action == "ec2:DescribeImages") && c.backups[b.image] == nil && tagged(b.Tags, key, value) && c.seen(id) {
					found = append(found, b.describe())
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (b *backup) describe() controller.Backup {
	d := b.Backup
	d.Tags, d.Snapshots = maps.Clone(d.Tags), slices.Clone(d.Snapshots)
	return d
}

// DeleteBackup is DeregisterImage and DeleteSnapshot. What is gone already is
// no error.
func (c *Cloud) DeleteBackup(ctx context.Context, b controller.Backup) error {
	snapshots := []string{b.ID}
	if b.ID[:4] == "ami-" {
		snapshots = b.Snapshots
		err := c.call(ctx, "ec2:DeregisterImage", func() error {
			if c.backups[b.ID] == nil {
				return refusal(controller.NotFound, "InvalidAMIID.NotFound", "the image id '[%s]' does not exist", b.ID)
			}
			delete(c.backups, b.ID)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, id := range snapshots {
		err := c.call(ctx, "ec2:DeleteSnapshot", func() error {
			s := c.backups[id]
			if s == nil {
				return refusal(controller.NotFound, "InvalidSnapshot.NotFound", "the snapshot '%s' does not exist", id)
			}
			if c.backups[s.image] != nil {
				return refusal(controller.State, "InvalidSnapshot.InUse", "the snapshot %s is currently in use by %s", id, s.image)
			}
			delete(c.backups, id)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
