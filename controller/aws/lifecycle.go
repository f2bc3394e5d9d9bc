package aws

import (
	"context"
	"maps"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

// Launch starts a helper. Everything that comes with it carries the tags, and
// goes with it. Its disk, on which the agent notes what it changes on another, is
// encrypted: by the account's key for that, or EBS's own.
func (c *Cloud) Launch(ctx context.Context, l controller.Launch) (string, error) {
	root, err := c.rootOf(ctx, l.Image)
	if err != nil {
		return "", err
	}
	out, err := call(ctx, c.ec2.RunInstances, &ec2.RunInstancesInput{
		ClientToken: &l.Token, ImageId: &l.Image, InstanceType: types.InstanceType(l.Type), MinCount: sdk.Int32(1), MaxCount: sdk.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: &root, Ebs: &types.EbsBlockDevice{DeleteOnTermination: sdk.Bool(true), Encrypted: sdk.Bool(true)}}},
		NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{
			DeviceIndex: sdk.Int32(0), SubnetId: &l.Subnet, Groups: l.Groups, AssociatePublicIpAddress: &l.PublicIP, DeleteOnTermination: sdk.Bool(true),
		}},
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: &l.Profile},
		MetadataOptions: &types.InstanceMetadataOptionsRequest{
			HttpEndpoint: types.InstanceMetadataEndpointStateEnabled, HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: sdk.Int32(1),
		},
		TagSpecifications: specify(l.Tags, types.ResourceTypeInstance, types.ResourceTypeVolume, types.ResourceTypeNetworkInterface),
	})
	if err != nil {
		return "", err
	}
	if len(out.Instances) == 0 {
		return "", missing("ec2:RunInstances", "instance in the answer")
	}
	return sdk.ToString(out.Instances[0].InstanceId), nil
}

// rootOf is the name of an image's root device, which never changes: only with
// it can a launch say what becomes of the volume.
func (c *Cloud) rootOf(ctx context.Context, image string) (string, error) {
	c.mu.Lock()
	root := c.roots[image]
	c.mu.Unlock()
	if root != "" {
		return root, nil
	}
	got, err := c.Image(ctx, image)
	return got.RootDevice, err
}

// Image looks up an AMI by id.
func (c *Cloud) Image(ctx context.Context, id string) (controller.Image, error) {
	out, err := call(ctx, c.ec2.DescribeImages, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if err != nil {
		return controller.Image{}, err
	}
	if len(out.Images) == 0 {
		return controller.Image{}, missing("ec2:DescribeImages", "image "+id)
	}
	i := out.Images[0]
	got := controller.Image{ID: id, State: string(i.State), Architecture: string(i.Architecture), RootDevice: sdk.ToString(i.RootDeviceName)}
	if i.StateReason != nil {
		got.Reason = sdk.ToString(i.StateReason.Message)
	}
	for _, d := range i.BlockDeviceMappings {
		got.Devices = append(got.Devices, sdk.ToString(d.DeviceName))
		if d.Ebs != nil && sdk.ToString(d.Ebs.SnapshotId) != "" {
			got.Snapshots = append(got.Snapshots, *d.Ebs.SnapshotId)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roots[id] = got.RootDevice
	return got, nil
}

// specify gives the same tags to each kind of resource that a call makes.
func specify(tags map[string]string, kinds ...types.ResourceType) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	var specs []types.TagSpecification
	for _, kind := range kinds {
		specs = append(specs, types.TagSpecification{ResourceType: kind, Tags: tagList(tags)})
	}
	return specs
}

func tagList(tags map[string]string) []types.Tag {
	var list []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: sdk.String(key), Value: sdk.String(tags[key])})
	}
	return list
}

// Start starts instances.
func (c *Cloud) Start(ctx context.Context, ids ...string) error {
	return do(ctx, c.ec2.StartInstances, &ec2.StartInstancesInput{InstanceIds: ids})
}

// Stop stops instances; force cuts the power when the system does not comply.
func (c *Cloud) Stop(ctx context.Context, force bool, ids ...string) error {
	return do(ctx, c.ec2.StopInstances, &ec2.StopInstancesInput{InstanceIds: ids, Force: &force})
}

// Terminate terminates instances.
func (c *Cloud) Terminate(ctx context.Context, ids ...string) error {
	return do(ctx, c.ec2.TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: ids})
}

// SetStopProtection sets whether the API may stop an instance.
func (c *Cloud) SetStopProtection(ctx context.Context, instance string, on bool) error {
	return do(ctx, c.ec2.ModifyInstanceAttribute, &ec2.ModifyInstanceAttributeInput{
		InstanceId: &instance, DisableApiStop: &types.AttributeBooleanValue{Value: &on},
	})
}

// SetDeleteOnTermination sets whether a device's volume goes with its instance.
func (c *Cloud) SetDeleteOnTermination(ctx context.Context, instance, device string, on bool) error {
	return do(ctx, c.ec2.ModifyInstanceAttribute, &ec2.ModifyInstanceAttributeInput{
		InstanceId: &instance,
		BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{
			DeviceName: &device, Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: &on},
		}},
	})
}

// Tag adds tags to resources of EC2, or replaces their values.
func (c *Cloud) Tag(ctx context.Context, tags map[string]string, ids ...string) error {
	return do(ctx, c.ec2.CreateTags, &ec2.CreateTagsInput{Resources: ids, Tags: tagList(tags)})
}

// Untag removes tags, whatever their values.
func (c *Cloud) Untag(ctx context.Context, keys []string, ids ...string) error {
	var list []types.Tag
	for _, key := range keys {
		list = append(list, types.Tag{Key: sdk.String(key)})
	}
	return do(ctx, c.ec2.DeleteTags, &ec2.DeleteTagsInput{Resources: ids, Tags: list})
}
