package controller_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

func withCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

func as[E error](err error, target *E) bool { return errors.As(err, target) }

func contains(s, part string) bool { return strings.Contains(s, part) }

func (w *world) reset(t *testing.T, ask controller.Ask) controller.Outcome {
	t.Helper()
	ask.Instance = w.patient
	outcomes, err := w.Reset(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes[0]
}

// left begins a rescue that dies at a step, and returns its journals.
func (w *world) left(t *testing.T, ask controller.Ask, step, event string) *runs {
	t.Helper()
	journals := newRuns()
	c := w.controller(journals)
	c.Watch = func(e controller.Event) {
		if e.Step == step && e.Event == event {
			panic(sim.Crash{})
		}
	}
	ask.Instance = w.patient
	if !sim.Crashed(func() { _, _ = c.Reset(context.Background(), ask) }) { // it dies
		t.Fatalf("there is no %s of %s", event, step)
	}
	return journals
}

func TestASecondRunIsRefused(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	journals := w.left(t, controller.Ask{}, "attach", "done")
	mutations := len(w.cloud.Mutations())
	w.Owner = "ben@lab"
	o := w.reset(t, controller.Ask{})
	var refused *controller.RefusedError
	if o.State != controller.StateRefused || !as(o.Err, &refused) || len(w.cloud.Mutations()) != mutations {
		t.Fatalf("%s: %v, after %v", o.State, o.Err, w.cloud.Mutations()[mutations:])
	}
	for _, want := range []string{"anna@desk", "20261122T155300Z-", "ago"} {
		found := false
		for _, r := range refused.Risks {
			found = found || r.ID == "locked" && contains(r.Detail, want)
		}
		if !found {
			t.Errorf("%q is not told: %+v", want, refused.Risks)
		}
	}
	var locked *controller.LockedError
	for ref, resume := range map[string]func(context.Context, string, bool) (controller.Outcome, error){"resume": w.Resume, "rollback": w.Rollback} {
		if _, err := resume(t.Context(), w.patient, false); !as(err, &locked) || locked.Owner != "anna@desk" || locked.Age < 0 {
			t.Errorf("%s of another's run: %v", ref, err)
		}
	}
	if o, err := w.Resume(t.Context(), w.patient, true); err != nil || o.State != controller.StateRescued || o.Rescue.Owner != "ben@lab" {
		t.Errorf("taken over: %s, %v, %v", o.State, o.Err, err)
	}
	w.same(t)
	c := w.controller(journals) // whose run it was finds it at home
	if o, err := c.Resume(t.Context(), journals.newest(), false); err != nil || o.State == controller.StateNotHome {
		t.Errorf("%s: %v, %v", o.State, o.Err, err)
	}
	w.same(t)
}

// TestTwoRunsAtOnce has another run lock the instance behind this one's back.
func TestTwoRunsAtOnce(t *testing.T) {
	for name, at := range map[string][2]string{"at once": {"lock", "waits"}, "later": {"arm", "done"}} {
		w := newWorld(t, sim.Options{}, sim.Patient{})
		other := map[string]string{controller.TagRun: "20261122T155301Z-ffffff", controller.TagOwner: "ben@lab"}
		w.Watch = func(e controller.Event) {
			if e.Step == at[0] && e.Event == at[1] && e.Way == "out" {
				if err := w.cloud.Tag(context.Background(), other, w.patient); err != nil {
					t.Error(err)
				}
				w.clock.Pass(2e9)
			}
		}
		o := w.reset(t, controller.Ask{})
		var locked *controller.LockedError
		if o.State != controller.StateRefused || !as(o.Err, &locked) || locked.Owner != "ben@lab" {
			t.Errorf("%s: %s: %v", name, o.State, o.Err)
		}
		if tags := w.cloud.Snapshot().Instances[w.patient].Tags; tags[controller.TagRun] != other[controller.TagRun] {
			t.Errorf("%s: the other's lock is gone: %v", name, tags)
		}
		for _, action := range w.cloud.Mutations() {
			if action == "ec2:StopInstances" {
				t.Errorf("%s: the instance was stopped", name)
			}
		}
	}
}

func TestTakeOver(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	if err := w.cloud.Tag(t.Context(), map[string]string{controller.TagRun: "old", controller.TagOwner: "ben@lab"}, w.patient); err != nil {
		t.Fatal(err)
	}
	if o := w.reset(t, controller.Ask{Accept: []string{"locked"}}); o.State != controller.StateRescued {
		t.Errorf("%s: %v", o.State, o.Err)
	}
	w.same(t)
}

func TestTheLockIsTakenAway(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	w.Watch = func(e controller.Event) {
		if e.Step == "arm" && e.Event == "done" {
			if err := w.cloud.Untag(context.Background(), []string{controller.TagRun}, w.patient); err != nil {
				t.Error(err)
			}
			w.clock.Pass(2e9)
		}
	}
	if o := w.reset(t, controller.Ask{}); o.State != controller.StateTakenBack || !contains(o.Error, "tags") {
		t.Errorf("%s: %v", o.State, o.Err)
	}
	w.same(t)
}
