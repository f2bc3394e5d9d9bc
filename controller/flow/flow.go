// Package flow drives moves that can be taken back: out through every Do, home
// through every Undo. The way home after success is the compensation after
// failure, so there is one code path and every good run tests it.
//
// A step never blocks: it does what can be done now and says whether it is done,
// or when to look again. What drives it (one run, many side by side, or one
// advance at a time in somebody's worker) and what time it is are not its
// business. The package knows no cloud and imports nothing else of this module.
package flow

import (
	"context"
	"time"
)

// A Step is one reversible move. S is what the steps of a run share; it is
// stored with every entry of the journal, so it must survive JSON.
//
// Do and Undo converge: called after an attempt that was cut off anywhere, or
// that never began, they look first and do what is missing.
type Step[S any] struct {
	Name string
	Do   func(context.Context, *S) (Wait, error)
	Undo func(context.Context, *S) (Wait, error) // nil: nothing to take back
	// DoLimit and UndoLimit bound the waiting, from the first call in this
	// process; 0: the run's limit. A Do that exceeds it fails, an Undo is stuck.
	DoLimit, UndoLimit time.Duration
}

// A Wait says that the effect is under way: look again after For, because Why.
// The zero Wait means done.
type Wait struct {
	For time.Duration `json:"for"`
	Why string        `json:"why"`
}

// Done tells whether there is nothing to wait for.
func (w Wait) Done() bool { return w == Wait{} }

// Event is what an entry of a journal tells.
type Event string

// The events. Only facts are journalled: there is no "about to".
const (
	Begun  Event = "begun"  // the run exists
	Did    Event = "done"   // a Do ended
	Failed Event = "failed" // a Do failed: the way home begins with its Undo
	Turned Event = "turned" // interrupted or rolled back: the way home begins
	Undid  Event = "undone" // an Undo ended
	Stuck  Event = "stuck"  // an Undo failed: not home
	Home   Event = "home"   // every Undo ended
)

// Version is that of the journal's entries.
const Version = 1

// Entry is one line of a journal.
type Entry[S any] struct {
	Version int       `json:"version"`
	Time    time.Time `json:"time"`
	Step    int       `json:"step"`
	Name    string    `json:"name"`
	Event   Event     `json:"event"`
	Err     string    `json:"error,omitempty"`
	State   S         `json:"state"`
}

// A Journal keeps the entries of one run. Append returns when the entry is
// durable.
type Journal[S any] interface {
	Append(Entry[S]) error
	Entries() ([]Entry[S], error)
}

// Clock is the time that runs are driven by.
type Clock interface {
	Now() time.Time
	// Sleep returns at a time, or earlier when the context ends.
	Sleep(ctx context.Context, until time.Time)
}

// An Error is the failure that turned a run round.
type Error struct {
	Step string
	Err  error
}

func (e *Error) Error() string { return e.Step + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// A StuckError means that the run is not home: an Undo failed, and those before
// it stand on it.
type StuckError struct {
	Step   string
	Err    error
	Failed error // why the run was on its way home; nil after success
}

func (e *StuckError) Error() string { return "cannot take back " + e.Step + ": " + e.Err.Error() }
func (e *StuckError) Unwrap() error { return e.Err }
