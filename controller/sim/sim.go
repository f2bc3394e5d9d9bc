// Package sim is a cloud in memory: it implements controller.Cloud with EC2's
// state machines, delays and refusals in simulated time, so that thousands of
// rescues, with faults at every call, run in seconds.
//
// It keeps state and rules and gives no canned answers. It touches no network
// and no disk, and knows nothing of the lab, so that the two can be compared.
package sim

import (
	"container/heap"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// Options are the rules of an account that may differ from test to test.
type Options struct {
	Clock  *Clock
	Delays Delays // zero: every transition ends before the next call
	// Throttle says that the documented token buckets apply.
	Throttle bool
	// Denied are actions, as IAM names them, that the caller may not take.
	Denied []string
	// VPCQuota is how many VPCs there may be; 0: five.
	VPCQuota int
}

// Cloud is an account in one region. It is safe for several goroutines.
type Cloud struct {
	options Options
	clock   *Clock

	mu        sync.Mutex
	now       time.Time
	events    events
	made      int // counts what gets an id
	calls     []Call
	faults    func(n int, action string) Fault
	interrupt func()
	buckets   map[string]*bucket

	instances  map[string]*instance
	volumes    map[string]*volume
	images     map[string]*controller.Image
	backups    map[string]*backup
	subnets    map[string]*subnet
	vpcs       map[string]*vpc
	parts      map[string]*part
	commands   map[string]*command
	parameters map[string]*parameter
	objects    map[string]map[string][]byte // of S3, by bucket and key
	groups     map[string]*group
	profiles   map[string]controller.Profile
	keys       map[string]controller.KMSKey
	pairs      map[string]controller.KeyPair
	replaced   map[string]replaced          // by client token
	seals      func(password string) []byte // as a launch agent does
	types      map[string]machineType
	tokens     map[string]launched
	fresh      map[string]*freshness
}

var _ controller.Cloud = (*Cloud)(nil)

// Call is one call of the API.
type Call struct {
	Time     time.Time
	Action   string // as IAM names it: ec2:StopInstances
	Mutating bool
	Err      error
}

// New makes an account with a default VPC, Amazon's images and a helper's
// instance profile.
func New(o Options) *Cloud {
	if o.Clock == nil {
		o.Clock = NewClock()
	}
	if o.VPCQuota == 0 {
		o.VPCQuota = 5
	}
	c := &Cloud{
		options: o, clock: o.Clock, now: o.Clock.Now(), buckets: map[string]*bucket{},
		instances: map[string]*instance{}, volumes: map[string]*volume{}, images: map[string]*controller.Image{},
		backups: map[string]*backup{}, subnets: map[string]*subnet{}, vpcs: map[string]*vpc{}, parts: map[string]*part{},
		commands: map[string]*command{}, parameters: map[string]*parameter{}, objects: map[string]map[string][]byte{},
		groups: map[string]*group{}, profiles: map[string]controller.Profile{}, keys: map[string]controller.KMSKey{}, pairs: map[string]controller.KeyPair{}, replaced: map[string]replaced{}, seals: func(p string) []byte { return []byte(p) },
		types: machineTypes(), tokens: map[string]launched{}, fresh: map[string]*freshness{},
	}
	c.furnish()
	return c
}

// Calls are the calls so far.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Mutations are the actions of the calls so far that may have changed something.
func (c *Cloud) Mutations() []string {
	var actions []string
	for _, call := range c.Calls() {
		if call.Mutating {
			actions = append(actions, call.Action)
		}
	}
	return actions
}

// call is the one way into the account: time passes, faults strike, buckets and
// permissions are asked, and then the effect takes place or is refused.
func (c *Cloud) call(ctx context.Context, action string, effect func() error) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	c.calls = append(c.calls, Call{Time: c.now, Action: action, Mutating: mutating(action)})
	n := len(c.calls)
	defer func() { c.calls[n-1].Err = err }()
	var fault Fault
	if c.faults != nil {
		fault = c.faults(n, action)
	}
	if err := c.before(ctx, fault, n, action); err != nil {
		return err
	}
	if slices.Contains(c.options.Denied, action) {
		return refuse(action, controller.Denied, "UnauthorizedOperation", "you are not authorized to perform this operation")
	}
	if err := c.take(action); err != nil {
		return err
	}
	if fault == LateEffect {
		c.after(late, func() { _ = effect() }) // whoever asked for it has gone
		return refuse(action, controller.Unknown, "RequestTimeout", "no answer")
	}
	if err := effect(); err != nil {
		return named(err, action)
	}
	c.settle()
	return c.afterwards(ctx, fault, n, action)
}

// outside changes the account as its owner or nature would, without a call.
func (c *Cloud) outside(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	change()
	c.settle()
}

// id makes the next id of a kind: i-0000000000000001.
func (c *Cloud) id(kind string) string {
	c.made++
	return fmt.Sprintf("%s-%017x", kind, c.made)
}

// secretFor is a key pair that only depends on what it is for.
func secretFor(what string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(what))
	return ed25519.NewKeyFromSeed(seed[:])
}

func refuse(action string, kind controller.Kind, code, format string, args ...any) *controller.CloudError {
	return &controller.CloudError{Kind: kind, Action: action, Code: code, Message: fmt.Sprintf(format, args...)}
}

// refusal is a failure whose action call fills in.
func refusal(kind controller.Kind, code, format string, args ...any) error {
	return refuse("", kind, code, format, args...)
}

func named(err error, action string) error {
	var e *controller.CloudError
	if errors.As(err, &e) {
		e.Action = action
	}
	return err
}

func mutating(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	for _, reads := range []string{"Describe", "Get", "List", "Head", "Simulate"} {
		if strings.HasPrefix(verb, reads) {
			return false
		}
	}
	return true
}

// An event is a transition that is due at a time.
type event struct {
	at  time.Time
	seq int
	do  func()
}

// events is a heap: the first due is first, and of equals the first scheduled.
type events struct {
	list []event
	seq  int
}

func (e *events) Len() int { return len(e.list) }
func (e *events) Less(i, j int) bool {
	a, b := e.list[i], e.list[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.seq < b.seq
}
func (e *events) Swap(i, j int) { e.list[i], e.list[j] = e.list[j], e.list[i] }
func (e *events) Push(x any)    { e.list = append(e.list, x.(event)) }
func (e *events) Pop() any {
	last := e.list[len(e.list)-1]
	e.list = e.list[:len(e.list)-1]
	return last
}

// after schedules a transition.
func (c *Cloud) after(d time.Duration, do func()) {
	c.events.seq++
	heap.Push(&c.events, event{c.now.Add(d), c.events.seq, do})
}

// settle carries out what is due. A transition sees the time at which it was
// due, so that what follows from it is on time too.
func (c *Cloud) settle() {
	now := c.clock.Now()
	for c.events.Len() > 0 && !c.events.list[0].at.After(now) {
		e := heap.Pop(&c.events).(event)
		c.now = e.at
		e.do()
	}
	c.now = now
}

// sorted are the keys of a map in order: answers must not depend on chance.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
