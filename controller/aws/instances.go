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

// EC2 takes 200 values a filter, and gives pages of up to 1000.
const (
	filterValues = 200
	pageSize     = 1000
)

// Instances describes those of the ids that EC2 knows. The ids are a filter, so
// that one which is not known (yet) does not hide the others.
func (c *Cloud) Instances(ctx context.Context, ids ...string) ([]controller.Instance, error) {
	var found []controller.Instance
	for chunk := range slices.Chunk(ids, filterValues) {
		some, err := c.instances(ctx, filter("instance-id", chunk...))
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// InstancesTagged finds instances that are not terminated by a tag.
func (c *Cloud) InstancesTagged(ctx context.Context, key, value string) ([]controller.Instance, error) {
	return c.instances(ctx, tagFilter(key, value), filter("instance-state-name",
		controller.Pending, controller.Running, controller.Stopping, controller.Stopped, controller.ShuttingDown))
}

func (c *Cloud) instances(ctx context.Context, filters ...types.Filter) ([]controller.Instance, error) {
	var found []controller.Instance
	in := &ec2.DescribeInstancesInput{Filters: filters, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeInstancesPaginator(c.ec2, in), func(out *ec2.DescribeInstancesOutput) {
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				found = append(found, instance(i))
			}
		}
	})
	return found, err
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

// tagFilter is for a tag's value, or for its key when the value is empty.
func tagFilter(key, value string) types.Filter {
	if value == "" {
		return filter("tag-key", key)
	}
	return filter("tag:"+key, value)
}

func instance(i types.Instance) controller.Instance {
	got := controller.Instance{
		ID: sdk.ToString(i.InstanceId), Type: string(i.InstanceType), Platform: "linux", Details: sdk.ToString(i.PlatformDetails),
		Architecture: string(i.Architecture), BootMode: bootMode(i), VPC: sdk.ToString(i.VpcId), Subnet: sdk.ToString(i.SubnetId),
		RootDevice: sdk.ToString(i.RootDeviceName), RootDeviceType: string(i.RootDeviceType),
		PublicIP: sdk.ToString(i.PublicIpAddress), Elastic: elastic(i), PrivateIP: sdk.ToString(i.PrivateIpAddress),
		KeyName: sdk.ToString(i.KeyName), Spot: i.InstanceLifecycle == types.InstanceLifecycleTypeSpot,
		Operator: operator(i.Operator), Tags: tags(i.Tags), Launched: sdk.ToTime(i.LaunchTime),
	}
	// The reference writes it with a capital, EC2 answers without.
	if strings.EqualFold(string(i.Platform), string(types.PlatformValuesWindows)) {
		got.Platform = "windows"
	}
	if i.State != nil {
		got.State = string(i.State.Name)
	}
	if i.StateReason != nil {
		got.StateCode, got.StateReason = sdk.ToString(i.StateReason.Code), sdk.ToString(i.StateReason.Message)
	}
	if i.Placement != nil {
		got.Zone = sdk.ToString(i.Placement.AvailabilityZone)
		if i.Placement.Tenancy != types.TenancyDefault {
			got.Settings.Tenancy = string(i.Placement.Tenancy)
		}
	}
	if i.IamInstanceProfile != nil {
		got.Profile = sdk.ToString(i.IamInstanceProfile.Arn)
	}
	if i.HibernationOptions != nil {
		got.Hibernation = sdk.ToBool(i.HibernationOptions.Configured)
	}
	if m := i.MetadataOptions; m != nil {
		got.MetadataOff = m.HttpEndpoint == types.InstanceMetadataEndpointStateDisabled
		got.MetadataTokens = m.HttpTokens == types.HttpTokensStateRequired
		got.Settings.Hops, got.Settings.MetadataTags = int(sdk.ToInt32(m.HttpPutResponseHopLimit)), m.InstanceMetadataTags == types.InstanceMetadataTagsStateEnabled
	}
	got.Settings.Optimized = sdk.ToBool(i.EbsOptimized)
	got.Settings.Monitored = i.Monitoring != nil && i.Monitoring.State == types.MonitoringStateEnabled
	got.TPM = sdk.ToString(i.TpmSupport) != ""
	for _, g := range i.SecurityGroups {
		got.Groups = append(got.Groups, sdk.ToString(g.GroupId))
	}
	for _, p := range i.ProductCodes {
		got.ProductCodes = append(got.ProductCodes, sdk.ToString(p.ProductCodeId))
	}
	for _, d := range i.BlockDeviceMappings {
		got.Devices = append(got.Devices, device(d))
	}
	return got
}

// elastic tells whether the public address stays when the instance stops: EC2
// names itself as the owner of those that do not.
func elastic(i types.Instance) bool {
	for _, n := range i.NetworkInterfaces {
		for _, p := range n.PrivateIpAddresses {
			if a := p.Association; a != nil && sdk.ToString(a.PublicIp) == sdk.ToString(i.PublicIpAddress) {
				return sdk.ToString(a.IpOwnerId) != "amazon"
			}
		}
		if a := n.Association; a != nil && sdk.ToString(a.PublicIp) == sdk.ToString(i.PublicIpAddress) {
			return sdk.ToString(a.IpOwnerId) != "amazon"
		}
	}
	return false
}

// bootMode is the one it runs in, or that its image asks for.
func bootMode(i types.Instance) string {
	if i.CurrentInstanceBootMode != "" {
		return string(i.CurrentInstanceBootMode)
	}
	return string(i.BootMode)
}

func operator(o *types.OperatorResponse) string {
	switch {
	case o == nil || !sdk.ToBool(o.Managed):
		return ""
	case sdk.ToString(o.Principal) == "":
		return "unnamed"
	}
	return *o.Principal
}

func device(d types.InstanceBlockDeviceMapping) controller.Device {
	got := controller.Device{Name: sdk.ToString(d.DeviceName)}
	if d.Ebs != nil {
		got.Volume, got.State = sdk.ToString(d.Ebs.VolumeId), string(d.Ebs.Status)
		got.DeleteOnTermination = sdk.ToBool(d.Ebs.DeleteOnTermination)
	}
	return got
}

func tags(list []types.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	got := map[string]string{}
	for _, t := range list {
		got[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	return got
}

// Attributes asks for those that DescribeInstances does not tell, one by one, as
// EC2 wants it.
func (c *Cloud) Attributes(ctx context.Context, instance string) (controller.Attributes, error) {
	var got controller.Attributes
	for _, name := range []types.InstanceAttributeName{
		types.InstanceAttributeNameDisableApiStop, types.InstanceAttributeNameDisableApiTermination,
		types.InstanceAttributeNameInstanceInitiatedShutdownBehavior,
	} {
		out, err := call(ctx, c.ec2.DescribeInstanceAttribute, &ec2.DescribeInstanceAttributeInput{InstanceId: &instance, Attribute: name})
		if err != nil {
			return controller.Attributes{}, err
		}
		if v := out.DisableApiStop; v != nil {
			got.StopProtection = sdk.ToBool(v.Value)
		}
		if v := out.DisableApiTermination; v != nil {
			got.TerminationProtection = sdk.ToBool(v.Value)
		}
		if v := out.InstanceInitiatedShutdownBehavior; v != nil {
			got.Shutdown = sdk.ToString(v.Value)
		}
	}
	return got, nil
}

// InstanceType looks a type up; NotFound when the region has no such type.
func (c *Cloud) InstanceType(ctx context.Context, name string) (controller.InstanceType, error) {
	out, err := call(ctx, c.ec2.DescribeInstanceTypes, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{types.InstanceType(name)}})
	if err != nil {
		return controller.InstanceType{}, err
	}
	if len(out.InstanceTypes) == 0 {
		return controller.InstanceType{}, missing("ec2:DescribeInstanceTypes", "instance type "+name)
	}
	t := out.InstanceTypes[0]
	got := controller.InstanceType{Name: name, InstanceStore: sdk.ToBool(t.InstanceStorageSupported), Xen: t.Hypervisor == types.InstanceTypeHypervisorXen}
	if t.ProcessorInfo != nil {
		for _, a := range t.ProcessorInfo.SupportedArchitectures {
			got.Architectures = append(got.Architectures, string(a))
		}
	}
	return got, nil
}

// TypeOffered tells whether a zone offers an instance type.
func (c *Cloud) TypeOffered(ctx context.Context, name, zone string) (bool, error) {
	out, err := call(ctx, c.ec2.DescribeInstanceTypeOfferings, &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{filter("instance-type", name), filter("location", zone)},
	})
	if err != nil {
		return false, err
	}
	return len(out.InstanceTypeOfferings) > 0, nil
}

// missing is the error for what an answer should hold and does not.
func missing(action, what string) error {
	return &controller.CloudError{Kind: controller.NotFound, Action: action, Code: "NotFound", Message: "there is no " + what}
}
