package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller/flow"
)

// ledger is a journal in memory whose entries a test can count on.
type ledger struct {
	entries []flow.Entry[state]
	full    bool
}

func (l *ledger) Append(e flow.Entry[state]) error {
	if l.full {
		return errDisk
	}
	l.entries = append(l.entries, e)
	return nil
}

func (l *ledger) Entries() ([]flow.Entry[state], error) { return l.entries, nil }

// story is what a journal tells, in words.
func (l *ledger) story() (words []string) {
	for _, e := range l.entries {
		words = append(words, strings.TrimSpace(fmt.Sprint(e.Event, " ", e.Name)))
	}
	return words
}

type move = func(context.Context, *state) (flow.Wait, error)

func does(wait flow.Wait, err error) move {
	return func(context.Context, *state) (flow.Wait, error) { return wait, err }
}

var (
	done  = does(flow.Wait{}, nil)
	fails = does(flow.Wait{}, errFault)
	waits = does(flow.Wait{For: time.Minute, Why: "it boots"}, nil)
)

// drive begins a run of steps and drives it.
func drive(t *testing.T, o flow.Options, steps ...flow.Step[state]) (*flow.Run[state], *ledger, *clock) {
	t.Helper()
	c, l := newClock(), &ledger{}
	o.Now = c.Now
	r, err := flow.Begin(steps, l, state{}, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := (flow.Fleet{Clock: c}).Drive(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r, l, c
}

func TestStories(t *testing.T) {
	for name, tt := range map[string]struct {
		steps []flow.Step[state]
		story []string
		way   flow.Way
		err   string
	}{
		"success": {
			[]flow.Step[state]{{Name: "a", Do: done, Undo: done}, {Name: "b", Do: done}},
			[]string{"begun a", "done a", "done b", "undone b", "undone a", "home"}, flow.AtHome, "",
		},
		"the way home begins with the step that failed": {
			[]flow.Step[state]{{Name: "a", Do: done, Undo: done}, {Name: "b", Do: fails, Undo: done}, {Name: "c", Do: done, Undo: done}},
			[]string{"begun a", "done a", "failed b", "undone b", "undone a", "home"}, flow.AtHome, "b: no",
		},
		"it stops at the first undo that fails": {
			[]flow.Step[state]{{Name: "a", Do: done, Undo: done}, {Name: "b", Do: done, Undo: fails}, {Name: "c", Do: fails, Undo: done}},
			[]string{"begun a", "done a", "done b", "failed c", "undone c", "stuck b"}, flow.NotHome, "cannot take back b: no",
		},
		"a wait beyond the limit fails": {
			[]flow.Step[state]{{Name: "a", Do: waits, Undo: done, DoLimit: 10 * time.Minute}},
			[]string{"begun a", "failed a", "undone a", "home"}, flow.AtHome, "a: gave up after 10m0s: it boots",
		},
		"a wait beyond the run's limit fails": {
			[]flow.Step[state]{{Name: "a", Do: waits, Undo: done}},
			[]string{"begun a", "failed a", "undone a", "home"}, flow.AtHome, "a: gave up after 30m0s: it boots",
		},
		"an undo that waits beyond the limit is stuck": {
			[]flow.Step[state]{{Name: "a", Do: done, Undo: waits, UndoLimit: time.Hour}},
			[]string{"begun a", "done a", "stuck a"}, flow.NotHome, "cannot take back a: gave up after 1h0m0s: it boots",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, l, _ := drive(t, flow.Options{}, tt.steps...)
			if d := cmp.Diff(tt.story, l.story()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if text := fmt.Sprint(r.Err()); r.Way() != tt.way || text != tt.err && tt.err != "" || (r.Err() == nil) != (tt.err == "") {
				t.Errorf("%s with %v, want %s with %q", r.Way(), r.Err(), tt.way, tt.err)
			}
		})
	}
}

// TestErrors are those on which others decide.
func TestErrors(t *testing.T) {
	r, _, _ := drive(t, flow.Options{}, flow.Step[state]{Name: "a", Do: fails, Undo: fails})
	var stuck *flow.StuckError
	if !errors.As(r.Err(), &stuck) || stuck.Step != "a" || !errors.Is(stuck, errFault) || !errors.Is(stuck.Failed, errFault) {
		t.Errorf("stuck with %#v", r.Err())
	}
	var failed *flow.Error
	if !errors.As(r.Failure(), &failed) || failed.Step != "a" {
		t.Errorf("failed with %#v", r.Failure())
	}
}

func TestTransient(t *testing.T) {
	var attempts []int
	transient := func(err error, attempt int) (flow.Wait, bool) {
		attempts = append(attempts, attempt)
		return flow.Wait{For: time.Second, Why: "again"}, errors.Is(err, errAgain)
	}
	answers := []error{errAgain, errAgain, nil, errAgain, nil}
	step := flow.Step[state]{Name: "a", Do: func(context.Context, *state) (flow.Wait, error) {
		answer := answers[0]
		answers = answers[1:]
		if len(answers) == 0 {
			return flow.Wait{}, nil
		}
		return flow.Wait{For: time.Second, Why: "under way"}, answer
	}}
	r, l, c := drive(t, flow.Options{Transient: transient}, step)
	if r.Err() != nil || !slices.Equal(attempts, []int{1, 2, 1}) || c.sleeps != 4 {
		t.Errorf("ended with %v after attempts %v and %d sleeps: %v", r.Err(), attempts, c.sleeps, l.story())
	}
	r, _, _ = drive(t, flow.Options{Transient: transient}, flow.Step[state]{Name: "a", Do: does(flow.Wait{}, errAgain), DoLimit: time.Minute})
	if err := r.Err(); !errors.Is(err, errAgain) || !strings.Contains(err.Error(), "gave up after 1m0s: again") {
		t.Errorf("ended with %v", err)
	}
}

// TestStuckAndResumed wants the limit of an Undo to begin anew, and nothing to
// be undone twice that the journal knows of.
func TestStuckAndResumed(t *testing.T) {
	broken, undone := true, 0
	steps := []flow.Step[state]{
		{Name: "a", Do: done, Undo: func(context.Context, *state) (flow.Wait, error) {
			if broken {
				return flow.Wait{}, errFault
			}
			return flow.Wait{}, nil
		}},
		{Name: "b", Do: done, Undo: func(context.Context, *state) (flow.Wait, error) { undone++; return flow.Wait{}, nil }},
	}
	r, l, c := drive(t, flow.Options{}, steps...)
	if r.Way() != flow.NotHome || !r.Over() {
		t.Fatal(r.Way())
	}
	if wait, err := r.Advance(t.Context()); !wait.Done() || err != nil {
		t.Errorf("a run that is over advances: %v, %v", wait, err)
	}
	broken = false
	r, err := flow.Resume(steps, l, flow.Options{Now: c.Now})
	if err != nil || r.Way() != flow.Homing || r.Step() != "a" {
		t.Fatalf("taken up %s at %s, %v", r.Way(), r.Step(), err)
	}
	if err := (flow.Fleet{Clock: c}).Drive(t.Context(), r); err != nil || r.Err() != nil || undone != 1 {
		t.Errorf("ended with %v, %v; b was undone %d times", err, r.Err(), undone)
	}
	if r, err = flow.Resume(steps, l, flow.Options{Now: c.Now}); err != nil || r.Way() != flow.AtHome || r.Step() != "" {
		t.Errorf("home, and taken up %s: %v", r.Way(), err)
	}
}

func TestResumeRefuses(t *testing.T) {
	steps := []flow.Step[state]{{Name: "a", Do: done}, {Name: "b", Do: done}}
	for name, tt := range map[string]struct {
		entries []flow.Entry[state]
		want    string
	}{
		"nothing":          {nil, "the journal is empty"},
		"a later version":  {[]flow.Entry[state]{{Version: 2, Event: flow.Begun}}, "version 2, this program knows 1"},
		"another step":     {[]flow.Entry[state]{{Version: 1, Step: 1, Name: "c", Event: flow.Did}}, `step 1 is "c", which this version does not know`},
		"a step too many":  {[]flow.Entry[state]{{Version: 1, Step: 2, Name: "c", Event: flow.Undid}}, `step 2 is "c"`},
		"a step before it": {[]flow.Entry[state]{{Version: 1, Step: -1, Name: "", Event: flow.Stuck}}, `step -1`},
		"another event":    {[]flow.Entry[state]{{Version: 1, Step: 0, Name: "a", Event: "jumped"}}, `"jumped"`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := flow.Resume(steps, &ledger{entries: tt.entries}, flow.Options{Now: time.Now})
			if r != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestReplay wants a journal of which only the end is known to be enough: one
// made anew from tags begins in the middle.
func TestReplay(t *testing.T) {
	steps := []flow.Step[state]{{Name: "a", Do: done}, {Name: "b", Do: done}, {Name: "c", Do: done}}
	for _, tt := range []struct {
		event flow.Event
		step  int
		want  string
	}{
		{flow.Begun, 0, "a of out"}, {flow.Did, 0, "b of out"}, {flow.Did, 2, "c of homing"}, {flow.Failed, 1, "b of homing"},
		{flow.Turned, 2, "c of homing"}, {flow.Undid, 2, "b of homing"}, {flow.Undid, 0, " of homing"}, {flow.Home, -1, " of home"},
	} {
		e := flow.Entry[state]{Version: 1, Step: tt.step, Event: tt.event}
		if tt.step >= 0 {
			e.Name = steps[tt.step].Name
		}
		r, err := flow.Resume(steps, &ledger{entries: []flow.Entry[state]{e}}, flow.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Step() + " of " + string(r.Way()); got != tt.want {
			t.Errorf("after %s %d: %q, want %q", tt.event, tt.step, got, tt.want)
		}
	}
}

// TestContexts wants a Do to hear of an interrupt a while later, and an Undo only of its
// deadline.
func TestContexts(t *testing.T) { synctest.Test(t, contexts) }

func contexts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, l := newClock(), &ledger{}
	step := flow.Step[state]{
		Name: "a",
		Do: func(ctx context.Context, _ *state) (flow.Wait, error) {
			cancel()
			if ctx.Err() != nil {
				t.Error("the call was cut off at once")
			}
			<-ctx.Done()
			return flow.Wait{}, ctx.Err()
		},
		Undo: func(ctx context.Context, _ *state) (flow.Wait, error) {
			if ctx.Err() != nil {
				t.Error("the undo was cut off with the run")
			}
			<-ctx.Done()
			return flow.Wait{}, ctx.Err()
		},
	}
	r, err := flow.Begin([]flow.Step[state]{step}, l, state{}, flow.Options{Now: c.Now, CallLimit: 100 * time.Millisecond, Grace: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := (flow.Fleet{Clock: c}).Drive(ctx, r); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(r.Failure(), flow.ErrInterrupted) || !errors.Is(r.Err(), context.DeadlineExceeded) {
		t.Errorf("failed with %v, ended with %v", r.Failure(), r.Err())
	}
	again, err := flow.Resume([]flow.Step[state]{step}, l, flow.Options{Now: c.Now})
	if err != nil || !errors.Is(again.Failure(), flow.ErrInterrupted) {
		t.Errorf("taken up, it failed with %v, %v", again.Failure(), err)
	}
}

// TestDoHasALimitToo wants a Do that hangs to fail, as no interrupt came.
func TestDoHasALimitToo(t *testing.T) {
	hangs := func(ctx context.Context, _ *state) (flow.Wait, error) { <-ctx.Done(); return flow.Wait{}, ctx.Err() }
	r, l, _ := drive(t, flow.Options{CallLimit: 10 * time.Millisecond}, flow.Step[state]{Name: "a", Do: hangs})
	if want := []string{"begun a", "failed a", "undone a", "home"}; !slices.Equal(l.story(), want) || !errors.Is(r.Err(), context.DeadlineExceeded) {
		t.Errorf("%v, ended with %v", l.story(), r.Err())
	}
}

func TestTurn(t *testing.T) {
	c, l := newClock(), &ledger{}
	r, err := flow.Begin([]flow.Step[state]{{Name: "a", Do: done, Undo: done}, {Name: "b", Do: done}}, l, state{}, flow.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("taken back")
	for range 2 { // the second changes nothing
		if err := r.Turn(why); err != nil {
			t.Fatal(err)
		}
	}
	if err := (flow.Fleet{Clock: c}).Drive(t.Context(), r); err != nil || !errors.Is(r.Err(), why) {
		t.Errorf("ended with %v, %v", err, r.Err())
	}
	if want := []string{"begun a", "turned a", "undone a", "home"}; !slices.Equal(l.story(), want) {
		t.Error(l.story())
	}
}

// TestWatch wants each call to be told of once, and what came of it.
func TestWatch(t *testing.T) {
	var seen []string
	watch := func(n flow.Notice) {
		seen = append(seen, fmt.Sprint(n.Step, " ", n.Undo, " ", n.Event, " ", n.Wait.Why, " ", n.Err))
	}
	looks := 0
	step := flow.Step[state]{Name: "a", Undo: fails, Do: func(context.Context, *state) (flow.Wait, error) {
		if looks++; looks < 3 {
			return flow.Wait{For: time.Second, Why: "boots"}, nil
		}
		return flow.Wait{}, nil
	}}
	drive(t, flow.Options{Watch: watch}, step)
	want := []string{
		"a false begun  <nil>", "a false   <nil>", "a false  boots <nil>", "a false  boots <nil>", "a false done  <nil>",
		"a true   <nil>", "a true stuck  no",
	}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
