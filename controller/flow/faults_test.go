package flow_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/controller/flow"
)

// TestEveryPairOfFaults drives a run with two faults, of every kind, at every
// pair of calls.
func TestEveryPairOfFaults(t *testing.T) {
	slow, runs := []int{1, 2, 1, 1}, 0
	quiet := newWorld(slow, nil)
	if r := quiet.lives(t.Context(), 1); r == nil || r.Err() != nil || len(quiet.problems) > 0 {
		t.Fatalf("without faults: %v", quiet.problems)
	}
	for i := 1; i <= quiet.calls; i++ {
		for j := i; j <= quiet.calls+2; j++ {
			for _, a := range allFaults {
				for _, b := range allFaults {
					w := newWorld(slow, map[int]fault{i: a, j: b})
					r := w.lives(t.Context(), 4)
					if runs++; len(w.problems) > 0 {
						t.Fatalf("%s at call %d, %s at call %d: %v\n%s", a, i, b, j, w.problems, journal(w))
					}
					if harmless(a) && harmless(b) && i != j && r.Err() != nil {
						t.Fatalf("%s at call %d, %s at call %d: failed with %v", a, i, b, j, r.Err())
					}
				}
			}
		}
	}
	t.Logf("%d runs of %d calls", runs, quiet.calls)
}

// harmless faults do not turn a run round.
func harmless(f fault) bool {
	return f == crashBefore || f == crashAfter || f == againBefore || f == againAfter || f == journalFails
}

func journal(w *world) (text string) {
	for _, line := range w.entries {
		text += string(line) + "\n"
	}
	return text
}

// TestInterruptIsNeverStuck places interrupts only: the run is home when its
// process ends.
func TestInterruptIsNeverStuck(t *testing.T) {
	slow := []int{2, 1, 3}
	for i := 1; i <= 20; i++ {
		for _, f := range []fault{interruptBefore, interruptAfter} {
			w := newWorld(slow, map[int]fault{i: f})
			r := w.lives(t.Context(), 1)
			if len(w.problems) > 0 {
				t.Fatalf("%s at call %d: %v", f, i, w.problems)
			}
			if w.turned != errors.Is(r.Err(), flow.ErrInterrupted) {
				t.Errorf("%s at call %d: ended with %v", f, i, r.Err())
			}
		}
	}
}

// TestRandomFaults has any number of steps, delays and faults, side by side.
func TestRandomFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slow := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 6).Draw(t, "slow")
		faults := rapid.MapOfN(rapid.IntRange(1, 40), rapid.SampledFrom(allFaults), 0, 6).Draw(t, "faults")
		w := newWorld(slow, faults)
		w.lives(t.Context(), len(faults)+1)
		if len(w.problems) > 0 {
			t.Fatalf("%v\n%s", w.problems, journal(w))
		}
	})
}

// TestReplayIsWhereTheRunIs compares a run at each of its entries with one that
// is taken up there.
func TestReplayIsWhereTheRunIs(t *testing.T) {
	for name, faults := range map[string]map[int]fault{"success": nil, "failure": {5: errorAfter}, "interrupt": {6: interruptAfter}, "stuck": {3: errorBefore, 4: errorBefore}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld([]int{1, 1, 1}, maps.Clone(faults))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.cancel = cancel
			r, err := flow.Begin(w.steps(), w, state{}, w.options())
			if err != nil {
				t.Fatal(err)
			}
			for was := 0; !r.Over(); {
				if _, err := r.Advance(ctx); err != nil {
					t.Fatal(err)
				}
				if len(w.entries) == was || r.Over() && r.Way() == flow.NotHome {
					continue
				}
				was = len(w.entries)
				again, err := flow.Resume(w.steps(), w, w.options())
				if err != nil {
					t.Fatal(err)
				}
				if here, there := where(r), where(again); here != there {
					t.Errorf("the run is at %s, taken up it is at %s", here, there)
				}
			}
		})
	}
}

func where(r *flow.Run[state]) string {
	return fmt.Sprintf("%s of %s, %v, failed: %v", r.Step(), r.Way(), r.State.Heard, r.Failure())
}
