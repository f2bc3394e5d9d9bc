package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
	"github.com/seed-77750964/regain/offline"
)

// deliver puts the agent where the helper can get it, once for all runs of a
// call. Repeated, it puts the same bytes in the same place.
func (b *bracket) deliver(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Ask.Installed {
		return flow.Wait{}, nil
	}
	d, binary, err := b.parcel(r)
	if err != nil {
		return flow.Wait{}, err
	}
	err = b.delivery.use(d.Key, r.Run, b.resumed, func() error { return b.cloud.Deliver(ctx, d.Bucket, d.Key, binary) })
	if err != nil {
		return flow.Wait{}, err
	}
	r.Delivery = &d
	return flow.Wait{}, nil
}

// parcel is the object by which the run's helper gets the agent.
func (b *bracket) parcel(r *Rescue) (Delivery, []byte, error) {
	if b.Agent == nil {
		return Delivery{}, nil, errors.New("cannot deliver the agent: this program holds none")
	}
	binary, err := b.Agent(r.Place.Arch)
	if err != nil {
		return Delivery{}, nil, fmt.Errorf("cannot deliver the agent: %w", err)
	}
	sum := sha256.Sum256(binary)
	return Delivery{Bucket: deliveryBucket(r.Ask, r.Caller), Key: r.parcelKey(), SHA256: hex.EncodeToString(sum[:])}, binary, nil
}

func (r *Rescue) parcelKey() string {
	of := r.Fleet
	if of == "" {
		of = r.Run
	}
	return "regain/" + of + "/regain-agent-" + r.Place.Arch
}

// parcels are the objects that runs of this process have use for, by key and run.
type parcels struct {
	mu    sync.Mutex
	users map[string]map[string]bool
}

// use notes that a run has use for an object, which is put there for the first.
func (p *parcels) use(key, run string, again bool, put func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.users[key]) == 0 || again {
		if err := put(); err != nil {
			return err
		}
	}
	if p.users == nil {
		p.users = map[string]map[string]bool{}
	}
	if p.users[key] == nil {
		p.users[key] = map[string]bool{}
	}
	p.users[key][run] = true
	return nil
}

// leave removes the object with its last user.
func (p *parcels) leave(key, run string, remove func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.users[key], run)
	if len(p.users[key]) > 0 {
		return nil
	}
	return remove()
}

// undeliver removes the object, unless another run still needs it: then that
// one does.
func (b *bracket) undeliver(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Ask.Installed || r.Place == nil {
		return flow.Wait{}, nil
	}
	key := r.parcelKey()
	return flow.Wait{}, b.delivery.leave(key, r.Run, func() error {
		return b.cloud.Undeliver(ctx, deliveryBucket(r.Ask, r.Caller), key)
	})
}

// The times that Systems Manager gives a command.
const (
	deliveryTime = 10 * time.Minute
	prepareTime  = 10 * time.Minute
	rescueTime   = armedFor + 30*time.Minute
	linkValid    = time.Hour
)

// prepare puts the agent on the helper. Its script may run twice, so that it is
// simply sent again when its answer is lost.
func (b *bracket) prepare(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if b.prepared == r.Helper {
		return flow.Wait{}, nil
	}
	if r.Prepare == "" {
		c, err := b.preparation(ctx, r)
		if err != nil {
			return flow.Wait{}, err
		}
		sent := b.groups.do(ctx, c.Comment, r.Helper, 5*time.Second, func(ctx context.Context, ids ...string) (string, error) {
			return b.cloud.Send(ctx, c, ids...)
		})
		if sent == nil || sent.err != nil {
			return company("to send the agent"), errOf(sent)
		}
		r.Prepare = sent.text
		b.begins("prepare")
		return b.wait("prepare", whilePreparing, "for the agent to be on the helper"), nil
	}
	inv, wait, err := b.ended(ctx, r, "prepare", r.Prepare, whilePreparing)
	switch {
	case err != nil || !wait.Done():
		return wait, err
	case inv.Status == "Success":
		b.prepared = r.Helper
		return flow.Wait{}, nil
	}
	return flow.Wait{}, fmt.Errorf("cannot put the agent on the helper: %s %s", inv.Details, shorten(inv.Stderr))
}

// preparation is the same for all runs of a call whose helpers are alike.
func (b *bracket) preparation(ctx context.Context, r *Rescue) (Command, error) {
	of := r.Fleet
	if of == "" {
		of = r.Run
	}
	c := Command{Kind: PrepareCommand, Comment: fmt.Sprintf("regain %s prepare %s", of, r.Place.Arch), Script: installedScript(),
		Delivery: deliveryTime, Timeout: prepareTime, Task: offline.Task{Command: PrepareCommand}}
	var first []string
	if r.windows() {
		c.Comment += " for NTFS"
		first = ntfsScript()
	}
	if r.Ask.Installed {
		c.Script = append(first, c.Script...)
		return c, nil
	}
	if b.resumed { // another run of the call may have removed it
		if wait, err := b.deliver(ctx, r); err != nil || !wait.Done() {
			return Command{}, err
		}
	}
	link, err := b.cloud.Link(ctx, r.Delivery.Bucket, r.Delivery.Key, linkValid)
	c.Script = append(first, prepareScript(link, r.Delivery.SHA256)...)
	return c, err
}
