package bench

import (
	"context"
	"crypto/rand"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/pace"
	"github.com/seed-77750964/regain/controller/runs"
	"github.com/seed-77750964/regain/controller/sim"
)

// The promises of the controller, in simulated time at real delays.
const (
	maxDowntimeRatio = 1.10
	maxCallsAlone    = 60
	maxCallsTogether = 20
	together         = 500
	maxFleetMemory   = 150 << 20
	maxTimeRatio     = 1.2
)

// delays are those of a real account. The agent's work is what BenchmarkRescue
// measures, below a second, and what Systems Manager takes to tell of it.
func delays() sim.Delays {
	d := sim.RealDelays()
	d.Rescue = 2 * time.Second
	return d
}

// imposed are the waits of the swap that nobody can do without.
func imposed(d sim.Delays) time.Duration {
	return d.Stopping + d.Detaching + d.Attaching + d.Detaching + d.Attaching + d.Pending
}

// account is one with patients in it, and a controller that is paced or not.
type account struct {
	*controller.Controller
	cloud    *sim.Cloud
	clock    *sim.Clock
	patients []string
}

func newAccount(b *testing.B, patients int, paced bool) *account {
	b.Helper()
	a := &account{clock: sim.NewClock()}
	a.cloud = sim.New(sim.Options{Clock: a.clock, Delays: delays(), Throttle: paced})
	a.cloud.AddBucket("regain-123456789012-eu-central-1")
	for range patients {
		a.patients = append(a.patients, a.cloud.AddInstance(sim.Patient{}))
	}
	a.Controller = &controller.Controller{
		Cloud: a.cloud, Clock: a.clock, Random: rand.Reader, Runs: runs.Dir(memory(b)), Owner: "bench@here",
		Agent: func(string) ([]byte, error) { return []byte("the agent"), nil },
		Dial:  a.cloud.Dial,
	}
	if paced {
		a.Cloud = pace.New(a.cloud, a.clock.Now)
	}
	return a
}

// memory is a directory in memory, so that the journals' syncs cost nothing: they
// are not what is measured.
func memory(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "regain-bench-")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

func (a *account) rescueAll(b *testing.B) []controller.Outcome {
	b.Helper()
	var asks []controller.Ask
	for _, p := range a.patients {
		asks = append(asks, controller.Ask{Instance: p})
	}
	outcomes, err := a.Reset(context.Background(), asks...)
	if err != nil {
		b.Fatal(err)
	}
	for _, o := range outcomes {
		if o.State != controller.StateRescued || o.Rescue.Verified.State != controller.Proven {
			b.Fatalf("%s: %s, %v, %+v", o.Instance, o.State, o.Err, o.Rescue.Verified)
		}
	}
	if left := a.cloud.Snapshot().Leftovers(""); len(left) > 0 {
		b.Errorf("left over: %v", left)
	}
	return outcomes
}

// BenchmarkDowntime compares the downtime of a rescue, an image as backup
// included, with the waits that EC2 imposes, and so the published steps of the
// runbook that it replaces.
func BenchmarkDowntime(b *testing.B) {
	for range b.N {
		a := newAccount(b, 1, false)
		a.rescueAll(b)
		least := imposed(delays())
		ratio := a.cloud.Downtime(a.patients[0]).Seconds() / least.Seconds()
		runbook := runbookDowntime(b)
		b.ReportMetric(least.Seconds(), "s-imposed")
		b.ReportMetric(a.cloud.Downtime(a.patients[0]).Seconds(), "s-down")
		b.ReportMetric(ratio, "down/imposed")
		b.ReportMetric(runbook.Seconds(), "s-down-runbook")
		b.ReportMetric(runbook.Seconds()/least.Seconds(), "down/imposed-runbook")
		if ratio > maxDowntimeRatio {
			b.Errorf("the instance is down for %.3f times the waits that EC2 imposes, promised are %.2f", ratio, maxDowntimeRatio)
		}
	}
}

// BenchmarkCalls counts the calls of one rescue alone.
func BenchmarkCalls(b *testing.B) {
	for range b.N {
		a := newAccount(b, 1, false)
		a.rescueAll(b)
		calls := len(a.cloud.Calls())
		b.ReportMetric(float64(calls), "calls")
		if calls > maxCallsAlone {
			b.Errorf("a rescue makes %d calls, promised are %d", calls, maxCallsAlone)
		}
	}
}

// BenchmarkTogether runs 500 rescues side by side in an account with the
// documented token buckets.
func BenchmarkTogether(b *testing.B) {
	for range b.N {
		a := newAccount(b, together, true)
		resetPeak(b)
		began, wall := a.clock.Now(), time.Now()
		a.rescueAll(b)
		took, peak := a.clock.Now().Sub(began), peak(b)
		calls := a.cloud.Calls()
		each := float64(len(calls)) / together
		least := leastTime(delays())
		b.ReportMetric(each, "calls/rescue")
		b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
		b.ReportMetric(took.Seconds(), "s-simulated")
		b.ReportMetric(took.Seconds()/least.Seconds(), "time/least")
		b.ReportMetric(time.Since(wall).Seconds(), "s-wall")
		b.ReportMetric(float64(throttled(calls)), "throttled-calls")
		if os.Getenv("REGAIN_BENCH_CALLS") != "" {
			b.Log(census(calls))
		}
		if each > maxCallsTogether {
			b.Errorf("%d rescues make %.1f calls each, promised are %d", together, each, maxCallsTogether)
		}
		if peak > maxFleetMemory {
			b.Errorf("%d rescues need %d MiB, promised are %d", together, peak>>20, maxFleetMemory>>20)
		}
		if took.Seconds() > maxTimeRatio*least.Seconds() {
			b.Errorf("%d rescues take %s, the buckets allow %s", together, took, least)
		}
	}
}

// leastTime is what 500 rescues take at least: the last helper is launched when
// RunInstances has given its tokens (5, and 2 a second), and after that its
// rescue waits for what EC2 and Systems Manager take. The other buckets allow
// more: 1,000 attachments at 5 a second take less than these launches.
func leastTime(d sim.Delays) time.Duration {
	launches := time.Duration(together-5) * time.Second / 2
	helper := d.Pending + d.Register + d.Deliver + d.Prepare + d.Deliver
	return launches + helper + d.Stopping + d.Mapping + d.Detaching + d.Attaching + d.Rescue + d.Detaching + d.Attaching + d.Pending + d.ShuttingDown
}

func throttled(calls []sim.Call) (n int) {
	for _, c := range calls {
		if c.Err != nil && strings.Contains(c.Err.Error(), "hrottl") || c.Err != nil && strings.Contains(c.Err.Error(), "RequestLimitExceeded") {
			n++
		}
	}
	return n
}

// census counts calls by action.
func census(calls []sim.Call) map[string]int {
	n := map[string]int{}
	for _, c := range calls {
		n[c.Action]++
	}
	return n
}

// resetPeak forgets the process's peak of memory so far, as proc(5) describes.
func resetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Log("the peak of memory is that of all benchmarks so far:", err)
	}
}

func peak(b *testing.B) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("no peak of memory in /proc/self/status")
	return 0
}
