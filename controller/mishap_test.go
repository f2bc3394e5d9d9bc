package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// TestPatientTerminated has somebody terminate the instance at every event of a
// run: nothing of the run stays behind, and the run is over.
func TestPatientTerminated(t *testing.T) {
	for at, events := 1, 2; at < events; at++ {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
		n, where := 0, ""
		w.Watch = func(e controller.Event) {
			if n++; n == at {
				where = fmt.Sprint(e.Way, " ", e.Step, " ", e.Event)
				w.cloud.Kill(w.patient)
			}
		}
		outcomes, err := w.Reset(t.Context(), controller.Ask{Instance: w.patient})
		if err != nil {
			t.Fatal(err)
		}
		o := outcomes[0]
		if o.State == controller.StateNotHome || o.State == controller.StateRescued && strings.HasPrefix(where, "out") {
			t.Errorf("terminated at event %d, %s: %s at %s: %v", at, where, o.State, o.Step, o.Err)
		}
		for id, i := range w.cloud.Snapshot().Instances {
			if i.Tags[controller.TagRole] == controller.RoleHelper && i.State != controller.Terminated {
				t.Errorf("terminated at event %d, %s: the helper %s is %s", at, where, id, i.State)
			}
		}
		events = max(events, n)
	}
}

// TestSlowStop: a guest that takes long is waited for, as a stop cannot be called off.
func TestSlowStop(t *testing.T) {
	for _, slow := range []time.Duration{12 * time.Minute, 40 * time.Minute} {
		delays := sim.RealDelays()
		delays.Stopping = slow
		w := newWorld(t, sim.Options{Delays: delays}, sim.Patient{})
		said := false
		w.Watch = func(e controller.Event) { said = said || strings.Contains(e.Why, "--force-stop") }
		o := w.reset(t, controller.Ask{})
		if o.State != controller.StateRescued || !said {
			t.Errorf("a stop of %s: %s at %s, said %v: %v", slow, o.State, o.Step, said, o.Err)
		}
		w.same(t)
	}
}

// TestNothingOfTheBackupIsDowntime: between stop and start no call is about the
// backup but the one that makes it, also where it is removed again.
func TestNothingOfTheBackupIsDowntime(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	ctx, cancel := withCancel(t)
	w.Watch = func(e controller.Event) {
		if e.Step == "detach" && e.Way == "out" {
			cancel()
		}
	}
	outcomes, err := w.Reset(ctx, controller.Ask{Instance: w.patient, Backup: controller.BackupSnapshot})
	if err != nil || outcomes[0].State != controller.StateInterrupted {
		t.Fatalf("%+v, %v", outcomes, err)
	}
	w.same(t)
	calls := w.cloud.Calls()
	named := func(action string) int {
		return slices.IndexFunc(calls, func(c sim.Call) bool { return c.Action == action })
	}
	if started, removed := named("ec2:StartInstances"), named("ec2:DeleteSnapshot"); started < 0 || removed < started {
		t.Errorf("the backup is removed by call %d, the start is %d", removed, started)
	}
}

// TestExpiredCredentials: a session that ends while the instance is down is waited
// for, on the way out and home.
func TestExpiredCredentials(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	w.cloud.Strike(func(n int, action string) sim.Fault {
		if slices.Contains([]string{"ec2:DetachVolume", "ec2:StartInstances"}, action) && n%7 != 0 {
			return sim.Expired
		}
		return sim.None
	}, nil)
	o := w.reset(t, controller.Ask{})
	if o.State != controller.StateRescued {
		t.Errorf("%s at %s: %v", o.State, o.Step, o.Err)
	}
	w.same(t)
}

// TestNobodyMayCancel: where a command that hangs cannot be called off, its helper is
// terminated, and the instance comes home.
func TestNobodyMayCancel(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays(), Denied: []string{"ssm:CancelCommand"}}, sim.Patient{})
	ctx, cancel := withCancel(t)
	w.Watch = func(e controller.Event) {
		if e.Step == "rescue" && e.Way == "out" && e.Event == "waits" {
			cancel()
		}
	}
	outcomes, err := w.Reset(ctx, controller.Ask{Instance: w.patient})
	if err != nil {
		t.Fatal(err)
	}
	if o := outcomes[0]; o.State == controller.StateNotHome {
		t.Errorf("%s at %s: %v", o.State, o.Step, o.Err)
	}
	for _, d := range w.differences(w.cloud.Snapshot()) {
		t.Error(d)
	}
}
