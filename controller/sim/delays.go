package sim

import "time"

// Delays are how long transitions take. The zero Delays end each before the
// next call.
type Delays struct {
	Pending      time.Duration // of an instance that starts
	Stopping     time.Duration
	ForcedStop   time.Duration
	ShuttingDown time.Duration
	Terminated   time.Duration // stays visible
	Login        time.Duration // from running to sshd answering

	Attaching time.Duration
	Detaching time.Duration

	Snapshot time.Duration // pending to completed
	Image    time.Duration // pending to available
	Mapping  time.Duration // until an image lists its snapshots

	Register time.Duration // from running to Online in Systems Manager
	Deliver  time.Duration // of a command
	Invoked  time.Duration // a new command's invocations are NotFound for so long
	Prepare  time.Duration // the agent's download and installation
	Rescue   time.Duration // the agent's work on the volume
	Undo     time.Duration
	Standby  time.Duration // from EnteringStandby to Standby
	Service  time.Duration // from Standby back to InService
	Health   time.Duration // until a group replaces what does not run

	// Unknown is how long a new resource may be missing from answers, and
	// Misses how many of them it is missing from at most.
	Unknown time.Duration
	Misses  int
}

// RealDelays are those of a real account, as the lab's rule table has them.
func RealDelays() Delays {
	return Delays{
		Pending: 15 * time.Second, Stopping: 30 * time.Second, ForcedStop: 10 * time.Second,
		ShuttingDown: 30 * time.Second, Terminated: time.Hour, Login: 10 * time.Second,
		Attaching: 3 * time.Second, Detaching: 4 * time.Second,
		Snapshot: 90 * time.Second, Image: 100 * time.Second, Mapping: 3 * time.Second,
		Register: 30 * time.Second, Deliver: 2 * time.Second, Invoked: time.Second,
		Prepare: 5 * time.Second, Rescue: 5 * time.Second, Undo: 3 * time.Second,
		Standby: 5 * time.Second, Service: 10 * time.Second, Health: time.Minute,
		Unknown: 5 * time.Second, Misses: 2,
	}
}

// freshness is what answers still miss of a resource that was just made.
type freshness struct {
	until  time.Time
	misses int
}

// makes notes that a resource is new.
func (c *Cloud) makes(id string) {
	if c.options.Delays.Misses > 0 {
		c.fresh[id] = &freshness{c.now.Add(c.options.Delays.Unknown), c.options.Delays.Misses}
	}
}

// seen tells whether an answer has a resource already.
func (c *Cloud) seen(id string) bool {
	f := c.fresh[id]
	if f == nil {
		return true
	}
	f.misses--
	if f.misses < 0 || !c.now.Before(f.until) {
		delete(c.fresh, id)
		return true
	}
	return false
}
