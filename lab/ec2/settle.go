package ec2

import (
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// settle carries out the transitions that are due. What is due but waits for a
// machine or a copy stays as it is and is looked at again.
func (e *EC2) settle() error {
	e.still.RLock()
	defer e.still.RUnlock()
	var some bool
	e.file.View(func(a *account) { some = len(e.due(a, e.now())) > 0 })
	if !some {
		return nil
	}
	return e.change(func(a *account, now time.Time) error {
		for due := e.due(a, now); len(due) > 0; due = e.due(a, now) { // one may bring the next
			for _, end := range due {
				end()
			}
		}
		return nil
	})
}

// due are the transitions that can end now.
func (e *EC2) due(a *account, now time.Time) []func() {
	var due []func()
	add := func(can bool, end func()) {
		if can {
			due = append(due, end)
		}
	}
	over := func(t time.Time) bool { return !now.Before(t) }
	for _, i := range a.Instances {
		next := e.nextState(a, i, now)
		add(next != i.State, func() { e.enter(a, i, next, now) })
		password, isNew := e.readSerial(i)
		add(isNew, func() { i.Password, i.PasswordAt = password, now })
	}
	for _, v := range a.Volumes {
		next := e.nextVolume(a, v, now)
		add(next != nil, next)
	}
	for _, s := range a.Snapshots {
		add(s.State == pending && s.Taken && over(s.Due), func() { s.State = "completed" })
	}
	for _, x := range a.Images {
		add(x.State == pending && over(x.Due) && a.complete(x), func() { x.State = "available" })
	}
	for _, v := range a.Vpcs {
		add(v.State == pending && over(v.Due), func() { v.State = "available" })
	}
	for _, s := range a.Subnets {
		add(s.State == pending && over(s.Due), func() { s.State = "available" })
	}
	for id, born := range a.Born {
		add(e.visible(born, now), func() { delete(a.Born, id) })
	}
	return due
}

// nextVolume is how a volume's transition ends, if it can end now. An attachment's
// ends when the time is over and the machine, if it runs, sees the volume or has
// let it go. A machine that does not let go makes the attachment busy.
func (e *EC2) nextVolume(a *account, v *volume, now time.Time) func() {
	x := v.Attachment
	if x == nil {
		switch over := !now.Before(v.Due); {
		case over && v.State == "creating" && v.Filled:
			return func() { v.State = "available" }
		case over && v.State == "deleting":
			return func() { drop(a, a.Volumes, v.ID) }
		}
		return nil
	}
	over, sees, i := !now.Before(x.Due), e.boxes.sees(x.Instance, v.ID), a.Instances[x.Instance]
	switch {
	case x.State == "attaching" && over && v.Filled && (sees || i == nil || !e.hasMachine(i) || e.boxes.off(i.ID) && i.State == stopped):
		return func() { x.State = "attached" }
	case x.State == "detaching" && sees && e.boxes.refuses(x.Instance, v.ID):
		return func() { x.State = "busy" }
	case !sees && (x.State == "detaching" && over || x.State == "busy"):
		return func() { v.Attachment, v.State = nil, "available" }
	}
	return nil
}

// untilDue is how long Run may sleep: until the next transition, and no longer than
// a moment while a machine runs, which may end by itself. What is overdue waits for a
// machine that wakes Run.
func (e *EC2) untilDue() time.Duration {
	const longest, glance, shortest = time.Minute, 500 * time.Millisecond, 2 * time.Millisecond
	wait := longest
	_ = e.look(func(a *account, now time.Time) error {
		for _, t := range a.dues() {
			if t.After(now) {
				wait = min(wait, t.Sub(now))
			}
		}
		for _, i := range a.Instances {
			if i.State != stopped && i.State != terminated && e.hasMachine(i) {
				wait = min(wait, glance)
			}
		}
		for _, v := range a.Volumes {
			if v.Attachment != nil && v.Attachment.State == "busy" {
				wait = min(wait, e.Pace.Of("ec2.volume.busy"))
			}
		}
		return nil
	})
	return max(wait, shortest)
}

// dues are the times at which transitions may end, by what is in transition.
func (a *account) dues() map[string]*time.Time {
	due := map[string]*time.Time{}
	for id, i := range a.Instances {
		due[id] = &i.Due
	}
	for id, v := range a.Volumes {
		due[id] = &v.Due
		if v.Attachment != nil {
			due[id+" attachment"] = &v.Attachment.Due
		}
	}
	for id, s := range a.Snapshots {
		due[id] = &s.Due
	}
	for id, x := range a.Images {
		due[id] = &x.Due
	}
	for id, v := range a.Vpcs {
		due[id] = &v.Due
	}
	for id, s := range a.Subnets {
		due[id] = &s.Due
	}
	return due
}

// holdUp carries out a call, and keeps the transitions that it starts from ending
// before d has passed. Meanwhile no transition ends at all, so that a short one does
// not slip through.
func (e *EC2) holdUp(c *wire.Call, d time.Duration, do func() (any, error)) (any, error) {
	e.still.Lock()
	defer e.still.Unlock()
	before := map[string]time.Time{}
	_ = e.look(func(a *account, _ time.Time) error {
		for id, due := range a.dues() {
			before[id] = *due
		}
		return nil
	})
	answer, err := do()
	if err != nil {
		return nil, err
	}
	return answer, e.change(func(a *account, now time.Time) error {
		for id, due := range a.dues() {
			if was, old := before[id]; !due.Equal(was) && (!old || names(c, id)) {
				*due = now.Add(d)
			}
		}
		return nil
	})
}

// names tells whether a call names a resource.
func names(c *wire.Call, id string) bool {
	id, _, _ = strings.Cut(id, " ")
	for _, values := range c.Query {
		if slices.Contains(values, id) {
			return true
		}
	}
	return false
}
