package ec2

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) instance(id string) (*instance, error) { return find(a.Instances, instanceKind, id) }

// instances are the ones that a call names: all of them, or none.
func (a *account) instances(ids []string) ([]*instance, error) {
	var of []*instance
	var lost []string
	for _, id := range ids {
		if err := checkID(id, instanceKind); err != nil {
			return nil, err
		}
		if i := a.Instances[id]; i != nil {
			of = append(of, i)
		} else {
			lost = append(lost, id)
		}
	}
	if len(lost) > 0 {
		return nil, instanceKind.lost(lost...)
	}
	return of, nil
}

// turnAll asks of each instance that the call names whether it may, then moves each:
// a call does all or nothing.
func (e *EC2) turnAll(r *request, may func(*account, *instance) error, move func(*account, *instance, time.Time)) (any, error) {
	ids := r.Strings("InstanceId")
	if len(ids) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameter InstanceId"))
	}
	return e.act(r, func(a *account, now time.Time) (any, error) {
		of, err := a.instances(ids)
		if err != nil {
			return nil, err
		}
		for _, i := range of {
			if err := may(a, i); err != nil {
				return nil, err
			}
		}
		var changes []item
		for _, i := range of {
			before := stateItem(i.State)
			move(a, i, now)
			changes = append(changes, item{{"instanceId", i.ID}, {"currentState", stateItem(i.State)}, {"previousState", before}})
		}
		return item{{"instancesSet", changes}}, nil
	})
}

func (e *EC2) startInstances(ctx context.Context, r *request) (any, error) {
	return e.turnAll(r, mayStart, func(a *account, i *instance, now time.Time) {
		if i.State == stopped {
			e.boot(ctx, a, i, now)
		}
	})
}

func mayStart(a *account, i *instance) error {
	switch i.State {
	case running, pending:
		return nil
	case stopped:
	default:
		return wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", i.ID)
	}
	root := a.rootOf(i)
	lost := root == nil || root.Attachment.leaving()
	switch {
	case i.Operator != "":
		return managed(i.ID)
	case lost && i.Spot == "":
		return wire.Faultf("InvalidParameterValue", "Invalid value '%s' for instanceId. Instance does not have a volume attached at root (%s)", i.ID, i.RootDevice)
	}
	return nil
}

func managed(id string) error {
	return wire.Faultf("OperationNotPermitted", "The instance '%s' is managed by another service; change it there.", id)
}

func (e *EC2) stopInstances(_ context.Context, r *request) (any, error) {
	force, hibernate, skip := r.Bool("Force"), r.Bool("Hibernate"), r.Bool("SkipOsShutdown")
	hard, rule := force || skip, "ec2.instance.stopping"
	if hard {
		rule = "ec2.instance.stopping-force"
	}
	may := func(_ *account, i *instance) error { return mayStop(i, hibernate) }
	return e.turnAll(r, may, func(_ *account, i *instance, now time.Time) {
		due := e.after(now, rule)
		switch {
		case i.State == running:
			i.State, i.Due, i.Force = stopping, due, hard
			i.because("Client.UserInitiatedShutdown", "User initiated shutdown", now)
			if hibernate {
				i.because("Client.UserInitiatedHibernate", "User initiated hibernate", now)
			}
		case i.State == stopping && hard && due.Before(i.Due):
			i.Due, i.Force = due, true
		}
	})
}

func mayStop(i *instance, hibernate bool) error {
	switch {
	case i.State == stopping || i.State == stopped:
		return nil
	case i.State != running:
		return wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be stopped.", i.ID)
	case i.NoStop:
		return wire.Faultf("OperationNotPermitted", "The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.ID)
	case i.Operator != "":
		return managed(i.ID)
	case i.StoreRoot != "":
		return wire.Faultf("UnsupportedOperation", "The instance '%s' does not have an 'ebs' root device type and cannot be stopped", i.ID)
	case i.Spot == "terminate":
		return wire.Faultf("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a one-time Spot Instance request. "+
			"You can only stop Spot Instances associated with persistent Spot Instance requests.", i.ID)
	case hibernate && !i.Hibernation:
		return wire.Faultf("UnsupportedHibernationConfiguration", "The instance '%s' is not enabled for hibernation.", i.ID)
	}
	return nil
}

func (e *EC2) terminateInstances(_ context.Context, r *request) (any, error) {
	r.Bool("Force")
	r.Bool("SkipOsShutdown")
	return e.turnAll(r, mayTerminate, e.beginTermination)
}

func mayTerminate(_ *account, i *instance) error {
	switch {
	case i.State == shuttingDown || i.State == terminated:
		return nil
	case i.NoTerminate:
		return wire.Faultf("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", i.ID)
	case i.Operator != "":
		return managed(i.ID)
	}
	return nil
}

func (e *EC2) beginTermination(_ *account, i *instance, now time.Time) {
	if i.State == shuttingDown || i.State == terminated {
		return
	}
	i.State, i.Due = shuttingDown, e.after(now, "ec2.instance.shutting-down")
	i.because("Client.UserInitiatedShutdown", "User initiated shutdown", now)
}

func (e *EC2) rebootInstances(_ context.Context, r *request) (any, error) {
	may := func(_ *account, i *instance) error {
		if i.State != running {
			return wire.Faultf("IncorrectState", "Instance '%s' is not 'running'.", i.ID)
		}
		return nil
	}
	_, err := e.turnAll(r, may, func(_ *account, i *instance, _ time.Time) { i.Reboot = e.hasMachine(i) })
	return done, err
}

func (e *EC2) getConsoleOutput(_ context.Context, r *request) (any, error) {
	r.Bool("Latest")
	return actOn(e, r, "InstanceId", (*account).instance, func(_ *account, i *instance, now time.Time) (any, error) {
		text := ""
		if e.hasMachine(i) {
			text = base64.StdEncoding.EncodeToString([]byte(e.Host.Console(i.ID)))
		}
		return item{{"instanceId", i.ID}, {"timestamp", now}, {"output", text}}, nil
	})
}
