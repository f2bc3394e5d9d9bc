package sim

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller"
)

const unprotected = "OperationNotPermitted"

// An instance is a machine: what EC2 tells of it, and what it is.
type instance struct {
	controller.Instance
	attributes controller.Attributes
	public     bool // gets a public address at each start
	plugged    []*volume
	patient    Patient
	began      int // counts starts and stops: an event of an earlier one is void
	stopped    time.Time
	down       time.Duration

	login time.Time // sshd answers from here on

	password controller.PasswordData // as EC2 has it
	console  []byte

	// Of a helper.
	invoked []*invocation
	online  bool
	lost    bool // does not answer Systems Manager any more
	agent   bool // is installed
	journal map[string]undo
}

// Instances is DescribeInstances by ids; those that are unknown are left out.
func (c *Cloud) Instances(ctx context.Context, ids ...string) (found []controller.Instance, err error) {
	err = c.call(ctx, "ec2:DescribeInstances", func() error {
		for _, id := range ids {
			if i := c.instances[id]; i != nil && c.seen(id) {
				found = append(found, c.describe(i))
			}
		}
		return nil
	})
	return found, err
}

// InstancesTagged is DescribeInstances by a tag.
func (c *Cloud) InstancesTagged(ctx context.Context, key, value string) (found []controller.Instance, err error) {
	err = c.call(ctx, "ec2:DescribeInstances", func() error {
		for _, id := range sorted(c.instances) {
			i := c.instances[id]
			if i.State != controller.Terminated && tagged(i.Tags, key, value) && c.seen(id) {
				found = append(found, c.describe(i))
			}
		}
		return nil
	})
	return found, err
}

// describe is a copy that later changes do not reach.
func (c *Cloud) describe(i *instance) controller.Instance {
	d := i.Instance
	d.Tags = maps.Clone(d.Tags)
	d.ProductCodes = slices.Clone(d.ProductCodes)
	d.Devices = nil
	for _, v := range i.plugged {
		a := v.attachment(i.ID)
		d.Devices = append(d.Devices, controller.Device{Name: a.Device, Volume: v.ID, State: mapped(a.State), DeleteOnTermination: a.DeleteOnTermination})
	}
	slices.SortFunc(d.Devices, func(a, b controller.Device) int { return strings.Compare(a.Name, b.Name) })
	return d
}

// mapped is an attachment's state as an instance's mapping has it: there is no
// busy.
func mapped(state string) string {
	if state == busy {
		return detaching
	}
	return state
}

// Attributes asks for each attribute in a call of its own, as EC2 wants it.
func (c *Cloud) Attributes(ctx context.Context, id string) (a controller.Attributes, err error) {
	for range 3 {
		err = c.call(ctx, "ec2:DescribeInstanceAttribute", func() error {
			i, err := c.instance(id)
			if err == nil {
				a = i.attributes
			}
			return err
		})
		if err != nil {
			return controller.Attributes{}, err
		}
	}
	return a, nil
}

// UserData is DescribeInstanceAttribute.
func (c *Cloud) UserData(ctx context.Context, id string) (data []byte, err error) {
	err = c.call(ctx, "ec2:DescribeInstanceAttribute", func() error {
		i, err := c.instance(id)
		if err == nil {
			data = slices.Clone(i.patient.UserData)
		}
		return err
	})
	return data, err
}

// KeyPair is DescribeKeyPairs.
func (c *Cloud) KeyPair(ctx context.Context, name string) (k controller.KeyPair, err error) {
	err = c.call(ctx, "ec2:DescribeKeyPairs", func() error {
		known := false
		if k, known = c.pairs[name]; !known {
			return refusal(controller.NotFound, "InvalidKeyPair.NotFound", "the key pair '%s' does not exist", name)
		}
		return nil
	})
	return k, err
}

// AddKeyPair adds a key pair.
func (c *Cloud) AddKeyPair(k controller.KeyPair) {
	c.outside(func() { c.pairs[k.Name] = k })
}

// instance looks one up that a call names.
func (c *Cloud) instance(id string) (*instance, error) {
	i := c.instances[id]
	if i == nil || !c.seen(id) {
		return nil, refusal(controller.NotFound, "InvalidInstanceID.NotFound", "the instance ID '%s' does not exist", id)
	}
	return i, nil
}

// machines looks up all that a call names: one that is refused refuses the call.
func (c *Cloud) machines(ids []string) ([]*instance, error) {
	if len(ids) == 0 {
		return nil, refusal(controller.Invalid, "MissingParameter", "no instance is named")
	}
	var found []*instance
	for _, id := range ids {
		i, err := c.instance(id)
		if err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	return found, nil
}

// SetStopProtection is ModifyInstanceAttribute.
func (c *Cloud) SetStopProtection(ctx context.Context, id string, on bool) error {
	return c.call(ctx, "ec2:ModifyInstanceAttribute", func() error {
		i, err := c.instance(id)
		if err == nil {
			i.attributes.StopProtection = on
		}
		return err
	})
}

// SetDeleteOnTermination is ModifyInstanceAttribute of a device.
func (c *Cloud) SetDeleteOnTermination(ctx context.Context, id, device string, on bool) error {
	return c.call(ctx, "ec2:ModifyInstanceAttribute", func() error {
		if _, err := c.instance(id); err != nil {
			return err
		}
		_, a := c.instances[id].at(device)
		if a == nil || a.State == detaching {
			return refusal(controller.Invalid, "InvalidInstanceAttributeValue", "no device is mapped at %s", device)
		}
		a.DeleteOnTermination = on
		return nil
	})
}

// at is what is attached to an instance under a device's name.
func (i *instance) at(device string) (*volume, *controller.Attachment) {
	for _, v := range i.plugged {
		if a := v.attachment(i.ID); a.Device == device {
			return v, a
		}
	}
	return nil, nil
}

// member tells whether an instance is in a security group.
func (i *instance) member(group string) bool { return slices.Contains(i.patient.groups, group) }
