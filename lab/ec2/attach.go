package ec2

import (
	"context"
	"regexp"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// attachmentDue tells whether an attachment's transition can end: the time is over
// and the machine, if it runs, sees the volume or has let it go. A machine that
// does not let go makes the attachment busy.
func (e *EC2) attachmentDue(a *account, v *volume, now time.Time) bool {
	x := v.Attachment
	due := !now.Before(x.Due)
	sees := e.boxes.sees(x.Instance, v.ID)
	i := a.Instances[x.Instance]
	switch x.State {
	case "attaching":
		return due && v.Filled && (sees || i == nil || !e.hasMachine(i) || e.boxes.off(i.ID) && i.State == stopped)
	case "detaching":
		return !sees && due || sees && e.boxes.refuses(x.Instance, v.ID)
	case "busy":
		return !sees
	}
	return false
}

func (e *EC2) advanceAttachment(_ *account, v *volume, _ time.Time) {
	switch x := v.Attachment; {
	case x.State == "attaching":
		x.State = "attached"
	case x.State == "detaching" && e.boxes.sees(x.Instance, v.ID):
		x.State = "busy"
	default:
		v.Attachment, v.State = nil, "available"
	}
}

func (e *EC2) attachVolume(_ context.Context, r *request) (any, error) {
	id, instanceID, device := r.Require("VolumeId"), r.Require("InstanceId"), r.Require("Device")
	var answer attachmentItem
	return e.act(r, &answer, func(a *account, now time.Time) error {
		v, err := a.volume(id)
		if err != nil {
			return err
		}
		i, err := a.instance(instanceID)
		if err != nil {
			return err
		}
		if err := a.mayAttach(v, i, device); err != nil {
			return err
		}
		if err := e.mayGrant(v); err != nil {
			return err
		}
		v.State = "in-use"
		v.Attachment = &attachment{Instance: i.ID, Device: device, State: "attaching", Since: now, Due: e.after(now, "ec2.volume.attaching")}
		answer = v.attachmentItem()
		return nil
	})
}

func (a *account) mayAttach(v *volume, i *instance, device string) error {
	switch {
	case v.Operator != "" || i.Operator != "":
		return wire.Faultf("UnsupportedOperationException", "The resource is managed by another service and cannot be changed here.")
	case v.Attachment != nil:
		return wire.Faultf("VolumeInUse", "%s is already attached to an instance", v.ID)
	case v.State != "available":
		return wire.Faultf("IncorrectState", "Volume '%s' is in the '%s' state.", v.ID, v.State)
	case i.State != running && i.State != stopped:
		return wire.Faultf("IncorrectState", "Instance '%s' is not 'running'.", i.ID)
	case v.Zone != i.Zone:
		return wire.Faultf("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", v.ID, i.ID)
	case !isDevice(device):
		return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter device is invalid. %s is not a valid EBS device name.", device, device)
	case len(v.ProductCodes) > 0 && i.State != stopped:
		return wire.Faultf("OperationNotPermitted", "'%s' with Marketplace codes may not be attached as a secondary device.", v.ID)
	}
	of := a.volumesOf(i)
	for _, other := range of {
		if other.Attachment.Device == device {
			return wire.Faultf("InvalidParameterValue", "Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
		}
	}
	if len(of) >= rules.LimitOf("ec2.attachments") {
		return wire.Faultf("AttachmentLimitExceeded", "The instance %s has the most volumes that it can have.", i.ID)
	}
	return nil
}

// mayGrant: a volume whose key is disabled cannot be attached.
func (e *EC2) mayGrant(v *volume) error {
	if !v.Encrypted {
		return nil
	}
	if _, enabled, _, ok := e.Keys.Key(v.Key); !ok || !enabled {
		return wire.Faultf("IncorrectState", "The KMS key %s of volume '%s' is not enabled.", v.Key, v.ID)
	}
	return nil
}

func (e *EC2) detachVolume(_ context.Context, r *request) (any, error) {
	id, instanceID, device, force := r.Require("VolumeId"), r.String("InstanceId"), r.String("Device"), r.Bool("Force")
	var answer attachmentItem
	return e.act(r, &answer, func(a *account, now time.Time) error {
		v, err := a.volume(id)
		if err != nil {
			return err
		}
		if err := a.mayDetach(v, instanceID, device, force); err != nil {
			return err
		}
		x := v.Attachment
		if x.State != "detaching" && x.State != "busy" {
			x.Due = e.after(now, "ec2.volume.detaching")
		}
		x.State, x.Force = "detaching", force
		e.boxes.with(x.Instance, func(b *box) { delete(b.again, v.ID) })
		answer = v.attachmentItem()
		return nil
	})
}

func (a *account) mayDetach(v *volume, instanceID, device string, force bool) error {
	if instanceID != "" {
		if _, err := a.instance(instanceID); err != nil {
			return err
		}
	}
	x := v.Attachment
	switch {
	case x == nil:
		return wire.Faultf("IncorrectState", "Volume '%s' is in the '%s' state.", v.ID, v.State)
	case instanceID != "" && x.Instance != instanceID:
		return wire.Faultf("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s'.", v.ID, instanceID)
	case device != "" && x.Device != device:
		return wire.Faultf("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s' as device '%s'.", v.ID, x.Instance, device)
	case v.Operator != "":
		return wire.Faultf("UnsupportedOperationException", "The resource is managed by another service and cannot be changed here.")
	case x.State != "attached" && !force:
		return wire.Faultf("IncorrectState", "Volume '%s' is in the '%s' state.", v.ID, x.State)
	}
	if i := a.Instances[x.Instance]; i != nil && x.Device == i.RootDevice && i.State != stopped {
		return wire.Faultf("OperationNotPermitted", "Unable to detach root volume '%s' from instance '%s'", v.ID, i.ID)
	}
	return nil
}

// deviceName: what AttachVolume takes. The rules for reserved names are the
// hypervisor's and differ.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html
var deviceName = regexp.MustCompile(`^(/dev/)?(sd[a-z]([1-9]|1[0-5])?|xvd[a-d]?[a-z][1-9]?|hd[a-z]([1-9]|1[0-5])?)$`)

func isDevice(name string) bool { return deviceName.MatchString(name) }
