package controller_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
	"github.com/seed-77750964/regain/offline"
)

// TestHelperLostAnywhere terminates the helper, or has it fall silent, at every
// event of a run: the run ends well, or is taken back, and says so.
func TestHelperLostAnywhere(t *testing.T) {
	for name, lose := range map[string]func(*sim.Cloud, string){"terminated": (*sim.Cloud).Kill, "silent": (*sim.Cloud).Lose} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := map[string]int{}
			for at, events := 1, 2; at < events; at++ {
				state, n := loseHelper(t, name, at, lose)
				ends[state]++
				events = max(events, n)
			}
			t.Log(ends)
			if ends[controller.StateRescued] == 0 || ends[controller.StateNotHome] > 0 {
				t.Errorf("%v", ends)
			}
		})
	}
}

func loseHelper(t *testing.T, name string, at int, lose func(*sim.Cloud, string)) (string, int) {
	t.Helper()
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	n, lost := 0, false
	where := ""
	w.Watch = func(e controller.Event) {
		if n++; n < at || lost {
			return
		}
		for id, i := range w.cloud.Snapshot().Instances {
			if i.Tags[controller.TagRole] == controller.RoleHelper {
				lose(w.cloud, id)
				lost, where = true, fmt.Sprint(e.Way, " ", e.Step, " ", e.Event)
			}
		}
	}
	outcomes, err := w.Reset(t.Context(), controller.Ask{Instance: w.patient})
	if err != nil {
		t.Fatal(err)
	}
	o := outcomes[0]
	for _, d := range w.differences(w.cloud.Snapshot()) {
		t.Errorf("helper %s at event %d, %s: %s, %v: %s", name, at, where, o.State, o.Err, d)
	}
	if o.State == controller.StateRescued && o.Rescue.Verified.State != controller.Proven {
		t.Errorf("helper %s at event %d, %s: not proven: %+v", name, at, where, o.Rescue.Verified)
	}
	return o.State, n
}

// TestHelperLostOnTheWayHome has an interrupt turn the run while the agent works,
// and the helper go then: the rescue is finished, and that is said.
func TestHelperLostOnTheWayHome(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	ctx, cancel := withCancel(t)
	w.Watch = func(e controller.Event) {
		if e.Step == "rescue" && e.Way == "out" && e.Event == "waits" {
			w.clock.Pass(4 * time.Second) // into the agent's work
			cancel()
		}
		if e.Step == "rescue" && e.Way == "home" && e.Event == "begins" {
			for id, i := range w.cloud.Snapshot().Instances {
				if i.Tags[controller.TagRole] == controller.RoleHelper {
					w.cloud.Kill(id)
				}
			}
		}
	}
	outcomes, err := w.Reset(ctx, controller.Ask{Instance: w.patient})
	if err != nil {
		t.Fatal(err)
	}
	o := outcomes[0]
	if o.State != controller.StateRescued || len(o.Rescue.Warnings) == 0 {
		t.Errorf("%s, %v, warnings %v", o.State, o.Err, o.Rescue.Warnings)
	}
	w.same(t)
}

// TestLeft: the helper goes with what it takes to undo, and no other ends the
// rescue: the volume comes home with what was written, and the outcome says so.
func TestLeft(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{AgentDies: 99})
	w.Watch = func(e controller.Event) {
		if e.Step == "rescue" && e.Way == "home" && e.Event == "begins" {
			for id, i := range w.cloud.Snapshot().Instances {
				if i.Tags[controller.TagRole] == controller.RoleHelper {
					w.cloud.Kill(id)
				}
			}
		}
	}
	o := w.reset(t, controller.Ask{})
	if now := w.cloud.Snapshot().Files; fmt.Sprint(now) == fmt.Sprint(w.before.Files) {
		t.Fatal("it has all been taken back")
	}
	if o.State != controller.StateTakenBack || !o.Rescue.Left || len(o.Rescue.Warnings) == 0 {
		t.Errorf("%s, left %t, %q", o.State, o.Rescue.Left, o.Rescue.Warnings)
	}
	w.same(t)
}

func TestAgentDiesEveryTime(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{AgentDies: 9})
	o := w.reset(t, controller.Ask{})
	if o.State != controller.StateTakenBack || o.Step != "rescue" {
		t.Errorf("%s at %s: %v", o.State, o.Step, o.Err)
	}
	w.same(t)
	if now := w.cloud.Snapshot().Files; fmt.Sprint(now) != fmt.Sprint(w.before.Files) {
		t.Errorf("the files are %v", now)
	}
	if len(o.Rescue.Kept) == 0 {
		t.Error("the backup of a volume that was written to is not kept")
	}
}

func TestAgentRefuses(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{Refusal: &offline.Problem{Code: "luks", Message: "the root is encrypted"}})
	o := w.reset(t, controller.Ask{})
	var agent *controller.AgentError
	if o.State != controller.StateTakenBack || !as(o.Err, &agent) || agent.Problem.Code != "luks" {
		t.Errorf("%s: %v", o.State, o.Err)
	}
	w.same(t)
	if len(o.Rescue.Kept) > 0 || len(w.cloud.Snapshot().Backups) > 0 {
		t.Errorf("kept %v of a volume that nobody wrote to", o.Rescue.Kept)
	}
}

func TestStuckStop(t *testing.T) {
	for _, forced := range []bool{false, true} {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{StuckStopping: true})
		ask, want := controller.Ask{}, controller.StateNotHome // EC2 cannot start what is still stopping
		if forced {
			ask.Accept, want = []string{"force-stop"}, controller.StateRescued
		}
		o := w.reset(t, ask)
		if o.State != want {
			t.Errorf("forced %v: %s, want %s: %v", forced, o.State, want, o.Err)
		}
		if forced {
			w.same(t)
		}
	}
}

func TestARootThatDoesNotStart(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{Broken: true})
	o := w.reset(t, controller.Ask{})
	var failed *controller.StartError
	if o.State != controller.StateNotHome || o.Step != "stop" || !as(o.Err, &failed) {
		t.Fatalf("%s at %s: %v", o.State, o.Step, o.Err)
	}
	if again, err := w.Resume(t.Context(), w.patient, false); err != nil || again.State != controller.StateNotHome {
		t.Errorf("%s: %v", again.State, err)
	}
}

func TestNoCapacityForAWhile(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	left := map[string]int{"ec2:StartInstances": 5, "ec2:RunInstances": 3, "ec2:DetachVolume": 2, "ssm:SendCommand": 2}
	w.cloud.Strike(func(_ int, action string) sim.Fault {
		if left[action]--; left[action] < 0 {
			return sim.None
		}
		if action[:4] == "ssm:" || action == "ec2:DetachVolume" {
			return sim.Throttle
		}
		return sim.NoCapacity
	}, nil)
	if o := w.reset(t, controller.Ask{}); o.State != controller.StateRescued {
		t.Errorf("%s: %v", o.State, o.Err)
	}
	w.same(t)
	told := false
	for _, e := range w.events {
		told = told || e.Step == "stop" && e.Way == "home" && e.Event == "waits" && contains(e.Why, "no capacity")
	}
	if !told {
		t.Error("that there is no capacity is not told")
	}
}

// TestALateBackup has the call that makes the backup take effect when nobody waits
// for it any more and another was made: one is kept, and none is left over.
func TestALateBackup(t *testing.T) {
	for backup, action := range map[string]string{controller.BackupSnapshot: "ec2:CreateSnapshot", controller.BackupAMI: "ec2:CreateImage"} {
		t.Run(backup, func(t *testing.T) {
			delays := sim.RealDelays()
			delays.Rescue = time.Minute
			w := newWorld(t, sim.Options{Delays: delays}, sim.Patient{})
			struck := false
			w.cloud.Strike(func(_ int, a string) sim.Fault {
				if a != action || struck {
					return sim.None
				}
				struck = true
				return sim.LateEffect
			}, nil)
			outcomes, err := w.Reset(t.Context(), controller.Ask{Instance: w.patient, Backup: backup})
			if err != nil {
				t.Fatal(err)
			}
			if o := outcomes[0]; !struck || o.State != controller.StateRescued {
				t.Fatalf("%s, %v", o.State, o.Err)
			}
			w.clock.Pass(time.Minute)
			for _, d := range w.differences(w.cloud.Snapshot()) {
				t.Error(d)
			}
			kept := outcomes[0].Rescue.Kept
			backups := w.cloud.Snapshot().Backups
			if backup == controller.BackupAMI { // it has snapshots of its own
				maps.DeleteFunc(backups, func(id string, _ controller.Backup) bool { return strings.HasPrefix(id, "snap-") })
			}
			if len(backups) != 1 || len(kept) != 2 {
				t.Errorf("backups %v, kept %+v", backups, kept)
			}
		})
	}
}
