package controller_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// noSecret looks for private keys where none may be.
func noSecret(t *testing.T, w *world, journals *runs) {
	t.Helper()
	for _, j := range journals.kept {
		for _, e := range j.entries {
			if bytes.Contains(e, []byte("PRIVATE KEY")) {
				t.Errorf("the journal holds a private key: %s", e)
			}
		}
	}
	for _, e := range w.events {
		if contains(e.Why+e.Error, "PRIVATE KEY") {
			t.Errorf("an event holds a private key: %+v", e)
		}
	}
}

func TestKeyMadeHere(t *testing.T) {
	for _, kind := range []string{"", "rsa"} {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
		journals := newRuns()
		w.Runs = journals
		o := w.reset(t, controller.Ask{Keys: controller.KeysController, KeyType: kind})
		if o.State != controller.StateRescued || o.Rescue.Verified.State != controller.Proven || o.Rescue.Param == nil || o.Rescue.Param.Version != 1 {
			t.Fatalf("%q: %s, %v, %+v", kind, o.State, o.Err, o.Rescue.Verified)
		}
		calls := w.cloud.Mutations()
		if stored, stopped := slices.Index(calls, "ssm:PutParameter"), slices.Index(calls, "ec2:StopInstances"); stored < 0 || stored > stopped {
			t.Errorf("%q: the key is stored too late: %v", kind, calls)
		}
		noSecret(t, w, journals)
		w.same(t)
	}
}

func TestKeyOfTheAgent(t *testing.T) {
	for name, tt := range map[string]struct {
		denied string
		verify string
	}{"fetched": {}, "not to be fetched": {denied: "ssm:GetParameter"}, "not verified": {verify: controller.VerifyNever}} {
		o := sim.Options{Delays: sim.RealDelays()}
		if tt.denied != "" {
			o.Denied = []string{tt.denied}
		}
		w := newWorld(t, o, sim.Patient{})
		journals := newRuns()
		w.Runs = journals
		ask := controller.Ask{Verify: tt.verify}
		if tt.denied != "" {
			ask.HelperAMI = "ami-0000000000000amd4" // to find Amazon's takes the same permission
		}
		end := w.reset(t, ask)
		want := controller.Proven
		if tt.verify != "" {
			want = controller.Skipped
		}
		if end.State != controller.StateRescued || end.Rescue.Verified.State != want {
			t.Errorf("%s: %s, %v, %+v", name, end.State, end.Err, end.Rescue.Verified)
			continue
		}
		noSecret(t, w, journals)
		w.same(t)
	}
}

func TestOwnKey(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	o := w.reset(t, controller.Ask{PublicKey: ownKey})
	if o.State != controller.StateRescued || o.Rescue.Verified.State != controller.Proven || o.Rescue.Param != nil || len(w.cloud.Snapshot().Parameters) > 0 {
		t.Fatalf("%s, %v, %+v", o.State, o.Err, o.Rescue.Verified)
	}
	if want := []string{"ssh admin@" + o.Rescue.Address, "regain ssh " + w.patient + " --identity FILE"}; !slices.Equal(o.Login, want) {
		t.Errorf("%v, want %v", o.Login, want)
	}
}

func TestProof(t *testing.T) {
	for name, tt := range map[string]struct {
		patient sim.Patient
		verify  string
		proof   string
		state   string
	}{
		"no way there":           {sim.Patient{Closed: true}, "", controller.NoPath, controller.StateRescued},
		"no way, insisted on":    {sim.Patient{Closed: true}, controller.VerifyAlways, controller.NoPath, controller.StateUnproven},
		"stopped, as it was":     {sim.Patient{Instance: controller.Instance{State: controller.Stopped}}, "", controller.Skipped, controller.StateRescued},
		"proven, as insisted on": {sim.Patient{}, controller.VerifyAlways, controller.Proven, controller.StateRescued},
	} {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, tt.patient)
		o := w.reset(t, controller.Ask{Verify: tt.verify})
		if o.State != tt.state || o.Rescue.Verified.State != tt.proof || (o.Err == nil) != (tt.state == controller.StateRescued) {
			t.Errorf("%s: %s, %v, %+v", name, o.State, o.Err, o.Rescue.Verified)
		}
		if starts := slices.Contains(o.Login, "aws ec2 start-instances --instance-ids "+w.patient); starts != (tt.patient.Instance.State == controller.Stopped) {
			t.Errorf("%s: what to do next: %q", name, o.Login)
		}
		w.same(t)
	}
}
