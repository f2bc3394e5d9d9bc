package aws

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
)

const someImage = `<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><imageState>available</imageState><architecture>arm64</architecture>
<rootDeviceName>/dev/xvda</rootDeviceName></item></imagesSet></DescribeImagesResponse>`

// TestFailedImage wants the reason that EC2 gives.
func TestFailedImage(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{"DescribeImages": ok(`<R><imagesSet><item><imageId>ami-1</imageId><imageState>failed</imageState>
<stateReason><code>Server.InternalError</code><message>Internal error on create</message></stateReason></item></imagesSet></R>`)})
	got, err := cloud.Image(t.Context(), "ami-1")
	if err != nil || got.State != "failed" || got.Reason != "Internal error on create" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestLaunch wants a helper that has IMDSv2 only and leaves nothing behind.
func TestLaunch(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{
		"DescribeImages": ok(someImage),
		"RunInstances":   ok(`<RunInstancesResponse><instancesSet><item><instanceId>i-9</instanceId></item></instancesSet></RunInstancesResponse>`),
	})
	l := controller.Launch{Token: "R-1", Image: "ami-1", Type: "t4g.small", Subnet: "subnet-1", Groups: []string{"sg-1"}, PublicIP: true, Profile: "regain-helper",
		Tags: map[string]string{controller.TagRun: "R", controller.TagRole: "helper"}}
	for range 2 {
		if id, err := cloud.Launch(t.Context(), l); id != "i-9" || err != nil {
			t.Fatalf("got %q, %v", id, err)
		}
	}
	s.one("DescribeImages") // a root device's name does not change
	s.of("RunInstances")[0].want(t, map[string]string{
		"ClientToken": "R-1", "ImageId": "ami-1", "InstanceType": "t4g.small", "MinCount": "1", "MaxCount": "1", "IamInstanceProfile.Name": "regain-helper",
		"MetadataOptions.HttpTokens": "required", "MetadataOptions.HttpPutResponseHopLimit": "1",
		"BlockDeviceMapping.1.DeviceName": "/dev/xvda", "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true", "BlockDeviceMapping.1.Ebs.Encrypted": "true",
		"NetworkInterface.1.SubnetId": "subnet-1", "NetworkInterface.1.SecurityGroupId.1": "sg-1", "NetworkInterface.1.AssociatePublicIpAddress": "true",
		"NetworkInterface.1.DeleteOnTermination": "true",
		"TagSpecification.1.ResourceType":        "instance", "TagSpecification.1.Tag.1.Key": "regain:role", "TagSpecification.1.Tag.2.Value": "R",
		"TagSpecification.2.ResourceType": "volume", "TagSpecification.3.ResourceType": "network-interface", "TagSpecification.3.Tag.1.Value": "helper",
		"InstanceInitiatedShutdownBehavior": "",
	})
	l.PublicIP = false
	if _, err := cloud.Launch(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	s.of("RunInstances")[2].want(t, map[string]string{"NetworkInterface.1.AssociatePublicIpAddress": "false"})
}

func TestImage(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{"DescribeImages": ok(someImage, "<DescribeImagesResponse/>")})
	got, err := cloud.Image(t.Context(), "ami-1")
	if want := (controller.Image{ID: "ami-1", State: "available", Architecture: "arm64", RootDevice: "/dev/xvda"}); err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = cloud.Launch(t.Context(), controller.Launch{Image: "ami-2"})
	wantKind(t, err, controller.NotFound, "NotFound")
}

// TestChanges compares what goes over the wire.
func TestChanges(t *testing.T) {
	const done = "<Response><return>true</return></Response>"
	s, cloud := newServer(t, map[string][]answer{
		"StartInstances": ok(done), "StopInstances": ok(done), "TerminateInstances": ok(done), "ModifyInstanceAttribute": ok(done), "CreateTags": ok(done),
		"DeleteTags": ok(done), "AttachVolume": ok(done), "DetachVolume": ok(done),
	})
	ctx := t.Context()
	for _, tt := range []struct {
		operation string
		call      func() error
		want      map[string]string
	}{
		{"StartInstances", func() error { return cloud.Start(ctx, "i-1", "i-2") }, map[string]string{"InstanceId.1": "i-1", "InstanceId.2": "i-2"}},
		{"StopInstances", func() error { return cloud.Stop(ctx, false, "i-1") }, map[string]string{"InstanceId.1": "i-1", "Force": "false"}},
		{"StopInstances", func() error { return cloud.Stop(ctx, true, "i-1") }, map[string]string{"Force": "true", "Hibernate": ""}},
		{"TerminateInstances", func() error { return cloud.Terminate(ctx, "i-1") }, map[string]string{"InstanceId.1": "i-1"}},
		{"ModifyInstanceAttribute", func() error { return cloud.SetStopProtection(ctx, "i-1", false) }, map[string]string{"InstanceId": "i-1", "DisableApiStop.Value": "false"}},
		{"ModifyInstanceAttribute", func() error { return cloud.SetDeleteOnTermination(ctx, "i-1", "/dev/sda1", true) },
			map[string]string{"BlockDeviceMapping.1.DeviceName": "/dev/sda1", "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true", "BlockDeviceMapping.1.Ebs.VolumeId": ""}},
		{"CreateTags", func() error { return cloud.Tag(ctx, map[string]string{"b": "2", "a": "1"}, "i-1", "vol-1") },
			map[string]string{"ResourceId.2": "vol-1", "Tag.1.Key": "a", "Tag.2.Value": "2"}},
		{"DeleteTags", func() error { return cloud.Untag(ctx, []string{"a"}, "i-1") }, map[string]string{"ResourceId.1": "i-1", "Tag.1.Key": "a"}},
		{"AttachVolume", func() error { return cloud.Attach(ctx, "vol-1", "i-1", "/dev/sdf") }, map[string]string{"VolumeId": "vol-1", "InstanceId": "i-1", "Device": "/dev/sdf"}},
		{"DetachVolume", func() error { return cloud.Detach(ctx, "vol-1", "i-1") }, map[string]string{"VolumeId": "vol-1", "InstanceId": "i-1", "Force": ""}},
	} {
		if err := tt.call(); err != nil {
			t.Errorf("%s: %v", tt.operation, err)
			continue
		}
		calls := s.of(tt.operation)
		calls[len(calls)-1].want(t, tt.want)
	}
	if _, sent := s.of("DeleteTags")[0].form["Tag.1.Value"]; sent {
		t.Error("a tag is removed only when its value is empty")
	}
}
