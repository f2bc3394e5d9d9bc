package sim_test

import (
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

func TestStopAndStartInTime(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	id := b.AddInstance(sim.Patient{Instance: controller.Instance{PublicIP: "203.0.113.7"}})
	state := func(want string) {
		t.Helper()
		if got := b.instance(id).State; got != want {
			t.Errorf("after %s: %s, want %s", b.clock.Now().Format(time.TimeOnly), got, want)
		}
	}
	b.must(b.Start(ctx, id)) // what runs may be started
	state(controller.Running)
	b.must(b.Stop(ctx, false, id))
	state(controller.Stopping)
	b.clock.Pass(29 * time.Second)
	b.must(b.Stop(ctx, false, id)) // again, which changes nothing
	state(controller.Stopping)
	b.clock.Pass(time.Second)
	state(controller.Stopped)
	if ip := b.instance(id).PublicIP; ip != "" {
		t.Errorf("stopped, it has the address %s", ip)
	}
	b.must(b.Stop(ctx, false, id))
	b.must(b.Start(ctx, id))
	state(controller.Pending)
	b.refused(b.Stop(ctx, false, id), controller.State, "IncorrectInstanceState")
	b.clock.Pass(15 * time.Second)
	state(controller.Running)
	if ip := b.instance(id).PublicIP; ip == "" || ip == "203.0.113.7" {
		t.Errorf("started, it has the address %q", ip)
	}
	if d := b.Downtime(id); d != 45*time.Second {
		t.Errorf("it was down for %s", d)
	}
}

func TestForce(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	id := b.AddInstance(sim.Patient{StuckStopping: true})
	b.must(b.Stop(ctx, false, id))
	b.clock.Pass(time.Hour)
	if s := b.instance(id).State; s != controller.Stopping {
		t.Errorf("it is %s", s)
	}
	b.must(b.Stop(ctx, true, id))
	b.clock.Pass(10 * time.Second)
	if s := b.instance(id).State; s != controller.Stopped {
		t.Errorf("forced, it is %s", s)
	}
}

// TestRefusesToStop is what EC2 refuses.
func TestRefusesToStop(t *testing.T) {
	for name, tt := range map[string]struct {
		patient sim.Patient
		kind    controller.Kind
		code    string
	}{
		"protected":       {sim.Patient{Attributes: controller.Attributes{StopProtection: true}}, controller.State, "OperationNotPermitted"},
		"instance store":  {sim.Patient{Instance: controller.Instance{RootDeviceType: "instance-store"}}, controller.Invalid, "UnsupportedOperation"},
		"one-time Spot":   {sim.Patient{Instance: controller.Instance{Spot: true}}, controller.Invalid, "UnsupportedOperation"},
		"terminated":      {sim.Patient{Instance: controller.Instance{State: controller.Terminated}}, controller.State, "IncorrectInstanceState"},
		"persistent Spot": {sim.Patient{Instance: controller.Instance{Spot: true}, Persistent: true}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, sim.Delays{})
			id, other := b.AddInstance(tt.patient), b.AddInstance(sim.Patient{})
			err := b.Stop(t.Context(), false, other, id)
			if tt.code == "" {
				b.must(err)
				return
			}
			b.refused(err, tt.kind, tt.code)
			if s := b.instance(other).State; s != controller.Running {
				t.Errorf("the other instance of the call is %s", s)
			}
		})
	}
}

// TestDoesNotStart is what shows only after StartInstances succeeded.
func TestDoesNotStart(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:123456789012:key/1"
	encrypted := controller.Volume{Encrypted: true, KMSKey: key}
	for name, tt := range map[string]struct {
		patient sim.Patient
		key     controller.KMSKey
		deny    string
		starts  bool
	}{
		"a root that does not boot": {patient: sim.Patient{Broken: true}},
		"a disabled key":            {patient: sim.Patient{Volume: encrypted}, key: controller.KMSKey{ARN: key, State: "Disabled"}},
		"no grants":                 {patient: sim.Patient{Volume: encrypted}, key: controller.KMSKey{ARN: key, State: "Enabled"}, deny: "kms:CreateGrant"},
		"AWS's key":                 {patient: sim.Patient{Volume: encrypted}, key: controller.KMSKey{ARN: key, State: "Enabled", Managed: true}, deny: "kms:CreateGrant", starts: true},
		"a good key":                {patient: sim.Patient{Volume: encrypted}, key: controller.KMSKey{ARN: key, State: "Enabled"}, starts: true},
	} {
		t.Run(name, func(t *testing.T) {
			b, ctx := newBed(t, sim.RealDelays()), t.Context()
			b.AddKey(tt.key)
			b.Deny(tt.deny)
			tt.patient.Instance.State = controller.Stopped
			id := b.AddInstance(tt.patient)
			b.must(b.Start(ctx, id))
			if s := b.instance(id).State; s != controller.Pending {
				t.Errorf("it is %s", s)
			}
			b.clock.Pass(15 * time.Second)
			i := b.instance(id)
			if running := i.State == controller.Running; running != tt.starts {
				t.Errorf("it is %s: %s", i.State, i.StateReason)
			}
			if !tt.starts && (i.State != controller.Stopped || i.StateCode != "Client.InternalError") {
				t.Errorf("it is %s because of %s", i.State, i.StateCode)
			}
		})
	}
}

// TestSpotWithoutRoot is terminated when it is started.
func TestSpotWithoutRoot(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	id := b.AddInstance(sim.Patient{Instance: controller.Instance{Spot: true, State: controller.Stopped}, Persistent: true})
	b.must(b.Detach(ctx, b.instance(id).Devices[0].Volume, id))
	b.must(b.Start(ctx, id))
	if left, err := b.Instances(ctx, id); err != nil || len(left) != 0 {
		t.Errorf("it is %v, %v", left, err)
	}
}

func TestTerminate(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	id := b.AddInstance(sim.Patient{Others: []controller.Volume{
		{ID: "vol-kept", Attachments: []controller.Attachment{{Device: "/dev/sdf"}}},
		{ID: "vol-gone", Attachments: []controller.Attachment{{Device: "/dev/sdg", DeleteOnTermination: true}}},
	}})
	root := b.instance(id).Devices[2].Volume
	b.must(b.Terminate(ctx, id))
	b.must(b.Terminate(ctx, id)) // is idempotent
	if s := b.instance(id).State; s != controller.ShuttingDown {
		t.Errorf("it is %s", s)
	}
	b.refused(b.Start(ctx, id), controller.State, "IncorrectInstanceState")
	b.clock.Pass(30 * time.Second)
	if s := b.instance(id).State; s != controller.Terminated {
		t.Errorf("it is %s", s)
	}
	left, err := b.Volumes(ctx, root, "vol-kept", "vol-gone")
	b.must(err)
	if len(left) != 1 || left[0].ID != "vol-kept" || left[0].State != "available" || len(left[0].Attachments) != 0 {
		t.Errorf("left are %v", left)
	}
	b.clock.Pass(time.Hour)
	if found, err := b.Instances(ctx, id); err != nil || len(found) != 0 {
		t.Errorf("an hour later: %v, %v", found, err)
	}
	kept := b.AddInstance(sim.Patient{Attributes: controller.Attributes{TerminationProtection: true}})
	b.refused(b.Terminate(ctx, kept), controller.State, "OperationNotPermitted")
}

func TestScalingGroup(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	in := func(min int) string {
		return b.AddInstance(sim.Patient{Group: &controller.Group{Name: "web", Lifecycle: "InService", Min: min, Desired: 2}})
	}
	id, careless := in(1), in(1)
	group := func(id, lifecycle string, desired int) {
		t.Helper()
		g, err := b.Group(ctx, id)
		b.must(err)
		if g == nil || g.Lifecycle != lifecycle || g.Desired != desired || g.Min != 1 {
			t.Errorf("%s is in %+v, want %s of %d", id, g, lifecycle, desired)
		}
	}
	group(id, "InService", 2)
	b.refused(b.ExitStandby(ctx, "web", id), controller.Invalid, "ValidationError")
	b.must(b.EnterStandby(ctx, "web", id))
	group(id, "EnteringStandby", 1)
	b.refused(b.EnterStandby(ctx, "web", careless), controller.Invalid, "ValidationError") // below the minimum
	b.clock.Pass(5 * time.Second)
	group(id, "Standby", 1)
	b.must(b.Stop(ctx, false, id, careless))
	b.clock.Pass(time.Minute + 30*time.Second)
	if s := b.instance(id).State; s != controller.Stopped {
		t.Errorf("in standby it is %s", s)
	}
	if s := b.instance(careless).State; s != controller.Terminated {
		t.Errorf("in service and stopped it is %s", s)
	}
	b.must(b.Start(ctx, id))
	b.clock.Pass(15 * time.Second)
	b.must(b.ExitStandby(ctx, "web", id))
	group(id, "Pending", 2)
	b.clock.Pass(10 * time.Second)
	group(id, "InService", 2)
	b.refused(b.EnterStandby(ctx, "other", id), controller.Invalid, "ValidationError")
	if g, err := b.Group(ctx, b.AddInstance(sim.Patient{})); g != nil || err != nil {
		t.Errorf("an instance of no group is in %v, %v", g, err)
	}
}
