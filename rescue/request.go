package rescue

import (
	"context"
	"crypto/rsa"
	"time"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
	"github.com/seed-77750964/regain/rescue/journal"
)

// Request is what a run is asked to do, whatever the command.
type Request struct {
	Run      string
	Instance string // i-…
	KeyName  string // of the instance's EC2 key pair; empty: not known
	Users    []string
	Now      time.Time
	Progress func(string) // told of each phase; may be nil
	OnStep   func(string) // told before each step of a write: tests cut a run off there

	// For diagnose: judge this key instead of those on the volume.
	Public *sshkey.Public

	// For rescue.
	Keys          Keys
	Expires       time.Duration // zero: never
	Repair        access.Repair
	Revoke        bool
	AcceptUnknown bool
	DryRun        bool
	State         *journal.Dir // may be nil for a dry run

	// For Windows, where keys and users say nothing.
	Windows  bool            // nothing else is meant
	Agent    agentconf.Agent // the launch agent to arm; empty: the likeliest
	Fallback *rsa.PublicKey  // for which the start-up script is used in place of an agent; nil: it is not
	Allow    []string        // ids of findings that are repaired or accepted
	UserData []byte          // of the instance, or what stands in for it; nil: not known
}

func (r Request) say(text string) {
	if r.Progress != nil {
		r.Progress(text)
	}
}

// Keys gives the key that is to be let in.
type Keys interface {
	// Choose returns the key, made anew in memory or given from outside.
	// accepts tells, for an algorithm and its size in bits, whether the
	// patient's sshd would take it.
	Choose(accepts func(algorithm string, bits int) bool, fips bool) (Key, error)
}

// Key is one key. Its private half, if this process holds it, is in no other place yet.
type Key interface {
	Public() sshkey.Public
	// Store keeps the private half, before anything is written to the volume.
	Store(context.Context) (offline.Key, []string, error)
	// Forget takes a Store back after a run that failed, as far as can be.
	Forget(context.Context) (warning string, err error)
}

// Failure is an error with the code and hint that the report shows.
type Failure struct {
	Code string
	Err  error
	Hint string
	// Left is true when what was written could not be taken back.
	Left bool
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }
