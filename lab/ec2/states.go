package ec2

import (
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

func stateItem(state string) item { return item{{"code", stateCodes[state]}, {"name", state}} }

// nextState is the state that an instance is to have now: its own, or the next one
// when nothing keeps it. Empty: it is to be forgotten.
func (e *EC2) nextState(a *account, i *instance, now time.Time) string {
	over, broken := !now.Before(i.Due), i.Broken.Code != ""
	switch {
	case i.State == pending && over && broken && (i.First || i.lostSpotRoot(a)):
		return terminated
	case i.State == pending && over && broken, i.State == running && broken:
		return stopped
	case i.State == pending && over && e.ready(i):
		return running
	case i.State == running && e.boxes.ended(i.ID) && i.Shutdown == "terminate":
		return shuttingDown
	case i.State == running && e.boxes.ended(i.ID):
		return stopping
	case i.State == stopping && over && e.boxes.off(i.ID):
		return stopped
	case i.State == shuttingDown && over && e.boxes.off(i.ID):
		return terminated
	case i.State == terminated && over:
		return ""
	}
	return i.State
}

// lostSpotRoot: EC2 terminates a Spot instance that it cannot start for want of
// its root volume.
func (i *instance) lostSpotRoot(a *account) bool { return i.Spot != "" && a.rootOf(i) == nil }

// ready tells whether what a running instance is made of is there.
func (e *EC2) ready(i *instance) bool { return !e.hasMachine(i) || e.boxes.on(i.ID) }

// hasMachine tells whether the host runs a machine for an instance. A guest has
// none where the lab boots none.
func (e *EC2) hasMachine(i *instance) bool {
	return !i.Lost && (i.Kind == machine.Helper || e.Boot != "none")
}

// enter is what happens when an instance gets into a state.
func (e *EC2) enter(a *account, i *instance, state string, now time.Time) {
	before := i.State
	i.State = state
	switch state {
	case running:
		i.Ran, i.First = now, false
	case stopping, shuttingDown: // by itself; calls enter these states on their own
		i.because("Client.InstanceInitiatedShutdown", "Instance initiated shutdown", now)
		i.Due = now
	case stopped:
		i.Public, i.Force, i.Reboot = "", false, false
		if before != stopping {
			i.failed()
		}
		i.Broken = reason{}
	case terminated:
		i.failed()
		e.release(a, i, now)
		i.Due = e.after(now, "ec2.instance.terminated")
	case "":
		drop(a, a.Instances, i.ID)
		e.boxes.forget(i.ID)
	}
}

// because notes why an instance leaves running.
func (i *instance) because(code, text string, now time.Time) {
	i.Reason = reason{code, code + ": " + text}
	i.Transition = "User initiated (" + now.Format("2006-01-02 15:04:05") + " GMT)"
}

// failed notes what kept an instance from running, if anything did.
func (i *instance) failed() {
	if i.Broken.Code != "" {
		i.Reason, i.Transition, i.Broken = i.Broken, i.Broken.Code, reason{}
	}
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
	a.unbind(a.addressOf(i.ID))
	a.forget(i.Card)
	a.Trash = append(a.Trash, e.machinePath(i.ID))
	if i.StoreRoot != "" {
		a.Trash = append(a.Trash, i.StoreRoot)
	}
	i.Private, i.Public, i.Subnet, i.Vpc, i.Groups, i.Profile, i.Role = "", "", "", "", nil, "", ""
	i.StoreRoot, i.RootDevice = "", ""
}
