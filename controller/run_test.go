package controller_test

import (
	"fmt"
	"math/rand"
	"reflect"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// world is an account with one patient, and a controller for it.
type world struct {
	*controller.Controller
	cloud   *sim.Cloud
	clock   *sim.Clock
	patient string
	before  sim.Snapshot
	events  []controller.Event
	seed    int64
}

func newWorld(t *testing.T, o sim.Options, p sim.Patient) *world {
	t.Helper()
	if o.Clock == nil {
		o.Clock = sim.NewClock()
	}
	w := &world{cloud: sim.New(o), clock: o.Clock}
	w.cloud.AddBucket("regain-123456789012-eu-central-1")
	w.patient = w.cloud.AddInstance(p)
	w.before = w.cloud.Snapshot()
	w.Controller = w.controller(newRuns())
	return w
}

// controller is one of this account, with its own journals.
func (w *world) controller(r controller.Runs) *controller.Controller {
	w.seed++
	return &controller.Controller{
		Cloud: w.cloud, Clock: w.clock, Random: rand.New(rand.NewSource(w.seed)), Runs: r, Owner: "anna@desk",
		Agent: func(string) ([]byte, error) { return []byte("the agent"), nil },
		Dial:  w.cloud.Dial,
		Watch: func(e controller.Event) { w.events = append(w.events, e) },
	}
}

// same compares the patient with what it was.
func (w *world) same(t *testing.T) {
	t.Helper()
	for _, d := range w.differences(w.cloud.Snapshot()) {
		t.Error(d)
	}
}

// differences are what is not as it was, or left over.
func (w *world) differences(is sim.Snapshot) []string {
	var list []string
	differs := func(what string, is, was any) {
		if !reflect.DeepEqual(is, was) {
			list = append(list, fmt.Sprintf("%s is %+v, was %+v", what, is, was))
		}
	}
	differs("the instance", is.Instances[w.patient], w.before.Instances[w.patient])
	for id, was := range w.before.Volumes {
		got := is.Volumes[id]
		if len(got.Tags) == 0 && len(was.Tags) == 0 {
			got.Tags, was.Tags = nil, nil
		}
		differs("the volume", got, was)
	}
	differs("the attributes", is.Attributes[w.patient], w.before.Attributes[w.patient])
	differs("the groups", is.Groups, w.before.Groups)
	if left := is.Leftovers(""); len(left) > 0 {
		list = append(list, fmt.Sprintf("left over: %v", left))
	}
	return list
}

func TestReset(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
	outcomes, err := w.Reset(t.Context(), controller.Ask{Instance: w.patient})
	if err != nil {
		t.Fatal(err)
	}
	o := outcomes[0]
	if o.State != controller.StateRescued || o.Err != nil || o.Rescue.Verified.State != controller.Proven {
		t.Fatalf("%s: %v, %+v", o.State, o.Err, o.Rescue.Verified)
	}
	w.same(t)
	if o.Downtime != w.cloud.Downtime(w.patient) {
		t.Errorf("the downtime is told as %s and was %s", o.Downtime, w.cloud.Downtime(w.patient))
	}
	t.Log(len(w.cloud.Calls()), "calls, down for", o.Downtime)
	for _, line := range o.Login {
		t.Log(line)
	}
}

// TestCloudError: some of AWS's errors have a code alone.
func TestCloudError(t *testing.T) {
	for want, e := range map[string]controller.CloudError{
		"ssm:GetParameter: ParameterNotFound":   {Action: "ssm:GetParameter", Code: "ParameterNotFound"},
		"ec2:StopInstances: Unsupported: never": {Action: "ec2:StopInstances", Code: "Unsupported", Message: "never"},
	} {
		if e.Error() != want {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}

// TestInterruptOnTheWayHome: once the agent's work is done, an interrupt changes
// nothing any more.
func TestInterruptOnTheWayHome(t *testing.T) {
	for _, step := range []string{"rescue", "attach", "detach", "stop", "helper"} {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
		ctx, cancel := withCancel(t)
		seen := false
		w.Watch = func(e controller.Event) {
			if e.Step == step && e.Way == "home" && e.Event == "begins" {
				seen = true
				cancel()
			}
		}
		outcomes, err := w.Reset(ctx, controller.Ask{Instance: w.patient})
		if err != nil {
			t.Fatal(err)
		}
		if o := outcomes[0]; !seen || o.State != controller.StateRescued {
			t.Errorf("interrupted at %s (%t): %s, %v", step, seen, o.State, o.Err)
		}
		w.same(t)
	}
}
