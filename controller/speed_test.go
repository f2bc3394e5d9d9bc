package controller

import (
	"testing"
	"time"
)

// In a lab that runs twenty times faster, all that is reckoned in the cloud's time
// goes by twenty times faster: how often to look, how long to believe an answer,
// and how long to wait for what may still show.
func TestSpeed(t *testing.T) {
	clock := newTick()
	c := &Controller{Cloud: quiet(), Clock: clock, Speed: 20}
	f := c.fleet(1)
	if f.cloud.instances.fresh != time.Second/20 {
		t.Errorf("what is known is believed for %s", f.cloud.instances.fresh)
	}
	b := f.bracket(false)
	b.begin("stop", 10*time.Second)
	b.doubt("helper")
	clock.pass(time.Second)
	if got := b.since("stop"); got != 10*time.Second {
		t.Errorf("the stop is under way for %s", got)
	}
	if wait := b.settle("helper"); wait.Done() {
		t.Error("a request that nobody awaits has a second, however fast the lab is")
	}
	if wait := b.wait("other", rhythm{8 * time.Second, time.Second}, "x"); wait.For != time.Second {
		t.Errorf("what an earlier process has begun is looked at after %s", wait.For)
	}
	clock.pass(4 * time.Second)
	if wait := b.settle("helper"); !wait.Done() {
		t.Errorf("it waits %s for the helper to show", wait.For)
	}
	if wait := b.wait("other", rhythm{8 * time.Second, time.Second}, "x"); wait.For != 10*time.Second {
		t.Errorf("after 80 s it waits %s", wait.For)
	}
	if got := (&Controller{Clock: clock}).spent(clock.now.Add(-time.Second)); got != time.Second {
		t.Errorf("without a lab a second is %s", got)
	}
}
