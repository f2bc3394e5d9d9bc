package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// state is what the steps of the tests share: what they have heard of the world.
type state struct {
	Heard []string `json:"heard"`
}

// A fault is what goes wrong at a call of the world.
type fault string

const (
	crashBefore     fault = "crash before"
	crashAfter      fault = "crash after"
	errorBefore     fault = "error before"
	errorAfter      fault = "error after"
	againBefore     fault = "transient error before"
	againAfter      fault = "transient error after"
	interruptBefore fault = "interrupt before"
	interruptAfter  fault = "interrupt after"
	journalFails    fault = "journal fails" // at the next entry
)

var allFaults = []fault{crashBefore, crashAfter, errorBefore, errorAfter, againBefore, againAfter, interruptBefore, interruptAfter, journalFails}

var (
	errFault = errors.New("no")
	errAgain = errors.New("again")
	errDisk  = errors.New("the disk is full")
)

// crash is what a call panics with when the process dies.
type crash struct{}

// world is what the steps change: so many effects, one a step, each of which
// takes its time. It knows the rules that a run must keep.
type world struct {
	clock    *clock
	out      []bool // the effects that stand
	under    []int  // how many looks a change will take to show
	slow     []int  // how many looks each change takes
	calls    int
	faults   map[int]fault
	cancel   context.CancelFunc
	entries  [][]byte // the journal, as JSON
	fail     bool     // the next entry
	turned   bool     // the journal says so
	rescued  bool     // every Do has ended
	problems []string
}

func newWorld(slow []int, faults map[int]fault) *world {
	n := len(slow)
	return &world{clock: newClock(), out: make([]bool, n), under: make([]int, n), slow: slow, faults: faults}
}

func (w *world) wrong(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// call is one call of the world: its effect, and what goes wrong with it.
func (w *world) call(ctx context.Context, effect func()) error {
	w.calls++
	f := w.faults[w.calls]
	switch f {
	case crashBefore:
		panic(crash{})
	case errorBefore:
		return errFault
	case againBefore:
		return errAgain
	case interruptBefore:
		w.cancel()
	case journalFails:
		w.fail = true
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	effect()
	switch f {
	case crashAfter:
		panic(crash{})
	case errorAfter:
		return errFault
	case againAfter:
		return errAgain
	case interruptAfter:
		w.cancel()
	}
	return ctx.Err()
}

// steps change the world: each looks first, then does what is missing.
func (w *world) steps() []flow.Step[state] {
	var steps []flow.Step[state]
	for k := range w.out {
		name := fmt.Sprint("step ", k)
		steps = append(steps, flow.Step[state]{
			Name: name,
			Do: func(ctx context.Context, s *state) (flow.Wait, error) {
				if w.turned {
					w.wrong("%s goes out after the run turned round", name)
				}
				if slices.Contains(w.out[:k], false) || slices.Contains(w.out[k+1:], true) {
					w.wrong("%s goes out of order: %v", name, w.out)
				}
				wait, err := w.move(ctx, k, true)
				if err == nil && wait.Done() {
					s.Heard = append(s.Heard, name)
				}
				return wait, err
			},
			Undo: func(ctx context.Context, s *state) (flow.Wait, error) {
				if slices.Contains(w.out[k+1:], true) {
					w.wrong("%s comes home out of order: %v", name, w.out)
				}
				if _, limited := ctx.Deadline(); !limited || ctx.Err() != nil {
					w.wrong("%s comes home with a context that has ended, or never will", name)
				}
				if !w.turned && len(s.Heard) != len(w.out) {
					w.wrong("%s comes home, but nothing turned the run round: %v", name, s.Heard)
				}
				return w.move(ctx, k, false)
			},
		})
	}
	return steps
}

// move brings an effect about, or takes it back.
func (w *world) move(ctx context.Context, k int, to bool) (flow.Wait, error) {
	if w.out[k] != to {
		if err := w.call(ctx, func() { w.out[k], w.under[k] = to, w.slow[k] }); err != nil {
			return flow.Wait{}, err
		}
	}
	wait := flow.Wait{}
	err := w.call(ctx, func() {
		if w.under[k]--; w.under[k] > 0 {
			wait = flow.Wait{For: time.Second, Why: "it takes its time"}
		}
	})
	return wait, err
}

// Append and Entries make the world the run's journal, too.
func (w *world) Append(e flow.Entry[state]) error {
	if w.fail {
		w.fail = false
		return errDisk
	}
	line, err := json.Marshal(e)
	w.entries = append(w.entries, line)
	switch e.Event {
	case flow.Failed, flow.Turned:
		w.turned = true
	case flow.Did:
		w.rescued = e.Step == len(w.out)-1
	}
	return err
}

func (w *world) Entries() (entries []flow.Entry[state], err error) {
	for _, line := range w.entries {
		var e flow.Entry[state]
		err = errors.Join(err, json.Unmarshal(line, &e))
		entries = append(entries, e)
	}
	return entries, err
}

func (w *world) options() flow.Options {
	return flow.Options{Now: w.clock.Now, Transient: func(err error, attempt int) (flow.Wait, bool) {
		return flow.Wait{For: time.Duration(attempt) * time.Second, Why: "again"}, errors.Is(err, errAgain)
	}}
}

// process is the life of one process: it begins the run or takes it up, and
// drives it until it is over, dies, or cannot write its journal.
func (w *world) process(parent context.Context) (r *flow.Run[state], err error) {
	defer func() {
		if v := recover(); v != nil {
			if _, died := v.(crash); !died {
				panic(v)
			}
			r, err = nil, nil
		}
	}()
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	w.cancel = cancel
	if len(w.entries) == 0 {
		r, err = flow.Begin(w.steps(), w, state{}, w.options())
	} else {
		r, err = flow.Resume(w.steps(), w, w.options())
	}
	if err != nil {
		return nil, err
	}
	return r, flow.Fleet{Clock: w.clock}.Drive(ctx, r)
}

// lives drives a run through as many processes as it takes, and judges.
func (w *world) lives(ctx context.Context, most int) *flow.Run[state] {
	for range most {
		r, err := w.process(ctx)
		switch {
		case err != nil && !errors.Is(err, errDisk):
			w.wrong("the process ended with %v", err)
		case err == nil && r != nil && r.Way() == flow.AtHome:
			w.judge(r)
			return r
		}
	}
	w.wrong("the run is not home after %d processes", most)
	return nil
}

// judge looks at a run that is home.
func (w *world) judge(r *flow.Run[state]) {
	if slices.Contains(w.out, true) {
		w.wrong("home, and these are out: %v", w.out)
	}
	if success := r.Err() == nil; success != w.rescued || success == w.turned {
		w.wrong("home with %v; every step out: %v; turned round: %v", r.Err(), w.rescued, w.turned)
	}
}

// clock is simulated time.
type clock struct {
	now    time.Time
	sleeps int
}

func newClock() *clock { return &clock{now: time.Unix(1e9, 0).UTC()} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Sleep(ctx context.Context, until time.Time) {
	if c.sleeps++; c.sleeps > 1e6 {
		panic("this run sleeps for ever")
	}
	if ctx.Err() == nil && until.After(c.now) {
		c.now = until
	}
}
