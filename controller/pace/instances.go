package pace

import (
	"context"

	"github.com/seed-77750964/regain/controller"
)

// Instances describes instances.
func (c *Cloud) Instances(ctx context.Context, ids ...string) ([]controller.Instance, error) {
	return ask(c, "ec2:DescribeInstances", ids, func() ([]controller.Instance, error) { return c.Cloud.Instances(ctx, ids...) })
}

// InstancesTagged finds instances.
func (c *Cloud) InstancesTagged(ctx context.Context, key, value string) ([]controller.Instance, error) {
	return ask(c, "ec2:DescribeInstances", []string{key + value}, func() ([]controller.Instance, error) { return c.Cloud.InstancesTagged(ctx, key, value) })
}

// InstanceType describes a type of instance.
func (c *Cloud) InstanceType(ctx context.Context, name string) (controller.InstanceType, error) {
	return ask(c, "ec2:DescribeInstanceTypes", []string{name}, func() (controller.InstanceType, error) { return c.Cloud.InstanceType(ctx, name) })
}

// TypeOffered asks where a type is offered.
func (c *Cloud) TypeOffered(ctx context.Context, name, zone string) (bool, error) {
	return ask(c, "ec2:DescribeInstanceTypeOfferings", []string{name + zone}, func() (bool, error) { return c.Cloud.TypeOffered(ctx, name, zone) })
}

// Image describes an AMI.
func (c *Cloud) Image(ctx context.Context, id string) (controller.Image, error) {
	return ask(c, "ec2:DescribeImages", []string{id}, func() (controller.Image, error) { return c.Cloud.Image(ctx, id) })
}

// Launch launches a helper.
func (c *Cloud) Launch(ctx context.Context, l controller.Launch) (string, error) {
	return ask(c, "ec2:RunInstances", []string{l.Token}, func() (string, error) { return c.Cloud.Launch(ctx, l) })
}

// Start starts instances.
func (c *Cloud) Start(ctx context.Context, ids ...string) error {
	return do(c, "ec2:StartInstances", ids, func() error { return c.Cloud.Start(ctx, ids...) })
}

// Stop stops instances.
func (c *Cloud) Stop(ctx context.Context, force bool, ids ...string) error {
	return do(c, "ec2:StopInstances", ids, func() error { return c.Cloud.Stop(ctx, force, ids...) })
}

// Terminate terminates instances.
func (c *Cloud) Terminate(ctx context.Context, ids ...string) error {
	return do(c, "ec2:TerminateInstances", ids, func() error { return c.Cloud.Terminate(ctx, ids...) })
}

// SetStopProtection sets the attribute.
func (c *Cloud) SetStopProtection(ctx context.Context, instance string, on bool) error {
	return do(c, "ec2:ModifyInstanceAttribute", []string{instance}, func() error { return c.Cloud.SetStopProtection(ctx, instance, on) })
}

// SetDeleteOnTermination sets the flag of a device.
func (c *Cloud) SetDeleteOnTermination(ctx context.Context, instance, device string, on bool) error {
	return do(c, "ec2:ModifyInstanceAttribute", []string{instance}, func() error { return c.Cloud.SetDeleteOnTermination(ctx, instance, device, on) })
}

// Tag tags resources.
func (c *Cloud) Tag(ctx context.Context, tags map[string]string, ids ...string) error {
	return do(c, "ec2:CreateTags", ids, func() error { return c.Cloud.Tag(ctx, tags, ids...) })
}

// Untag removes tags.
func (c *Cloud) Untag(ctx context.Context, keys []string, ids ...string) error {
	return do(c, "ec2:DeleteTags", ids, func() error { return c.Cloud.Untag(ctx, keys, ids...) })
}

// KeyPair describes a key pair.
func (c *Cloud) KeyPair(ctx context.Context, name string) (controller.KeyPair, error) {
	return ask(c, "ec2:DescribeKeyPairs", []string{name}, func() (controller.KeyPair, error) { return c.Cloud.KeyPair(ctx, name) })
}

// UserData asks for the attribute.
func (c *Cloud) UserData(ctx context.Context, instance string) ([]byte, error) {
	return ask(c, "ec2:DescribeInstanceAttribute", []string{instance}, func() ([]byte, error) { return c.Cloud.UserData(ctx, instance) })
}

// Attributes asks for three attributes, a call each.
func (c *Cloud) Attributes(ctx context.Context, instance string) (controller.Attributes, error) {
	const action = "ec2:DescribeInstanceAttribute"
	if err := c.take(action, []string{instance}, 3); err != nil {
		return controller.Attributes{}, err
	}
	found, err := c.Cloud.Attributes(ctx, instance)
	c.heard(action, err)
	return found, err
}
