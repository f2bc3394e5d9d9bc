package controller_test

import (
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// The promises of a Windows rescue, in simulated time at real delays: the calls,
// and what it is down for beside the waits that EC2 imposes. The second image is
// waited for as the first is, until its snapshots are there, and no longer.
const (
	maxWindowsCalls    = 66
	maxWindowsTogether = 24
	maxImageWait       = 4 * time.Second
	maxWindowsOverhead = 1.2
)

// TestWindowsCost measures a rescue alone, with the password-enabled image and
// without, and many side by side.
func TestWindowsCost(t *testing.T) {
	d := sim.RealDelays()
	d.Rescue = 2 * time.Second
	imposed := d.Stopping + 2*d.Detaching + 2*d.Attaching + d.Pending
	cost := func(ask controller.Ask) (calls int, down time.Duration) {
		w := newWorld(t, sim.Options{Delays: d}, windowsPatient())
		o := w.reset(t, ask)
		if o.State != controller.StateRescued {
			t.Fatal(o.State, o.Err)
		}
		return len(w.cloud.Calls()), w.cloud.Downtime(w.patient)
	}
	calls, down := cost(controller.Ask{})
	without, short := cost(controller.Ask{PublicKey: rsaLine()})
	linux := newWorld(t, sim.Options{Delays: d}, sim.Patient{})
	linux.reset(t, controller.Ask{})
	t.Logf("by the agent: %d calls, down %s; by the script: %d calls, down %s; Linux: %d calls, down %s; imposed %s", calls, down, without, short,
		len(linux.cloud.Calls()), linux.cloud.Downtime(linux.patient), imposed)
	if calls > maxWindowsCalls || down-short > maxImageWait {
		t.Errorf("%d calls, want at most %d; the image costs %s, want at most %s", calls, maxWindowsCalls, down-short, maxImageWait)
	}
	if ratio := float64(down) / float64(imposed); ratio > maxWindowsOverhead {
		t.Errorf("it is down for %s, %.2f times what EC2 imposes", down, ratio)
	}

	const many = 100
	w := newWorld(t, sim.Options{Delays: d}, windowsPatient())
	asks := []controller.Ask{{Instance: w.patient}}
	for range many - 1 {
		asks = append(asks, controller.Ask{Instance: w.cloud.AddInstance(windowsPatient())})
	}
	outcomes, err := w.Reset(t.Context(), asks...)
	if err != nil {
		t.Fatal(err)
	}
	var longest time.Duration
	for _, o := range outcomes {
		if o.State != controller.StateRescued || o.Rescue.Enabled == nil {
			t.Errorf("%s: %s, %v", o.Instance, o.State, o.Err)
		}
		longest = max(longest, w.cloud.Downtime(o.Instance))
	}
	each := float64(len(w.cloud.Calls())) / many
	t.Logf("%d together: %.1f calls each, the longest down for %s", many, each, longest)
	if each > maxWindowsTogether {
		t.Errorf("%.1f calls each, want at most %d", each, maxWindowsTogether)
	}
}
