// Package rules is the one table of what the lab holds to be true of AWS: how
// long transitions take, which limits and token buckets apply, which calls are
// idempotent. Each rule names its source.
//
// It holds no state and does nothing: the services look their rules up here.
package rules

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A Rule is one fact.
type Rule struct {
	ID     string // "ec2.stop.stopping": service, topic, what
	Value  Value
	Source string // where AWS says so, or what the assumption rests on
}

// A Value is a Delay, a Limit, a Bucket or a Fact.
type Value interface{ String() string }

// Delay is how long something takes in a real account.
type Delay time.Duration

// Limit is the most that there may be of something.
type Limit int

// Bucket is a token bucket: it holds at most Size tokens and gains Refill a second.
type Bucket struct{ Size, Refill float64 }

// Fact is a rule that code carries out and that has no number.
type Fact string

func (d Delay) String() string { return time.Duration(d).String() }
func (l Limit) String() string { return strconv.Itoa(int(l)) }
func (b Bucket) String() string {
	return fmt.Sprintf("%v tokens, %v/s", b.Size, b.Refill)
}
func (f Fact) String() string { return string(f) }

// All is the table, service by service.
func All() []Rule {
	return slices.Concat(ec2, autoscaling, quotas, ssm, kms, s3, machine, iam, throttle, idempotency, consistency)
}

// DelayOf is the real duration of a transition. It panics when there is no such
// rule, as the other look-ups do: the tests call each.
func DelayOf(id string) time.Duration { return time.Duration(value[Delay](id)) }

// LimitOf is a limit of the table.
func LimitOf(id string) int { return int(value[Limit](id)) }

// BucketOf is a token bucket of the table.
func BucketOf(id string) Bucket { return value[Bucket](id) }

func value[V Value](id string) V {
	for _, r := range All() {
		if v, ok := r.Value.(V); ok && r.ID == id {
			return v
		}
	}
	panic(fmt.Sprintf("rules: no %T is called %q", *new(V), id))
}

// Pace is how fast the lab's time runs: a Speed of 10 makes a delay of ten
// seconds last one. The zero Pace is realistic.
type Pace struct{ Speed float64 }

// Of is how long the transition takes at this pace.
func (p Pace) Of(id string) time.Duration { return p.Scale(DelayOf(id)) }

// Scale is how long a real duration takes at this pace.
func (p Pace) Scale(d time.Duration) time.Duration {
	if p.Speed <= 0 {
		return d
	}
	return time.Duration(float64(d) / p.Speed)
}
