package aws

import (
	"context"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

// Volumes describes those of the ids that EC2 knows.
func (c *Cloud) Volumes(ctx context.Context, ids ...string) ([]controller.Volume, error) {
	var found []controller.Volume
	for chunk := range slices.Chunk(ids, filterValues) {
		some, err := c.volumes(ctx, filter("volume-id", chunk...))
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// VolumesTagged finds volumes by a tag.
func (c *Cloud) VolumesTagged(ctx context.Context, key, value string) ([]controller.Volume, error) {
	return c.volumes(ctx, tagFilter(key, value))
}

func (c *Cloud) volumes(ctx context.Context, f types.Filter) ([]controller.Volume, error) {
	var found []controller.Volume
	in := &ec2.DescribeVolumesInput{Filters: []types.Filter{f}, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeVolumesPaginator(c.ec2, in), func(out *ec2.DescribeVolumesOutput) {
		for _, v := range out.Volumes {
			found = append(found, volume(v))
		}
	})
	return found, err
}

func volume(v types.Volume) controller.Volume {
	got := controller.Volume{
		ID: sdk.ToString(v.VolumeId), State: string(v.State), Zone: sdk.ToString(v.AvailabilityZone), GiB: int(sdk.ToInt32(v.Size)),
		Type: string(v.VolumeType), Encrypted: sdk.ToBool(v.Encrypted), KMSKey: sdk.ToString(v.KmsKeyId),
		MultiAttach: sdk.ToBool(v.MultiAttachEnabled), Tags: tags(v.Tags),
	}
	for _, a := range v.Attachments {
		got.Attachments = append(got.Attachments, controller.Attachment{
			Instance: sdk.ToString(a.InstanceId), Device: sdk.ToString(a.Device), State: string(a.State),
			DeleteOnTermination: sdk.ToBool(a.DeleteOnTermination),
		})
	}
	return got
}

// Attach begins to attach a volume.
func (c *Cloud) Attach(ctx context.Context, volume, instance, device string) error {
	return do(ctx, c.ec2.AttachVolume, &ec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &instance, Device: &device})
}

// Detach begins to detach a volume from this instance and no other. It never
// forces.
func (c *Cloud) Detach(ctx context.Context, volume, instance string) error {
	return do(ctx, c.ec2.DetachVolume, &ec2.DetachVolumeInput{VolumeId: &volume, InstanceId: &instance})
}
