// Package pace keeps many rescues within the token buckets that AWS documents,
// so that hundreds side by side neither are throttled nor take more time than
// the buckets impose.
//
// A call for which there is no token yet is not made: it is refused as
// throttled, with the time of its turn, which is kept for it. Nothing here
// waits, and what a call does is not known.
package pace

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// Cloud is a cloud whose calls keep within the buckets. Safe for several
// goroutines.
type Cloud struct {
	controller.Cloud // of what has no documented bucket
	now              func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
	turns   map[string]*turn // by action and id
	swept   time.Time
}

// New paces a cloud.
func New(cloud controller.Cloud, now func() time.Time) *Cloud {
	return &Cloud{Cloud: cloud, now: now, buckets: map[string]*bucket{}, turns: map[string]*turn{}}
}

// Bucket holds at most Size tokens, and gains Refill of them a second.
type Bucket struct{ Size, Refill float64 }

// Requests is the bucket that a call takes a token from. The sources are the
// Amazon EC2 Developer Guide, Request throttling, and AWS General Reference,
// Systems Manager endpoints and quotas. AWS publishes no rates for Run Command:
// that one is an assumption.
func Requests(action string) (Bucket, bool) {
	switch action {
	case "ec2:RunInstances", "ec2:StartInstances":
		return Bucket{5, 2}, true
	case "ec2:TerminateInstances", "ec2:CreateSnapshot", "ec2:DeleteSnapshot", "ec2:DeregisterImage":
		return Bucket{100, 5}, true
	case "ec2:CreateTags":
		return Bucket{100, 10}, true
	case "ssm:GetParameter", "ssm:GetParameters":
		return Bucket{40, 40}, true
	case "ssm:PutParameter":
		return Bucket{3, 3}, true
	}
	switch service, verb, _ := strings.Cut(action, ":"); {
	case service == "ssm":
		return Bucket{40, 20}, true
	case service != "ec2":
		return Bucket{}, false
	case strings.HasPrefix(verb, "Describe"):
		return Bucket{100, 20}, true
	}
	return Bucket{50, 5}, true
}

// Resources is the bucket that a call takes a token from for each instance.
func Resources(action string) (Bucket, bool) {
	switch action {
	case "ec2:RunInstances", "ec2:StartInstances":
		return Bucket{1000, 2}, true
	case "ec2:StopInstances", "ec2:TerminateInstances":
		return Bucket{1000, 20}, true
	}
	return Bucket{}, false
}

// A bucket is one as AWS keeps it, with what is promised of it.
type bucket struct {
	Bucket
	tokens   float64
	promised float64 // to turns that nobody has come for yet
	filled   time.Time
}

// A turn is the time from which on a call may be made. It is kept for whoever
// asks for one of its ids, for a while.
type turn struct {
	at    time.Time
	keys  []string
	needs []need
}

// kept is how long a turn waits for its call.
const kept = time.Minute

// need is so many tokens of a bucket.
type need struct {
	of *bucket
	n  float64
}

// ask makes a call when it is its turn. ids are those that it names; a repeated
// call names one of them again.
func ask[T any](c *Cloud, action string, ids []string, call func() (T, error)) (T, error) {
	var none T
	if err := c.take(action, ids, 1); err != nil {
		return none, err
	}
	answer, err := call()
	c.heard(action, err)
	return answer, err
}

// do is ask of a call that answers nothing.
func do(c *Cloud, action string, ids []string, call func() error) error {
	_, err := ask(c, action, ids, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// take takes the tokens of so many calls, or gives a turn.
func (c *Cloud) take(action string, ids []string, calls int) error {
	if len(ids) == 0 {
		ids = []string{""} // all such calls share their turns
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.sweep(now)
	needs := c.needs(action, len(ids), calls, now)
	t := c.turn(action, ids)
	if t == nil {
		t = &turn{needs: needs}
		c.promise(t, action, ids)
		t.at = now.Add(t.wait(func(n need) float64 { return n.of.promised }))
	} else if !t.at.After(now) { // it is its turn, if the bucket is as was thought
		t.at = now.Add(t.wait(func(n need) float64 { return min(n.n, n.of.Size) }))
	}
	if t.at.After(now) {
		return later(action, t.at.Sub(now))
	}
	c.end(t)
	for _, n := range t.needs {
		n.of.tokens -= n.n
	}
	return nil
}

// wait is until each bucket holds what it owes.
func (t *turn) wait(owes func(need) float64) (longest time.Duration) {
	for _, n := range t.needs {
		if short := owes(n) - n.of.tokens; short > rounding {
			longest = max(longest, time.Duration(short/n.of.Refill*float64(time.Second)))
		}
	}
	return longest
}

// rounding is what a sum of tokens may be wrong by.
const rounding = 1e-6

// promise keeps a turn for whoever asks for one of the ids.
func (c *Cloud) promise(t *turn, action string, ids []string) {
	for _, id := range ids {
		key := action + " " + id
		t.keys = append(t.keys, key)
		c.turns[key] = t
	}
	for _, n := range t.needs {
		n.of.promised += n.n
	}
}

// end is that of a turn that was taken, or that nobody came for.
func (c *Cloud) end(t *turn) {
	for _, key := range t.keys {
		if c.turns[key] == t {
			delete(c.turns, key)
		}
	}
	for _, n := range t.needs {
		n.of.promised -= n.n
	}
}

// turn is the earliest that one of the ids has.
func (c *Cloud) turn(action string, ids []string) (first *turn) {
	for _, id := range ids {
		if t := c.turns[action+" "+id]; t != nil && (first == nil || t.at.Before(first.at)) {
			first = t
		}
	}
	return first
}

func (c *Cloud) needs(action string, resources, calls int, now time.Time) (needs []need) {
	if b, ok := Requests(action); ok {
		needs = append(needs, need{c.bucket(action, b, now), float64(calls)})
	}
	if b, ok := Resources(action); ok {
		needs = append(needs, need{c.bucket(action+" resources", b, now), float64(resources)})
	}
	return needs
}

// bucket is the one of that name, filled up to now.
func (c *Cloud) bucket(name string, of Bucket, now time.Time) *bucket {
	b := c.buckets[name]
	if b == nil {
		b = &bucket{Bucket: of, tokens: of.Size, filled: now}
		c.buckets[name] = b
	}
	b.tokens = min(b.Size, b.tokens+b.Refill*now.Sub(b.filled).Seconds())
	b.filled = now
	return b
}

// sweep forgets turns that nobody has come for.
func (c *Cloud) sweep(now time.Time) {
	if now.Sub(c.swept) < kept {
		return
	}
	c.swept = now
	for _, t := range c.turns {
		if now.Sub(t.at) > kept {
			c.end(t)
		}
	}
}

// heard empties the bucket of an action that was throttled all the same: others
// in the account take from it too.
func (c *Cloud) heard(action string, err error) {
	var failed *controller.CloudError
	if !errors.As(err, &failed) || failed.Kind != controller.Throttled {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.buckets[action]; b != nil {
		b.tokens = min(b.tokens, 0)
	}
}

// later rounds up, so that it is the turn's time when the wait is over.
func later(action string, d time.Duration) error {
	return &controller.CloudError{
		Kind: controller.Throttled, Action: action, Code: "Paced", Message: "it is not yet this call's turn",
		After: d.Truncate(time.Millisecond) + time.Millisecond,
	}
}
