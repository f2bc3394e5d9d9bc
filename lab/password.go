package lab

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/windows"
)

// An Attempt is a login to a Windows instance as its administrator.
type Attempt struct {
	ID       string `json:"id"`
	Password string `json:"password"`
}

// A Verdict tells whether a login would work, and why not. It does not hold the password.
type Verdict struct {
	ID    string `json:"id"`
	Opens bool   `json:"opens"`
	Why   string `json:"why,omitempty"`
}

// CheckPassword tells whether the administrator of a Windows instance could log in.
func (l *Lab) CheckPassword(_ context.Context, a Attempt) (Verdict, error) {
	state, _, _, ok := l.ec2.Instance(a.ID)
	if !ok {
		return Verdict{}, fmt.Errorf("cannot check a password: there is no instance %s", a.ID)
	}
	if l.windows == nil {
		return Verdict{ID: a.ID, Why: "no lab runs it"}, nil
	}
	if state != "running" {
		return Verdict{ID: a.ID, Why: "it does not run: it is " + state}, nil
	}
	switch err := l.windows.Check(a.ID, a.Password); {
	case err == nil:
		return Verdict{ID: a.ID, Opens: true}, nil
	case errors.Is(err, machine.ErrOff):
		return Verdict{ID: a.ID, Why: "it is no Windows that runs"}, nil
	case errors.Is(err, windows.ErrWrong), errors.Is(err, windows.ErrUnknown):
		return Verdict{ID: a.ID, Why: err.Error()}, nil
	default:
		return Verdict{}, err
	}
}
