package ec2

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSwap is what a rescue does with a root volume: out of a stopped instance, to
// a helper that runs, and back.
func TestSwap(t *testing.T) {
	b := newBench(t)
	id, helper := b.guest(Spec{}), b.helper("Placement.AvailabilityZone=us-east-1a")
	root := b.root(id)
	b.want("kept at termination", b.instance(id, "blockDeviceMapping/item/ebs/deleteOnTermination"), "true")
	b.fails("OperationNotPermitted", "DetachVolume", "VolumeId="+root)
	b.fails("OperationNotPermitted", "DetachVolume", "VolumeId="+root, "Force=true")
	b.do("StopInstances", "InstanceId.1="+id)
	b.fails("OperationNotPermitted", "DetachVolume", "VolumeId="+root) // stopping
	b.pass(time.Minute)

	b.want("answer", b.do("DetachVolume", "VolumeId="+root, "InstanceId="+id, "Device=/dev/xvda").at("status"), "detaching")
	b.want("volume", b.volume(root, "status"), "in-use")
	b.fails("VolumeInUse", "AttachVolume", "VolumeId="+root, "InstanceId="+helper, "Device=/dev/sdf")
	b.pass(4 * time.Second)
	b.want("volume", b.volume(root, "status"), "available")
	b.want("attachment", b.volume(root, "attachmentSet/item/status"), "")

	b.want("answer", b.do("AttachVolume", "VolumeId="+root, "InstanceId="+helper, "Device=/dev/sdf").at("status"), "attaching")
	b.want("volume", b.volume(root, "status"), "in-use")
	b.want("attachment", b.volume(root, "attachmentSet/item/status"), "attaching")
	b.pass(3 * time.Second)
	b.want("attachment", b.volume(root, "attachmentSet/item/status"), "attached")
	b.want("the helper sees it", btoa(b.host.sees(helper, root)), "true")

	b.do("DetachVolume", "VolumeId="+root)
	b.pass(4 * time.Second)
	b.want("the helper sees it", btoa(b.host.sees(helper, root)), "false")
	b.do("AttachVolume", "VolumeId="+root, "InstanceId="+id, "Device=/dev/xvda")
	b.pass(3 * time.Second)
	b.want("kept at termination", b.instance(id, "blockDeviceMapping/item/ebs/deleteOnTermination"), "false")
	b.do("ModifyInstanceAttribute", "InstanceId="+id, "BlockDeviceMapping.1.DeviceName=/dev/xvda", "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true")
	b.want("kept at termination", b.instance(id, "blockDeviceMapping/item/ebs/deleteOnTermination"), "true")
	b.do("StartInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.want("state", b.state(id), running)
}

// TestAttachRefusals is facts about EC2's errors, one a line.
func TestAttachRefusals(t *testing.T) {
	b := newBench(t)
	id, other := b.guest(Spec{}), b.guest(Spec{Zone: "us-east-1b"})
	marketplace := b.guest(Spec{Stopped: true, ProductCodes: []string{"abc123"}})
	volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1").at("volumeId")
	b.fails("IncorrectState", "AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device=/dev/sdf") // creating
	b.fails("IncorrectState", "DeleteVolume", "VolumeId="+volume)
	b.pass(time.Minute)
	b.want("state", b.volume(volume, "status"), "available")
	b.fails("InvalidParameterValue", "AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device=/dev/xvda") // in use
	b.fails("InvalidParameterValue", "AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device=../etc")
	b.fails("InvalidVolume.ZoneMismatch", "AttachVolume", "VolumeId="+volume, "InstanceId="+other, "Device=/dev/sdf")
	b.fails("VolumeInUse", "AttachVolume", "VolumeId="+b.root(id), "InstanceId="+id, "Device=/dev/sdf")
	b.fails("InvalidVolume.NotFound", "AttachVolume", "VolumeId=vol-00000000000000000", "InstanceId="+id, "Device=/dev/sdf")
	b.fails("InvalidInstanceID.NotFound", "AttachVolume", "VolumeId="+volume, "InstanceId=i-00000000000000000", "Device=/dev/sdf")
	b.fails("MissingParameter", "AttachVolume", "VolumeId="+volume, "InstanceId="+id)
	b.fails("IncorrectState", "DetachVolume", "VolumeId="+volume)
	b.fails("InvalidAttachment.NotFound", "DetachVolume", "VolumeId="+b.root(id), "InstanceId="+other)
	b.fails("InvalidAttachment.NotFound", "DetachVolume", "VolumeId="+b.root(id), "Device=/dev/sdf")
	b.fails("VolumeInUse", "DeleteVolume", "VolumeId="+b.root(id))

	root := b.root(marketplace)
	b.want("product code", b.instance(marketplace, "productCodes/item/productCode"), "abc123")
	b.do("DetachVolume", "VolumeId="+root)
	b.pass(time.Minute)
	b.want("product code", b.instance(marketplace, "productCodes/item/productCode"), "")
	b.fails("OperationNotPermitted", "AttachVolume", "VolumeId="+root, "InstanceId="+id, "Device=/dev/sdf") // it runs
	b.do("StartInstances", "InstanceId.1="+b.guest(Spec{Stopped: true}))
	b.do("StopInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.do("AttachVolume", "VolumeId="+root, "InstanceId="+id, "Device=/dev/sdf")
	b.fails("IncorrectState", "DetachVolume", "VolumeId="+root) // attaching
}

// TestMostAttachments: 28, the root volume among them.
func TestMostAttachments(t *testing.T) {
	b := newBench(t)
	full := Spec{Stopped: true}
	for letter := 'b'; len(full.Volumes) < 26; letter++ {
		full.Volumes = append(full.Volumes, Disk{Device: "/dev/xvdb" + string(letter-1), Size: 1})
	}
	id := b.guest(full)
	for _, device := range []string{"/dev/sdf", "/dev/sdg"} {
		volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1").at("volumeId")
		b.pass(time.Minute)
		if device == "/dev/sdf" {
			b.do("AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device="+device)
			continue
		}
		b.fails("AttachmentLimitExceeded", "AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device="+device)
	}
}

func TestAttachToPendingAndManaged(t *testing.T) {
	b := newBench(t)
	volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1").at("volumeId")
	id, managed := b.guest(Spec{Stopped: true}), b.guest(Spec{Operator: "eks.amazonaws.com"})
	b.do("StartInstances", "InstanceId.1="+id)
	b.fails("IncorrectState", "AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device=/dev/sdf")
	b.pass(time.Minute)
	b.do("StopInstances", "InstanceId.1="+id)
	b.fails("IncorrectState", "AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device=/dev/sdf") // stopping
	b.fails("UnsupportedOperationException", "AttachVolume", "VolumeId="+volume, "InstanceId="+managed, "Device=/dev/sdf")
	b.fails("UnsupportedOperationException", "DetachVolume", "VolumeId="+b.root(managed))
	b.want("operator", b.instance(managed, "operator/principal"), "eks.amazonaws.com")
}

func TestAttachWithDisabledKey(t *testing.T) {
	b := newBench(t)
	volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1", "Encrypted=true", "KmsKeyId="+key).at("volumeId")
	b.pass(time.Minute)
	b.keys[key] = false
	b.fails("CustomerKeyHasBeenRevoked", "AttachVolume", "VolumeId="+volume, "InstanceId="+b.guest(Spec{}), "Device=/dev/sdf")
}

// TestBusy: what the guest has mounted stays until it is unmounted, or forced.
func TestBusy(t *testing.T) {
	b := newBench(t)
	id := b.helper("Placement.AvailabilityZone=us-east-1a")
	volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1").at("volumeId")
	b.pass(time.Minute)
	for _, force := range []bool{false, true} {
		b.do("AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device=/dev/sdf")
		b.pass(time.Minute)
		b.host.mount(volume, true)
		b.do("DetachVolume", "VolumeId="+volume)
		b.pass(time.Minute)
		b.want("attachment", b.volume(volume, "attachmentSet/item/status"), "busy")
		b.want("volume", b.volume(volume, "status"), "in-use")
		b.pass(time.Hour)
		b.want("an hour later", b.volume(volume, "attachmentSet/item/status"), "busy")
		if force {
			b.do("DetachVolume", "VolumeId="+volume, "Force=true")
		} else {
			b.host.mount(volume, false)
		}
		b.pass(time.Minute)
		b.want("volume", b.volume(volume, "status"), "available")
		b.host.mount(volume, false)
	}
}

// TestDetachFromLostMachine: a machine that is gone holds nothing.
func TestDetachFromLostMachine(t *testing.T) {
	b := newBench(t)
	id := b.helper("Placement.AvailabilityZone=us-east-1a")
	volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1").at("volumeId")
	b.pass(time.Minute)
	b.do("AttachVolume", "VolumeId="+volume, "InstanceId="+id, "Device=/dev/sdf")
	b.pass(time.Minute)
	b.host.mount(volume, true)
	if err := b.Lose(id); err != nil {
		t.Fatal(err)
	}
	b.do("DetachVolume", "VolumeId="+volume)
	b.pass(time.Minute)
	b.want("volume", b.volume(volume, "status"), "available")
}

// TestTermination honours DeleteOnTermination, in the account and on the disk.
func TestTermination(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Volumes: []Disk{{Device: "/dev/sdf", Size: 1}, {Device: "/dev/sdg", Size: 1, Keeps: true}}})
	of := b.do("DescribeInstances", "InstanceId.1="+id).all(inst + "blockDeviceMapping/item/ebs/volumeId")
	if len(of) != 3 {
		t.Fatalf("volumes %q", of)
	}
	if err := os.MkdirAll(filepath.Join(b.machinePath(id), "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	card := b.instance(id, "networkInterfaceSet/item/networkInterfaceId")
	b.do("CreateTags", "ResourceId.1="+card, "Tag.1.Key=k", "Tag.1.Value=v")
	b.want("tagged", b.do("DescribeTags").at("tagSet/item/resourceId"), card)
	b.do("TerminateInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.pass(time.Minute)
	b.want("tagged", b.do("DescribeTags").at("tagSet/item/resourceId"), "")
	if _, err := os.Stat(b.machinePath(id)); err == nil {
		t.Error("the machine's directory is there")
	}
	for n, want := range map[int]bool{0: false, 1: false, 2: true} {
		if _, err := b.call("DescribeVolumes", "VolumeId.1="+of[n]); (err == nil) != want {
			t.Errorf("volume %d: %v", n, err)
		}
		if _, err := os.Stat(b.volumePath(of[n])); (err == nil) != want {
			t.Errorf("file of volume %d: %v", n, err)
		}
	}
	b.want("volume", b.volume(of[2], "status"), "available")
	b.want("address", b.instance(id, "privateIpAddress"), "")
}

func TestCreateVolume(t *testing.T) {
	b := newBench(t)
	for name, tt := range map[string]struct {
		params []string
		code   string
	}{
		"no zone":         {[]string{"Size=1"}, "MissingParameter"},
		"another zone":    {[]string{"Size=1", "AvailabilityZone=us-west-2a"}, "InvalidZone.NotFound"},
		"no size":         {[]string{"AvailabilityZone=us-east-1a"}, "InvalidParameterValue"},
		"too large":       {[]string{"AvailabilityZone=us-east-1a", "Size=65537"}, "InvalidParameterValue"},
		"no number":       {[]string{"AvailabilityZone=us-east-1a", "Size=big"}, "InvalidParameterValue"},
		"type":            {[]string{"AvailabilityZone=us-east-1a", "Size=1", "VolumeType=gp9"}, "InvalidParameterValue"},
		"no snapshot":     {[]string{"AvailabilityZone=us-east-1a", "SnapshotId=snap-00000000000000000"}, "InvalidSnapshot.NotFound"},
		"key alone":       {[]string{"AvailabilityZone=us-east-1a", "Size=1", "KmsKeyId=" + key}, "InvalidParameterDependency"},
		"no key":          {[]string{"AvailabilityZone=us-east-1a", "Size=1", "Encrypted=true", "KmsKeyId=none"}, "InvalidParameterValue"},
		"unknown":         {[]string{"AvailabilityZone=us-east-1a", "Size=1", "OutpostArn=x"}, "UnsupportedOperation"},
		"not true":        {[]string{"AvailabilityZone=us-east-1a", "Size=1", "Encrypted=yes"}, "InvalidParameterValue"},
		"dry run":         {[]string{"AvailabilityZone=us-east-1a", "Size=1", "DryRun=true"}, "DryRunOperation"},
		"other's tags":    {[]string{"AvailabilityZone=us-east-1a", "Size=1", "TagSpecification.1.ResourceType=instance"}, "InvalidParameterValue"},
		"reserved tag":    {[]string{"AvailabilityZone=us-east-1a", "Size=1", "TagSpecification.1.ResourceType=volume", "TagSpecification.1.Tag.1.Key=aws:x"}, "InvalidParameterValue"},
		"smaller than it": {[]string{"AvailabilityZone=us-east-1a", "Size=1", "SnapshotId=" + helperSnapshot(HelperImage("arm64"))}, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			b.fails(tt.code, "CreateVolume", tt.params...)
		})
	}
	if n := len(b.do("DescribeVolumes").find("volumeSet/item")); n != 0 {
		t.Errorf("%d volumes were made", n)
	}
	for kind, want := range map[string]string{"": "100", "gp3": "3000", "io1": "500"} {
		params := []string{"AvailabilityZone=us-east-1a", "Size=1", "VolumeType=" + kind}
		if kind == "io1" {
			params = append(params, "Iops=500")
		}
		b.want("iops", b.do("CreateVolume", params...).at("iops"), want)
	}
}

// TestVolumeFromSnapshot has the bytes of the moment when the snapshot was taken,
// and its size.
func TestVolumeFromSnapshot(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Image: b.disk("bootable, first")})
	root := b.root(id)
	snap := b.do("CreateSnapshot", "VolumeId="+root).at("snapshotId")
	f, err := os.OpenFile(b.volumePath(root), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("bootable, later"), 0); err != nil {
		t.Fatal(err)
	}
	b.fails("IncorrectState", "CreateVolume", "AvailabilityZone=us-east-1a", "SnapshotId="+snap) // pending
	b.pass(2 * time.Minute)
	volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "SnapshotId="+snap, "Size=2").at("volumeId")
	b.do("DeleteSnapshot", "SnapshotId="+snap) // while it is being copied
	b.pass(time.Minute)
	b.want("volume", b.volume(volume, "status"), "available")
	b.want("bytes", b.head(b.volumePath(volume), 15), "bootable, first")
	if info, err := os.Stat(b.volumePath(volume)); err != nil || info.Size() != 2<<30 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat(b.snapshotPath(snap)); err == nil {
		t.Error("the file of a deleted snapshot is there")
	}
}
