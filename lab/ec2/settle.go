package ec2

import (
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
)

// The states of an instance, with their documented codes.
const (
	pending      = "pending"
	running      = "running"
	shuttingDown = "shutting-down"
	terminated   = "terminated"
	stopping     = "stopping"
	stopped      = "stopped"
)

var stateCodes = map[string]int{pending: 0, running: 16, shuttingDown: 32, terminated: 48, stopping: 64, stopped: 80}

// A turn is an instance that has entered a state.
type turn struct{ instance, state string }

// settle carries out the transitions that are due. What is due but waits for a
// machine or a copy stays as it is and is looked at again.
func (e *EC2) settle() error {
	due, turns, err := e.advanceIfDue()
	if err != nil || !due {
		return err
	}
	e.tell(turns)
	e.nudge()
	return nil
}

func (e *EC2) advanceIfDue() (due bool, turns []turn, err error) {
	e.still.RLock()
	defer e.still.RUnlock()
	e.file.View(func(a *account) { due = e.anyDue(a, e.now()) })
	if !due {
		return false, nil, nil
	}
	err = e.file.Update(func(a *account) error {
		turns = e.advance(a, e.now())
		return nil
	})
	return true, turns, err
}

// anyDue tells whether advance would find something to do.
func (e *EC2) anyDue(a *account, now time.Time) bool {
	for _, i := range a.Instances {
		if e.nextState(a, i, now) != i.State {
			return true
		}
	}
	for _, v := range a.Volumes {
		if e.volumeDue(a, v, now) {
			return true
		}
	}
	for _, s := range a.Snapshots {
		if s.State == pending && s.Taken && !now.Before(s.Due) {
			return true
		}
	}
	for _, x := range a.Images {
		if x.State == pending && a.imageDue(x, now) {
			return true
		}
	}
	for _, born := range a.Born {
		if e.visible(born, now) {
			return true
		}
	}
	return a.networkDue(now)
}

func (e *EC2) advance(a *account, now time.Time) []turn {
	var turns []turn
	for _, i := range sorted(a.Instances) {
		for next := e.nextState(a, i, now); next != i.State; next = e.nextState(a, i, now) {
			e.enter(a, i, next, now)
			turns = append(turns, turn{i.ID, next})
			if next == "" {
				break
			}
		}
	}
	for _, v := range sorted(a.Volumes) {
		if e.volumeDue(a, v, now) {
			e.advanceVolume(a, v, now)
		}
	}
	for _, s := range a.Snapshots {
		if s.State == pending && s.Taken && !now.Before(s.Due) {
			s.State = "completed"
		}
	}
	for _, x := range a.Images {
		if x.State == pending && a.imageDue(x, now) {
			x.State = "available"
		}
	}
	for id, born := range a.Born {
		if e.visible(born, now) {
			delete(a.Born, id)
		}
	}
	a.advanceNetwork(now)
	return turns
}

// nextState is the state that an instance is to have now: its own, or the next one
// when nothing keeps it. Empty: it is to be forgotten.
func (e *EC2) nextState(a *account, i *instance, now time.Time) string {
	due := !now.Before(i.Due)
	switch i.State {
	case pending:
		switch {
		case due && i.Broken.Code != "" && (i.First || i.lostSpotRoot(a)):
			return terminated
		case due && i.Broken.Code != "":
			return stopped
		case due && e.ready(i):
			return running
		}
	case running:
		switch {
		case i.Broken.Code != "":
			return stopped
		case !e.boxes.ended(i.ID):
			return running
		case i.Shutdown == "terminate":
			return shuttingDown
		}
		return stopping
	case stopping:
		if due && e.boxes.off(i.ID) {
			return stopped
		}
	case shuttingDown:
		if due && e.boxes.off(i.ID) {
			return terminated
		}
	case terminated:
		if due {
			return ""
		}
	}
	return i.State
}

// lostSpotRoot: EC2 terminates a Spot instance that it cannot start for want of
// its root volume.
func (i *instance) lostSpotRoot(a *account) bool { return i.Spot != "" && a.rootOf(i) == nil }

// ready tells whether what a running instance is made of is there.
func (e *EC2) ready(i *instance) bool { return !e.hasMachine(i) || e.boxes.on(i.ID) }

// hasMachine tells whether the host runs a machine for an instance. A guest has
// none where the lab boots none, and a Windows guest never has.
func (e *EC2) hasMachine(i *instance) bool {
	return i.Kind == machine.Helper || e.Boot != "none" && i.Platform != "windows"
}

// enter is what happens when an instance gets into a state.
func (e *EC2) enter(a *account, i *instance, state string, now time.Time) {
	before := i.State
	i.State = state
	switch state {
	case running:
		i.Ran, i.First = now, false
	case stopping, shuttingDown: // by itself; calls enter these states on their own
		i.Reason = reason{"Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown"}
		i.Transition, i.Due = userInitiated(now), now
	case stopped:
		i.Public, i.Force, i.Reboot = "", false, false
		if before != stopping && i.Broken.Code != "" {
			i.Reason = i.Broken
			i.Transition = i.Broken.Code
		}
		i.Broken = reason{}
	case terminated:
		if i.Broken.Code != "" {
			i.Reason, i.Transition, i.Broken = i.Broken, i.Broken.Code, reason{}
		}
		e.release(a, i, now)
		i.Due = e.after(now, "ec2.instance.terminated")
	case "":
		delete(a.Instances, i.ID)
		a.forget(i.ID)
		e.boxes.forget(i.ID)
	}
}

func userInitiated(now time.Time) string {
	return "User initiated (" + now.Format("2006-01-02 15:04:05") + " GMT)"
}

// release gives up what a terminated instance held.
func (e *EC2) release(a *account, i *instance, now time.Time) {
	for _, v := range a.volumesOf(i) {
		remove := v.Attachment.DeleteOnTermination
		v.Attachment, v.State = nil, "available"
		if remove {
			e.removeVolume(a, v, now)
		}
	}
	if x := a.addressOf(i.ID); x != nil {
		x.Instance, x.Association = "", ""
	}
	a.forget(i.Card)
	a.Trash = append(a.Trash, e.machinePath(i.ID))
	if i.StoreRoot != "" {
		a.Trash = append(a.Trash, i.StoreRoot)
	}
	i.Private, i.Public, i.Subnet, i.Vpc, i.Groups, i.Profile, i.Role = "", "", "", "", nil, "", ""
	i.StoreRoot, i.RootDevice = "", ""
}

// untilDue is how long Run may sleep: until the next transition, and no longer
// than a moment while something waits for a machine.
func (e *EC2) untilDue() time.Duration {
	const longest, shortest = time.Minute, 2 * time.Millisecond
	wait := longest
	_ = e.look(func(a *account, now time.Time) error {
		for _, t := range e.dueTimes(a, now) {
			wait = min(wait, t.Sub(now))
		}
		return nil
	})
	return max(wait, shortest)
}

// dueTimes are the times of what is under way. What is overdue waits for a
// machine, which wakes Run itself; a machine that ends by itself does not.
func (e *EC2) dueTimes(a *account, now time.Time) []time.Time {
	const glance = 500 * time.Millisecond
	var at []time.Time
	for _, i := range a.Instances {
		at = append(at, i.Due)
		if i.State != stopped && i.State != terminated && e.hasMachine(i) {
			at = append(at, now.Add(glance))
		}
	}
	for _, v := range a.Volumes {
		at = append(at, v.Due)
		if x := v.Attachment; x != nil {
			at = append(at, x.Due)
			if x.State == "busy" {
				at = append(at, now.Add(e.Pace.Of("ec2.volume.busy")))
			}
		}
	}
	for _, s := range a.Snapshots {
		at = append(at, s.Due)
	}
	for _, x := range a.Images {
		at = append(at, x.Due)
	}
	for _, v := range a.Vpcs {
		at = append(at, v.Due)
	}
	for _, s := range a.Subnets {
		at = append(at, s.Due)
	}
	return slices.DeleteFunc(at, func(t time.Time) bool { return !t.After(now) })
}
