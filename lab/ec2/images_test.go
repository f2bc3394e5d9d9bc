package ec2

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestSnapshotStates(t *testing.T) {
	b := newBench(t)
	root := b.root(b.guest(Spec{}))
	x := b.do("CreateSnapshot", "VolumeId="+root, "Description=before", "TagSpecification.1.ResourceType=snapshot",
		"TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1")
	snap := x.at("snapshotId")
	b.want("answer", x.at("status"), pending)
	b.pass(30 * time.Second)
	x = b.do("DescribeSnapshots", "Owner.1=self", "Filter.1.Name=tag:run", "Filter.1.Value.1=r1")
	b.want("id", x.at("snapshotSet/item/snapshotId"), snap)
	b.want("progress", x.at("snapshotSet/item/progress"), "33%")
	b.want("status", x.at("snapshotSet/item/status"), pending)
	b.pass(time.Minute)
	x = b.do("DescribeSnapshots", "SnapshotId.1="+snap)
	b.want("status", x.at("snapshotSet/item/status"), "completed")
	b.want("progress", x.at("snapshotSet/item/progress"), "100%")
	b.do("DeleteSnapshot", "SnapshotId="+snap)
	b.fails("InvalidSnapshot.NotFound", "DescribeSnapshots", "SnapshotId.1="+snap)
	b.fails("InvalidSnapshot.NotFound", "DeleteSnapshot", "SnapshotId="+snap)
	b.pass(time.Second)
	if _, err := os.Stat(b.snapshotPath(snap)); err == nil {
		t.Error("its file is there")
	}
}

func TestSnapshotRates(t *testing.T) {
	b := newBench(t)
	root := b.root(b.guest(Spec{}))
	for n := range 5 {
		b.do("CreateSnapshot", "VolumeId="+root)
		b.fails(map[bool]string{false: "SnapshotCreationPerVolumeRateExceeded", true: "ConcurrentSnapshotLimitExceeded"}[n == 4], "CreateSnapshot", "VolumeId="+root)
		b.pass(15 * time.Second)
	}
	b.fails("ConcurrentSnapshotLimitExceeded", "CreateSnapshot", "VolumeId="+root)
	b.pass(90 * time.Second)
	b.do("CreateSnapshot", "VolumeId="+root)
	hdd := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=125", "VolumeType=st1").at("volumeId")
	b.pass(time.Minute)
	b.do("CreateSnapshot", "VolumeId="+hdd)
	b.pass(15 * time.Second)
	b.fails("ConcurrentSnapshotLimitExceeded", "CreateSnapshot", "VolumeId="+hdd)
}

// TestImage makes one of a stopped instance with two volumes, and launches from it.
func TestImage(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true, ProductCodes: []string{"abc123"}, Volumes: []Disk{{Device: "/dev/sdf", Size: 3}}})
	ami := b.do("CreateImage", "InstanceId="+id, "Name=AWSSupport-EC2Rescue r1", "TagSpecification.1.ResourceType=image",
		"TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1", "TagSpecification.2.ResourceType=snapshot",
		"TagSpecification.2.Tag.1.Key=run", "TagSpecification.2.Tag.1.Value=r1").at("imageId")
	b.fails("InvalidAMIName.Duplicate", "CreateImage", "InstanceId="+id, "Name=AWSSupport-EC2Rescue r1")
	b.pass(10 * time.Second)
	x := b.do("DescribeImages", "ImageId.1="+ami)
	b.want("state", x.at("imagesSet/item/imageState"), pending)
	b.fails("InvalidAMIID.Unavailable", "RunInstances", "ImageId="+ami, "InstanceType=t3.micro", "MinCount=1", "MaxCount=1")
	b.pass(2 * time.Minute)
	x = b.do("DescribeImages", "Owner.1=self", "Filter.1.Name=name", "Filter.1.Value.1=AWSSupport-*")
	b.want("state", x.at("imagesSet/item/imageState"), "available")
	snaps := x.all("imagesSet/item/blockDeviceMapping/item/ebs/snapshotId")
	if len(snaps) != 2 || len(b.do("DescribeSnapshots", "Filter.1.Name=tag:run", "Filter.1.Value.1=r1").find("snapshotSet/item")) != 2 {
		t.Errorf("snapshots %q", snaps)
	}
	b.fails("InvalidSnapshot.InUse", "DeleteSnapshot", "SnapshotId="+snaps[0])

	clone := b.do("RunInstances", "ImageId="+ami, "InstanceType=t3.micro", "MinCount=1", "MaxCount=1").at("instancesSet/item/instanceId")
	b.pass(time.Minute)
	b.want("clone", b.state(clone), running)
	b.want("product code", b.instance(clone, "productCodes/item/productCode"), "abc123")
	b.want("boots from", b.head(b.volumePath(b.root(clone)), 8), "bootable")

	b.do("DeregisterImage", "ImageId="+ami)
	b.fails("InvalidAMIID.NotFound", "DescribeImages", "ImageId.1="+ami)
	b.do("DeleteSnapshot", "SnapshotId="+snaps[0])
}

// TestImageNames keeps CreateImage's rule: there is no colon.
func TestImageNames(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true})
	for _, name := range []string{"ab", strings.Repeat("x", 129), "AWSSupport-EC2Rescue:" + id, "tab\tx", "ümlaut"} {
		b.fails("InvalidAMIName.Malformed", "CreateImage", "InstanceId="+id, "Name="+name)
	}
	b.do("CreateImage", "InstanceId="+id, "Name=aA0 ()[]./-'@_")
	b.fails("MissingParameter", "CreateImage", "InstanceId="+id)
}

// TestImageReboots: a running instance is switched off for its image unless the
// caller wants otherwise.
func TestImageReboots(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	b.do("CreateImage", "InstanceId="+id, "Name=without", "NoReboot=true")
	b.rest(t.Context())
	b.want("boots", itoa(b.host.boots[id]), "1")
	b.pass(time.Hour)
	b.do("CreateImage", "InstanceId="+id, "Name=with")
	b.rest(t.Context())
	b.want("boots", itoa(b.host.boots[id]), "2")
	b.want("state", b.state(id), running)
}

func TestHelperImages(t *testing.T) {
	b := newBench(t)
	for _, h := range []struct{ id, arch, owner, device string }{
		{HelperImage("x86_64"), "x86_64", "137112412989", "/dev/xvda"}, {HelperImage("arm64"), "arm64", "137112412989", "/dev/xvda"},
		{UbuntuImage("x86_64"), "x86_64", "099720109477", "/dev/sda1"}, {UbuntuImage("arm64"), "arm64", "099720109477", "/dev/sda1"},
	} {
		x := b.do("DescribeImages", "Owner.1=amazon", "Filter.1.Name=architecture", "Filter.1.Value.1="+h.arch, "Filter.2.Name=owner-id", "Filter.2.Value.1="+h.owner)
		b.want("id", x.at("imagesSet/item/imageId"), h.id)
		b.want("root", x.at("imagesSet/item/rootDeviceName"), h.device)
		b.fails("AuthFailure", "DeregisterImage", "ImageId="+h.id)
		info, err := os.Stat(b.snapshotPath(helperSnapshot(h.id)))
		if err != nil || info.Size() != 8<<30 {
			t.Errorf("%s: %v, %v", h.id, info, err)
		}
		id := b.do("RunInstances", "ImageId="+h.id, "MinCount=1", "MaxCount=1", "IamInstanceProfile.Name=regain-helper",
			"InstanceType="+map[string]string{"x86_64": "t3.micro", "arm64": "t4g.micro"}[h.arch]).at("instancesSet/item/instanceId")
		b.pass(time.Minute)
		b.want("kind", string(b.host.on[id].Kind), "helper")
		b.want("profile", b.instance(id, "iamInstanceProfile/arn"), "arn:aws:iam::123456789012:instance-profile/regain-helper")
	}
	b.want("another architecture", HelperImage("riscv64")+UbuntuImage("riscv64"), "")
}
