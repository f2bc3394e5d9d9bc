package ec2

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// runAsk is what RunInstances is asked for.
type runAsk struct {
	image, kind, zone, subnet, profile string
	least, most                        int
	groups                             []string
	public                             *bool
	devices                            []deviceAsk
	instance                           instance // what is taken over as it is
}

type deviceAsk struct {
	device, snapshot, kind, key string
	size, iops, throughput      int
	remove, encrypted           *bool
	none                        bool
}

func (r *request) runAsk() runAsk {
	ask := runAsk{
		image: r.Require("ImageId"), kind: r.String("InstanceType"), subnet: r.String("SubnetId"), groups: r.Strings("SecurityGroupId"),
		least: r.Int("MinCount", 0), most: r.Int("MaxCount", 0),
	}
	ask.instance = instance{
		KeyName: r.String("KeyName"), Token: r.String("ClientToken"), UserData: r.String("UserData"), Shutdown: r.String("InstanceInitiatedShutdownBehavior"),
		NoTerminate: r.Bool("DisableApiTermination"), NoStop: r.Bool("DisableApiStop"),
	}
	r.Bool("EbsOptimized")
	if r.Sub("Monitoring").Bool("Enabled") {
		r.Fail(wire.Faultf("UnsupportedOperation", "The lab has no detailed monitoring."))
	}
	ask.zone = r.Sub("Placement").String("AvailabilityZone")
	r.Sub("Placement").String("Tenancy")
	profile := r.Sub("IamInstanceProfile")
	if ask.profile = profile.String("Arn"); ask.profile == "" {
		ask.profile = profile.String("Name")
	}
	m := r.Sub("MetadataOptions")
	ask.instance.Metadata = metadataOptions{m.String("HttpTokens"), m.String("HttpEndpoint"), m.String("InstanceMetadataTags"), m.Int("HttpPutResponseHopLimit", 0)}
	ask.instance.Hibernation = r.Sub("HibernationOptions").Bool("Configured")
	r.readCards(&ask)
	for _, d := range r.List("BlockDeviceMapping") {
		ask.devices = append(ask.devices, readDevice(d))
	}
	r.checkRun(&ask)
	return ask
}

// readCards reads the network interface: there may be one, with subnet and groups
// instead of the request's own.
func (r *request) readCards(ask *runAsk) {
	for n, c := range r.List("NetworkInterface") {
		if n > 0 || c.Int("DeviceIndex", 0) != 0 || ask.subnet != "" || len(ask.groups) > 0 {
			r.Fail(wire.Faultf("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request"))
			return
		}
		ask.subnet, ask.groups = c.String("SubnetId"), c.Strings("SecurityGroupId")
		c.String("Description")
		c.Bool("DeleteOnTermination")
		if c.Has("AssociatePublicIpAddress") {
			public := c.Bool("AssociatePublicIpAddress")
			ask.public = &public
		}
	}
}

func readDevice(p *wire.Params) deviceAsk {
	d := deviceAsk{device: p.Require("DeviceName"), none: p.Has("NoDevice")}
	p.String("NoDevice")
	ebs := p.Sub("Ebs")
	d.snapshot, d.kind, d.key = ebs.String("SnapshotId"), ebs.String("VolumeType"), ebs.String("KmsKeyId")
	d.size, d.iops, d.throughput = ebs.Int("VolumeSize", 0), ebs.Int("Iops", 0), ebs.Int("Throughput", 0)
	if ebs.Has("DeleteOnTermination") {
		remove := ebs.Bool("DeleteOnTermination")
		d.remove = &remove
	}
	if ebs.Has("Encrypted") {
		encrypted := ebs.Bool("Encrypted")
		d.encrypted = &encrypted
	}
	return d
}

func (r *request) checkRun(ask *runAsk) {
	if ask.least < 1 || ask.most < ask.least || ask.most > 100 {
		r.Fail(wire.Faultf("InvalidParameterValue", "MinCount and MaxCount must be between 1 and 100, and MinCount no more than MaxCount."))
	}
	if text, err := base64.StdEncoding.DecodeString(ask.instance.UserData); err != nil || len(text) > rules.LimitOf("ec2.userdata") {
		r.Fail(wire.Faultf("InvalidParameterValue", "User data is not valid base64 or is larger than %d bytes.", rules.LimitOf("ec2.userdata")))
	}
	if s := ask.instance.Shutdown; s != "" && s != "stop" && s != "terminate" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid.", s))
	}
	if t := ask.instance.Metadata.Tokens; t != "" && t != "required" && t != "optional" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter HttpTokens is invalid.", t))
	}
}

func (e *EC2) runInstances(_ context.Context, r *request) (any, error) {
	ask, tags := r.runAsk(), r.tagsAtCreation("instance", "volume", "network-interface")
	if err := r.end(); err != nil {
		return nil, err
	}
	var answer reservationItem
	var turns []turn
	err := e.change(func(a *account, now time.Time) error {
		made, err := a.remembered("RunInstances", ask.instance.Token, r)
		if err != nil {
			return err
		}
		if made == nil {
			if made, err = e.launchAll(a, ask, tags, now); err != nil {
				return err
			}
			a.remember("RunInstances", ask.instance.Token, r, made)
			for _, id := range made {
				turns = append(turns, turn{id, pending})
			}
		}
		answer, err = e.reservation(a, made)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.tell(turns)
	return answer, nil
}

func (e *EC2) reservation(a *account, ids []string) (reservationItem, error) {
	item := reservationItem{Owner: e.Account}
	for _, id := range ids {
		i := a.Instances[id]
		if i == nil || i.State == terminated {
			return item, wire.Faultf("IdempotentInstanceTerminated", "The client token was used to launch the instance '%s', which is terminated.", id)
		}
		item.ID = i.Reservation
		item.Instances = append(item.Instances, e.instanceItem(a, i))
	}
	return item, nil
}

func (e *EC2) launchAll(a *account, ask runAsk, tags map[string]map[string]string, now time.Time) ([]string, error) {
	l, err := e.plan(a, ask)
	if err != nil {
		return nil, err
	}
	l.Reservation = e.newID("r")
	var made []string
	for n := range ask.most {
		l.ID, l.Order = "", n
		i, err := e.add(a, l, now)
		if err != nil {
			return nil, err
		}
		i.First = true
		e.boot(a, i, now)
		a.born(now, tags["instance"], i.ID)
		a.born(now, tags["network-interface"], i.Card)
		for _, v := range a.volumesOf(i) {
			a.born(now, tags["volume"], v.ID)
		}
		made = append(made, i.ID)
	}
	return made, nil
}

// plan checks what was asked against the image, the type and the profile.
func (e *EC2) plan(a *account, ask runAsk) (launch, error) {
	l := launch{instance: ask.instance, public: ask.public}
	x, err := a.image(ask.image)
	if err != nil {
		return l, err
	}
	if x.State != "available" {
		return l, wire.Faultf("InvalidAMIID.Unavailable", "The image ID '%s' is not available", x.ID)
	}
	if ask.kind == "" {
		ask.kind = "m1.small"
	}
	t := typeOf(ask.kind)
	if t.Name == "" {
		return l, wire.Faultf("InvalidParameterValue", "Invalid value '%s' for InstanceType.", ask.kind)
	}
	if !slices.Contains(t.Archs, x.Arch) {
		return l, wire.Faultf("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. "+
			"Specify an instance type and an AMI that have matching architectures, and try again.", t.Archs[0], x.Arch)
	}
	l.Image, l.Type, l.Arch, l.Platform, l.RootDevice = x.ID, t.Name, x.Arch, x.Platform, x.RootDevice
	l.Zone, l.Subnet, l.Groups = ask.zone, ask.subnet, ask.groups
	if ask.profile != "" {
		var ok bool
		if l.Profile, l.Role, ok = e.Roles.Profile(ask.profile); !ok {
			return l, wire.Faultf("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", ask.profile)
		}
	}
	l.Kind = kindFor(x, l.Profile)
	l.devices = devicesOf(x, ask.devices)
	return l, nil
}

// devicesOf are the volumes of an image, changed and added to by the request.
func devicesOf(x *image, asks []deviceAsk) []launchDevice {
	var of []launchDevice
	for _, d := range x.Devices {
		of = append(of, launchDevice{
			volume: volume{Snapshot: d.Snapshot, Size: d.Size, Type: d.Type, Encrypted: d.Encrypted}, device: d.Device, remove: d.DeleteOnTermination,
		})
	}
	for _, ask := range asks {
		at := slices.IndexFunc(of, func(d launchDevice) bool { return d.device == ask.device })
		if ask.none {
			if at >= 0 {
				of = slices.Delete(of, at, at+1)
			}
			continue
		}
		if at < 0 {
			of = append(of, launchDevice{device: ask.device, remove: true})
			at = len(of) - 1
		}
		ask.apply(&of[at])
	}
	return of
}

func (ask deviceAsk) apply(d *launchDevice) {
	d.key = ask.key
	v := &d.volume
	if ask.snapshot != "" {
		v.Snapshot = ask.snapshot
	}
	if ask.kind != "" {
		v.Type = ask.kind
	}
	if ask.size != 0 {
		v.Size = ask.size
	}
	v.Iops, v.Throughput = ask.iops, ask.throughput
	if ask.remove != nil {
		d.remove = *ask.remove
	}
	if ask.encrypted != nil {
		v.Encrypted = *ask.encrypted
	}
}
