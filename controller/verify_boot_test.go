package controller

import (
	"testing"
	"time"
)

// A system that answers late and refuses at first, because it still boots, is
// given the time to come up, however late its first answer was.
func TestRefusedWhileBooting(t *testing.T) {
	clock := &noon{}
	f := &fleet{Controller: &Controller{Clock: clock}}
	for _, firstAnswer := range []time.Duration{0, 80 * time.Second} {
		b, r := f.bracket(false), &Rescue{}
		b.beginsOnce("verify")
		clock.late += firstAnswer
		for range 5 {
			if wait := b.verified(r, Verification{State: Refused, Detail: "nologin"}); wait.Done() {
				t.Fatalf("answers after %s: given up at the first refusals", firstAnswer)
			}
			clock.late += 10 * time.Second
		}
		if wait := b.verified(r, Verification{State: Proven}); !wait.Done() || r.Verified.State != Proven {
			t.Errorf("answers after %s: proven, and %+v", firstAnswer, r.Verified)
		}
	}
	b, r := f.bracket(false), &Rescue{}
	b.beginsOnce("verify")
	b.verified(r, Verification{State: Refused})
	clock.late += tryAgain + time.Second
	if wait := b.verified(r, Verification{State: Refused}); !wait.Done() || r.Verified.State != Refused {
		t.Errorf("refused for long, and %+v", r.Verified)
	}
}
