package sim

import (
	"context"

	"github.com/seed-77750964/regain/controller"
)

// A group is an Auto Scaling group: the lifecycle state of each instance.
type group struct {
	min, desired int
	lifecycle    map[string]string
}

const (
	inService = "InService"
	standby   = "Standby"
)

func (c *Cloud) groupOf(id string) (string, *group) {
	for _, name := range sorted(c.groups) {
		if g := c.groups[name]; g.lifecycle[id] != "" {
			return name, g
		}
	}
	return "", nil
}

// Grouped is DescribeAutoScalingInstances.
func (c *Cloud) Grouped(ctx context.Context, ids ...string) (members []string, err error) {
	err = c.call(ctx, "autoscaling:DescribeAutoScalingInstances", func() error {
		if len(ids) > 50 {
			return refusal(controller.Invalid, "ValidationError", "at most 50 instances")
		}
		for _, id := range ids {
			if _, g := c.groupOf(id); g != nil {
				members = append(members, id)
			}
		}
		return nil
	})
	return members, err
}

// Group is DescribeAutoScalingInstances and, for a member, DescribeAutoScalingGroups.
func (c *Cloud) Group(ctx context.Context, id string) (found *controller.Group, err error) {
	err = c.call(ctx, "autoscaling:DescribeAutoScalingInstances", func() error {
		if name, g := c.groupOf(id); g != nil {
			found = &controller.Group{Name: name, Lifecycle: g.lifecycle[id]}
		}
		return nil
	})
	if err != nil || found == nil {
		return nil, err
	}
	err = c.call(ctx, "autoscaling:DescribeAutoScalingGroups", func() error {
		if g := c.groups[found.Name]; g != nil {
			found.Min, found.Desired = g.min, g.desired
		}
		return nil
	})
	return found, err
}

// EnterStandby decrements the desired capacity, so that nothing replaces the
// instance.
func (c *Cloud) EnterStandby(ctx context.Context, name, id string) error {
	return c.move(ctx, "autoscaling:EnterStandby", name, id, func(g *group) error {
		if g.lifecycle[id] != inService || g.desired <= g.min {
			return refusal(controller.Invalid, "ValidationError", "the instance %s is not in InService, or the group would be below its minimum size", id)
		}
		g.desired--
		g.lifecycle[id] = "EnteringStandby"
		c.after(c.options.Delays.Standby, func() { g.lifecycle[id] = standby })
		return nil
	})
}

// ExitStandby puts the instance back in service.
func (c *Cloud) ExitStandby(ctx context.Context, name, id string) error {
	return c.move(ctx, "autoscaling:ExitStandby", name, id, func(g *group) error {
		if g.lifecycle[id] != standby {
			return refusal(controller.Invalid, "ValidationError", "the instance %s is not in Standby", id)
		}
		g.desired++
		g.lifecycle[id] = "Pending"
		c.after(c.options.Delays.Service, func() {
			g.lifecycle[id] = inService
			if i := c.instances[id]; i != nil && i.State != controller.Running {
				c.unhealthy(i)
			}
		})
		return nil
	})
}

func (c *Cloud) move(ctx context.Context, action, name, id string, do func(*group) error) error {
	return c.call(ctx, action, func() error {
		g := c.groups[name]
		if g == nil || g.lifecycle[id] == "" {
			return refusal(controller.Invalid, "ValidationError", "the instance %s is not part of the group %s", id, name)
		}
		return do(g)
	})
}

// unhealthy is what a group does about an instance in service that does not
// run: it terminates it.
func (c *Cloud) unhealthy(i *instance) {
	c.after(c.options.Delays.Health, func() {
		if _, g := c.groupOf(i.ID); g != nil && g.lifecycle[i.ID] == inService && i.State != controller.Running && i.State != controller.Pending {
			delete(g.lifecycle, i.ID)
			c.terminate(i)
		}
	})
}
