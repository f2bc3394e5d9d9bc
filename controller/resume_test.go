package controller_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

func (r *runs) newest() string {
	for _, id := range must(r.List()) {
		return id
	}
	return ""
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestResumeAsksForALongKeyAgain(t *testing.T) {
	secret := must(rsa.GenerateKey(rand.Reader, 2048))
	own := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(secret.Public())))))
	for name, tt := range map[string]struct {
		again string
		back  bool
		want  string
	}{"not given": {"", false, "--public-key"}, "given": {own, false, controller.StateRescued}, "rolled back": {"", true, controller.StateTakenBack}} {
		w := newWorld(t, sim.Options{}, sim.Patient{})
		w.left(t, controller.Ask{PublicKey: own}, "stop", "done")
		w.PublicKey = tt.again
		resume := w.Resume
		if tt.back {
			resume = w.Rollback
		}
		o, err := resume(t.Context(), w.patient, false)
		if o.State != tt.want && (err == nil || !contains(err.Error(), tt.want)) {
			t.Errorf("%s: %s, %v, want %s", name, o.State, err, tt.want)
		}
		if err == nil {
			w.same(t)
		}
	}
}

// TestWhatOthersAreTold goes through list and status while a run is under way, is
// not home, and is home, with and without its journal.
func TestWhatOthersAreTold(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	if all, err := w.List(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	if _, err := w.Status(t.Context(), w.patient); err == nil {
		t.Error("a status of nothing")
	}
	journals := w.left(t, controller.Ask{}, "attach", "done")
	own, other := w.controller(journals), w.controller(newRuns())
	for name, c := range map[string]*controller.Controller{"own": own, "other": other} {
		all, err := c.List(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %+v, %v", name, all, err)
		}
		s := all[0]
		if s.Run != journals.newest() || s.Instance != w.patient || s.Owner != "anna@desk" || s.Way != "out" || len(s.Made) != 2 || s.Journal != (c == own) || s.Began.IsZero() {
			t.Errorf("%s: %+v", name, s)
		}
		for _, ref := range []string{s.Run, w.patient} {
			if one, err := c.Status(t.Context(), ref); err != nil || one.Run != s.Run || len(one.Made) != 2 {
				t.Errorf("%s, %s: %+v, %v", name, ref, one, err)
			}
		}
	}
	if o, err := own.Resume(t.Context(), "", false); err != nil || o.State != controller.StateRescued {
		t.Fatalf("%s, %v", o.State, err)
	}
	s, err := own.Status(t.Context(), w.patient)
	if err != nil || s.Way != "home" || s.Outcome != controller.StateRescued || len(s.Made) != 0 || len(s.Kept) != 2 || s.HostKey == "" || len(s.Users) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if all, err := other.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	var none *controller.NoRunError
	for _, ref := range []string{"", w.patient, s.Run} {
		if _, err := other.Resume(t.Context(), ref, false); !as(err, &none) || ref == w.patient && !contains(err.Error(), "no run of "+ref) {
			t.Errorf("%q: %v", ref, err)
		}
	}
	if _, err := own.Resume(t.Context(), "i-nonsense", false); err == nil {
		t.Error("nonsense is resumed")
	}
}

// TestSeveralRuns: without a name none of them is guessed.
func TestSeveralRuns(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	journals := w.left(t, controller.Ask{}, "attach", "done")
	run := journals.newest()
	journals.kept["20200101T000000Z-000000"] = journals.kept[run]
	c := w.controller(journals)
	mutations := len(w.cloud.Mutations())
	for name, f := range map[string]func(context.Context, string, bool) (controller.Outcome, error){"resume": c.Resume, "rollback": c.Rollback} {
		if _, err := f(t.Context(), "", false); err == nil || !contains(err.Error(), "2 runs are not home, name one: "+run+" of "+w.patient) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.cloud.Mutations()) != mutations {
		t.Error("something was changed")
	}
	delete(journals.kept, "20200101T000000Z-000000")
	if o, err := c.Rollback(t.Context(), "", false); err != nil || o.Run != run || o.State != controller.StateTakenBack {
		t.Errorf("%s, %v", o.State, err)
	}
}

func TestRollbackOfWhatIsHome(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	w.reset(t, controller.Ask{})
	mutations := len(w.cloud.Mutations())
	var home *controller.HomeError
	if _, err := w.Rollback(t.Context(), w.patient, false); !as(err, &home) || !contains(home.Error(), "--revoke-previous") || !contains(home.Error(), "ami-") {
		t.Error(err)
	}
	if strings.Count(home.Error(), "as it was before") != 1 {
		t.Errorf("it is the backup alone that has the volume as it was: %v", home)
	}
	if len(w.cloud.Mutations()) != mutations {
		t.Error("something was changed")
	}
	if o, err := w.Resume(t.Context(), w.patient, false); err != nil || o.State != controller.StateRescued || len(o.Login) != 3 {
		t.Errorf("resumed at home: %s, %v, %v", o.State, err, o.Login)
	}
}

// TestRollbackOfAWindowsThatIsHome: there is no key to take out.
func TestRollbackOfAWindowsThatIsHome(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
	if o := w.reset(t, controller.Ask{}); o.State != controller.StateRescued || len(o.Rescue.Kept) != 2 {
		t.Fatalf("%s, %v", o.State, o.Rescue.Kept)
	}
	var home *controller.HomeError
	if _, err := w.Rollback(t.Context(), w.patient, false); !as(err, &home) {
		t.Fatal(err)
	}
	text := home.Error()
	if contains(text, "authorized_keys") || contains(text, "--revoke-previous") || !contains(text, "regain password "+w.patient) || strings.Count(text, "as it was before") != 1 {
		t.Errorf("what to do instead: %s", text)
	}
}

func TestRollbackOnTheWayOut(t *testing.T) {
	w := newWorld(t, sim.Options{}, sim.Patient{})
	w.Runs = w.left(t, controller.Ask{}, "attach", "done")
	if o, err := w.Rollback(t.Context(), w.patient, false); err != nil || o.State != controller.StateTakenBack || o.Err != nil {
		t.Errorf("%s, %v, %v", o.State, o.Err, err)
	}
	w.same(t)
}

// TestInterrupt: what is under way is finished, and where it waits the run turns.
func TestInterrupt(t *testing.T) {
	for step, turned := range map[string]string{"look": "preflight", "lock": "lock", "helper": "helper", "stop": "stop", "attach": "attach", "rescue": "rescue"} {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, sim.Patient{})
		ctx, cancel := withCancel(t)
		w.Watch = func(e controller.Event) {
			if e.Step == step && e.Way == "out" {
				cancel()
			}
		}
		outcomes, err := w.Reset(ctx, controller.Ask{Instance: w.patient})
		if err != nil {
			t.Fatal(err)
		}
		if o := outcomes[0]; o.State != controller.StateInterrupted || o.Step != turned {
			t.Errorf("%s: %s at %s, %v", step, o.State, o.Step, o.Err)
		}
		w.same(t)
	}
}
