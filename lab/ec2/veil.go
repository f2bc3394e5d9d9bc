package ec2

import (
	"maps"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
)

// The veil hides what was made a moment ago from those who describe it: EC2 is
// consistent in the end.
type veil struct {
	mu    sync.Mutex
	looks map[string]int
}

// hides counts a look at a resource and tells whether it does not show yet.
func (v *veil) hides(e *EC2, a *account, id string, now time.Time) bool {
	born, ok := a.Born[id]
	if !ok || e.visible(born, now) {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looks[id]++
	return v.looks[id] <= rules.LimitOf("consistency.ec2.describes")
}

// visible: the window in which EC2 may not know a resource is over.
func (e *EC2) visible(born, now time.Time) bool {
	return !now.Before(born.Add(e.Pace.Of("consistency.ec2.create")))
}

// born remembers what a call has made, with its tags.
func (a *account) born(now time.Time, tags map[string]string, ids ...string) {
	for _, id := range ids {
		a.Born[id] = now
		if len(tags) > 0 {
			a.Tags[id] = maps.Clone(tags)
		}
	}
}

// drop takes a resource out of the account, with what is kept beside it.
func drop[T any](a *account, of map[string]T, id string) {
	delete(of, id)
	a.forget(id)
}

// forget removes what is kept beside a resource.
func (a *account) forget(id string) {
	delete(a.Tags, id)
	delete(a.Born, id)
}
