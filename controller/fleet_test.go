package controller_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/pace"
	"github.com/seed-77750964/regain/controller/sim"
)

// TestTogether runs many rescues side by side, of which some fail, by several
// workers, in an account that throttles.
func TestTogether(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays(), Throttle: true}, sim.Patient{})
	w.Cloud, w.Workers = pace.New(w.cloud, w.clock.Now), 4
	w.Watch = nil
	asks := []controller.Ask{{Instance: w.patient}}
	for i := range 39 {
		p := sim.Patient{}
		if i%10 == 0 {
			p.AgentDies = 1
		}
		asks = append(asks, controller.Ask{Instance: w.cloud.AddInstance(p)})
	}
	closed := w.cloud.AddInstance(sim.Patient{Instance: controller.Instance{RootDeviceType: "instance-store"}})
	asks = append(asks, controller.Ask{Instance: closed})
	w.before = w.cloud.Snapshot()
	outcomes, err := w.Reset(t.Context(), asks...)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		want := controller.StateRescued
		if asks[i].Instance == closed {
			want = controller.StateRefused
		}
		if o.Instance != asks[i].Instance || o.State != want {
			t.Errorf("%s, asked for %s: %s, %v", o.Instance, asks[i].Instance, o.State, o.Err)
		}
		w.patient = o.Instance
		w.same(t)
	}
	for _, c := range w.cloud.Calls() {
		if c.Err != nil && contains(c.Err.Error(), "RequestLimitExceeded") {
			t.Errorf("%s was throttled", c.Action)
		}
	}
	calls := w.cloud.Mutations()
	for action, most := range map[string]int{"ec2:StopInstances": 10, "s3:PutObject": 1, "s3:DeleteObject": 1} {
		if n := len(slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c != action })); n > most {
			t.Errorf("%d times %s, at most %d are needed", n, action, most)
		}
	}
}

// TestOneForeignerSpoilsNothing has a group's call refused for one instance: the
// others are stopped all the same.
func TestOneForeignerSpoilsNothing(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	other := w.cloud.AddInstance(sim.Patient{})
	w.Watch = func(e controller.Event) {
		if e.Step == "unprotect" && e.Event == "done" && e.Instance == w.patient {
			if err := w.cloud.SetStopProtection(context.Background(), w.patient, true); err != nil {
				t.Error(err)
			}
		}
	}
	outcomes, err := w.Reset(t.Context(), controller.Ask{Instance: w.patient}, controller.Ask{Instance: other})
	if err != nil || outcomes[0].State == controller.StateRescued || outcomes[1].State != controller.StateRescued {
		t.Errorf("%s and %s: %v", outcomes[0].State, outcomes[1].State, err)
	}
}

// TestFaultsInCompany places every fault at every call of three rescues side by
// side, whose calls are made together.
func TestFaultsInCompany(t *testing.T) {
	t.Parallel()
	calls := len(company(t).cloud.Calls())
	runs := 0
	for call := 20; call <= calls; call++ {
		for _, f := range sim.Faults() {
			company(t, blow{call, f})
			runs++
		}
	}
	t.Logf("%d calls, %d runs", calls, runs)
}

func company(t *testing.T, blows ...blow) *story {
	t.Helper()
	clock := sim.NewClock()
	s := &story{world: &world{cloud: sim.New(sim.Options{Clock: clock}), clock: clock}}
	s.cloud.AddBucket("regain-123456789012-eu-central-1")
	var asks []controller.Ask
	for range 3 {
		asks = append(asks, controller.Ask{Instance: s.cloud.AddInstance(sim.Patient{}), Backup: controller.BackupSnapshot})
	}
	s.before = s.cloud.Snapshot()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.cloud.Strike(struck(blows), cancel)
	journals := newRuns()
	c := s.controller(journals)
	c.Dial = nil
	sim.Crashed(func() {
		if _, err := c.Reset(ctx, asks...); err != nil {
			s.problem("%v", err)
		}
	})
	s.cloud.Strike(nil, nil)
	for _, ask := range asks {
		again := s.controller(journals)
		again.Dial = nil
		for try := 0; ; try++ {
			o, err := again.Resume(context.Background(), ask.Instance, false)
			var none *controller.NoRunError
			if as(err, &none) || err == nil && o.State != controller.StateNotHome {
				break
			}
			if try == 2 {
				s.problem("%s: %s, %v, %v", ask.Instance, o.State, o.Err, err)
				break
			}
		}
	}
	for _, ask := range asks {
		s.patient = ask.Instance
		s.problems = append(s.problems, s.differences(s.cloud.Snapshot())...)
	}
	s.direction(journals)
	for _, p := range s.problems {
		t.Errorf("%v, %s: %s", blows, s.action(first(blows)), p)
	}
	return s
}

func first(blows []blow) int {
	for _, b := range blows {
		return b.call
	}
	return 0
}

// TestAnInterruptInCompany turns runs whose calls wait to be made together:
// nothing of that is made afterwards.
func TestAnInterruptInCompany(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	other := w.cloud.AddInstance(sim.Patient{})
	w.before = w.cloud.Snapshot()
	ctx, cancel := withCancel(t)
	w.Watch = func(e controller.Event) {
		if e.Step == "stop" && e.Event == "waits" {
			cancel()
		}
	}
	outcomes, err := w.Reset(ctx, controller.Ask{Instance: w.patient}, controller.Ask{Instance: other})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.State != controller.StateInterrupted {
			t.Errorf("%s: %v", o.State, o.Err)
		}
		w.patient = o.Instance
		w.same(t)
	}
	if calls := fmt.Sprint(w.cloud.Mutations()); contains(calls, "StopInstances") {
		t.Errorf("stopped after the interrupt: %v", calls)
	}
}

func TestDowntimeIsTold(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	o := w.reset(t, controller.Ask{})
	var began, last time.Time
	for _, e := range w.events {
		if !e.Down.IsZero() {
			if began.IsZero() {
				began = e.Down
			}
			last = e.Time
		}
	}
	if told := last.Sub(began); told < o.Downtime-5*time.Second || told > o.Downtime {
		t.Errorf("the events tell of a downtime of %s, it was %s", told, o.Downtime)
	}
}
