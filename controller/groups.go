package controller

import (
	"context"
	"sync"
)

// mostGrouped is how many instances one call of a group names: what SendCommand
// takes.
const mostGrouped = 50

// groups makes calls together that several runs want at the same time: one
// StopInstances for fifty instances. Alone, a run's calls are made at once.
type groups struct {
	alone bool

	mu      sync.Mutex
	order   []string // keys, in the order in which they were first wanted
	wanted  map[string]*group
	answers map[wish]answered
}

// group is one call, for the instances that have asked for it so far.
type group struct {
	call groupCall
	ids  []string
}

type groupCall func(ctx context.Context, ids ...string) (string, error)

type wish struct{ key, id string }

type answered struct {
	text string
	err  error
}

// do makes a call for an instance, or has it made with the next flush: then
// made is false, and do is called again after it. Calls of the same key are
// the same but for the instance.
func (g *groups) do(ctx context.Context, key, id string, call groupCall) (text string, made bool, err error) {
	if g.alone {
		text, err = call(ctx, id)
		return text, true, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if a, ok := g.answers[wish{key, id}]; ok {
		delete(g.answers, wish{key, id})
		return a.text, true, a.err
	}
	if g.wanted == nil {
		g.wanted = map[string]*group{}
	}
	if g.wanted[key] == nil {
		g.wanted[key] = &group{call: call}
		g.order = append(g.order, key)
	}
	g.wanted[key].ids = append(g.wanted[key].ids, id)
	return "", false, nil
}

// flush makes the calls that are wanted, and tells whether there were any.
func (g *groups) flush(ctx context.Context) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	made := len(g.order) > 0
	for _, key := range g.order {
		all := g.wanted[key]
		for len(all.ids) > 0 {
			some := all.ids[:min(mostGrouped, len(all.ids))]
			all.ids = all.ids[len(some):]
			g.make(ctx, key, all.call, some)
		}
	}
	g.order, g.wanted = nil, nil
	return made
}

// make makes one call. EC2 refuses a call for one instance that it cannot serve:
// then each is asked for alone, so that no run fails for another's instance.
func (g *groups) make(ctx context.Context, key string, call groupCall, ids []string) {
	if g.answers == nil {
		g.answers = map[wish]answered{}
	}
	text, err := call(ctx, ids...)
	for _, id := range ids {
		if err != nil && len(ids) > 1 && !is(err, Throttled) && !is(err, Unknown) {
			text, err := call(ctx, id)
			g.answers[wish{key, id}] = answered{text, err}
			continue
		}
		g.answers[wish{key, id}] = answered{text, err}
	}
}
