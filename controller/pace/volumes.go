package pace

import (
	"context"

	"github.com/seed-77750964/regain/controller"
)

// Volumes describes volumes.
func (c *Cloud) Volumes(ctx context.Context, ids ...string) ([]controller.Volume, error) {
	return ask(c, "ec2:DescribeVolumes", ids, func() ([]controller.Volume, error) { return c.Cloud.Volumes(ctx, ids...) })
}

// VolumesTagged finds volumes.
func (c *Cloud) VolumesTagged(ctx context.Context, key, value string) ([]controller.Volume, error) {
	return ask(c, "ec2:DescribeVolumes", []string{key + value}, func() ([]controller.Volume, error) { return c.Cloud.VolumesTagged(ctx, key, value) })
}

// Attach attaches a volume.
func (c *Cloud) Attach(ctx context.Context, volume, instance, device string) error {
	return do(c, "ec2:AttachVolume", []string{volume}, func() error { return c.Cloud.Attach(ctx, volume, instance, device) })
}

// Detach detaches a volume.
func (c *Cloud) Detach(ctx context.Context, volume, instance string) error {
	return do(c, "ec2:DetachVolume", []string{volume}, func() error { return c.Cloud.Detach(ctx, volume, instance) })
}

// BackUpImage makes an AMI.
func (c *Cloud) BackUpImage(ctx context.Context, instance, name, description string, tags map[string]string) (string, error) {
	return ask(c, "ec2:CreateImage", []string{instance}, func() (string, error) { return c.Cloud.BackUpImage(ctx, instance, name, description, tags) })
}

// BackUpSnapshot makes a snapshot.
func (c *Cloud) BackUpSnapshot(ctx context.Context, volume, description string, tags map[string]string) (string, error) {
	return ask(c, "ec2:CreateSnapshot", []string{volume}, func() (string, error) { return c.Cloud.BackUpSnapshot(ctx, volume, description, tags) })
}

// BackupsTagged describes images, and then snapshots: the buckets are alike.
func (c *Cloud) BackupsTagged(ctx context.Context, key, value string) ([]controller.Backup, error) {
	return ask(c, "ec2:DescribeSnapshots", []string{key + value}, func() ([]controller.Backup, error) { return c.Cloud.BackupsTagged(ctx, key, value) })
}

// DeleteBackup takes a token for each snapshot, or for one.
func (c *Cloud) DeleteBackup(ctx context.Context, b controller.Backup) error {
	const action = "ec2:DeleteSnapshot"
	if err := c.take(action, []string{b.ID}, max(1, len(b.Snapshots))); err != nil {
		return err
	}
	err := c.Cloud.DeleteBackup(ctx, b)
	c.heard(action, err)
	return err
}
