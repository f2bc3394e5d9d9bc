package ec2

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

func (e *EC2) attachVolume(ctx context.Context, r *request) (any, error) {
	instanceID, device := r.Require("InstanceId"), r.Require("Device")
	return actOn(e, r, "VolumeId", (*account).volume, func(a *account, v *volume, now time.Time) (any, error) {
		i, err := a.instance(instanceID)
		if err != nil {
			return nil, err
		}
		if err := a.mayAttach(v, i, device); err != nil {
			return nil, err
		}
		if !e.opens(ctx, v) {
			return nil, wire.Faultf("CustomerKeyHasBeenRevoked", "Volume %s cannot be attached. The encrypted volume was unable to access the KMS key.", v.ID)
		}
		v.State = "in-use"
		v.Attachment = &attachment{Instance: i.ID, Device: device, State: "attaching", Since: now, Due: e.after(now, "ec2.volume.attaching")}
		return v.attachmentItem(), nil
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
	case !deviceName.MatchString(device):
		return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter device is invalid. %s is not a valid EBS device name.", device, device)
	case len(v.ProductCodes) > 0 && i.State != stopped:
		return wire.Faultf("OperationNotPermitted", "'%s' with Marketplace codes may not be attached as a secondary device.", v.ID)
	}
	of := a.volumesOf(i)
	if slices.ContainsFunc(of, func(other *volume) bool { return other.Attachment.Device == device }) {
		return wire.Faultf("InvalidParameterValue", "Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
	}
	if len(of) >= rules.LimitOf("ec2.attachments") {
		return wire.Faultf("AttachmentLimitExceeded", "The instance %s has the most volumes that it can have.", i.ID)
	}
	return nil
}

func (e *EC2) detachVolume(_ context.Context, r *request) (any, error) {
	instanceID, device, force := r.String("InstanceId"), r.String("Device"), r.Bool("Force")
	return actOn(e, r, "VolumeId", (*account).volume, func(a *account, v *volume, now time.Time) (any, error) {
		if err := a.mayDetach(v, instanceID, device, force); err != nil {
			return nil, err
		}
		x := v.Attachment
		if !x.leaving() {
			x.Due = e.after(now, "ec2.volume.detaching")
		}
		x.State, x.Force = "detaching", force
		e.boxes.with(x.Instance, func(b *box) { delete(b.again, v.ID) })
		return v.attachmentItem(), nil
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
