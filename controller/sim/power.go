package sim

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-77750964/regain/controller"
)

// Stop is StopInstances.
func (c *Cloud) Stop(ctx context.Context, force bool, ids ...string) error {
	return c.call(ctx, "ec2:StopInstances", func() error {
		all, err := c.machines(ids)
		if err != nil {
			return err
		}
		for _, i := range all {
			if err := mayStop(i, force); err != nil {
				return err
			}
		}
		for _, i := range all {
			c.stop(i, force)
		}
		return nil
	})
}

func mayStop(i *instance, force bool) error {
	switch {
	case i.State == controller.Stopped, i.State == controller.Stopping:
		return nil
	case i.State == controller.Pending && !force, i.State == controller.ShuttingDown, i.State == controller.Terminated:
		return refusal(controller.State, "IncorrectInstanceState", "the instance '%s' is not in a state from which it can be stopped", i.ID)
	case i.attributes.StopProtection:
		return refusal(controller.State, unprotected, "the instance '%s' may not be stopped: modify its 'disableApiStop' attribute", i.ID)
	case i.RootDeviceType == "instance-store":
		return refusal(controller.Invalid, "UnsupportedOperation", "the instance '%s' does not have an 'ebs' root device type and cannot be stopped", i.ID)
	case i.Spot && !i.patient.Persistent:
		return refusal(controller.Invalid, "UnsupportedOperation", "you can't stop the Spot Instance '%s' because it is associated with a one-time Spot Instance request", i.ID)
	}
	return nil
}

func (c *Cloud) stop(i *instance, force bool) {
	if i.State == controller.Stopped || i.State == controller.Stopping && !force {
		return
	}
	if i.State != controller.Stopping {
		i.stopped = c.now
	}
	i.State, i.StateCode, i.StateReason = controller.Stopping, "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	i.began++
	c.unplug(i)
	took := c.options.Delays.Stopping
	if force {
		took = c.options.Delays.ForcedStop
	} else if i.patient.StuckStopping {
		return // until it is forced
	}
	c.then(i, took, func() { c.halted(i) })
	c.unhealthy(i)
}

// then schedules what ends the present transition of an instance, unless
// another one begins before.
func (c *Cloud) then(i *instance, d delay, do func()) {
	began := i.began
	c.after(d, func() {
		if i.began == began {
			do()
		}
	})
}

// halted is the end of a stop: the automatic public address is gone.
func (c *Cloud) halted(i *instance) {
	i.State, i.online = controller.Stopped, false
	if !i.Elastic {
		i.PublicIP = ""
	}
}

// Start is StartInstances. A key that cannot be used, or a root that does not
// boot, shows only later: pending, then stopped with a reason.
func (c *Cloud) Start(ctx context.Context, ids ...string) error {
	return c.call(ctx, "ec2:StartInstances", func() error {
		all, err := c.machines(ids)
		if err != nil {
			return err
		}
		for _, i := range all {
			if err := c.mayStart(i); err != nil {
				return err
			}
		}
		for _, i := range all {
			c.start(i)
		}
		return nil
	})
}

func (c *Cloud) mayStart(i *instance) error {
	switch i.State {
	case controller.Running, controller.Pending:
		return nil
	case controller.Stopped:
	default:
		return refusal(controller.State, "IncorrectInstanceState", "the instance '%s' is not in a state from which it can be started", i.ID)
	}
	if _, a := i.at(i.RootDevice); a == nil || a.State != attached {
		if i.Spot {
			c.terminate(i) // EC2 terminates a stopped Spot instance without its root
			return nil
		}
		return refusal(controller.Invalid, "InvalidParameterValue", "invalid value '%s' for instanceId: instance does not have a volume attached at root (%s)", i.ID, i.RootDevice)
	}
	return nil
}

func (c *Cloud) start(i *instance) {
	if i.State != controller.Stopped {
		return
	}
	i.State, i.StateCode, i.StateReason = controller.Pending, "", ""
	i.Launched = c.now
	i.began++
	c.then(i, c.options.Delays.Pending, func() {
		root, _ := i.at(i.RootDevice)
		if root == nil || root.broken || !c.usable(root.KMSKey) {
			i.State, i.StateCode, i.StateReason = controller.Stopped, "Client.InternalError", "Client.InternalError: Client error on launch"
			return
		}
		c.runs(i)
	})
}

func (c *Cloud) runs(i *instance) {
	i.State, i.login = controller.Running, c.now.Add(c.options.Delays.Login)
	if i.Platform == controller.Windows {
		c.then(i, passwordTakes, func() { c.tells(i) })
	}
	if !i.stopped.IsZero() {
		i.down += c.now.Sub(i.stopped)
	}
	if i.public && i.PublicIP == "" {
		i.PublicIP = c.address()
	}
	if i.Profile != "" && c.reaches(i) {
		c.then(i, c.options.Delays.Register, func() { i.online = !i.lost })
	}
}

// address is the next free public address.
func (c *Cloud) address() string {
	c.made++
	return fmt.Sprintf("198.18.%d.%d", c.made>>8&0xff, c.made&0xff)
}

// Terminate is TerminateInstances.
func (c *Cloud) Terminate(ctx context.Context, ids ...string) error {
	return c.call(ctx, "ec2:TerminateInstances", func() error {
		all, err := c.machines(ids)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(i *instance) bool { return i.attributes.TerminationProtection }) {
			return refusal(controller.State, unprotected, "an instance may not be terminated: modify its 'disableApiTermination' attribute")
		}
		for _, i := range all {
			c.terminate(i)
		}
		return nil
	})
}

// terminate ends an instance: its volumes are deleted or set free with it.
func (c *Cloud) terminate(i *instance) {
	if i.State == controller.ShuttingDown || i.State == controller.Terminated {
		return
	}
	i.State, i.online = controller.ShuttingDown, false
	i.began++
	c.unplug(i)
	c.then(i, c.options.Delays.ShuttingDown, func() {
		i.State, i.PublicIP = controller.Terminated, ""
		for _, v := range slices.Clone(i.plugged) {
			if v.attachment(i.ID).DeleteOnTermination {
				delete(c.volumes, v.ID)
			}
			c.free(v, i.ID)
		}
		c.then(i, c.options.Delays.Terminated, func() { delete(c.instances, i.ID) })
	})
}
