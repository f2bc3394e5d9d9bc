package flow_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/controller/flow"
)

// wall is simulated time that several goroutines read.
type wall struct {
	mu sync.Mutex
	clock
}

func (w *wall) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *wall) Sleep(ctx context.Context, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.Sleep(ctx, until)
}

func begin(t interface{ Fatal(...any) }, l *ledger, now func() time.Time, steps ...flow.Step[state]) *flow.Run[state] {
	r, err := flow.Begin(steps, l, state{}, flow.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSideBySide drives runs of random lengths with any number of workers: they
// take as long as the longest, and never more than the workers at a time.
func TestSideBySide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &wall{clock: *newClock()}
		began, workers := c.Now(), rapid.IntRange(0, 5).Draw(t, "workers")
		var busy, most atomic.Int32
		var runs []flow.Runner
		longest := 0
		for _, looks := range rapid.SliceOfN(rapid.IntRange(0, 9), 1, 12).Draw(t, "looks") {
			longest, looks = max(longest, looks), looks+1
			step := func(context.Context, *state) (flow.Wait, error) {
				for n := busy.Add(1); n > most.Load(); {
					most.Store(n)
				}
				defer busy.Add(-1)
				if looks--; looks > 0 {
					return flow.Wait{For: time.Second, Why: "boots"}, nil
				}
				return flow.Wait{}, nil
			}
			runs = append(runs, begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: step, Undo: done}))
		}
		if err := (flow.Fleet{Clock: c, Workers: workers}).Drive(context.Background(), runs...); err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			if r.Way() != flow.AtHome {
				t.Errorf("a run is %s", r.Way())
			}
		}
		if took := c.Now().Sub(began); took != time.Duration(longest)*time.Second {
			t.Errorf("took %s, the longest takes %d s", took, longest)
		}
		if most.Load() > max(1, int32(workers)) {
			t.Errorf("%d at a time with %d workers", most.Load(), workers)
		}
	})
}

// TestWorkersWorkTogether wants three runs in their calls at the same time, and
// never a fourth.
func TestWorkersWorkTogether(t *testing.T) {
	const workers = 3
	var inside, most atomic.Int32
	together := make(chan struct{})
	var once sync.Once
	step := func(ctx context.Context, _ *state) (flow.Wait, error) {
		n := inside.Add(1)
		defer inside.Add(-1)
		if n == workers {
			time.AfterFunc(20*time.Millisecond, func() { once.Do(func() { close(together) }) }) // time for a fourth
		}
		select {
		case <-together:
		case <-ctx.Done():
			return flow.Wait{}, ctx.Err()
		}
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		return flow.Wait{}, nil
	}
	var runs []flow.Runner
	for range 2 * workers {
		r, err := flow.Begin([]flow.Step[state]{{Name: "a", Do: step}}, &ledger{}, state{}, flow.Options{Now: time.Now, CallLimit: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
	}
	if err := (flow.Fleet{Clock: flow.Wall{}, Workers: workers}).Drive(t.Context(), runs...); err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if err := r.(*flow.Run[state]).Err(); err != nil {
			t.Error(err)
		}
	}
	if most.Load() != workers {
		t.Errorf("%d at a time", most.Load())
	}
}

// TestInterruptWakes wants an interrupt to be acted on at once, also by a run
// that is not due for long, and the way home to be as slow as it must be.
func TestInterruptWakes(t *testing.T) {
	for _, workers := range []int{1, 4} {
		ctx, cancel := context.WithCancel(t.Context())
		c := &wall{clock: *newClock()}
		began := c.Now()
		looks := 0
		slowHome := func(context.Context, *state) (flow.Wait, error) {
			if looks++; looks < 4 {
				return flow.Wait{For: time.Second, Why: "terminates"}, nil
			}
			return flow.Wait{}, nil
		}
		interrupts := func(context.Context, *state) (flow.Wait, error) {
			cancel()
			return flow.Wait{For: 20 * time.Minute, Why: "stops"}, nil
		}
		runs := []flow.Runner{
			begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: waits, Undo: slowHome}),
			begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: interrupts, Undo: done}),
		}
		if err := (flow.Fleet{Clock: c, Workers: workers}).Drive(ctx, runs...); err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			if err := r.(*flow.Run[state]).Err(); !errors.Is(err, flow.ErrInterrupted) {
				t.Errorf("ended with %v", err)
			}
		}
		if took := c.Now().Sub(began); took != 3*time.Second || c.sleeps > 4 {
			t.Errorf("took %s in %d sleeps, want 3s", took, c.sleeps)
		}
	}
}

// TestJournalCannotBeWritten wants that run to stop where its journal says, the
// others to come home, and the caller to be told.
func TestJournalCannotBeWritten(t *testing.T) {
	for name, at := range map[string]struct {
		event flow.Event // the one that cannot be written
		do    move
		step  string // where the run is then
		way   flow.Way
	}{
		"a Do ended":    {flow.Did, done, "a", flow.Out},
		"a Do failed":   {flow.Failed, fails, "a", flow.Out},
		"an Undo ended": {flow.Undid, done, "a", flow.Homing},
		"home":          {flow.Home, done, "", flow.Homing},
	} {
		t.Run(name, func(t *testing.T) {
			c, calls := newClock(), 0
			count := func(m move) move {
				return func(ctx context.Context, s *state) (flow.Wait, error) { calls++; return m(ctx, s) }
			}
			steps := []flow.Step[state]{{Name: "a", Do: count(at.do), Undo: count(done)}}
			bad := &filling{at: at.event}
			r, err := flow.Begin(steps, bad, state{}, flow.Options{Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			good := begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "b", Do: done, Undo: done})
			err = flow.Fleet{Clock: c}.Drive(t.Context(), r, good)
			if !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "cannot write the journal") || good.Way() != flow.AtHome {
				t.Errorf("ended with %v, the other run is %s", err, good.Way())
			}
			if r.Over() || r.Way() != at.way || r.Step() != at.step {
				t.Errorf("stopped at %q of %s", r.Step(), r.Way())
			}
			made := calls
			bad.at = ""
			again, err := flow.Resume(steps, bad, flow.Options{Now: c.Now})
			if err != nil || where(again) != where(r) {
				t.Fatalf("taken up at %s, %v; it stopped at %s", where(again), err, where(r))
			}
			if err := (flow.Fleet{Clock: c}).Drive(t.Context(), again); err != nil || again.Way() != flow.AtHome {
				t.Errorf("then %s, %v", again.Way(), err)
			}
			if name == "home" && calls != made {
				t.Error("home, and something was done again")
			}
		})
	}
	if r, err := flow.Begin([]flow.Step[state]{{Name: "a", Do: done}}, &ledger{full: true}, state{}, flow.Options{Now: time.Now}); r != nil || !errors.Is(err, errDisk) {
		t.Errorf("begun with %v", err)
	}
}

// filling is a journal that cannot take one kind of event.
type filling struct {
	ledger
	at flow.Event
}

func (f *filling) Append(e flow.Entry[state]) error {
	if e.Event == f.at {
		return errDisk
	}
	return f.ledger.Append(e)
}

// together is a call that runs make together, as they ask for it.
type together struct {
	wanted, made []string
}

func (g *together) step(name string) move {
	return func(context.Context, *state) (flow.Wait, error) {
		if slices.Contains(g.made, name) {
			return flow.Wait{}, nil
		}
		if !slices.Contains(g.wanted, name) {
			g.wanted = append(g.wanted, name)
		}
		return flow.Wait{Why: "for the others"}, nil
	}
}

func (g *together) flush(context.Context) bool {
	made := len(g.wanted) > 0
	g.made, g.wanted = append(g.made, g.wanted...), nil
	return made
}

// TestFlush wants runs that wait for each other to be asked again at once.
func TestFlush(t *testing.T) {
	c, g := newClock(), &together{}
	began := c.Now()
	r1 := begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: g.step("one"), Undo: done})
	r2 := begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: g.step("two"), Undo: done})
	if err := (flow.Fleet{Clock: c, Flush: g.flush}).Drive(t.Context(), r1, r2); err != nil {
		t.Fatal(err)
	}
	if !c.Now().Equal(began) || !slices.Equal(g.made, []string{"one", "two"}) || r1.Err() != nil || r2.Err() != nil {
		t.Errorf("after %s: %v", c.Now().Sub(began), g.made)
	}
}

// TestNoFlush wants a run that waits for a Flush which never comes to be looked
// at again now and then, not all the time, and to fail at its limit.
func TestNoFlush(t *testing.T) {
	for name, flush := range map[string]func(context.Context) bool{"none": nil, "idle": func(context.Context) bool { return false }} {
		c, looks := newClock(), 0
		step := func(context.Context, *state) (flow.Wait, error) {
			looks++
			return flow.Wait{Why: "for the others"}, nil
		}
		r := begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: step, DoLimit: time.Minute})
		if err := (flow.Fleet{Clock: c, Flush: flush}).Drive(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if r.Err() == nil || looks < 50 || looks > 70 {
			t.Errorf("%s: ended with %v after %d looks", name, r.Err(), looks)
		}
	}
}

// TestSpeed wants waits to be as much shorter as a lab's time runs faster.
func TestSpeed(t *testing.T) {
	for speed, want := range map[float64]time.Duration{0: time.Minute, 1: time.Minute, 30: 2 * time.Second, -1: time.Minute} {
		c, looks := newClock(), 0
		began := c.Now()
		step := func(context.Context, *state) (flow.Wait, error) {
			if looks++; looks == 1 {
				return flow.Wait{For: time.Minute, Why: "boots"}, nil
			}
			return flow.Wait{}, nil
		}
		r := begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: step})
		if err := (flow.Fleet{Clock: c, Speed: speed}).Drive(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if took := c.Now().Sub(began); took != want {
			t.Errorf("at speed %v it took %s, want %s", speed, took, want)
		}
	}
}

// TestPanicReachesTheCaller also when a worker advanced the run.
func TestPanicReachesTheCaller(t *testing.T) {
	for _, workers := range []int{1, 3} {
		func() {
			calls := 0
			defer func() {
				if v := recover(); v != (crash{}) || calls != 1 {
					t.Errorf("with %d workers: recovered %v after %d calls", workers, v, calls)
				}
			}()
			dies := func(context.Context, *state) (flow.Wait, error) { calls++; panic(crash{}) }
			c := &wall{clock: *newClock()}
			r1 := begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: dies})
			r2 := begin(t, &ledger{}, c.Now, flow.Step[state]{Name: "a", Do: done})
			_ = flow.Fleet{Clock: c, Workers: workers}.Drive(t.Context(), r1, r2)
			t.Error("nothing panicked")
		}()
	}
}

func TestWall(t *testing.T) {
	var c flow.Clock = flow.Wall{}
	began := time.Now()
	c.Sleep(t.Context(), began.Add(30*time.Millisecond))
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("slept for %s", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	c.Sleep(ctx, began.Add(time.Hour))
	if took := c.Now().Sub(began); took > time.Minute {
		t.Errorf("slept for %s, through an interrupt", took)
	}
}

// TestNothingToDrive ends at once.
func TestNothingToDrive(t *testing.T) {
	if err := (flow.Fleet{Clock: newClock()}).Drive(t.Context()); err != nil {
		t.Error(err)
	}
}
