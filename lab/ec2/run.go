package ec2

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// runAsk is what RunInstances is asked for: an instance, whose profile may be named in
// any way, and how its devices are to differ from the image's.
type runAsk struct {
	launch
	least, most int
	changes     []deviceAsk
}

// A deviceAsk changes what it has a value for.
type deviceAsk struct {
	launchDevice
	remove, encrypted *bool
	none              bool
}

func (r *request) runAsk() runAsk {
	ask := runAsk{least: r.Int("MinCount", 0), most: r.Int("MaxCount", 0)}
	m, profile := r.Sub("MetadataOptions"), r.Sub("IamInstanceProfile")
	ask.instance = instance{
		Image: r.Require("ImageId"), Type: cmp.Or(r.String("InstanceType"), "m1.small"), Subnet: r.String("SubnetId"), Groups: r.Strings("SecurityGroupId"),
		Zone: r.Sub("Placement").String("AvailabilityZone"), KeyName: r.String("KeyName"), Token: r.String("ClientToken"), UserData: r.String("UserData"),
		Shutdown: r.String("InstanceInitiatedShutdownBehavior"), NoTerminate: r.Bool("DisableApiTermination"), NoStop: r.Bool("DisableApiStop"),
		Profile: cmp.Or(profile.String("Arn"), profile.String("Name")), Hibernation: r.Sub("HibernationOptions").Bool("Configured"), First: true,
		Metadata: metadataOptions{m.String("HttpTokens"), m.String("HttpEndpoint"), m.String("InstanceMetadataTags"), m.Int("HttpPutResponseHopLimit", 0)},
	}
	r.Bool("EbsOptimized")
	r.Sub("Placement").String("Tenancy")
	profile.String("Name")
	if r.Sub("Monitoring").Bool("Enabled") {
		r.Fail(wire.Faultf("UnsupportedOperation", "The lab has no detailed monitoring."))
	}
	r.readCards(&ask)
	for _, d := range r.List("BlockDeviceMapping") {
		ask.changes = append(ask.changes, readDevice(d))
	}
	r.checkRun(&ask)
	return ask
}

// readCards reads the network interface: there may be one, with subnet and groups
// instead of the request's own.
func (r *request) readCards(ask *runAsk) {
	for n, c := range r.List("NetworkInterface") {
		if n > 0 || c.Int("DeviceIndex", 0) != 0 || ask.Subnet != "" || len(ask.Groups) > 0 {
			r.Fail(wire.Faultf("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request"))
			return
		}
		ask.Subnet, ask.Groups, ask.public = c.String("SubnetId"), c.Strings("SecurityGroupId"), truth(c, "AssociatePublicIpAddress")
		c.String("Description")
		c.Bool("DeleteOnTermination")
	}
}

func readDevice(p *wire.Params) deviceAsk {
	ebs := p.Sub("Ebs")
	d := deviceAsk{none: p.Has("NoDevice"), remove: truth(ebs, "DeleteOnTermination"), encrypted: truth(ebs, "Encrypted")}
	p.String("NoDevice")
	d.device, d.key = p.Require("DeviceName"), ebs.String("KmsKeyId")
	d.volume = volume{
		Snapshot: ebs.String("SnapshotId"), Type: ebs.String("VolumeType"), Size: ebs.Int("VolumeSize", 0), Iops: ebs.Int("Iops", 0),
		Throughput: ebs.Int("Throughput", 0),
	}
	return d
}

func (r *request) checkRun(ask *runAsk) {
	if ask.least < 1 || ask.most < ask.least || ask.most > 100 {
		r.Fail(wire.Faultf("InvalidParameterValue", "MinCount and MaxCount must be between 1 and 100, and MinCount no more than MaxCount."))
	}
	r.checkUserData(ask.UserData)
	r.checkChoice("instanceInitiatedShutdownBehavior", ask.Shutdown, "stop", "terminate")
	r.checkChoice("HttpTokens", ask.Metadata.Tokens, "optional", "required")
	r.checkChoice("HttpEndpoint", ask.Metadata.Endpoint, "disabled", "enabled")
}

func (r *request) checkUserData(data string) {
	if text, err := base64.StdEncoding.DecodeString(data); err != nil || len(text) > rules.LimitOf("ec2.userdata") {
		r.Fail(wire.Faultf("InvalidParameterValue", "User data is not valid base64 or is larger than %d bytes.", rules.LimitOf("ec2.userdata")))
	}
}

func (e *EC2) runInstances(ctx context.Context, r *request) (any, error) {
	ask, tags := r.runAsk(), r.tagsAtCreation("instance", "volume", "network-interface")
	return e.act(r, func(a *account, now time.Time) (any, error) {
		made, err := a.once(r, ask.Token, func() ([]string, error) { return e.launchAll(ctx, a, ask, tags, now) })
		if err != nil {
			return nil, err
		}
		var items []item
		for _, id := range made {
			i := a.Instances[id]
			if i == nil || i.State == terminated {
				return nil, wire.Faultf("IdempotentInstanceTerminated", "The client token was used to launch the instance '%s', which is terminated.", id)
			}
			items = append(items, e.instanceItem(a, i, now))
		}
		return e.reservation(a.Instances[made[0]].Reservation, items), nil
	})
}

func (e *EC2) launchAll(ctx context.Context, a *account, ask runAsk, tags map[string]map[string]string, now time.Time) ([]string, error) {
	l, err := e.plan(a, ask)
	if err != nil {
		return nil, err
	}
	l.Reservation = e.newID("r")
	var made []string
	for n := range ask.most {
		l.Order = n
		i, err := e.add(a, l, now)
		if err != nil {
			return nil, err
		}
		e.boot(ctx, a, i, now)
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
	l := ask.launch
	x, err := a.image(l.Image)
	if err != nil {
		return l, err
	}
	t, pair := typeOf(l.Type), a.keyPairNamed(l.KeyName)
	switch {
	case l.KeyName != "" && pair == nil:
		return l, lostKeyPair(l.KeyName)
	case pair != nil && pair.Type != "rsa" && x.Platform == "windows":
		return l, wire.Faultf("InvalidParameterCombination", "ED25519 key pairs are not supported with Windows AMIs. Use an RSA key pair.")
	case x.State != "available":
		return l, wire.Faultf("InvalidAMIID.Unavailable", "The image ID '%s' is not available", x.ID)
	case t.Name == "":
		return l, wire.Faultf("InvalidParameterValue", "Invalid value '%s' for InstanceType.", l.Type)
	case !slices.Contains(t.Archs, x.Arch):
		return l, wire.Faultf("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. "+
			"Specify an instance type and an AMI that have matching architectures, and try again.", t.Archs[0], x.Arch)
	}
	if l.Profile != "" {
		var ok bool
		if l.Profile, l.Role, ok = e.Roles.Profile(l.Profile); !ok {
			return l, wire.Faultf("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", ask.Profile)
		}
	}
	l.Arch, l.Platform, l.RootDevice = x.Arch, x.Platform, x.RootDevice
	l.Kind, l.devices = kindFor(x, l.Profile), devicesOf(x, ask.changes)
	return l, nil
}

// devicesOf are the volumes of an image, changed and added to by the request.
func devicesOf(x *image, asks []deviceAsk) []launchDevice {
	var of []launchDevice
	for _, d := range x.Devices {
		v := volume{Snapshot: d.Snapshot, Size: d.Size, Type: d.Type, Encrypted: d.Encrypted}
		of = append(of, launchDevice{volume: v, device: d.Device, remove: d.DeleteOnTermination})
	}
	for _, ask := range asks {
		at := slices.IndexFunc(of, func(d launchDevice) bool { return d.device == ask.device })
		switch {
		case ask.none:
			of = slices.DeleteFunc(of, func(d launchDevice) bool { return d.device == ask.device })
			continue
		case at < 0:
			at, of = len(of), append(of, launchDevice{device: ask.device, remove: true})
		}
		ask.apply(&of[at])
	}
	return of
}

func (ask deviceAsk) apply(d *launchDevice) {
	v, asked := &d.volume, ask.volume
	v.Snapshot, v.Type, v.Size = cmp.Or(asked.Snapshot, v.Snapshot), cmp.Or(asked.Type, v.Type), cmp.Or(asked.Size, v.Size)
	v.Iops, v.Throughput, d.key = asked.Iops, asked.Throughput, ask.key
	set(&d.remove, ask.remove)
	set(&v.Encrypted, ask.encrypted)
}
