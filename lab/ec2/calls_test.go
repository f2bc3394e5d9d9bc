package ec2

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var run = []string{"ImageId=" + HelperImage("x86_64"), "InstanceType=t3.micro", "MinCount=1", "MaxCount=1"}

// TestIdempotency: a token makes a repetition harmless, as long as it asks the same.
func TestIdempotency(t *testing.T) {
	b := newBench(t)
	vpc := b.do("DescribeVpcs").at("vpcSet/item/vpcId")
	for action, tt := range map[string]struct {
		params []string
		other  string
		id     string
	}{
		"RunInstances":     {run, "InstanceType=t3.small", "instancesSet/item/instanceId"},
		"CreateVolume":     {[]string{"AvailabilityZone=us-east-1a", "Size=1"}, "Size=2", "volumeId"},
		"CreateRouteTable": {[]string{"VpcId=" + vpc}, "TagSpecification.1.ResourceType=route-table", "routeTable/routeTableId"},
	} {
		t.Run(action, func(t *testing.T) {
			with := func(token string, more ...string) []string {
				return slices.Concat(tt.params, more, []string{"ClientToken=" + token})
			}
			first := b.do(action, with("a")...).at(tt.id)
			b.kill() // the token survives
			b.want("again", b.do(action, with("a")...).at(tt.id), first)
			if other := b.do(action, with("b")...).at(tt.id); other == first {
				t.Error("another token gave the same")
			}
			if other := b.do(action, tt.params...).at(tt.id); other == first {
				t.Error("no token gave the same")
			}
			b.fails("IdempotentParameterMismatch", action, with("a", tt.other)...)
			b.fails("InvalidParameterValue", action, with(strings.Repeat("x", 65))...)
		})
	}
}

func TestTokenOfTerminated(t *testing.T) {
	b := newBench(t)
	id := b.helper("ClientToken=once")
	b.do("TerminateInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.fails("IdempotentInstanceTerminated", "RunInstances", slices.Concat(run, []string{"IamInstanceProfile.Name=regain-helper", "ClientToken=once"})...)
}

func TestRunRefusals(t *testing.T) {
	b := newBench(t)
	for name, tt := range map[string]struct {
		code string
		more []string
	}{
		"image":          {"InvalidAMIID.NotFound", []string{"ImageId=ami-00000000000000000"}},
		"malformed":      {"InvalidAMIID.Malformed", []string{"ImageId=image"}},
		"type":           {"InvalidParameterValue", []string{"InstanceType=x9.huge"}},
		"architecture":   {"InvalidParameterValue", []string{"InstanceType=t4g.micro"}},
		"profile":        {"InvalidParameterValue", []string{"IamInstanceProfile.Name=none"}},
		"subnet":         {"InvalidSubnetID.NotFound", []string{"SubnetId=subnet-00000000000000000"}},
		"group":          {"InvalidGroup.NotFound", []string{"SecurityGroupId.1=sg-00000000000000000"}},
		"count":          {"InvalidParameterValue", []string{"MinCount=2"}},
		"user data":      {"InvalidParameterValue", []string{"UserData=!"}},
		"shutdown":       {"InvalidParameterValue", []string{"InstanceInitiatedShutdownBehavior=hibernate"}},
		"tokens":         {"InvalidParameterValue", []string{"MetadataOptions.HttpTokens=maybe"}},
		"monitoring":     {"UnsupportedOperation", []string{"Monitoring.Enabled=true"}},
		"two subnets":    {"InvalidParameterCombination", []string{"SubnetId=subnet-1", "NetworkInterface.1.SubnetId=subnet-2"}},
		"spot":           {"UnsupportedOperation", []string{"InstanceMarketOptions.MarketType=spot"}},
		"dry run":        {"DryRunOperation", []string{"DryRun=true"}},
		"no image":       {"MissingParameter", []string{"ImageId="}},
		"tags of images": {"InvalidParameterValue", []string{"TagSpecification.1.ResourceType=image"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.fails(tt.code, "RunInstances", append(slices.Clone(run), tt.more...)...)
		})
	}
	if n := len(b.do("DescribeInstances").find("reservationSet/item")); n != 0 {
		t.Errorf("%d were launched", n)
	}
}

func TestRunInstances(t *testing.T) {
	b := newBench(t)
	b.do("CreateKeyPair", "KeyName=k")
	x := b.do("RunInstances", slices.Concat(run, []string{
		"MinCount=1", "MaxCount=2", "MetadataOptions.HttpTokens=required", "MetadataOptions.HttpPutResponseHopLimit=1", "UserData=aGVsbG8=",
		"InstanceInitiatedShutdownBehavior=terminate", "IamInstanceProfile.Name=regain-helper", "KeyName=k",
		"BlockDeviceMapping.1.DeviceName=/dev/xvda", "BlockDeviceMapping.1.Ebs.VolumeSize=9", "BlockDeviceMapping.1.Ebs.DeleteOnTermination=false",
		"BlockDeviceMapping.2.DeviceName=/dev/sdf", "BlockDeviceMapping.2.Ebs.VolumeSize=1",
		"TagSpecification.1.ResourceType=instance", "TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1",
		"TagSpecification.2.ResourceType=volume", "TagSpecification.2.Tag.1.Key=run", "TagSpecification.2.Tag.1.Value=r1",
	})...)
	ids := x.all("instancesSet/item/instanceId")
	if len(ids) != 2 || x.at("instancesSet/item/instanceState/name") != pending {
		t.Fatalf("launched %q", ids)
	}
	b.pass(time.Minute)
	b.want("hops", b.instance(ids[1], "metadataOptions/httpPutResponseHopLimit"), "1")
	b.want("size", b.volume(b.root(ids[1]), "size"), "9")
	b.want("kept", b.instance(ids[1], "blockDeviceMapping/item/ebs/deleteOnTermination"), "false")
	if n := len(b.do("DescribeVolumes", "Filter.1.Name=tag:run", "Filter.1.Value.1=r1").find("volumeSet/item")); n != 4 {
		t.Errorf("%d volumes have the tag", n)
	}
	for attribute, want := range map[string]string{
		"instanceInitiatedShutdownBehavior/value": "terminate", "rootDeviceName/value": "/dev/xvda", "userData/value": "aGVsbG8=",
		"instanceType/value": "t3.micro", "disableApiTermination/value": "false", "blockDeviceMapping/item/deviceName": "/dev/xvda",
		"groupSet/item/groupId": b.instance(ids[0], "groupSet/item/groupId"), "productCodes": "",
	} {
		name, _, _ := strings.Cut(attribute, "/")
		b.want(name, b.do("DescribeInstanceAttribute", "InstanceId="+ids[0], "Attribute="+name).at(attribute), want)
	}
	b.fails("InvalidParameterValue", "DescribeInstanceAttribute", "InstanceId="+ids[0], "Attribute=colour")
	b.fails("InvalidInstanceAttributeValue", "ModifyInstanceAttribute", "InstanceId="+ids[0], "BlockDeviceMapping.1.DeviceName=/dev/sdz", "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true")
	b.fails("InvalidParameterValue", "ModifyInstanceAttribute", "InstanceId="+ids[0], "InstanceInitiatedShutdownBehavior.Value=sleep")
	b.want("console", b.do("GetConsoleOutput", "InstanceId="+ids[0]).at("instanceId"), ids[0])
}

// TestLaunchFails: what RunInstances makes and cannot boot is terminated.
func TestLaunchFails(t *testing.T) {
	b := newBench(t)
	id := b.do("RunInstances", append(slices.Clone(run), "BlockDeviceMapping.1.DeviceName=/dev/xvda", "BlockDeviceMapping.1.NoDevice=")...).at("instancesSet/item/instanceId")
	b.pass(time.Minute)
	b.want("state", b.state(id), terminated)
	b.want("reason", b.instance(id, "stateReason/code"), "Client.InternalError")
}

// TestConsistencyInTheEnd: the first two looks miss what was just made, but not
// after the window.
func TestConsistencyInTheEnd(t *testing.T) {
	b := newBench(t)
	make := func() string { return b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1").at("volumeId") }
	first := make()
	b.fails("InvalidVolume.NotFound", "DescribeVolumes", "VolumeId.1="+first)
	if n := len(b.do("DescribeVolumes", "Filter.1.Name=volume-type", "Filter.1.Value.1=gp2").find("volumeSet/item")); n != 0 {
		t.Error("the second look sees it")
	}
	b.want("third look", b.volume(first, "volumeId"), first)
	second := make()
	b.pass(5 * time.Second)
	b.want("after the window", b.volume(second, "volumeId"), second)
	b.do("DeleteVolume", "VolumeId="+second) // a change knows it at once
}

func TestTags(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Tags: map[string]string{"Name": "web"}})
	many := []string{"ResourceId.1=" + id}
	for n := range 49 {
		many = append(many, fmt.Sprintf("Tag.%d.Key=k%d", n+1, n), fmt.Sprintf("Tag.%d.Value=v", n+1))
	}
	b.do("CreateTags", many...)
	b.fails("TagLimitExceeded", "CreateTags", "ResourceId.1="+id, "Tag.1.Key=more")
	b.do("CreateTags", "ResourceId.1="+id, "Tag.1.Key=k0", "Tag.1.Value=new") // one that is there
	for name, tag := range map[string][]string{
		"reserved": {"Tag.1.Key=AWS:x"}, "long key": {"Tag.1.Key=" + strings.Repeat("k", 129)}, "no key": {"Tag.1.Key=", "Tag.1.Value=v"},
		"long value": {"Tag.1.Key=k1", "Tag.1.Value=" + strings.Repeat("v", 257)}, "twice": {"Tag.1.Key=k1", "Tag.2.Key=k1"},
	} {
		if _, err := b.call("CreateTags", append(tag, "ResourceId.1="+id)...); err == nil || !strings.Contains(err.Error(), "InvalidParameterValue") {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.fails("InvalidID", "CreateTags", "ResourceId.1=thing-1", "Tag.1.Key=k")
	b.fails("InvalidVolume.NotFound", "CreateTags", "ResourceId.1=vol-00000000000000000", "Tag.1.Key=k")
	b.fails("MissingParameter", "CreateTags", "ResourceId.1="+id)

	b.do("DeleteTags", "ResourceId.1="+id, "Tag.1.Key=k0", "Tag.1.Value=old") // another value
	b.want("k0", b.do("DescribeTags", "Filter.1.Name=key", "Filter.1.Value.1=k0").at("tagSet/item/value"), "new")
	b.do("DeleteTags", "ResourceId.1="+id, "Tag.1.Key=k0")
	x := b.do("DescribeTags", "Filter.1.Name=resource-type", "Filter.1.Value.1=instance", "Filter.2.Name=key", "Filter.2.Value.1=k?")
	if n := len(x.find("tagSet/item")); n != 9 { // k1 to k9
		t.Errorf("%d tags", n)
	}
	b.do("DeleteTags", "ResourceId.1="+id)
	if n := len(b.do("DescribeTags", "Filter.1.Name=resource-id", "Filter.1.Value.1="+id).find("tagSet/item")); n != 0 {
		t.Errorf("%d tags are left", n)
	}
}

func TestFiltersAndPages(t *testing.T) {
	b := newBench(t)
	b.Boot = "none"
	var ids []string
	for n := range 7 {
		ids = append(ids, b.guest(Spec{Tags: map[string]string{"Name": fmt.Sprintf("web-%d", n), "env": "prod*"}, Stopped: n == 0}))
	}
	count := func(params ...string) int {
		return len(b.do("DescribeInstances", params...).find("reservationSet/item/instancesSet/item"))
	}
	for _, tt := range []struct {
		want   int
		params []string
	}{
		{7, []string{"Filter.1.Name=tag:Name", "Filter.1.Value.1=web-*"}},
		{2, []string{"Filter.1.Name=tag:Name", "Filter.1.Value.1=*-1", "Filter.1.Value.2=web-2"}},
		{0, []string{"Filter.1.Name=tag:Name", "Filter.1.Value.1=WEB-*"}},
		{7, []string{"Filter.1.Name=tag:env", `Filter.1.Value.1=prod\*`}},
		{7, []string{"Filter.1.Name=tag-key", "Filter.1.Value.1=env"}},
		{6, []string{"Filter.1.Name=instance-state-name", "Filter.1.Value.1=running"}},
		{1, []string{"Filter.1.Name=instance-state-name", "Filter.1.Value.1=stopped", "Filter.2.Name=tag:Name", "Filter.2.Value.1=web-0"}},
		{1, []string{"InstanceId.1=" + ids[3]}},
		{2, []string{"InstanceId.1=" + ids[3], "InstanceId.2=" + ids[4]}},
	} {
		if got := count(tt.params...); got != tt.want {
			t.Errorf("%q: %d, want %d", tt.params, got, tt.want)
		}
	}
	b.fails("InvalidParameterValue", "DescribeInstances", "Filter.1.Name=colour", "Filter.1.Value.1=x")
	b.fails("InvalidParameterValue", "DescribeInstances", "MaxResults=1")
	b.fails("InvalidParameterValue", "DescribeInstances", "MaxResults=1001")
	b.fails("InvalidParameterCombination", "DescribeInstances", "MaxResults=5", "InstanceId.1="+ids[0])
	b.fails("InvalidParameterValue", "DescribeInstances", "NextToken=garbage")
	first := b.do("DescribeInstances", "MaxResults=5")
	second := b.do("DescribeInstances", "MaxResults=5", "NextToken="+first.at("nextToken"))
	all := append(first.all(inst+"instanceId"), second.all(inst+"instanceId")...)
	slices.Sort(all)
	slices.Sort(ids)
	if !slices.Equal(all, ids) || second.at("nextToken") != "" {
		t.Errorf("pages of %q, want %q", all, ids)
	}
}

func TestStatusAndTypes(t *testing.T) {
	b := newBench(t)
	id, off := b.guest(Spec{}), b.guest(Spec{Stopped: true})
	b.pass(2 * time.Minute)
	x := b.do("DescribeInstanceStatus", "InstanceId.1="+id)
	b.want("checks", x.at("instanceStatusSet/item/instanceStatus/status"), "ok")
	b.do("StopInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.do("StartInstances", "InstanceId.1="+id)
	b.pass(20 * time.Second)
	b.want("checks", b.do("DescribeInstanceStatus", "InstanceId.1="+id).at("instanceStatusSet/item/systemStatus/status"), "initializing")
	if n := len(b.do("DescribeInstanceStatus", "InstanceId.1="+off).find("instanceStatusSet/item")); n != 0 {
		t.Error("a stopped instance has a status")
	}
	b.want("all", b.do("DescribeInstanceStatus", "InstanceId.1="+off, "IncludeAllInstances=true").at("instanceStatusSet/item/instanceState/name"), stopped)

	x = b.do("DescribeInstanceTypes", "InstanceType.1=m5d.large")
	b.want("storage", x.at("instanceTypeSet/item/instanceStorageInfo/totalSizeInGB"), "75")
	b.want("hypervisor", b.do("DescribeInstanceTypes", "InstanceType.1=m4.large").at("instanceTypeSet/item/hypervisor"), "xen")
	b.fails("InvalidInstanceType", "DescribeInstanceTypes", "InstanceType.1=x9.huge")
	x = b.do("DescribeInstanceTypes", "Filter.1.Name=processor-info.supported-architecture", "Filter.1.Value.1=arm64")
	if names := x.all("instanceTypeSet/item/instanceType"); !slices.Contains(names, "t4g.micro") || slices.Contains(names, "t3.micro") {
		t.Errorf("arm64 types %q", names)
	}
	x = b.do("DescribeInstanceTypeOfferings", "LocationType=availability-zone", "Filter.1.Name=instance-type", "Filter.1.Value.1=t3.micro")
	if got := x.all("instanceTypeOfferingSet/item/location"); !slices.Equal(got, b.zones()) {
		t.Errorf("offered in %q", got)
	}
}
