package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// viewer is what looking at an instance asks of a cloud.
type viewer interface {
	Instances(ctx context.Context, ids ...string) ([]Instance, error)
	Volumes(ctx context.Context, ids ...string) ([]Volume, error)
	Attributes(ctx context.Context, instance string) (Attributes, error)
	InstanceType(ctx context.Context, name string) (InstanceType, error)
	Group(ctx context.Context, instance string) (*Group, error)
}

// look describes an instance as it is. It judges nothing: an instance that is
// terminated, or that has no root volume, is described as far as it goes, and
// the checks say what stands in the way.
func look(ctx context.Context, cloud viewer, instance string) (*Original, error) {
	if err := CheckInstanceID(instance); err != nil {
		return nil, err
	}
	found, err := cloud.Instances(ctx, instance)
	if err != nil {
		return nil, fmt.Errorf("cannot look at instance %s: %w", instance, err)
	}
	if len(found) != 1 {
		return nil, &MissingError{Instance: instance}
	}
	o := &Original{Instance: found[0]}
	if gone(o.Instance.State) {
		return o, nil
	}
	for _, more := range []func(context.Context, viewer, *Original) error{lookAtVolumes, lookAtSettings} {
		if err := more(ctx, cloud, o); err != nil {
			return nil, fmt.Errorf("cannot look at instance %s: %w", instance, err)
		}
	}
	return o, nil
}

// A MissingError means that EC2 knows no such instance in this account and region.
type MissingError struct{ Instance string }

func (e *MissingError) Error() string {
	return "cannot find instance " + e.Instance + ": there is none in this account and region"
}

// moving tells whether a state is about to become another.
func moving(state string) bool { return state == Pending || state == Stopping }

func gone(state string) bool { return state == ShuttingDown || state == Terminated }

// lookAtVolumes sorts the volumes into the root and the others.
func lookAtVolumes(ctx context.Context, cloud viewer, o *Original) error {
	var ids []string
	for _, d := range o.Instance.Devices {
		if d.Volume == "" {
			continue
		}
		ids = append(ids, d.Volume)
		if d.Name == o.Instance.RootDevice {
			o.Root = d
		}
	}
	if len(ids) == 0 {
		return nil
	}
	volumes, err := cloud.Volumes(ctx, ids...)
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if v.ID == o.Root.Volume {
			o.Volume = v
		} else {
			o.Others = append(o.Others, v)
		}
	}
	slices.SortFunc(o.Others, func(a, b Volume) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

// lookAtSettings asks for what DescribeInstances does not tell.
func lookAtSettings(ctx context.Context, cloud viewer, o *Original) (err error) {
	if o.Attributes, err = cloud.Attributes(ctx, o.Instance.ID); err != nil {
		return err
	}
	kind, err := cloud.InstanceType(ctx, o.Instance.Type)
	if err != nil {
		return err
	}
	o.InstanceStore = kind.InstanceStore
	o.Group, err = cloud.Group(ctx, o.Instance.ID)
	return err
}

// compare tells, a line each, in what an instance that has come home differs
// from what it was. The tags of a run, what AWS itself tags, and a public
// address that is not an Elastic IP are no differences.
func compare(was, is *Original) []string {
	var d differences
	a, b := was.Instance, is.Instance
	d.text("the state", a.State, b.State)
	d.text("the root volume", was.Root.Volume, is.Root.Volume)
	d.text("the root device", a.RootDevice, b.RootDevice)
	d.devices(a.Devices, b.Devices)
	d.flag("stop protection", was.Attributes.StopProtection, is.Attributes.StopProtection)
	d.flag("termination protection", was.Attributes.TerminationProtection, is.Attributes.TerminationProtection)
	d.text("the shutdown behaviour", was.Attributes.Shutdown, is.Attributes.Shutdown)
	d.text("the instance type", a.Type, b.Type)
	d.text("the subnet", a.Subnet, b.Subnet)
	d.text("the private address", a.PrivateIP, b.PrivateIP)
	d.text("the Elastic IP", elastic(a), elastic(b))
	d.text("the key name", a.KeyName, b.KeyName)
	d.text("the instance profile", a.Profile, b.Profile)
	d.text("the Auto Scaling group", groupName(was.Group), groupName(is.Group))
	if was.Group != nil && is.Group != nil {
		d.text("the lifecycle state in "+was.Group.Name, was.Group.Lifecycle, is.Group.Lifecycle)
	}
	d.tags("the instance", a.Tags, b.Tags)
	if was.Root.Volume == is.Root.Volume {
		d.tags("the root volume", was.Volume.Tags, is.Volume.Tags)
	}
	return d
}

// differences is a list that grows by comparing.
type differences []string

func (d *differences) text(what, was, is string) {
	if was != is {
		*d = append(*d, fmt.Sprintf("%s was %s and is %s", what, orNone(was), orNone(is)))
	}
}

func (d *differences) flag(what string, was, is bool) {
	d.text(what, onOff(was), onOff(is))
}

// devices compares the block device mappings by device name.
func (d *differences) devices(was, is []Device) {
	before, after := byName(was), byName(is)
	for _, name := range union(before, after) {
		a, b := before[name], after[name]
		d.text("the volume at "+name, a.Volume, b.Volume)
		if a.Volume != "" && a.Volume == b.Volume {
			d.flag("DeleteOnTermination of "+name, a.DeleteOnTermination, b.DeleteOnTermination)
		}
	}
}

func (d *differences) tags(of string, was, is map[string]string) {
	for _, key := range union(was, is) {
		if strings.HasPrefix(key, ownTags) || strings.HasPrefix(key, "aws:") {
			continue
		}
		a, had := was[key]
		b, has := is[key]
		if had != has || a != b {
			d.text(fmt.Sprintf("the tag %q of %s", key, of), quoted(a, had), quoted(b, has))
		}
	}
}

// ownTags is what the names of a run's tags begin with.
const ownTags = "regain:"

func byName(devices []Device) map[string]Device {
	names := make(map[string]Device, len(devices))
	for _, d := range devices {
		names[d.Name] = d
	}
	return names
}

// union is the keys of both, sorted.
func union[V any](a, b map[string]V) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}

func quoted(value string, there bool) string {
	if !there {
		return ""
	}
	return fmt.Sprintf("%q", value)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func elastic(i Instance) string {
	if i.Elastic {
		return i.PublicIP
	}
	return ""
}

func groupName(g *Group) string {
	if g == nil {
		return ""
	}
	return g.Name
}
