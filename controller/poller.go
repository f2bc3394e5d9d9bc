package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// poller is the cloud, looked at by many runs together: what one run asks about
// an instance or a volume is asked for all that were asked about lately, in one
// call, and the answer serves them all until it is stale. What a run changes
// through it is looked at afresh. Safe for several goroutines.
type poller struct {
	Cloud
	instances board[Instance]
	volumes   board[Volume]
	managed   board[Managed]
}

// The most ids in one call: EC2 takes 1,000, Systems Manager's filter 50.
const (
	mostDescribed = 1000
	mostManaged   = 50
)

// defaultFreshness is how stale an answer may be.
const defaultFreshness = time.Second

func newPoller(cloud Cloud, clock flow.Clock, freshness time.Duration) *poller {
	if freshness == 0 {
		freshness = defaultFreshness
	}
	p := &poller{Cloud: cloud}
	p.instances = board[Instance]{describe: cloud.Instances, id: func(i Instance) string { return i.ID }, most: mostDescribed, clock: clock, fresh: freshness}
	p.volumes = board[Volume]{describe: cloud.Volumes, id: func(v Volume) string { return v.ID }, most: mostDescribed, clock: clock, fresh: freshness}
	p.managed = board[Managed]{describe: cloud.Managed, id: func(m Managed) string { return m.ID }, most: mostManaged, clock: clock, fresh: freshness}
	return p
}

// Instances looks at instances, and takes note of their volumes.
func (p *poller) Instances(ctx context.Context, ids ...string) ([]Instance, error) {
	found, err := p.instances.look(ctx, ids)
	for _, i := range found {
		for _, d := range i.Devices {
			p.volumes.watch(d.Volume)
		}
	}
	return found, err
}

// Volumes looks at volumes.
func (p *poller) Volumes(ctx context.Context, ids ...string) ([]Volume, error) {
	return p.volumes.look(ctx, ids)
}

// Managed asks which instances Systems Manager knows.
func (p *poller) Managed(ctx context.Context, ids ...string) ([]Managed, error) {
	return p.managed.look(ctx, ids)
}

// Start starts instances.
func (p *poller) Start(ctx context.Context, ids ...string) error {
	defer p.instances.forget(ids...)
	return p.Cloud.Start(ctx, ids...)
}

// Stop stops instances.
func (p *poller) Stop(ctx context.Context, force bool, ids ...string) error {
	defer p.instances.forget(ids...)
	return p.Cloud.Stop(ctx, force, ids...)
}

// Terminate terminates instances.
func (p *poller) Terminate(ctx context.Context, ids ...string) error {
	defer p.instances.forget(ids...)
	return p.Cloud.Terminate(ctx, ids...)
}

// Tag tags resources.
func (p *poller) Tag(ctx context.Context, tags map[string]string, ids ...string) error {
	defer p.forget(ids...)
	return p.Cloud.Tag(ctx, tags, ids...)
}

// Untag removes tags.
func (p *poller) Untag(ctx context.Context, keys []string, ids ...string) error {
	defer p.forget(ids...)
	return p.Cloud.Untag(ctx, keys, ids...)
}

// Attach attaches a volume.
func (p *poller) Attach(ctx context.Context, volume, instance, device string) error {
	defer p.volumes.forget(volume)
	return p.Cloud.Attach(ctx, volume, instance, device)
}

// Detach detaches a volume.
func (p *poller) Detach(ctx context.Context, volume, instance string) error {
	defer p.volumes.forget(volume)
	return p.Cloud.Detach(ctx, volume, instance)
}

func (p *poller) forget(ids ...string) {
	p.instances.forget(ids...)
	p.volumes.forget(ids...)
}

// idle is after how long without a question an id is not asked for along with
// others any more.
const idle = time.Minute

// board is what is known of one kind of resource.
type board[T any] struct {
	describe func(context.Context, ...string) ([]T, error)
	id       func(T) string
	most     int
	clock    flow.Clock
	fresh    time.Duration

	mu    sync.Mutex // held while asking: the others wait for the answer
	known map[string]*sight[T]
}

// sight is what was seen of a resource; nil: it was not there.
type sight[T any] struct {
	at, asked time.Time
	value     *T
}

// watch has an id asked for along with others.
func (b *board[T]) watch(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		b.sight(id).asked = b.clock.Now()
	}
}

// forget makes what is known of ids stale.
func (b *board[T]) forget(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if s := b.known[id]; s != nil {
			s.at = time.Time{}
		}
	}
}

func (b *board[T]) sight(id string) *sight[T] {
	if b.known == nil {
		b.known = map[string]*sight[T]{}
	}
	if b.known[id] == nil {
		b.known[id] = &sight[T]{}
	}
	return b.known[id]
}

// look answers from what is fresh, or asks once for all that is stale.
func (b *board[T]) look(ctx context.Context, ids []string) ([]T, error) {
	return b.within(ctx, b.fresh, ids)
}

// within answers from what is not older than age. It is for whoever acts on the
// answer by a call that EC2 refuses if the answer is not true any more.
func (b *board[T]) within(ctx context.Context, age time.Duration, ids []string) ([]T, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, stale := b.clock.Now(), false
	for _, id := range ids {
		s := b.sight(id)
		s.asked = now
		stale = stale || now.Sub(s.at) >= age
	}
	if stale {
		if err := b.ask(ctx, now, ids); err != nil {
			return nil, err
		}
	}
	var found []T
	for _, id := range ids {
		if s := b.known[id]; s.value != nil {
			found = append(found, *s.value)
		}
	}
	return found, nil
}

// ask describes ids, and others that are stale as far as one call takes them.
func (b *board[T]) ask(ctx context.Context, now time.Time, ids []string) error {
	asked := slices.Clone(ids)
	for id, s := range b.known {
		if len(asked) >= b.most {
			break
		}
		if now.Sub(s.asked) < idle && now.Sub(s.at) >= b.fresh && !slices.Contains(ids, id) {
			asked = append(asked, id)
		}
	}
	found, err := b.describe(ctx, asked...)
	if err != nil {
		return err
	}
	for _, id := range asked {
		*b.sight(id) = sight[T]{at: now, asked: b.known[id].asked}
	}
	for _, value := range found {
		b.sight(b.id(value)).value = &value
	}
	return nil
}
