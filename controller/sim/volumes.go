package sim

import (
	"context"
	"maps"
	"slices"

	"github.com/seed-77750964/regain/controller"
)

// The states of volumes and attachments.
const (
	available = "available"
	inUse     = "in-use"
	attaching = "attaching"
	attached  = "attached"
	detaching = "detaching"
	busy      = "busy"
)

// A volume is a disk with the few files that matter for a login.
type volume struct {
	controller.Volume
	files  map[string]string
	broken bool // what it holds does not boot
	used   int  // how many programs on the helper have it mounted
}

// Volumes is DescribeVolumes by ids; those that are unknown are left out.
func (c *Cloud) Volumes(ctx context.Context, ids ...string) (found []controller.Volume, err error) {
	err = c.call(ctx, "ec2:DescribeVolumes", func() error {
		for _, id := range ids {
			if v := c.volumes[id]; v != nil {
				found = append(found, v.describe())
			}
		}
		return nil
	})
	return found, err
}

// VolumesTagged is DescribeVolumes by a tag.
func (c *Cloud) VolumesTagged(ctx context.Context, key, value string) (found []controller.Volume, err error) {
	err = c.call(ctx, "ec2:DescribeVolumes", func() error {
		for _, id := range sorted(c.volumes) {
			if v := c.volumes[id]; tagged(v.Tags, key, value) {
				found = append(found, v.describe())
			}
		}
		return nil
	})
	return found, err
}

func (v *volume) describe() controller.Volume {
	d := v.Volume
	d.Tags = maps.Clone(d.Tags)
	d.Attachments = slices.Clone(d.Attachments)
	return d
}

func (v *volume) attachment(id string) *controller.Attachment {
	k := slices.IndexFunc(v.Attachments, func(a controller.Attachment) bool { return a.Instance == id })
	if k < 0 {
		return nil
	}
	return &v.Attachments[k]
}

// Attach is AttachVolume. The volume is in use before it is attached, and stays
// when the instance is terminated.
func (c *Cloud) Attach(ctx context.Context, id, to, device string) error {
	return c.call(ctx, "ec2:AttachVolume", func() error {
		i, err := c.instance(to)
		if err != nil {
			return err
		}
		v := c.volumes[id]
		if v == nil {
			return refusal(controller.NotFound, "InvalidVolume.NotFound", "the volume '%s' does not exist", id)
		}
		if err := c.mayAttach(v, i, device); err != nil {
			return err
		}
		v.State = inUse
		i.plugged = append(i.plugged, v)
		v.Attachments = append(v.Attachments, controller.Attachment{Instance: to, Device: device, State: attaching})
		c.after(c.options.Delays.Attaching, func() {
			if a := v.attachment(to); a != nil && a.State == attaching {
				a.State = attached
				c.arrived(i)
			}
		})
		return nil
	})
}

func (c *Cloud) mayAttach(v *volume, i *instance, device string) error {
	_, taken := i.at(device)
	switch {
	case i.State != controller.Running && i.State != controller.Stopped:
		return refusal(controller.State, "IncorrectInstanceState", "instance '%s' is not 'running' or 'stopped'", i.ID)
	case v.attachment(i.ID) != nil, v.State == inUse && !v.MultiAttach:
		return refusal(controller.State, "VolumeInUse", "%s is already attached to an instance", v.ID)
	case v.State != available && v.State != inUse:
		return refusal(controller.State, "IncorrectState", "volume '%s' is '%s'", v.ID, v.State)
	case v.Zone != i.Zone:
		return refusal(controller.Invalid, "InvalidVolume.ZoneMismatch", "the volume '%s' is not in the same availability zone as instance '%s'", v.ID, i.ID)
	case taken != nil:
		return refusal(controller.State, "InvalidParameterValue", "%s is already in use by another volume", device)
	case i.State == controller.Running && !c.usable(v.KMSKey):
		return refusal(controller.State, "InvalidKmsKey.InvalidState", "the key %s is not in a valid state", v.KMSKey)
	case len(i.plugged) >= 28:
		return refusal(controller.Invalid, "AttachmentLimitExceeded", "instance '%s' has as many volumes as it can", i.ID)
	}
	return nil
}

// Detach is DetachVolume. A volume that a program has mounted is busy until it
// lets go.
func (c *Cloud) Detach(ctx context.Context, id, from string) error {
	return c.call(ctx, "ec2:DetachVolume", func() error {
		v := c.volumes[id]
		if v == nil {
			return refusal(controller.NotFound, "InvalidVolume.NotFound", "the volume '%s' does not exist", id)
		}
		a := v.attachment(from)
		if a == nil && len(v.Attachments) > 0 {
			return refusal(controller.NotFound, "InvalidAttachment.NotFound", "%s is not attached to %s", id, from)
		}
		if a == nil || a.State != attached && a.State != busy {
			return refusal(controller.State, "IncorrectState", "volume '%s' is in the '%s' state", id, v.State)
		}
		if i := c.instances[from]; i != nil && i.RootDevice == a.Device && i.State != controller.Stopped {
			return refusal(controller.State, unprotected, "unable to detach root volume '%s' from instance '%s'", id, from)
		}
		a.State = busy
		if v.used == 0 {
			c.detach(v, from)
		}
		return nil
	})
}

func (c *Cloud) detach(v *volume, from string) {
	v.attachment(from).State = detaching
	c.after(c.options.Delays.Detaching, func() {
		if a := v.attachment(from); a != nil && a.State == detaching {
			c.free(v, from)
		}
	})
}

// free ends an attachment.
func (c *Cloud) free(v *volume, from string) {
	if i := c.instances[from]; i != nil {
		i.plugged = slices.DeleteFunc(i.plugged, func(p *volume) bool { return p == v })
	}
	v.Attachments = slices.DeleteFunc(slices.Clone(v.Attachments), func(a controller.Attachment) bool { return a.Instance == from })
	if len(v.Attachments) == 0 {
		v.State = available
	}
}

// release is what a program does that lets go of a volume.
func (c *Cloud) release(v *volume, on string) {
	v.used = max(0, v.used-1)
	if a := v.attachment(on); v.used == 0 && a != nil && a.State == busy {
		c.detach(v, on)
	}
}

// usable tells whether EBS may use a key: none is always usable, AWS's own needs
// no grant, and one of the account needs that the caller may make one.
func (c *Cloud) usable(key string) bool {
	k, known := c.keys[key]
	return key == "" || known && k.State == "Enabled" && (k.Managed || !slices.Contains(c.options.Denied, "kms:CreateGrant"))
}
