package autoscaling

import (
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// An activity is what a call sets under way.
type activity struct {
	ID          string `xml:"ActivityId"`
	Group       string `xml:"AutoScalingGroupName"`
	Description string
	Cause       string
	Start       wire.Time `xml:"StartTime"`
	Status      string    `xml:"StatusCode"`
	Progress    int
}

type activities struct {
	Items []activity `xml:"Activities>member"`
}

func (s *AutoScaling) enterStandby(p *wire.Params) (any, error) {
	name, ids := p.Require("AutoScalingGroupName"), p.Strings("InstanceIds")
	decrement := p.Bool("ShouldDecrementDesiredCapacity")
	if !p.Has("ShouldDecrementDesiredCapacity") {
		p.Fail(wire.Faultf("ValidationError", "1 validation error detected: Value null at 'shouldDecrementDesiredCapacity' failed to satisfy constraint: Member must not be null"))
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return s.move(name, ids, InService, "Moving EC2 instance to Standby: ", func(g *group) error {
		if !decrement {
			return nil
		}
		if g.Desired-len(ids) < g.Min {
			return wire.Faultf("ValidationError", "AutoScalingGroup %s has min-size=%d, max-size=%d, and desired-size=%d. To place into standby %d instance%s, please update the AutoScalingGroup sizes appropriately.",
				g.Name, g.Min, g.Max, g.Desired, len(ids), plural(ids))
		}
		g.Desired -= len(ids)
		return nil
	}, func(now time.Time) member {
		return member{State: EnteringStandby, Due: now.Add(s.Pace.Of("autoscaling.entering-standby"))}
	})
}

func (s *AutoScaling) exitStandby(p *wire.Params) (any, error) {
	name, ids := p.Require("AutoScalingGroupName"), p.Strings("InstanceIds")
	if err := p.Done(); err != nil {
		return nil, err
	}
	return s.move(name, ids, Standby, "Moving EC2 instance out of Standby: ", func(g *group) error {
		if g.Desired+len(ids) > g.Max {
			return wire.Faultf("ValidationError", "AutoScalingGroup %s has min-size=%d, max-size=%d, and desired-size=%d. To take %d instance%s out of standby, please update the AutoScalingGroup sizes appropriately.",
				g.Name, g.Min, g.Max, g.Desired, len(ids), plural(ids))
		}
		g.Desired += len(ids)
		return nil
	}, func(now time.Time) member {
		return member{State: Pending, Due: now.Add(s.Pace.Of("autoscaling.pending"))}
	})
}

func plural(ids []string) string {
	if len(ids) == 1 {
		return ""
	}
	return "s"
}

// move takes members from one state on the way to another: all or none.
func (s *AutoScaling) move(name string, ids []string, from, what string, resize func(*group) error, to func(time.Time) member) (any, error) {
	now := s.Now()
	var answer activities
	return &answer, s.file.Update(func(d *document) error {
		g := d.Groups[name]
		if g == nil {
			return wire.Faultf("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup '%s' not found", name)
		}
		for _, id := range ids {
			switch m := g.Members[id]; {
			case m == nil:
				return wire.Faultf("ValidationError", "The instance %s is not part of Auto Scaling group %s.", id, name)
			case m.State != from:
				return wire.Faultf("ValidationError", "The instance %s is not in %s.", id, from)
			}
		}
		if err := resize(g); err != nil {
			return err
		}
		for _, id := range ids {
			*g.Members[id] = to(now)
			activityID, err := s.newID()
			if err != nil {
				return err
			}
			answer.Items = append(answer.Items, activity{
				ID: activityID, Group: name, Description: what + id, Start: wire.Time{Time: now}, Status: "InProgress", Progress: 50,
				Cause: "At " + now.UTC().Format(time.RFC3339) + " instance " + id + " was moved " + strings.ToLower(from) + " in response to a user request.",
			})
		}
		return nil
	})
}
