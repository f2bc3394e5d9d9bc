package sim

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller"
)

type delay = time.Duration

// launched is what a client token stands for.
type launched struct {
	asked controller.Launch
	id    string
}

// machineType is a type of instance and where it is offered; nil: everywhere.
type machineType struct {
	controller.InstanceType
	zones []string
}

func machineTypes() map[string]machineType {
	types := map[string]machineType{}
	for name, arch := range map[string]string{
		"t2.micro": "x86_64", "t2.small": "x86_64", "t2.medium": "x86_64",
		"t3.micro": "x86_64", "t3.small": "x86_64", "t3.medium": "x86_64", "t3a.small": "x86_64", "m5.large": "x86_64", "m5d.large": "x86_64",
		"t4g.micro": "arm64", "t4g.small": "arm64", "t4g.medium": "arm64", "m6g.large": "arm64", "m6gd.large": "arm64",
	} {
		family, _, _ := strings.Cut(name, ".")
		types[name] = machineType{controller.InstanceType{Name: name, InstanceStore: strings.HasSuffix(family, "d"), Architectures: []string{arch}}, nil}
	}
	return types
}

// AddType adds a type of instance, or limits one to zones.
func (c *Cloud) AddType(t controller.InstanceType, zones ...string) {
	c.outside(func() { c.types[t.Name] = machineType{t, zones} })
}

// AddImage adds an AMI.
func (c *Cloud) AddImage(i controller.Image) {
	c.outside(func() { c.images[i.ID] = &i })
}

// InstanceType is DescribeInstanceTypes.
func (c *Cloud) InstanceType(ctx context.Context, name string) (t controller.InstanceType, err error) {
	err = c.call(ctx, "ec2:DescribeInstanceTypes", func() error {
		known, ok := c.types[name]
		if !ok {
			return refusal(controller.NotFound, "InvalidInstanceType", "the following supplied instance types do not exist: [%s]", name)
		}
		t = known.InstanceType
		t.Architectures = slices.Clone(t.Architectures)
		return nil
	})
	return t, err
}

// TypeOffered is DescribeInstanceTypeOfferings.
func (c *Cloud) TypeOffered(ctx context.Context, name, zone string) (offered bool, err error) {
	err = c.call(ctx, "ec2:DescribeInstanceTypeOfferings", func() error {
		offered = c.offered(name, zone)
		return nil
	})
	return offered, err
}

func (c *Cloud) offered(name, zone string) bool {
	t, ok := c.types[name]
	return ok && (t.zones == nil || slices.Contains(t.zones, zone))
}

// Image is DescribeImages.
func (c *Cloud) Image(ctx context.Context, id string) (found controller.Image, err error) {
	err = c.call(ctx, "ec2:DescribeImages", func() error {
		i := c.images[id]
		if b := c.backups[id]; i == nil && b != nil && b.source == "" && c.seen(id) {
			i = &controller.Image{ID: id, State: b.State, Snapshots: slices.Clone(b.Snapshots)}
		}
		if i == nil {
			return refusal(controller.NotFound, "InvalidAMIID.NotFound", "the image id '[%s]' does not exist", id)
		}
		found = *i
		return nil
	})
	return found, err
}

// Launch is RunInstances of one.
func (c *Cloud) Launch(ctx context.Context, l controller.Launch) (id string, err error) {
	err = c.call(ctx, "ec2:RunInstances", func() error {
		old, again := c.tokens[l.Token]
		switch {
		case !again || l.Token == "":
			if err := c.mayLaunch(l); err != nil {
				return err
			}
			id = c.launch(l)
			return nil
		case !reflect.DeepEqual(old.asked, l):
			return refusal(controller.Invalid, "IdempotentParameterMismatch", "the request uses the same client token as a previous, but non-identical request")
		case c.instances[old.id] == nil || c.instances[old.id].State == controller.Terminated:
			return refusal(controller.State, "IdempotentInstanceTerminated", "the instance of this client token is terminated")
		}
		id = old.id
		return nil
	})
	return id, err
}

func (c *Cloud) mayLaunch(l controller.Launch) error {
	image, place, kind := c.images[l.Image], c.subnets[l.Subnet], c.types[l.Type]
	_, profiled := c.profiles[l.Profile]
	switch {
	case len(l.Token) > 64:
		return refusal(controller.Invalid, "InvalidParameterValue", "the client token is longer than 64 characters")
	case image == nil || image.State != "available":
		return refusal(controller.NotFound, "InvalidAMIID.NotFound", "the image id '[%s]' does not exist", l.Image)
	case kind.Name == "":
		return refusal(controller.Invalid, "InvalidParameterValue", "invalid value '%s' for InstanceType", l.Type)
	case place == nil || !c.seen(l.Subnet):
		return refusal(controller.NotFound, "InvalidSubnetID.NotFound", "the subnet ID '%s' does not exist", l.Subnet)
	case place.Free == 0:
		return refusal(controller.Capacity, "InsufficientFreeAddressesInSubnet", "there are not enough free addresses in subnet '%s'", l.Subnet)
	case !c.offered(l.Type, place.Zone):
		return refusal(controller.Invalid, "Unsupported", "your requested instance type (%s) is not supported in %s", l.Type, place.Zone)
	case !slices.Contains(kind.Architectures, image.Architecture):
		return refusal(controller.Invalid, "InvalidParameterValue", "the architecture of the image and of %s differ", l.Type)
	case !profiled:
		return refusal(controller.Invalid, "InvalidParameterValue", "value (%s) for parameter iamInstanceProfile.name is invalid", l.Profile)
	}
	for _, g := range l.Groups {
		if p := c.parts[g]; p == nil || p.Kind != controller.GroupPart {
			return refusal(controller.NotFound, "InvalidGroup.NotFound", "the security group '%s' does not exist", g)
		}
	}
	return checkTags(nil, l.Tags)
}

func (c *Cloud) launch(l controller.Launch) string {
	image, place := c.images[l.Image], c.subnets[l.Subnet]
	l.Groups, l.Tags = slices.Clone(l.Groups), maps.Clone(l.Tags)
	i := &instance{
		Instance: controller.Instance{
			ID: c.id("i"), State: controller.Pending, Type: l.Type, Platform: "linux", Details: "Linux/UNIX", Architecture: image.Architecture,
			Zone: place.Zone, VPC: place.VPC, Subnet: l.Subnet, RootDevice: image.RootDevice, RootDeviceType: "ebs",
			PrivateIP: c.address(), Profile: c.profiles[l.Profile].ARN, Tags: maps.Clone(l.Tags), Launched: c.now,
		},
		attributes: controller.Attributes{Shutdown: "stop"},
		public:     l.PublicIP, journal: map[string]undo{},
	}
	i.patient.groups = l.Groups
	root := &volume{Volume: controller.Volume{
		ID: c.id("vol"), State: inUse, Zone: place.Zone, GiB: 8, Type: "gp3", Tags: maps.Clone(l.Tags),
		Attachments: []controller.Attachment{{Instance: i.ID, Device: image.RootDevice, State: attached, DeleteOnTermination: true}},
	}}
	i.plugged = []*volume{root}
	c.instances[i.ID], c.volumes[root.ID] = i, root
	place.Free--
	c.tokens[l.Token] = launched{l, i.ID}
	c.makes(i.ID)
	c.then(i, c.options.Delays.Pending, func() { c.runs(i) })
	return i.ID
}
