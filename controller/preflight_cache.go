package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// lookupsLast is how long what is the same for many rescues is believed: a role,
// an image, the routes of a subnet. What changes meanwhile is noticed by the
// step that uses it, before the instance stops.
const lookupsLast = 5 * time.Minute

// planLasts is how long what a plan has found serves the run that follows it at
// once. Who is asked in between takes longer than that, and then the run looks
// itself.
const planLasts = 10 * time.Second

// planned are the instances that plans have looked at. The zero value is empty.
type planned struct {
	mu   sync.Mutex
	seen map[string]lookedAt
}

type lookedAt struct {
	at  time.Time
	was Original
}

func (p *planned) add(now time.Time, was *Original) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]lookedAt{}
	}
	p.seen[was.Instance.ID] = lookedAt{now, *was}
}

// take gives what a plan has just found, once: another run looks again.
func (p *planned) take(now time.Time, instance string) *Original {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, ok := p.seen[instance]
	delete(p.seen, instance)
	if !ok || now.Sub(seen.at) >= planLasts {
		return nil
	}
	return &seen.was
}

// remembering is a cloud, with a memory for what many rescues look up alike.
func (c *Controller) remembering(cloud Cloud) Cloud {
	return &lookups{Cloud: cloud, clock: c.Clock, known: &c.known}
}

// lookups is a cloud that remembers answers. Failures are not remembered.
type lookups struct {
	Cloud
	clock flow.Clock
	known *memory
}

// memory is what lookups knows, by question. The zero value is empty.
type memory struct {
	mu      sync.Mutex
	answers map[string]*answer
}

type answer struct {
	mu    sync.Mutex // held while asking: the others wait for the answer
	until time.Time
	value any
}

func (m *memory) of(question string) *answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[string]*answer{}
	}
	if m.answers[question] == nil {
		m.answers[question] = &answer{}
	}
	return m.answers[question]
}

// recall asks once for what is then known for a while.
func recall[T any](l *lookups, ask func() (T, error), question ...string) (T, error) {
	return recallFor(l, lookupsLast, func(T) bool { return true }, ask, question...)
}

// recallIf is recall, of the answers that are worth keeping: what is missing
// now may be there the next time somebody asks.
func recallIf[T any](l *lookups, keep func(T) bool, ask func() (T, error), question ...string) (T, error) {
	return recallFor(l, lookupsLast, keep, ask, question...)
}

func recallFor[T any](l *lookups, last time.Duration, keep func(T) bool, ask func() (T, error), question ...string) (T, error) {
	a := l.known.of(strings.Join(question, "\x00"))
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := l.clock.Now(); now.Before(a.until) {
		if v, ok := a.value.(T); ok {
			return v, nil
		}
	}
	v, err := ask()
	if err == nil && keep(v) {
		a.value, a.until = v, l.clock.Now().Add(last)
	}
	return v, err
}

// Parameters looks up parameters: a plan's answer serves the run that follows it.
func (l *lookups) Parameters(ctx context.Context, names ...string) ([]Parameter, error) {
	ask := func() ([]Parameter, error) { return l.Cloud.Parameters(ctx, names...) }
	return recallFor(l, planLasts, func([]Parameter) bool { return true }, ask, "parameters", strings.Join(names, "\x00"))
}

// Caller asks who calls.
func (l *lookups) Caller(ctx context.Context) (Caller, error) {
	return recall(l, func() (Caller, error) { return l.Cloud.Caller(ctx) }, "caller")
}

// Profile looks up an instance profile.
func (l *lookups) Profile(ctx context.Context, name string) (Profile, error) {
	return recall(l, func() (Profile, error) { return l.Cloud.Profile(ctx, name) }, "profile", name)
}

// Key looks up a KMS key.
func (l *lookups) Key(ctx context.Context, id string) (KMSKey, error) {
	return recall(l, func() (KMSKey, error) { return l.Cloud.Key(ctx, id) }, "key", id)
}

// VPCQuota asks how many VPCs there may be.
func (l *lookups) VPCQuota(ctx context.Context) (int, error) {
	return recall(l, func() (int, error) { return l.Cloud.VPCQuota(ctx) }, "vpc-quota")
}

// InstanceType looks up a type of instance.
func (l *lookups) InstanceType(ctx context.Context, name string) (InstanceType, error) {
	return recall(l, func() (InstanceType, error) { return l.Cloud.InstanceType(ctx, name) }, "type", name)
}

// TypeOffered asks whether a zone offers a type.
func (l *lookups) TypeOffered(ctx context.Context, name, zone string) (bool, error) {
	return recall(l, func() (bool, error) { return l.Cloud.TypeOffered(ctx, name, zone) }, "offered", name, zone)
}

// Image looks up an AMI.
func (l *lookups) Image(ctx context.Context, id string) (Image, error) {
	return recall(l, func() (Image, error) { return l.Cloud.Image(ctx, id) }, "image", id)
}

// Subnets looks up subnets.
func (l *lookups) Subnets(ctx context.Context, q SubnetQuery) ([]Subnet, error) {
	return recall(l, func() ([]Subnet, error) { return l.Cloud.Subnets(ctx, q) }, "subnets", q.ID, q.Zone, q.VPC)
}

// Routes looks up a subnet's routes.
func (l *lookups) Routes(ctx context.Context, s Subnet) ([]Route, error) {
	return recall(l, func() ([]Route, error) { return l.Cloud.Routes(ctx, s) }, "routes", s.ID)
}

// Endpoints looks up a VPC's endpoints.
func (l *lookups) Endpoints(ctx context.Context, vpc string) ([]string, error) {
	return recall(l, func() ([]string, error) { return l.Cloud.Endpoints(ctx, vpc) }, "endpoints", vpc)
}

// Public reads a public parameter.
func (l *lookups) Public(ctx context.Context, name string) (string, error) {
	return recall(l, func() (string, error) { return l.Cloud.Public(ctx, name) }, "public", name)
}

// BucketExists asks for a bucket.
func (l *lookups) BucketExists(ctx context.Context, bucket string) (bool, error) {
	return recallIf(l, func(there bool) bool { return there }, func() (bool, error) { return l.Cloud.BucketExists(ctx, bucket) }, "bucket", bucket)
}

// Simulate asks which of the permissions the caller lacks.
func (l *lookups) Simulate(ctx context.Context, caller Caller, asked []Permission) ([]Permission, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	nothing := func(denied []Permission) bool { return len(denied) == 0 }
	ask := func() ([]Permission, error) { return l.Cloud.Simulate(ctx, caller, asked) }
	return recallIf(l, nothing, ask, "simulate", caller.ARN, fmt.Sprint(asked)) // maps print in the order of their keys
}
