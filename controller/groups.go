package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// mostGrouped is how many instances one call of a group names: what SendCommand
// takes.
const mostGrouped = 50

// groups makes calls together that several runs want at the same time: one
// StopInstances for fifty instances. Alone, a run's calls are made at once.
type groups struct {
	alone bool
	now   func() time.Time

	mu      sync.Mutex
	order   []string // keys, in the order in which they were first wanted
	wanted  map[string]*group
	answers map[wish]answered
}

// group is one call, for the instances that have asked for it so far.
type group struct {
	call groupCall
	ids  []string
	due  time.Time // when it is made, if it is not full before
}

type groupCall func(ctx context.Context, ids ...string) (string, error)

type wish struct{ key, id string }

// answered is what came of a call.
type answered struct {
	text string
	err  error
	at   time.Time
}

// do makes a call for an instance, or has it made together with others that
// come within the time that it can wait for company: then there is no answer
// yet, and do is called again. Calls of the same key are the same but for the
// instance.
func (g *groups) do(ctx context.Context, key, id string, company time.Duration, call groupCall) *answered {
	if g.alone {
		at := g.now()
		text, err := call(ctx, id)
		return &answered{text, err, at}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if a, ok := g.answers[wish{key, id}]; ok {
		delete(g.answers, wish{key, id})
		return &a
	}
	if g.wanted == nil {
		g.wanted = map[string]*group{}
	}
	if g.wanted[key] == nil {
		g.wanted[key] = &group{call: call, due: g.now().Add(company)}
		g.order = append(g.order, key)
	}
	if all := g.wanted[key]; !slices.Contains(all.ids, id) {
		all.ids = append(all.ids, id)
	}
	return nil
}

// withdraw takes back what was wanted for an instance and is not made yet: its
// run has turned round.
func (g *groups) withdraw(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, all := range g.wanted {
		all.ids = slices.DeleteFunc(all.ids, func(other string) bool { return other == id })
	}
}

func errOf(a *answered) error {
	if a == nil {
		return nil
	}
	return a.err
}

// company is what a run waits for that has called do without an answer.
func company(what string) flow.Wait {
	return flow.Wait{For: time.Second, Why: what + " together with others"}
}

// flush makes the calls that are full or due, and tells whether there were any.
func (g *groups) flush(ctx context.Context) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	made, left := false, g.order[:0]
	for _, key := range g.order {
		all := g.wanted[key]
		if len(all.ids) < mostGrouped && g.now().Before(all.due) {
			left = append(left, key)
			continue
		}
		for len(all.ids) > 0 {
			some := all.ids[:min(mostGrouped, len(all.ids))]
			all.ids = all.ids[len(some):]
			g.make(ctx, key, all.call, some)
		}
		delete(g.wanted, key)
		made = true
	}
	g.order = left
	return made
}

// make makes one call. EC2 refuses a call for one instance that it cannot serve:
// then each is asked for alone, so that no run fails for another's instance.
func (g *groups) make(ctx context.Context, key string, call groupCall, ids []string) {
	if g.answers == nil {
		g.answers = map[wish]answered{}
	}
	at := g.now()
	text, err := call(ctx, ids...)
	for _, id := range ids {
		if err != nil && len(ids) > 1 && !is(err, Throttled) && !is(err, Unknown) {
			text, err := call(ctx, id)
			g.answers[wish{key, id}] = answered{text, err, at}
			continue
		}
		g.answers[wish{key, id}] = answered{text, err, at}
	}
}
