package ssm_test

import (
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/ssm"
)

// TestSilence: what ran on an instance whose agent is heard of no more stays in
// progress until its execution times out, or until the agent is back and knows of
// nothing.
func TestSilence(t *testing.T) {
	lose := func(i *ssm.Instance) { i.Up, i.Lost = time.Time{}, true }
	for name, tt := range map[string]struct {
		loss      func(*ssm.Instance)
		then      func(w *world, s *ssm.SSM, id string) *ssm.SSM
		now       string
		at        time.Duration
		ends, why string
	}{
		"lost":       {lose, nil, "InProgress", time.Hour, "TimedOut", "Execution Timed Out"},
		"not yet":    {lose, nil, "InProgress", 58 * time.Minute, "InProgress", "InProgress"},
		"terminated": {func(i *ssm.Instance) { i.Up, i.Ended = time.Time{}, true }, nil, "InProgress", time.Hour, "TimedOut", "Execution Timed Out"},
		"cancelled": {lose, func(w *world, s *ssm.SSM, id string) *ssm.SSM {
			w.must(s, "CancelCommand", object{"CommandId": id})
			return s
		}, "Cancelling", time.Hour, "TimedOut", "Execution Timed Out"},
		"the lab restarts": {lose, func(w *world, _ *ssm.SSM, _ string) *ssm.SSM { return w.open() }, "InProgress", time.Hour, "TimedOut", "Execution Timed Out"},
		"it is back": {lose, func(w *world, s *ssm.SSM, _ string) *ssm.SSM {
			w.instance(helper, func(i *ssm.Instance) { i.Up, i.Lost = w.now.Add(time.Second), false })
			return s
		}, "InProgress", 2 * time.Minute, "Failed", "Terminated"},
		"stopped": {func(i *ssm.Instance) { i.Up = time.Time{} }, nil, "Failed", time.Hour, "Failed", "Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open()
			id := w.start(s, send([]string{helper}, "exec sleep 60"))
			w.pass(3 * time.Second)
			if _, err := s.Advance(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.instance(helper, tt.loss)
			w.kill()
			if tt.then != nil {
				s = tt.then(w, s, id)
			}
			if got := w.invocation(s, id); got["Status"] != tt.now {
				t.Errorf("at first: %v, want %s", got, tt.now)
			}
			w.pass(tt.at + time.Second)
			if got := w.invocation(s, id); got["Status"] != tt.ends || got["StatusDetails"] != tt.why {
				t.Errorf("after %v: %v, want %s (%s)", tt.at, got, tt.ends, tt.why)
			}
		})
	}
}

// kill ends what runs, as a machine that is switched off does.
func (w *world) kill() {
	w.mu.Lock()
	for _, end := range w.running {
		end()
	}
	w.mu.Unlock()
	w.work.Wait()
}
