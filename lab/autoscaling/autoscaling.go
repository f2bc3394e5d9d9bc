// Package autoscaling is the lab's EC2 Auto Scaling, as far as a group can harm an
// instance that is being rescued: members, Standby, and the health check that
// terminates whoever is not running.
//
// It launches nothing: a member that it terminates is not replaced.
package autoscaling

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// Fleet is what Auto Scaling asks EC2.
type Fleet interface {
	// Instance is the state of an instance, where it is, and its type.
	Instance(id string) (state, zone, kind string, ok bool)
	// Terminate ends an instance, also one with termination protection.
	Terminate(id string) error
}

// Config is what the service stands on.
type Config struct {
	Dir             string // autoscaling.json is in it
	Account, Region string
	Pace            rules.Pace
	Now             func() time.Time
	Random          io.Reader
	Fleet           Fleet
}

// Group is an Auto Scaling group.
type Group struct {
	Name              string
	Min, Max, Desired int
}

// The states of a member.
const (
	InService       = "InService"
	EnteringStandby = "EnteringStandby"
	Standby         = "Standby"
	Pending         = "Pending"
	Terminating     = "Terminating"
	PendingWait     = "Pending:Wait" // a lifecycle hook holds it up
	gone            = ""             // a member no more
)

type group struct {
	Group
	ID      string
	Made    time.Time
	Members map[string]*member
}

type member struct {
	State string
	Due   time.Time // when the transition under way ends
	Sick  time.Time // since when it is seen not running
}

type document struct{ Groups map[string]*group }

// AutoScaling is the service. Its methods may be called from several goroutines.
type AutoScaling struct {
	Config
	file *store.File[document]
}

// Open takes up the groups in the directory.
func Open(c Config) (*AutoScaling, error) {
	file, err := store.Open[document](filepath.Join(c.Dir, "autoscaling.json"))
	if err != nil {
		return nil, fmt.Errorf("cannot open Auto Scaling: %w", err)
	}
	return &AutoScaling{c, file}, nil
}

// Put makes a group, or changes its sizes.
func (s *AutoScaling) Put(g Group) error {
	if g.Name == "" || g.Min < 0 || g.Max < g.Min || g.Desired < g.Min || g.Desired > g.Max {
		return fmt.Errorf("cannot make group %q: it must be that 0 ≤ min ≤ desired ≤ max", g.Name)
	}
	return s.file.Update(func(d *document) error {
		if d.Groups == nil {
			d.Groups = map[string]*group{}
		}
		if have := d.Groups[g.Name]; have != nil {
			have.Group = g
			return nil
		}
		id, err := s.newID()
		if err != nil {
			return err
		}
		d.Groups[g.Name] = &group{Group: g, ID: id, Made: s.Now(), Members: map[string]*member{}}
		return nil
	})
}

// Join makes an instance a member of a group, in a state that lasts. A group that does
// not exist is made, with room for one to leave and others to come.
func (s *AutoScaling) Join(name, instance, state string) error {
	if lasting := []string{InService, Standby, PendingWait}; !slices.Contains(lasting, state) {
		return fmt.Errorf("cannot join group %s: a member begins as one of %q, not %q", name, lasting, state)
	}
	if err := s.ensure(name); err != nil {
		return err
	}
	return s.file.Update(func(d *document) error {
		g := d.Groups[name]
		g.Members[instance] = &member{State: state}
		if inService := g.inService(); inService > g.Desired {
			g.Desired, g.Max = inService, max(g.Max, inService)
		}
		return nil
	})
}

// Least sets the fewest members that a group may have in service.
func (s *AutoScaling) Least(name string, least int) error {
	if err := s.ensure(name); err != nil {
		return err
	}
	return s.file.Update(func(d *document) error {
		g := d.Groups[name]
		g.Min, g.Desired, g.Max = max(least, 0), max(g.Desired, least), max(g.Max, least)
		return nil
	})
}

func (s *AutoScaling) ensure(name string) error {
	there := false
	s.file.View(func(d *document) { there = d.Groups[name] != nil })
	if there {
		return nil
	}
	const room = 10
	return s.Put(Group{Name: name, Max: room})
}

func (g *group) inService() int {
	n := 0
	for _, m := range g.Members {
		if m.State == InService {
			n++
		}
	}
	return n
}

func (s *AutoScaling) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.Random, b[:]); err != nil {
		return "", fmt.Errorf("cannot make an id: %w", err)
	}
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}

// Run looks after the members until the context ends.
func (s *AutoScaling) Run(ctx context.Context) error {
	const shortest, longest = 20 * time.Millisecond, time.Second
	glance := min(max(s.Pace.Scale(longest), shortest), longest)
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		if err := s.settle(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// settle carries out what is due. The state of a member is stored before its
// instance is ended, so that a lab that was killed in between ends it later.
func (s *AutoScaling) settle() error {
	now, due := s.Now(), false
	s.file.View(func(d *document) {
		d.each(func(_ *group, id string, m *member) { due = due || s.next(id, *m, now) != *m })
	})
	if due {
		err := s.file.Update(func(d *document) error {
			d.each(func(g *group, id string, m *member) {
				if *m = s.next(id, *m, now); m.State == gone {
					delete(g.Members, id)
				}
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	var errs []error
	for _, id := range s.condemned() {
		errs = append(errs, s.Fleet.Terminate(id))
	}
	return errors.Join(errs...)
}

// condemned are the instances that are to be ended and do not end yet.
func (s *AutoScaling) condemned() []string {
	var ids []string
	s.file.View(func(d *document) {
		d.each(func(_ *group, id string, m *member) {
			if state, _, _, ok := s.Fleet.Instance(id); m.State == Terminating && ok && state != "shutting-down" && state != "terminated" {
				ids = append(ids, id)
			}
		})
	})
	return ids
}

func (d *document) each(f func(g *group, id string, m *member)) {
	for _, g := range d.Groups {
		for id, m := range g.Members {
			f(g, id, m)
		}
	}
}

// next is what a member is to be now.
func (s *AutoScaling) next(id string, m member, now time.Time) member {
	state, _, _, ok := s.Fleet.Instance(id)
	well := state == "running" || state == "pending"
	due := !now.Before(m.Due)
	switch {
	case !ok || state == "terminated":
		return member{State: gone}
	case m.State == EnteringStandby && due:
		return member{State: Standby}
	case m.State == Pending && due:
		return member{State: InService}
	case m.State != InService:
		return m
	case well:
		return member{State: InService}
	case m.Sick.IsZero():
		m.Sick = now
	case !now.Before(m.Sick.Add(s.Pace.Of("autoscaling.health"))):
		return member{State: Terminating}
	}
	return m
}

// Name is the signing name.
func (s *AutoScaling) Name() string { return "autoscaling" }

var actions = map[string]func(*AutoScaling, *wire.Params) (any, error){
	"DescribeAutoScalingGroups":    (*AutoScaling).describeGroups,
	"DescribeAutoScalingInstances": (*AutoScaling).describeInstances,
	"EnterStandby":                 (*AutoScaling).enterStandby,
	"ExitStandby":                  (*AutoScaling).exitStandby,
}

// Actions are the calls that are answered, sorted.
func (s *AutoScaling) Actions() []string {
	var names []string
	for name := range actions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Checks are the questions to IAM that a call raises.
func (s *AutoScaling) Checks(_ context.Context, c *wire.Call) ([]wire.Check, error) {
	resource := "*"
	if name := c.Query.Get("AutoScalingGroupName"); name != "" {
		s.file.View(func(d *document) {
			if g := d.Groups[name]; g != nil {
				resource = s.arn(g)
			}
		})
	}
	return []wire.Check{{Action: "autoscaling:" + c.Action, Resource: resource}}, nil
}

func (s *AutoScaling) arn(g *group) string {
	return "arn:aws:autoscaling:" + s.Region + ":" + s.Account + ":autoScalingGroup:" + g.ID + ":autoScalingGroupName/" + g.Name
}

// Do carries out a call.
func (s *AutoScaling) Do(_ context.Context, c *wire.Call) (any, error) {
	do := actions[c.Action]
	if do == nil {
		return nil, wire.Faultf("InvalidAction", "The action %s is not valid for this web service.", c.Action)
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	return do(s, c.Params())
}
