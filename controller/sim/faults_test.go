package sim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// TestFaults wants each fault to strike where it says, and the effect to have
// taken place or not.
func TestFaults(t *testing.T) {
	for fault, want := range map[sim.Fault]struct {
		stopped, late, crashed, interrupted bool
		kind                                controller.Kind
	}{
		sim.None:            {stopped: true},
		sim.CrashBefore:     {crashed: true},
		sim.CrashAfter:      {crashed: true, stopped: true},
		sim.ErrorBefore:     {kind: controller.Invalid},
		sim.ErrorAfter:      {kind: controller.Invalid, stopped: true},
		sim.LostAnswer:      {kind: controller.Unknown, stopped: true},
		sim.LateEffect:      {kind: controller.Unknown, late: true},
		sim.InterruptBefore: {kind: controller.Unknown, interrupted: true},
		sim.InterruptAfter:  {kind: controller.Unknown, interrupted: true, stopped: true},
		sim.Throttle:        {kind: controller.Throttled},
		sim.NoCapacity:      {kind: controller.Capacity},
		sim.Expired:         {kind: controller.Denied},
	} {
		t.Run(string(fault), func(t *testing.T) {
			b := newBed(t, sim.Delays{})
			id := b.AddInstance(sim.Patient{})
			ctx, cancel := context.WithCancel(t.Context())
			b.Strike(func(n int, action string) sim.Fault {
				if n == 2 && action == "ec2:StopInstances" {
					return fault
				}
				return sim.None
			}, cancel)
			b.instance(id)
			var err error
			crashed := sim.Crashed(func() { err = b.Stop(ctx, false, id) })
			var e *controller.CloudError
			if kind := want.kind; errors.As(err, &e) != (kind != "") || e != nil && (e.Kind != kind || e.Action != "ec2:StopInstances") {
				t.Errorf("ended with %v, want %s", err, kind)
			}
			if crashed != want.crashed || (ctx.Err() != nil) != want.interrupted || want.interrupted && !errors.Is(err, context.Canceled) {
				t.Errorf("crashed: %v, interrupted: %v, %v", crashed, ctx.Err(), err)
			}
			if s := b.instance(id).State; (s == controller.Stopped) != want.stopped {
				t.Errorf("the instance is %s", s)
			}
			b.clock.Pass(30 * time.Second)
			if s := b.instance(id).State; (s == controller.Stopped) != (want.stopped || want.late) {
				t.Errorf("later, the instance is %s", s)
			}
			cancel()
		})
	}
	if n := len(sim.Faults()); n != 7 {
		t.Errorf("%d faults are placed at every call", n)
	}
}

func TestCrashedLetsOtherPanicsGo(t *testing.T) {
	defer func() {
		if v := recover(); v != "other" {
			t.Errorf("recovered %v", v)
		}
	}()
	sim.Crashed(func() { panic("other") })
}

// TestInterruptedElsewhere does nothing to a call whose context goes on.
func TestInterruptedElsewhere(t *testing.T) {
	b := newBed(t, sim.Delays{})
	id := b.AddInstance(sim.Patient{})
	ctx, cancel := context.WithCancel(t.Context())
	b.Strike(func(int, string) sim.Fault { return sim.InterruptBefore }, cancel)
	b.must(b.Stop(context.WithoutCancel(ctx), false, id))
}

func TestThrottle(t *testing.T) {
	clock := sim.NewClock()
	b := bed{t, sim.New(sim.Options{Clock: clock, Throttle: true}), clock}
	id := b.AddInstance(sim.Patient{})
	for range 5 {
		b.must(b.Start(t.Context(), id))
	}
	b.refused(b.Start(t.Context(), id), controller.Throttled, "RequestLimitExceeded")
	b.must(b.Stop(t.Context(), false, id)) // of another bucket
	clock.Pass(500 * time.Millisecond)
	b.must(b.Start(t.Context(), id))
	b.refused(b.Start(t.Context(), id), controller.Throttled, "RequestLimitExceeded")
	clock.Pass(time.Hour)
	for range 5 {
		b.must(b.Start(t.Context(), id))
	}
	b.refused(b.Start(t.Context(), id), controller.Throttled, "RequestLimitExceeded")
	for range 3 {
		_, err := b.StoreSecret(t.Context(), "/a", []byte("x"), "", "", true)
		b.must(err)
	}
	_, err := b.StoreSecret(t.Context(), "/a", []byte("x"), "", "", true)
	b.refused(err, controller.Throttled, "ThrottlingException")
}

func TestDenied(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	id := b.AddInstance(sim.Patient{})
	b.Deny("ec2:StopInstances")
	who, err := b.Caller(ctx)
	b.must(err)
	asked := []controller.Permission{{Action: "ec2:StopInstances", Resource: "*"}, {Action: "ec2:StartInstances", Resource: "*"}}
	denied, err := b.Simulate(ctx, who, asked)
	b.must(err)
	if d := cmp.Diff(asked[:1], denied); d != "" {
		t.Errorf("denied:\n%s", d)
	}
	b.refused(b.Stop(ctx, false, id), controller.Denied, "UnauthorizedOperation")
	b.must(b.Start(ctx, id))
}

func TestAccount(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	p, err := b.Profile(ctx, sim.Helper)
	b.must(err)
	if p.Name != sim.Helper || p.ARN == "" || p.Role == "" {
		t.Errorf("the profile is %+v", p)
	}
	b.RemoveProfile(sim.Helper)
	_, err = b.Profile(ctx, sim.Helper)
	b.refused(err, controller.NotFound, "NoSuchEntity")
	key := controller.KMSKey{ARN: "arn:aws:kms:eu-central-1:123456789012:key/1", State: "PendingDeletion"}
	b.AddKey(key)
	if k, err := b.Key(ctx, key.ARN); k != key || err != nil {
		t.Errorf("the key is %+v, %v", k, err)
	}
	_, err = b.Key(ctx, "arn:none")
	b.refused(err, controller.NotFound, "NotFoundException")
}

// TestPatients wants what is asked for, and what is usual for the rest.
func TestPatients(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	id := b.AddInstance(sim.Patient{
		Instance: controller.Instance{ID: "i-mine", Type: "m5d.large", Elastic: true, PublicIP: "203.0.113.7", ProductCodes: []string{"p"}, Hibernation: true},
		Volume:   controller.Volume{ID: "vol-mine", GiB: 30}, Keep: true, Attributes: controller.Attributes{StopProtection: true},
	})
	i, v := b.instance(id), b.volume("vol-mine")
	if id != "i-mine" || i.Type != "m5d.large" || i.Architecture != "x86_64" || !i.Hibernation || i.ProductCodes[0] != "p" || v.GiB != 30 || v.Type != "gp3" || v.Zone != i.Zone {
		t.Errorf("it is %+v with %+v", i, v)
	}
	if i.Devices[0] != (controller.Device{Name: "/dev/xvda", Volume: "vol-mine", State: "attached"}) {
		t.Errorf("its root is %+v", i.Devices[0])
	}
	b.must(b.SetStopProtection(ctx, id, false))
	if a, err := b.Attributes(ctx, id); err != nil || a != (controller.Attributes{Shutdown: "stop"}) {
		t.Errorf("its attributes are %+v, %v", a, err)
	}
	b.must(b.Stop(ctx, false, id))
	if ip := b.instance(id).PublicIP; ip != "203.0.113.7" {
		t.Errorf("stopped, its Elastic IP is %q", ip)
	}
	i.Tags["changed"] = "by the caller"
	if b.instance(id).Tags["changed"] != "" {
		t.Error("an answer shares its tags with the account")
	}
}
