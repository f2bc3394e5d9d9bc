package ec2

import (
	"context"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) instance(id string) (*instance, error) { return find(a.Instances, instanceKind, id) }

// instances are the ones that a call names: all of them, or none.
func (a *account) instances(ids []string) ([]*instance, error) {
	var of []*instance
	var lost []string
	for _, id := range ids {
		if err := checkID(id, instanceKind.prefix); err != nil {
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

type stateItem struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateOf(name string) stateItem { return stateItem{stateCodes[name], name} }

type changeItem struct {
	ID       string    `xml:"instanceId"`
	Current  stateItem `xml:"currentState"`
	Previous stateItem `xml:"previousState"`
}

type changes struct {
	Items []changeItem `xml:"instancesSet>item"`
}

// turnAll asks of each instance whether it may, then moves each: a call does all
// or nothing.
func (e *EC2) turnAll(ids []string, may func(*account, *instance) error, move func(*account, *instance, time.Time)) (any, error) {
	var answer changes
	var turns []turn
	err := e.change(func(a *account, now time.Time) error {
		of, err := a.instances(ids)
		if err != nil {
			return err
		}
		for _, i := range of {
			if err := may(a, i); err != nil {
				return err
			}
		}
		for _, i := range of {
			before := i.State
			move(a, i, now)
			answer.Items = append(answer.Items, changeItem{i.ID, stateOf(i.State), stateOf(before)})
			if before != i.State {
				turns = append(turns, turn{i.ID, i.State})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.tell(turns)
	return answer, nil
}

func (e *EC2) tell(turns []turn) {
	for _, t := range turns {
		if e.Changed != nil {
			e.Changed(t.instance, t.state)
		}
	}
}

func (r *request) instanceIDs() []string {
	ids := r.Strings("InstanceId")
	if len(ids) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameter InstanceId"))
	}
	return ids
}

func (e *EC2) startInstances(_ context.Context, r *request) (any, error) {
	ids := r.instanceIDs()
	if err := r.end(); err != nil {
		return nil, err
	}
	return e.turnAll(ids, mayStart, func(a *account, i *instance, now time.Time) {
		if i.State == stopped {
			e.boot(a, i, now)
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
	lost := root == nil || root.Attachment.State == "detaching" || root.Attachment.State == "busy"
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
	ids, force, hibernate, skip := r.instanceIDs(), r.Bool("Force"), r.Bool("Hibernate"), r.Bool("SkipOsShutdown")
	if err := r.end(); err != nil {
		return nil, err
	}
	may := func(_ *account, i *instance) error { return mayStop(i, hibernate) }
	return e.turnAll(ids, may, func(_ *account, i *instance, now time.Time) {
		due := e.after(now, "ec2.instance.stopping")
		if force || skip {
			due = e.after(now, "ec2.instance.stopping-force")
		}
		switch i.State {
		case running:
			i.State, i.Due, i.Force = stopping, due, force || skip
			i.Transition = userInitiated(now)
			i.Reason = reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
			if hibernate {
				i.Reason = reason{"Client.UserInitiatedHibernate", "Client.UserInitiatedHibernate: User initiated hibernate"}
			}
		case stopping:
			if i.Force = i.Force || force || skip; due.Before(i.Due) {
				i.Due = due
			}
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
	ids := r.instanceIDs()
	r.Bool("Force")
	r.Bool("SkipOsShutdown")
	if err := r.end(); err != nil {
		return nil, err
	}
	return e.turnAll(ids, mayTerminate, e.beginTermination)
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
	i.Transition = userInitiated(now)
	i.Reason = reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
}

func (e *EC2) rebootInstances(_ context.Context, r *request) (any, error) {
	ids := r.instanceIDs()
	return e.act(r, done, func(a *account, _ time.Time) error {
		of, err := a.instances(ids)
		if err != nil {
			return err
		}
		for _, i := range of {
			if i.State != running {
				return wire.Faultf("IncorrectState", "Instance '%s' is not 'running'.", i.ID)
			}
			i.Reboot = e.hasMachine(i)
		}
		return nil
	})
}
