package pace_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/pace"
	"github.com/seed-77750964/regain/controller/sim"
)

// throttled is the error when it is one of the pace.
func throttled(err error) *controller.CloudError {
	var e *controller.CloudError
	if errors.As(err, &e) && e.Kind == controller.Throttled {
		return e
	}
	return nil
}

// crowd has callers make a call each, who come back when they are told to. It
// returns when each was through.
func crowd(t *testing.T, clock *sim.Clock, n int, call func(k int) error) (through []time.Duration, asked int) {
	t.Helper()
	began, due := clock.Now(), make([]time.Time, n) // zero: now
	for left := n; left > 0; {
		for k := range due {
			if due[k].After(clock.Now()) {
				continue
			}
			asked++
			err := call(k)
			switch e := throttled(err); {
			case err == nil:
				through, left = append(through, clock.Now().Sub(began)), left-1
				due[k] = began.Add(1000 * time.Hour)
			case e == nil || e.Code != "Paced":
				t.Fatalf("caller %d: %v", k, err)
			default:
				due[k] = clock.Now().Add(e.After)
			}
		}
		clock.Sleep(t.Context(), slices.MinFunc(due, time.Time.Compare))
	}
	return through, asked
}

// TestCrowd sends 500 callers through the narrowest buckets of an account that
// throttles: none is throttled there, each is turned away at most once, and
// together they take no longer than the bucket imposes.
func TestCrowd(t *testing.T) {
	for name, tt := range map[string]struct {
		call func(c controller.Cloud, ctx context.Context, id string) error
		took time.Duration
	}{
		"starts": {func(c controller.Cloud, ctx context.Context, id string) error { return c.Start(ctx, id) }, (500 - 5) * time.Second / 2},
		"tags": {func(c controller.Cloud, ctx context.Context, id string) error {
			return c.Tag(ctx, map[string]string{"a": "b"}, id)
		}, 40 * time.Second},
		"stops": {func(c controller.Cloud, ctx context.Context, id string) error { return c.Stop(ctx, false, id) }, 90 * time.Second},
		"attributes": {func(c controller.Cloud, ctx context.Context, id string) error {
			_, err := c.Attributes(ctx, id)
			return err
		}, 70 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			clock := sim.NewClock()
			cloud := sim.New(sim.Options{Clock: clock, Throttle: true})
			c := pace.New(cloud, clock.Now)
			ids := make([]string, 500)
			for k := range ids {
				ids[k] = cloud.AddInstance(sim.Patient{})
			}
			through, asked := crowd(t, clock, len(ids), func(k int) error { return tt.call(c, t.Context(), ids[k]) })
			if took := through[len(through)-1]; took < tt.took-time.Second || took > tt.took+time.Second {
				t.Errorf("took %s, want %s", took, tt.took)
			}
			if asked > 2*len(ids) {
				t.Errorf("%d callers asked %d times", len(ids), asked)
			}
		})
	}
}

// TestTurnOfABatch wants a batch that was turned away to go when it comes back,
// also when others have joined it.
func TestTurnOfABatch(t *testing.T) {
	clock := sim.NewClock()
	cloud := sim.New(sim.Options{Clock: clock})
	c := pace.New(cloud, clock.Now)
	var ids []string
	for range 20 {
		ids = append(ids, cloud.AddInstance(sim.Patient{Instance: controller.Instance{State: controller.Stopped}}))
	}
	for _, id := range ids[:5] {
		if err := c.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	e := throttled(c.Start(t.Context(), ids[5:10]...))
	if e == nil || e.After < 500*time.Millisecond || e.After > 502*time.Millisecond {
		t.Fatalf("got %v", e)
	}
	if again := throttled(c.Start(t.Context(), ids[9])); again == nil || again.After != e.After {
		t.Errorf("a member of the batch got %v", again)
	}
	clock.Pass(e.After)
	if err := c.Start(t.Context(), append(ids[12:15:15], ids[5:10]...)...); err != nil {
		t.Errorf("the batch at its turn: %v", err)
	}
	if e := throttled(c.Start(t.Context(), ids[5])); e == nil {
		t.Error("a turn was good for two calls")
	}
}

// TestCrowdOfBatches wants the bucket that counts instances to be kept, too.
func TestCrowdOfBatches(t *testing.T) {
	clock := sim.NewClock()
	cloud := sim.New(sim.Options{Clock: clock})
	c := pace.New(cloud, clock.Now)
	batches := make([][]string, 25)
	for k := range batches {
		for range 50 {
			batches[k] = append(batches[k], cloud.AddInstance(sim.Patient{}))
		}
	}
	through, _ := crowd(t, clock, len(batches), func(k int) error { return c.Start(t.Context(), batches[k]...) })
	if took, want := through[len(through)-1], (1250-1000)*time.Second/2; took < want-time.Second || took > want+time.Second {
		t.Errorf("took %s, want %s", took, want)
	}
}

// TestCrowdWithoutIDs has calls that share their turns.
func TestCrowdWithoutIDs(t *testing.T) {
	clock := sim.NewClock()
	c := pace.New(sim.New(sim.Options{Clock: clock, Throttle: true}), clock.Now)
	through, _ := crowd(t, clock, 150, func(int) error { _, err := c.VPCs(t.Context()); return err })
	if took := through[len(through)-1]; took < 2490*time.Millisecond || took > 2600*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

// TestManyTurnsTakenLate wants no burst of turns that were kept for long.
func TestManyTurnsTakenLate(t *testing.T) {
	clock := sim.NewClock()
	c := pace.New(sim.New(sim.Options{Clock: clock}), clock.Now)
	start := func(ids ...string) *controller.CloudError { return throttled(c.Start(t.Context(), ids...)) }
	for k := range 25 {
		_ = start(fmt.Sprint("i-", k))
	}
	if e := start("i-24", "i-6", "i-15"); e == nil || e.After > 1002*time.Millisecond {
		t.Errorf("the earliest turn of three is %v", e)
	}
	clock.Pass(30 * time.Second)
	through := 0
	for k := range 20 {
		if e := start(fmt.Sprint("i-", 5+k)); e == nil || e.Code != "Paced" {
			through++
		}
	}
	if through != 5 {
		t.Errorf("%d calls at once", through)
	}
}

// TestTurnTakenLate wants a turn that was kept for long to be one of the tokens
// that the bucket then holds, not one more.
func TestTurnTakenLate(t *testing.T) {
	clock := sim.NewClock()
	c := pace.New(sim.New(sim.Options{Clock: clock}), clock.Now)
	paced := func(id string) bool { e := throttled(c.Start(t.Context(), id)); return e != nil && e.Code == "Paced" }
	for range 5 {
		if paced("i-1") {
			t.Fatal("the bucket is not full")
		}
	}
	if !paced("i-1") {
		t.Fatal("the bucket is not empty")
	}
	clock.Pass(30 * time.Second)
	for k := range 6 {
		if got := paced("i-1"); got != (k == 5) {
			t.Errorf("call %d after the rest is paced: %v", k+1, got)
		}
	}
}

// TestThrottledAllTheSame knows that others in the account use the buckets too.
func TestThrottledAllTheSame(t *testing.T) {
	clock := sim.NewClock()
	cloud := sim.New(sim.Options{Clock: clock})
	c := pace.New(cloud, clock.Now)
	id := cloud.AddInstance(sim.Patient{})
	cloud.Strike(func(int, string) sim.Fault { return sim.Throttle }, nil)
	if e := throttled(c.Stop(t.Context(), false, id)); e == nil || e.Code != "RequestLimitExceeded" {
		t.Fatalf("got %v", e)
	}
	cloud.Strike(nil, nil)
	if e := throttled(c.Stop(t.Context(), false, id)); e == nil || e.Code != "Paced" || e.After > 210*time.Millisecond {
		t.Errorf("right after it: %v", e)
	}
	clock.Pass(210 * time.Millisecond)
	if err := c.Stop(t.Context(), false, id); err != nil {
		t.Error(err)
	}
}

// TestTurnsAreForgotten wants the turns of those who never come back to go.
func TestTurnsAreForgotten(t *testing.T) {
	clock := sim.NewClock()
	c := pace.New(sim.New(sim.Options{Clock: clock}), clock.Now)
	for k := range 10000 {
		_ = c.Start(t.Context(), fmt.Sprint("i-", k))
		clock.Pass(2 * time.Second)
	}
	for k := range 1000 {
		_ = c.Start(t.Context(), fmt.Sprint("i-", k))
	}
	clock.Pass(time.Hour)
	_ = c.Start(t.Context(), "i-1", "i-2")
	for k := range 10 {
		_ = c.Start(t.Context(), fmt.Sprint("j-", k))
	}
	if n := pace.Turns(c); n > 10 {
		t.Errorf("%d turns are kept", n)
	}
}

// TestNeverTooFast makes calls at random times and wants those that were let
// through to keep within the bucket, whatever interval one looks at.
func TestNeverTooFast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := sim.NewClock()
		cloud := sim.New(sim.Options{Clock: clock})
		c := pace.New(cloud, clock.Now)
		ids := []string{"i-1", "i-2", "i-3", "i-4"}
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			clock.Pass(time.Duration(rapid.IntRange(0, 900).Draw(t, "ms")) * time.Millisecond)
			_ = c.Start(context.Background(), rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, 4, rapid.ID).Draw(t, "ids")...)
		}
		calls := cloud.Calls()
		for i := range calls {
			for j := i; j < len(calls); j++ {
				if most := 5 + 2*calls[j].Time.Sub(calls[i].Time).Seconds(); float64(j-i+1) > most+0.01 {
					t.Fatalf("%d calls within %s", j-i+1, calls[j].Time.Sub(calls[i].Time))
				}
			}
		}
	})
}

// TestEveryMethodIsPaced calls each method once and wants a bucket to be used
// for what calls EC2 or Systems Manager.
func TestEveryMethodIsPaced(t *testing.T) {
	free := []string{
		"Caller", "Simulate", "Profile", "Key", "VPCQuota", "BucketExists", "Deliver", "Undeliver", "Delivered", "Link", "Group", "Grouped", "EnterStandby", "ExitStandby",
		"MakePart", "DeletePart",
	}
	of := reflect.TypeFor[controller.Cloud]()
	for k := range of.NumMethod() {
		m := of.Method(k)
		c := pace.New(sim.New(sim.Options{}), time.Now)
		in := []reflect.Value{reflect.ValueOf(t.Context())}
		for p := 1; p < m.Type.NumIn(); p++ {
			if !m.Type.IsVariadic() || p < m.Type.NumIn()-1 {
				in = append(in, reflect.Zero(m.Type.In(p)))
			}
		}
		if m.Name == "DeleteBackup" {
			in[1] = reflect.ValueOf(controller.Backup{ID: "snap-1"})
		}
		reflect.ValueOf(c).MethodByName(m.Name).Call(in)
		if paced := pace.Used(c) > 0; paced == slices.Contains(free, m.Name) {
			t.Errorf("%s: paced is %v", m.Name, paced)
		}
	}
}
