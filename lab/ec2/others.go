package ec2

import (
	"fmt"
	"maps"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
)

// An Instance is one as the other services of the lab see it.
type Instance struct {
	ID, State     string
	Helper        bool      // a rescue box, which runs the SSM agent
	Lost          bool      // its hardware broke, and EC2 does not know
	Up            time.Time // since when its machine runs; zero while it does not
	Profile, Role string    // ARN of its instance profile and name of its role
	Address, Zone string
	Type          string
	Tags          map[string]string
}

// Instances are those that DescribeInstances would show in the end.
func (e *EC2) Instances() ([]Instance, error) {
	if err := e.settle(); err != nil {
		return nil, err
	}
	var all []Instance
	return all, e.look(func(a *account, _ time.Time) error {
		for _, i := range sorted(a.Instances) {
			x := Instance{
				ID: i.ID, State: i.State, Helper: i.Kind == machine.Helper, Lost: i.Lost, Profile: i.Profile, Role: i.Role, Address: i.Private,
				Zone: i.Zone, Type: i.Type, Tags: maps.Clone(a.Tags[i.ID]),
			}
			e.boxes.with(i.ID, func(b *box) {
				if b.up && !i.Lost {
					x.Up = b.since
				}
			})
			all = append(all, x)
		}
		return nil
	})
}

// Gone are the resources that stay visible for a while, and need nobody to remove
// them: terminated instances, and volumes that are being deleted.
func (e *EC2) Gone() (map[string]bool, error) {
	if err := e.settle(); err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	return gone, e.look(func(a *account, _ time.Time) error {
		for id, i := range a.Instances {
			gone[id] = i.State == terminated
		}
		for id, v := range a.Volumes {
			gone[id] = v.State == "deleting"
		}
		return nil
	})
}

// Instance is the state of one instance, where it is, and its type.
func (e *EC2) Instance(id string) (state, zone, kind string, ok bool) {
	_ = e.look(func(a *account, _ time.Time) error {
		if i := a.Instances[id]; i != nil {
			state, zone, kind, ok = i.State, i.Zone, i.Type, true
		}
		return nil
	})
	return state, zone, kind, ok
}

// Address is where a guest's sshd is reached from this host, empty while it cannot be.
func (e *EC2) Address(id string) (host, port string) {
	_ = e.look(func(a *account, _ time.Time) error {
		if i := a.Instances[id]; i != nil && i.Kind != machine.Helper {
			host, port = e.reachable(i)
		}
		return nil
	})
	return host, port
}

// Terminate ends an instance on behalf of another service, which termination
// protection does not keep from it.
func (e *EC2) Terminate(id string) error {
	err := e.change(func(a *account, now time.Time) error {
		i, err := a.instance(id)
		if err == nil {
			e.beginTermination(a, i, now)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot terminate instance: %w", err)
	}
	return nil
}

// Lose breaks the hardware of an instance: its machine goes, or never comes, and EC2
// does not know. It comes back with a stop and a start.
func (e *EC2) Lose(id string) error {
	err := e.change(func(a *account, _ time.Time) error {
		i, err := a.instance(id)
		if err == nil {
			i.Lost = true
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot lose instance: %w", err)
	}
	return nil
}
