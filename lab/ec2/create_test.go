package ec2

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCreate describes what was created as EC2 would.
func TestCreate(t *testing.T) {
	b := newBench(t)
	no := false
	for name, tt := range map[string]struct {
		spec  Spec
		field string
		want  string
	}{
		"id":                {Spec{ID: "i-0123456789abcdef0"}, "instanceId", "i-0123456789abcdef0"},
		"linux":             {Spec{Platform: "linux"}, "platform", ""},
		"windows":           {Spec{Platform: "windows"}, "platform", "windows"},
		"windows' root":     {Spec{Platform: "windows"}, "rootDeviceName", "/dev/sda1"},
		"key name":          {Spec{KeyName: "lost"}, "keyName", "lost"},
		"arm":               {Spec{Arch: "arm64"}, "instanceType", "t4g.micro"},
		"root device":       {Spec{RootDevice: "/dev/sda1"}, "blockDeviceMapping/item/deviceName", "/dev/sda1"},
		"root keeps":        {Spec{RootKeeps: true}, "blockDeviceMapping/item/ebs/deleteOnTermination", "false"},
		"attached":          {Spec{}, "blockDeviceMapping/item/ebs/status", "attached"},
		"spot":              {Spec{Spot: "stop"}, "instanceLifecycle", "spot"},
		"hibernation":       {Spec{Hibernation: true}, "hibernationOptions/configured", "true"},
		"instance store":    {Spec{StoreRoot: true}, "rootDeviceType", "instance-store"},
		"no public address": {Spec{Public: &no}, "ipAddress", ""},
		"profile":           {Spec{Profile: "regain-helper"}, "iamInstanceProfile/arn", "arn:aws:iam::123456789012:instance-profile/regain-helper"},
		"zone":              {Spec{Zone: "us-east-1c"}, "placement/availabilityZone", "us-east-1c"},
		"tags":              {Spec{Tags: map[string]string{"Name": "web"}, Public: &no}, "tagSet/item/value", "web"},
	} {
		t.Run(name, func(t *testing.T) {
			b.want(tt.field, b.instance(b.guest(tt.spec), tt.field), tt.want)
		})
	}
	if files, err := filepath.Glob(filepath.Join(b.dir, "volumes", "*-root.raw")); err != nil || len(files) != 1 {
		t.Errorf("roots in instance storage: %q, %v", files, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	b := newBench(t)
	image := b.disk("bootable")
	for name, spec := range map[string]Spec{
		"no image":          {},
		"image is not here": {Image: image + ".none"},
		"id":                {Image: image, ID: "i-1"},
		"platform":          {Image: image, Platform: "plan9"},
		"type":              {Image: image, Type: "x9.huge"},
		"architecture":      {Image: image, Type: "t3.micro", Arch: "arm64"},
		"spot":              {Image: image, Spot: "sleep"},
		"shutdown":          {Image: image, Shutdown: "sleep"},
		"stopped store":     {Image: image, StoreRoot: true, Stopped: true},
		"profile":           {Image: image, Profile: "none"},
		"subnet":            {Image: image, Subnet: "subnet-00000000000000000"},
		"group":             {Image: image, Groups: []string{"sg-00000000000000000"}},
		"tags":              {Image: image, Tags: map[string]string{"aws:x": ""}},
		"key":               {Image: image, Encrypted: true, Key: "none"},
		"volume":            {Image: image, Volumes: []Disk{{Device: "/dev/sdf", Image: image + ".none"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if id, err := b.Create(t.Context(), spec); err == nil {
				t.Errorf("created %s", id)
			}
		})
	}
	if left, err := os.ReadDir(filepath.Join(b.dir, "volumes")); err != nil || len(left) != 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	if n := len(b.do("DescribeInstances").find("reservationSet/item")); n != 0 {
		t.Errorf("%d instances are left", n)
	}
}

// TestOthersView is what Systems Manager and Auto Scaling see.
func TestOthersView(t *testing.T) {
	b := newBench(t)
	helper, guest := b.helper(), b.guest(Spec{NoTerminate: true})
	of, err := b.Instances()
	if err != nil || len(of) != 2 {
		t.Fatalf("%+v, %v", of, err)
	}
	for _, i := range of {
		if i.Helper != (i.ID == helper) || i.Up.IsZero() || i.State != running || (i.Role == "regain-helper") != i.Helper {
			t.Errorf("%+v", i)
		}
	}
	state, zone, kind, ok := b.Instance(guest)
	b.want("seen", state+" "+zone+" "+kind+" "+btoa(ok), "running us-east-1a t3.micro true")
	if err := b.Terminate(guest); err != nil { // Auto Scaling may
		t.Error(err)
	}
	b.pass(time.Minute)
	b.want("state", b.state(guest), terminated)
	if err := b.Terminate("i-00000000000000000"); err == nil {
		t.Error("terminated nothing")
	}
}
