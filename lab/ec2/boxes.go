package ec2

import (
	"slices"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
)

// boxes are the machines as this process knows them. After a restart it knows
// none, and drive boots what should run.
type boxes struct {
	mu sync.Mutex
	of map[string]*box
}

type box struct {
	busy  bool // the host is at work on it
	up    bool // it was booted, and nobody switched it off
	since time.Time
	alive func() bool
	disks map[string]bool      // volumes that it sees
	again map[string]time.Time // volumes that it did not let go, and when to ask again
}

// power stands among the volumes for a machine that was not switched off.
const power = ""

// boot notes that the machine runs, and which volumes it sees.
func (x *box) boot(spec machine.Spec, now time.Time, alive func() bool) {
	x.up, x.since, x.alive = true, now, alive
	clear(x.disks)
	for _, d := range slices.Concat(spec.Disks, []machine.Disk{spec.Root}) {
		if d.Volume != "" {
			x.disks[d.Volume] = true
		}
	}
}

// down notes that the machine was switched off.
func (x *box) down() {
	x.up, x.since = false, time.Time{}
	clear(x.disks)
	clear(x.again)
}

// seize makes a box busy; it fails where it is busy already.
func (b *boxes) seize(instance string) bool {
	return b.ask(instance, func(x *box) bool {
		free := !x.busy
		x.busy = true
		return free
	})
}

// with shows the box of an instance, which may be a new one.
func (b *boxes) with(instance string, f func(*box)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.of[instance]
	if x == nil {
		x = &box{disks: map[string]bool{}, again: map[string]time.Time{}}
		b.of[instance] = x
	}
	f(x)
}

func (b *boxes) ask(instance string, f func(*box) bool) (answer bool) {
	b.with(instance, func(x *box) { answer = f(x) })
	return answer
}

// on: booted, and at rest.
func (b *boxes) on(instance string) bool {
	return b.ask(instance, func(x *box) bool { return x.up && !x.busy })
}

// off: not booted, and nobody is booting it.
func (b *boxes) off(instance string) bool {
	return b.ask(instance, func(x *box) bool { return !x.up && !x.busy })
}

// ended: it was booted, nobody switched it off, and it runs no more.
func (b *boxes) ended(instance string) bool {
	return b.ask(instance, func(x *box) bool { return x.up && !x.busy && !x.alive() })
}

// sees tells whether a machine has a volume in its devices.
func (b *boxes) sees(instance, volume string) bool {
	return b.ask(instance, func(x *box) bool { return x.up && x.disks[volume] })
}

// refuses tells whether a machine did not let go of a volume.
func (b *boxes) refuses(instance, volume string) bool {
	return b.ask(instance, func(x *box) bool { return !x.again[volume].IsZero() })
}

func (b *boxes) forget(instance string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.of, instance)
}

func (b *boxes) booted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for id, x := range b.of {
		if x.up {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
