package ec2

import (
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// dues are the times at which transitions may end, by what is in transition.
func (a *account) dues() map[string]*time.Time {
	due := map[string]*time.Time{}
	for id, i := range a.Instances {
		due[id] = &i.Due
	}
	for id, v := range a.Volumes {
		due[id] = &v.Due
		if v.Attachment != nil {
			due[id+" attachment"] = &v.Attachment.Due
		}
	}
	for id, s := range a.Snapshots {
		due[id] = &s.Due
	}
	for id, x := range a.Images {
		due[id] = &x.Due
	}
	return due
}

// holdUp carries out a call, and keeps the transitions that it starts from ending
// before d has passed. Meanwhile no transition ends at all, so that a short one does
// not slip through.
func (e *EC2) holdUp(c *wire.Call, d time.Duration, do func() (any, error)) (any, error) {
	e.still.Lock()
	defer e.still.Unlock()
	before := map[string]time.Time{}
	_ = e.look(func(a *account, _ time.Time) error {
		for id, due := range a.dues() {
			before[id] = *due
		}
		return nil
	})
	answer, err := do()
	if err != nil {
		return nil, err
	}
	return answer, e.change(func(a *account, now time.Time) error {
		for id, due := range a.dues() {
			if was, old := before[id]; !due.Equal(was) && (!old || names(c, id)) {
				*due = now.Add(d)
			}
		}
		return nil
	})
}

// names tells whether a call names a resource.
func names(c *wire.Call, id string) bool {
	id, _, _ = strings.Cut(id, " ")
	for _, values := range c.Query {
		if slices.Contains(values, id) {
			return true
		}
	}
	return false
}
