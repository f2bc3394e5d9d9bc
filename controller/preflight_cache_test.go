package controller

import (
	"testing"
	"time"
)

// What a plan has found serves the run that follows it at once, and no other.
func TestPlanServesTheRun(t *testing.T) {
	account, clock := quiet(), &noon{}
	c := account.controller()
	c.Clock = clock
	asked := func() int {
		t.Helper()
		before := len(account.asked)
		r := &Rescue{Ask: Ask{Instance: patientID}}
		wait, err := c.fleet(1).bracket(false).look(t.Context(), r)
		if err != nil || wait.Done() && r.Original.Root.Volume != rootVol {
			t.Fatalf("got %+v, %v", r.Original, err)
		}
		return len(account.asked) - before
	}
	plan := func() {
		t.Helper()
		if _, err := c.Plan(t.Context(), Ask{Instance: patientID}); err != nil {
			t.Fatal(err)
		}
	}
	if asked() == 0 {
		t.Error("without a plan nothing is asked")
	}
	plan()
	if n := asked(); n != 0 {
		t.Errorf("after a plan %d calls are made", n)
	}
	if asked() == 0 {
		t.Error("a second run is served by a plan that was before the first")
	}
	plan()
	clock.late += planLasts
	if asked() == 0 {
		t.Error("an old plan serves")
	}
	i := account.instances[patientID]
	i.State = Stopping
	account.instances[patientID] = i
	plan()
	if asked() == 0 {
		t.Error("a plan serves of an instance that is on the move")
	}
	if c.plans.take(clock.Now().Add(-time.Minute), "i-none") != nil {
		t.Error("a plan that was not made serves")
	}
}
