package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

// LaunchReplacement launches an instance from an image, with all disks as the
// image has them. Its metadata service is on, as the launch agent asks it for the
// key that it encrypts the password to.
func (c *Cloud) LaunchReplacement(ctx context.Context, r controller.Replacement) (string, error) {
	in := &ec2.RunInstancesInput{
		ClientToken: &r.Token, ImageId: &r.Image, InstanceType: types.InstanceType(r.Type), MinCount: sdk.Int32(1), MaxCount: sdk.Int32(1),
		KeyName: &r.KeyName, SubnetId: &r.Subnet, SecurityGroupIds: r.Groups,
		MetadataOptions:   &types.InstanceMetadataOptionsRequest{HttpEndpoint: types.InstanceMetadataEndpointStateEnabled, HttpTokens: types.HttpTokensStateOptional},
		TagSpecifications: specify(r.Tags, types.ResourceTypeInstance, types.ResourceTypeVolume),
	}
	if r.Tokens {
		in.MetadataOptions.HttpTokens = types.HttpTokensStateRequired
	}
	asBefore(in, r)
	if r.Profile != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Arn: &r.Profile}
	}
	out, err := call(ctx, c.ec2.RunInstances, in)
	if err != nil {
		return "", err
	}
	if len(out.Instances) == 0 {
		return "", missing("ec2:RunInstances", "instance in the answer")
	}
	return sdk.ToString(out.Instances[0].InstanceId), nil
}

// asBefore asks for what is not the usual, and is so of the instance.
func asBefore(in *ec2.RunInstancesInput, r controller.Replacement) {
	s := r.Settings
	if s.Optimized {
		in.EbsOptimized = &s.Optimized
	}
	if s.Monitored {
		in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: &s.Monitored}
	}
	if s.Hops > 0 {
		in.MetadataOptions.HttpPutResponseHopLimit = sdk.Int32(int32(s.Hops))
	}
	if s.MetadataTags {
		in.MetadataOptions.InstanceMetadataTags = types.InstanceMetadataTagsStateEnabled
	}
	if s.Tenancy == string(types.TenancyDedicated) {
		in.Placement = &types.Placement{Tenancy: types.TenancyDedicated}
	}
	if a := r.Attributes; a.TerminationProtection {
		in.DisableApiTermination = &a.TerminationProtection
	}
	if a := r.Attributes; a.StopProtection {
		in.DisableApiStop = &a.StopProtection
	}
	if r.Attributes.Shutdown == string(types.ShutdownBehaviorTerminate) {
		in.InstanceInitiatedShutdownBehavior = types.ShutdownBehaviorTerminate
	}
}
