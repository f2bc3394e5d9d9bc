package controller

import (
	"context"
	"slices"
	"strings"
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
	secrets   board[Parameter]
	images    board[Image]
	members   board[string] // instances that are in Auto Scaling groups
	alone     bool
}

// The most ids in one call: EC2 takes 1,000, Systems Manager's filter 50.
const (
	mostDescribed = 1000
	mostManaged   = 50
	mostNamed     = 10 // parameters
	mostMembers   = 50
)

func newPoller(cloud Cloud, clock flow.Clock, freshness time.Duration) *poller {
	p := &poller{Cloud: cloud}
	p.members = board[string]{describe: cloud.Grouped, id: func(id string) string { return id }, most: mostMembers, clock: clock, fresh: lookupsLast}
	p.instances = board[Instance]{describe: p.describe, id: func(i Instance) string { return i.ID }, most: mostDescribed, clock: clock, fresh: freshness}
	p.volumes = board[Volume]{describe: cloud.Volumes, id: func(v Volume) string { return v.ID }, most: mostDescribed, clock: clock, fresh: freshness}
	p.secrets = board[Parameter]{describe: cloud.Parameters, id: func(s Parameter) string { return s.Name }, most: mostNamed, clock: clock, fresh: lookupsLast}
	p.images = board[Image]{describe: p.madeImages, id: func(i Image) string { return i.ID }, most: mostDescribed, clock: clock, fresh: freshness}
	p.managed = board[Managed]{describe: cloud.Managed, id: func(m Managed) string { return m.ID }, most: mostManaged, clock: clock, fresh: 2 * freshness}
	return p
}

// Instances looks at instances.
func (p *poller) Instances(ctx context.Context, ids ...string) ([]Instance, error) {
	return p.instances.look(ctx, ids)
}

// describe takes note of the volumes of instances: whoever looks at one is about
// to look at the other.
func (p *poller) describe(ctx context.Context, ids ...string) ([]Instance, error) {
	found, err := p.Cloud.Instances(ctx, ids...)
	for _, i := range found {
		for _, d := range i.Devices {
			p.volumes.watch(d.Volume)
		}
	}
	return found, err
}

// Group asks for a group only where there is one.
func (p *poller) Group(ctx context.Context, instance string) (*Group, error) {
	if !p.alone {
		if member, err := p.members.look(ctx, []string{instance}); err != nil || len(member) == 0 {
			return nil, err
		}
	}
	return p.Cloud.Group(ctx, instance)
}

// Volumes looks at volumes.
func (p *poller) Volumes(ctx context.Context, ids ...string) ([]Volume, error) {
	return p.volumes.look(ctx, ids)
}

// Managed asks which instances Systems Manager knows.
func (p *poller) Managed(ctx context.Context, ids ...string) ([]Managed, error) {
	return p.managed.look(ctx, ids)
}

// Parameters looks up whether there are parameters; it may have been some time ago.
func (p *poller) Parameters(ctx context.Context, names ...string) ([]Parameter, error) {
	return p.secrets.look(ctx, names)
}

// madeImages looks at images that runs have made: one by its id, several by the
// tag that all of them carry.
func (p *poller) madeImages(ctx context.Context, ids ...string) ([]Image, error) {
	if len(ids) == 1 {
		image, err := p.Image(ctx, ids[0])
		if is(err, NotFound) {
			return nil, nil
		}
		return []Image{image}, err
	}
	made, err := p.BackupsTagged(ctx, TagRun, "")
	var images []Image
	for _, m := range made {
		images = append(images, Image{ID: m.ID, State: m.State, Snapshots: m.Snapshots})
	}
	return images, err
}

// Start starts instances.
func (p *poller) Start(ctx context.Context, ids ...string) error {
	defer p.changes(ids...)
	return p.Cloud.Start(ctx, ids...)
}

// Stop stops instances.
func (p *poller) Stop(ctx context.Context, force bool, ids ...string) error {
	defer p.changes(ids...)
	return p.Cloud.Stop(ctx, force, ids...)
}

// Terminate terminates instances.
func (p *poller) Terminate(ctx context.Context, ids ...string) error {
	defer p.changes(ids...)
	return p.Cloud.Terminate(ctx, ids...)
}

// Tag tags resources.
func (p *poller) Tag(ctx context.Context, tags map[string]string, ids ...string) error {
	defer p.changes(ids...)
	return p.Cloud.Tag(ctx, tags, ids...)
}

// Untag removes tags.
func (p *poller) Untag(ctx context.Context, keys []string, ids ...string) error {
	defer p.changes(ids...)
	return p.Cloud.Untag(ctx, keys, ids...)
}

// Attach attaches a volume.
func (p *poller) Attach(ctx context.Context, volume, instance, device string) error {
	defer p.changes(volume)
	return p.Cloud.Attach(ctx, volume, instance, device)
}

// Detach detaches a volume.
func (p *poller) Detach(ctx context.Context, volume, instance string) error {
	defer p.changes(volume)
	return p.Cloud.Detach(ctx, volume, instance)
}

// changes makes what is known of ids stale, and has them looked at along with
// others from now on.
func (p *poller) changes(ids ...string) {
	for _, id := range ids {
		switch kind, _, _ := strings.Cut(id, "-"); kind {
		case "i":
			p.instances.changes(id)
		case "vol":
			p.volumes.changes(id)
		}
	}
}

// idle is after how long without a question an id is not asked for along with
// others any more.
const idle = 2 * time.Minute

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

func (b *board[T]) changes(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sight(id)
	s.at, s.asked = time.Time{}, b.clock.Now()
}

// forget ends the watch of an id.
func (b *board[T]) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, id)
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

// others are stale and were asked about lately, the longest ago first: these
// are due next.
func (b *board[T]) others(now time.Time, ids []string) []string {
	var others []string
	for id, s := range b.known {
		if now.Sub(s.asked) < idle && now.Sub(s.at) >= b.fresh && !slices.Contains(ids, id) {
			others = append(others, id)
		}
	}
	slices.SortFunc(others, func(a, c string) int {
		if d := b.known[a].asked.Compare(b.known[c].asked); d != 0 {
			return d
		}
		return strings.Compare(a, c)
	})
	return others
}

// ask describes ids, and others that are stale as far as one call takes them.
func (b *board[T]) ask(ctx context.Context, now time.Time, ids []string) error {
	asked := append(slices.Clone(ids), b.others(now, ids)...)
	asked = asked[:min(len(asked), max(b.most, len(ids)))]
	found, err := b.describe(ctx, asked...)
	if err != nil {
		return err
	}
	for _, id := range asked {
		*b.sight(id) = sight[T]{at: now, asked: b.known[id].asked}
	}
	for _, value := range found {
		if s := b.known[b.id(value)]; s != nil {
			s.value = &value
		}
	}
	return nil
}
