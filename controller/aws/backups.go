package aws

import (
	"context"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

// BackUpImage makes an AMI. The instance is not rebooted.
func (c *Cloud) BackUpImage(ctx context.Context, instance, name, description string, tags map[string]string) (string, error) {
	out, err := call(ctx, c.ec2.CreateImage, &ec2.CreateImageInput{
		InstanceId: &instance, Name: &name, Description: &description, NoReboot: sdk.Bool(true),
		TagSpecifications: specify(tags, types.ResourceTypeImage, types.ResourceTypeSnapshot),
	})
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.ImageId), nil
}

// BackUpSnapshot begins a snapshot: its point in time is when the call returns.
func (c *Cloud) BackUpSnapshot(ctx context.Context, volume, description string, tags map[string]string) (string, error) {
	out, err := call(ctx, c.ec2.CreateSnapshot, &ec2.CreateSnapshotInput{
		VolumeId: &volume, Description: &description, TagSpecifications: specify(tags, types.ResourceTypeSnapshot),
	})
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.SnapshotId), nil
}

// BackupsTagged finds images with their snapshots, and snapshots of no image.
func (c *Cloud) BackupsTagged(ctx context.Context, key, value string) ([]controller.Backup, error) {
	var found []controller.Backup
	var covered []string // snapshots that belong to an image
	images := &ec2.DescribeImagesInput{Owners: []string{"self"}, Filters: []types.Filter{tagFilter(key, value)}, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeImagesPaginator(c.ec2, images), func(out *ec2.DescribeImagesOutput) {
		for _, i := range out.Images {
			found = append(found, imageBackup(i))
			covered = append(covered, found[len(found)-1].Snapshots...)
		}
	})
	if err != nil {
		return nil, err
	}
	snapshots := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []types.Filter{tagFilter(key, value)}, MaxResults: sdk.Int32(pageSize)}
	err = pages(ctx, ec2.NewDescribeSnapshotsPaginator(c.ec2, snapshots), func(out *ec2.DescribeSnapshotsOutput) {
		for _, s := range out.Snapshots {
			if !slices.Contains(covered, sdk.ToString(s.SnapshotId)) {
				found = append(found, controller.Backup{ID: sdk.ToString(s.SnapshotId), State: string(s.State), Tags: tags(s.Tags)})
			}
		}
	})
	return found, err
}

func imageBackup(i types.Image) controller.Backup {
	got := controller.Backup{ID: sdk.ToString(i.ImageId), Name: sdk.ToString(i.Name), State: string(i.State), Tags: tags(i.Tags)}
	for _, d := range i.BlockDeviceMappings {
		if d.Ebs != nil && d.Ebs.SnapshotId != nil {
			got.Snapshots = append(got.Snapshots, *d.Ebs.SnapshotId)
		}
	}
	return got
}

// DeleteBackup removes an image and then its snapshots, or a snapshot. What is
// gone already is no failure.
func (c *Cloud) DeleteBackup(ctx context.Context, b controller.Backup) error {
	snapshots := b.Snapshots
	if strings.HasPrefix(b.ID, "ami-") {
		if err := unless(controller.NotFound, do(ctx, c.ec2.DeregisterImage, &ec2.DeregisterImageInput{ImageId: &b.ID})); err != nil {
			return err
		}
	} else {
		snapshots = []string{b.ID}
	}
	for _, id := range snapshots {
		if err := unless(controller.NotFound, do(ctx, c.ec2.DeleteSnapshot, &ec2.DeleteSnapshotInput{SnapshotId: &id})); err != nil {
			return err
		}
	}
	return nil
}
