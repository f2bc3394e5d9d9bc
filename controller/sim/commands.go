package sim

import (
	"context"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// A command is one script on one instance or several.
type command struct {
	controller.Command
	id   string
	sent time.Time
	on   map[string]*invocation
}

// An invocation is a command on one instance.
type invocation struct {
	controller.Invocation
	command *command
	helper  *instance
	began   time.Time
	waiting bool // for the volume
	dead    bool // nothing of it runs any more
	holds   *volume
}

// Managed is DescribeInstanceInformation.
func (c *Cloud) Managed(ctx context.Context, ids ...string) (found []controller.Managed, err error) {
	err = c.call(ctx, "ssm:DescribeInstanceInformation", func() error {
		for _, id := range ids {
			switch i := c.instances[id]; {
			case i == nil || !i.online && !i.lost:
			case i.lost || i.State != controller.Running:
				found = append(found, controller.Managed{ID: id, Ping: "ConnectionLost", Version: "3.3.1957.0"})
			default:
				found = append(found, controller.Managed{ID: id, Online: true, Ping: "Online", Version: "3.3.1957.0"})
			}
		}
		return nil
	})
	return found, err
}

// Send is SendCommand. A repetition runs the command again.
func (c *Cloud) Send(ctx context.Context, cmd controller.Command, to ...string) (id string, err error) {
	err = c.call(ctx, "ssm:SendCommand", func() error {
		if len(to) == 0 || len(to) > 50 || len(cmd.Comment) > 100 {
			return refusal(controller.Invalid, "ValidationException", "1 to 50 instances, and a comment of at most 100 characters")
		}
		for _, i := range to {
			if m := c.instances[i]; m == nil || !m.online && !m.lost {
				return refusal(controller.State, "InvalidInstanceId", "instances [%s] are not in a valid state for the account", i)
			}
		}
		id = c.id("cmd")
		cmd.Script, cmd.Undo = slices.Clone(cmd.Script), slices.Clone(cmd.Undo)
		sent := &command{Command: cmd, id: id, sent: c.now, on: map[string]*invocation{}}
		c.commands[id] = sent
		for _, i := range to {
			v := &invocation{Invocation: controller.Invocation{Status: "Pending", Details: "Pending", Code: -1}, command: sent, helper: c.instances[i]}
			sent.on[i] = v
			v.helper.invoked = append(v.helper.invoked, v)
			c.after(c.options.Delays.Deliver, func() { c.deliver(v) })
		}
		return nil
	})
	return id, err
}

// Sent are the commands that were sent so far.
func (c *Cloud) Sent() (all []controller.Command) {
	c.outside(func() {
		for _, id := range sorted(c.commands) {
			all = append(all, c.commands[id].Command)
		}
	})
	return all
}

// deliver begins an invocation, or gives up in time when nobody takes it.
func (c *Cloud) deliver(v *invocation) {
	limit := v.command.Delivery
	if limit == 0 {
		limit = time.Hour
	}
	switch {
	case v.Status != "Pending":
	case v.helper.online && !v.helper.lost:
		v.Status, v.Details, v.began = "InProgress", "InProgress", c.now
		c.expire(v)
		c.begin(v)
	default:
		c.after(limit, func() {
			if v.Status == "Pending" {
				v.Status, v.Details = "TimedOut", "Delivery Timed Out"
			}
		})
	}
}

// expire bounds an invocation that runs.
func (c *Cloud) expire(v *invocation) {
	limit := v.command.Timeout
	if limit == 0 {
		limit = time.Hour
	}
	c.after(limit, func() {
		if v.Status == "InProgress" {
			c.kill(v)
			v.Status, v.Details = "TimedOut", "Execution Timed Out"
		}
	})
}

// ends is the end of an invocation by itself.
func (v *invocation) ends(code int, stdout, stderr string) {
	v.dead, v.waiting = true, false
	v.Status, v.Details = "Success", "Success"
	if code != 0 {
		v.Status, v.Details = "Failed", "Failed"
	}
	v.Code, v.Stdout, v.Stderr = code, stdout[:min(len(stdout), 24000)], stderr[:min(len(stderr), 8000)]
}

// CommandsNamed is ListCommands of an instance, sorted out by comment.
func (c *Cloud) CommandsNamed(ctx context.Context, on, comment string) (ids []string, err error) {
	err = c.call(ctx, "ssm:ListCommands", func() error {
		for _, id := range sorted(c.commands) {
			if cmd := c.commands[id]; cmd.Comment == comment && cmd.on[on] != nil {
				ids = append(ids, id)
			}
		}
		slices.Reverse(ids)
		return nil
	})
	return ids, err
}

// Invocation is GetCommandInvocation.
func (c *Cloud) Invocation(ctx context.Context, id, on string) (i controller.Invocation, err error) {
	err = c.call(ctx, "ssm:GetCommandInvocation", func() error {
		cmd := c.commands[id]
		if cmd == nil || cmd.on[on] == nil || c.now.Sub(cmd.sent) < c.options.Delays.Invoked {
			return refusal(controller.NotFound, "InvocationDoesNotExist", "the command ID and instance ID you specified did not match any invocations")
		}
		i = cmd.on[on].Invocation
		return nil
	})
	return i, err
}

// Cancel is CancelCommand: what runs is killed.
func (c *Cloud) Cancel(ctx context.Context, id string, on ...string) error {
	return c.call(ctx, "ssm:CancelCommand", func() error {
		cmd := c.commands[id]
		if cmd == nil {
			return refusal(controller.Invalid, "InvalidCommandId", "the command ID '%s' is not valid", id)
		}
		for _, i := range on {
			v := cmd.on[i]
			if v == nil || v.dead {
				continue
			}
			c.kill(v)
			if v.helper.lost || v.helper.State != controller.Running {
				v.Status, v.Details = "Cancelling", "Cancelling"
				continue
			}
			v.Status, v.Details = "Cancelled", "Cancelled"
		}
		return nil
	})
}
