package controller_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/flow"
	"github.com/seed-77750964/regain/controller/sim"
	"github.com/seed-77750964/regain/offline"
)

// blow is a fault at a call.
type blow struct {
	call  int
	fault sim.Fault
}

// struck has the blows fall.
func struck(blows []blow) func(n int, action string) sim.Fault {
	return func(n int, _ string) sim.Fault {
		for _, b := range blows {
			if b.call == n {
				return b.fault
			}
		}
		return sim.None
	}
}

// scenario is a rescue that is struck.
type scenario struct {
	name    string
	patient sim.Patient
	ask     controller.Ask
	delays  sim.Delays
	// elsewhere takes the run up with no journal; back takes it back.
	elsewhere, back bool
	// mutant is a defect to plant; nil: none.
	mutant func(s *story, steps []flow.Step[controller.Rescue])
}

// forgotten is the state of a run of which neither journal nor tags are left:
// it is home, and nobody can tell how it ended.
const forgotten = "forgotten"

// story is what came of it.
type story struct {
	*world
	ctx      context.Context // of the process that runs
	outcomes []controller.Outcome
	crashes  int
	turned   bool // some journal that is lost had it on its way home
	problems []string
}

func (s *story) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// play runs a rescue that is struck, and takes it up again up to twice.
func (sc scenario) play(blows ...blow) *story {
	clock := sim.NewClock()
	s := &story{world: &world{cloud: sim.New(sim.Options{Clock: clock, Delays: sc.delays}), clock: clock}}
	s.cloud.AddBucket("regain-123456789012-eu-central-1")
	s.patient = s.cloud.AddInstance(sc.patient)
	s.before = s.cloud.Snapshot()
	ask := sc.ask
	ask.Instance = s.patient
	journals := newRuns()
	for try := 0; try < 3; try++ {
		ctx, cancel := context.WithCancel(context.Background())
		s.cloud.Strike(struck(blows), cancel)
		if try > 0 && sc.elsewhere {
			s.turned = s.turned || journals.turned()
			journals = newRuns()
		}
		c := s.controller(journals)
		c.Dial = nil
		s.ctx = ctx
		if sc.mutant != nil {
			c.Mutate(func(steps []flow.Step[controller.Rescue]) []flow.Step[controller.Rescue] {
				sc.mutant(s, steps)
				return steps
			})
		}
		var o controller.Outcome
		var err error
		crashed := sim.Crashed(func() {
			switch {
			case try == 0:
				var all []controller.Outcome
				if all, err = c.Reset(ctx, ask); err == nil {
					o = all[0]
				}
			case sc.back:
				o, err = c.Rollback(ctx, s.patient, false)
			default:
				o, err = c.Resume(ctx, s.patient, false)
			}
		})
		cancel()
		var none *controller.NoRunError
		var home *controller.HomeError
		switch {
		case crashed:
			s.crashes++
			continue
		case errors.As(err, &none), errors.As(err, &home):
			o = controller.Outcome{State: forgotten}
			if home != nil {
				o = s.homed(journals)
			}
		case err != nil:
			o = controller.Outcome{State: controller.StateNotHome, Err: err, Error: err.Error()}
		}
		s.outcomes = append(s.outcomes, o)
		if o.State != controller.StateNotHome {
			break
		}
	}
	s.judge(sc, journals, blows)
	return s
}

// homed is the outcome of a run that was home before it was taken up.
func (s *story) homed(journals *runs) controller.Outcome {
	ids, _ := journals.List()
	entries, _ := journals.kept[ids[0]].Entries()
	last := entries[len(entries)-1].State
	o := controller.Outcome{State: controller.StateTakenBack, Rescue: last}
	if last.Result != nil && last.Result.Good {
		o.State = controller.StateRescued
	}
	return o
}

// judge states the invariants.
func (s *story) judge(sc scenario, journals *runs, blows []blow) {
	if len(s.outcomes) == 0 {
		s.problem("it never ended")
		return
	}
	last := s.outcomes[len(s.outcomes)-1]
	interrupts := !slices.ContainsFunc(blows, func(b blow) bool { return !strings.HasPrefix(string(b.fault), "interrupt") })
	if interrupts && s.outcomes[0].State == controller.StateNotHome {
		s.problem("an interrupt alone left it stuck: %s", s.outcomes[0].Error)
	}
	if last.State == controller.StateNotHome || last.State == "" {
		s.problem("not home: %s", last.Error)
		return
	}
	rescued := last.State == controller.StateRescued
	is := s.cloud.Snapshot()
	for _, d := range s.differences(is) {
		s.problem("%s", d)
	}
	for id, was := range s.before.Files {
		changed := fmt.Sprint(is.Files[id]) != fmt.Sprint(was)
		if changed && !rescued && last.State != forgotten && !s.warned(last) {
			s.problem("it is %s, and the files are %q", last.State, is.Files[id])
		}
		if rescued && !opens(last, is.Files[id]) {
			s.problem("success without a key: %q", is.Files[id])
		}
	}
	s.direction(journals)
	s.backups(last, is)
	s.passwords(last)
}

// backups sees that what is left of them is what the outcome says is kept, and
// that a volume that was written to has one.
func (s *story) backups(o controller.Outcome, is sim.Snapshot) {
	if o.State == forgotten {
		return
	}
	kept := fmt.Sprint(o.Rescue.Kept)
	for id := range is.Backups {
		if !strings.Contains(kept, id) {
			s.problem("backup %s is left, and not told of", id)
		}
	}
	if len(is.Backups) == 0 && o.State == controller.StateRescued && o.Rescue.Ask.Backup != controller.BackupNone {
		s.problem("there is no backup of what was changed")
	}
}

// warned tells whether the run says that the volume is not as it was, or cannot
// know: its journal is lost.
func (s *story) warned(o controller.Outcome) bool {
	return o.Rescue.Left && strings.Contains(strings.Join(o.Rescue.Warnings, " "), "not taken back")
}

// opens tells whether the key of a rescue is in.
func opens(o controller.Outcome, files map[string]string) bool {
	r := o.Rescue.Result
	if settings, windows := files["agent-config.yml"]; windows {
		return settings == "random" && o.Rescue.Param == nil
	}
	if r == nil || r.Report == nil || r.Report.Key == nil {
		return o.Rescue.Rebuilt && strings.Count(files["authorized_keys"], "\n") > 1
	}
	return strings.Contains(files["authorized_keys"], r.Report.Key.Public) && (o.Rescue.Param != nil) == (o.Rescue.Ask.PublicKey == "")
}

// direction sees that no journal goes out again after its run had turned.
func (s *story) direction(journals *runs) {
	for id, j := range journals.kept {
		turned := s.turned
		for i, e := range j.heads {
			if i == 1 && s.turned && j.heads[1].Step == len(stepNames)-1 {
				continue // what a rebuilt journal begins with
			}
			if turned && (e.Event == flow.Did || e.Event == flow.Failed || e.Event == flow.Turned) {
				s.problem("run %s goes out again: %s %s", id, e.Name, e.Event)
			}
			turned = turned || e.Event == flow.Failed || e.Event == flow.Turned || e.Event == flow.Undid
		}
	}
}

// TestFaultsAnywhere places every fault at every call of the plain rescue, and at
// every call that changes something of the others, and of the pairs of faults one
// in so many.
func TestFaultsAnywhere(t *testing.T) {
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			c := &campaign{t: t, scenario: sc, stride: 1009}
			if sc.name == "plain" {
				c.stride = 101
			}
			if os.Getenv("REGAIN_PAIRS") == "all" { // an hour, or minutes with -run for one scenario
				c.stride = 1
			}
			c.strike()
			t.Log(c)
		})
	}
}

// TestScenarios is what the scenarios come to when nothing strikes.
func TestScenarios(t *testing.T) {
	for _, sc := range scenarios() {
		want := controller.StateRescued
		if sc.patient.Refusal != nil {
			want = controller.StateTakenBack
		}
		if s := sc.play(); len(s.problems) > 0 || s.outcomes[0].State != want {
			t.Errorf("%s: %s, want %s: %v, %v", sc.name, s.outcomes[0].State, want, s.outcomes[0].Err, s.problems)
		}
	}
}

// campaign is many runs of a scenario.
type campaign struct {
	t *testing.T
	scenario
	stride         int // of the pairs, one in so many is played
	quiet          bool
	calls          int
	runs, failures int
	took           time.Duration
}

func (c *campaign) String() string {
	return fmt.Sprintf("%d calls, %d runs in %s, %d failed", c.calls, c.runs, c.took.Round(time.Millisecond), c.failures)
}

// strike places each fault at each call, and of all faults at the calls that
// follow, one in so many.
func (c *campaign) strike() {
	began, n := time.Now(), 0
	undisturbed := c.play().cloud.Calls()
	c.calls = len(undisturbed)
	first := 1
	for c.name != "plain" && !undisturbed[first].Mutating {
		first++ // preflight is the same in all of them
	}
	for ; first <= c.calls; first++ {
		for _, f := range sim.Faults() {
			if c.stride > 1 && c.name != "plain" && !undisturbed[first-1].Mutating && f != sim.Faults()[first%len(sim.Faults())] {
				continue // of a call that only reads, one fault will do
			}
			calls := c.check(blow{first, f})
			for second := first + 1; second <= calls; second++ {
				for _, g := range sim.Faults() {
					if n++; n%c.stride == 0 {
						c.check(blow{first, f}, blow{second, g})
					}
				}
			}
		}
	}
	c.took = time.Since(began)
}

// check plays once, and returns how many calls were made.
func (c *campaign) check(blows ...blow) int {
	c.runs++
	s := c.play(blows...)
	if len(s.problems) > 0 {
		c.failures++
	}
	if len(s.problems) > 0 && c.failures < 10 && !c.quiet {
		for _, b := range blows {
			c.t.Logf("%s at call %d, %s", b.fault, b.call, s.action(b.call))
		}
		c.t.Errorf("%v", s.problems)
	}
	return len(s.cloud.Calls())
}

func (s *story) action(n int) string {
	if calls := s.cloud.Calls(); n <= len(calls) {
		return calls[n-1].Action
	}
	return ""
}

func scenarios() []scenario {
	all := []scenario{
		{name: "plain"},
		{name: "late answers", delays: sim.Delays{Unknown: 5 * time.Second, Misses: 2}},
		{name: "slow", delays: sim.RealDelays()},
		{name: "stopped", patient: sim.Patient{Instance: controller.Instance{State: controller.Stopped}}},
		{name: "snapshot, own key", ask: controller.Ask{Backup: controller.BackupSnapshot, PublicKey: ownKey}},
		{name: "no backup, key made here", ask: controller.Ask{Backup: controller.BackupNone, Keys: controller.KeysController}},
		{name: "new VPC", ask: controller.Ask{Subnet: controller.SubnetNewVPC}},
		{
			name: "protected, in a group", ask: controller.Ask{Accept: []string{"stop-protection", "auto-scaling"}},
			patient: sim.Patient{Keep: true, Attributes: controller.Attributes{StopProtection: true},
				Group: &controller.Group{Name: "fleet", Lifecycle: "InService", Min: 0, Desired: 1}},
		},
		{name: "agent dies", patient: sim.Patient{AgentDies: 1}},
		{name: "agent refuses", patient: sim.Patient{Refusal: &offline.Problem{Code: "encrypted", Message: "the root is encrypted"}}},
	}
	for _, sc := range all {
		sc.name, sc.elsewhere = sc.name+", elsewhere", true
		all = append(all, sc)
	}
	all = append(all, windowsScenarios()...)
	return append(all, scenario{name: "rolled back", back: true}, scenario{name: "rolled back elsewhere", back: true, elsewhere: true})
}

const ownKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJb1VvXwDOFY8uP5GMuUP0ZX3ZsMJZ0MxlSZwqM2hpJ own"
