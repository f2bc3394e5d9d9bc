package flow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrInterrupted is the failure of a run whose context ended on the way out.
var ErrInterrupted = errors.New("interrupted")

// defaultLimit bounds the waiting of a step that has no limit of its own.
const defaultLimit = 30 * time.Minute

// Way is the direction of a run.
type Way string

// The ways of a run.
const (
	Out     Way = "out"
	Homing  Way = "homing"
	AtHome  Way = "home"
	NotHome Way = "not-home" // stuck; Resume tries again
)

// Run is one run of steps. Not for several goroutines at once.
type Run[S any] struct {
	State S

	steps   []Step[S]
	journal Journal[S]
	options Options

	way     Way
	next    int   // the step whose Do or Undo comes next
	failed  error // why the run turned round; nil after success
	stuck   error
	since   time.Time // when the present Do or Undo was first called
	attempt int       // calls of it that ended in a transient error, in a row
}

// Options are the surroundings of a run.
type Options struct {
	Now func() time.Time
	// Transient tells which errors only mean "again": how long to wait before
	// the n-th attempt (from 1). nil: none is transient.
	Transient func(err error, attempt int) (Wait, bool)
	// Watch, which may be nil, is told what happens, by whoever advances the run.
	Watch func(Notice)
	// CallLimit bounds one call of a Do or Undo; 0: 5 minutes. That of an Undo
	// does not end with the run's context.
	CallLimit time.Duration
	// Grace is how long the call of a Do that is under way may go on after an
	// interrupt, so that what it did is known; 0: 5 seconds.
	Grace time.Duration
}

// Notice is something that somebody who watches wants to know.
type Notice struct {
	Time  time.Time
	Step  string
	Undo  bool
	Event Event // empty: a call begins or waits
	Wait  Wait
	Err   error
}

// Begin starts a run; its first entry is durable when it returns.
func Begin[S any](steps []Step[S], journal Journal[S], state S, o Options) (*Run[S], error) {
	r := &Run[S]{State: state, steps: steps, journal: journal, options: o.filled(), way: Out}
	if err := r.record(Begun, "", nil); err != nil {
		return nil, err
	}
	return r, nil
}

// Resume takes a run up where its journal ends. A run that is stuck tries
// again; one that is home stays home.
func Resume[S any](steps []Step[S], journal Journal[S], o Options) (*Run[S], error) {
	r := &Run[S]{steps: steps, journal: journal, options: o.filled(), way: Out}
	entries, err := journal.Entries()
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errors.New("cannot resume: the journal is empty")
	}
	if err := r.replay(entries); err != nil {
		return nil, err
	}
	return r, nil
}

func (o Options) filled() Options {
	if o.Transient == nil {
		o.Transient = func(error, int) (Wait, bool) { return Wait{}, false }
	}
	if o.Watch == nil {
		o.Watch = func(Notice) {}
	}
	if o.CallLimit == 0 {
		o.CallLimit = 5 * time.Minute
	}
	if o.Grace == 0 {
		o.Grace = 5 * time.Second
	}
	return o
}

// replay is the whole of "resume".
func (r *Run[S]) replay(entries []Entry[S]) error {
	for _, e := range entries {
		if e.Version > Version {
			return fmt.Errorf("cannot resume: the journal is of version %d, this program knows %d", e.Version, Version)
		}
		named := e.Event != Begun && e.Event != Home
		if named && (e.Step < 0 || e.Step >= len(r.steps) || e.Name != r.steps[e.Step].Name) {
			return fmt.Errorf("cannot resume: step %d is %q, which this version does not know", e.Step, e.Name)
		}
		r.State, r.next = e.State, e.Step
		switch e.Event {
		case Did:
			r.advanced()
		case Failed, Turned:
			r.way, r.failed = Homing, replayed(e)
		case Undid:
			r.way = Homing
			r.next--
		case Home:
			r.way = AtHome
		case Begun, Stuck:
		default:
			return fmt.Errorf("cannot resume: the journal has the event %q, which this version does not know", e.Event)
		}
	}
	return nil
}

func replayed[S any](e Entry[S]) error {
	if e.Event == Turned && e.Err == ErrInterrupted.Error() {
		return &Error{Step: e.Name, Err: ErrInterrupted}
	}
	return &Error{Step: e.Name, Err: errors.New(e.Err)}
}

// advanced moves to the next step, or turns round behind the last.
func (r *Run[S]) advanced() {
	if r.next++; r.next == len(r.steps) {
		r.way = Homing
		r.next--
	}
}

// Way is where the run is heading.
func (r *Run[S]) Way() Way { return r.way }

// Over tells whether Advance has nothing more to do.
func (r *Run[S]) Over() bool { return r.way == AtHome || r.way == NotHome }

// Err is nil when the run came home after success, an *Error when it came home
// after a failure, and a *StuckError when it is not home.
func (r *Run[S]) Err() error {
	if r.way == NotHome {
		return r.stuck
	}
	return r.failed
}

// Failure is why the run is on its way home, or came home; nil after success.
func (r *Run[S]) Failure() error { return r.failed }

// Step is the name of the step whose Do or Undo comes next.
func (r *Run[S]) Step() string {
	if r.next < 0 || r.next >= len(r.steps) {
		return ""
	}
	return r.steps[r.next].Name
}

// Turn sends a run home that is on its way out.
func (r *Run[S]) Turn(why error) error {
	if r.way != Out {
		return nil
	}
	return r.turn(Turned, why)
}

func (r *Run[S]) turn(event Event, why error) error {
	name := r.Step()
	if err := r.record(event, why.Error(), why); err != nil {
		return err
	}
	r.way, r.failed = Homing, &Error{Step: name, Err: why}
	return nil
}

// Advance makes one call of a Do or Undo and says when to make the next. An
// error means that the journal cannot be written: the run is where its journal
// says, and the call may be made again.
func (r *Run[S]) Advance(ctx context.Context) (Wait, error) {
	switch {
	case r.Over():
		return Wait{}, nil
	case r.way == Out && ctx.Err() != nil:
		return Wait{}, r.Turn(ErrInterrupted)
	case r.way == Out:
		return r.do(ctx)
	case r.next < 0:
		if err := r.record(Home, "", nil); err != nil {
			return Wait{}, err
		}
		r.way = AtHome
		return Wait{}, nil
	}
	return r.undo(ctx)
}

func (r *Run[S]) do(ctx context.Context) (Wait, error) {
	step := r.steps[r.next]
	r.begins(Notice{Step: step.Name})
	late, cancel := lingering(ctx, r.options.Grace)
	defer cancel()
	wait, err := r.call(late, step.Do)
	if err != nil && ctx.Err() != nil {
		return Wait{}, r.turn(Turned, ErrInterrupted)
	}
	wait, err = r.judge(wait, err, step.DoLimit)
	switch {
	case err != nil:
		return Wait{}, r.turn(Failed, err)
	case !wait.Done():
		r.options.Watch(Notice{Time: r.now(), Step: step.Name, Wait: wait})
		return wait, nil
	}
	if err := r.record(Did, "", nil); err != nil {
		return Wait{}, err
	}
	r.advanced()
	return Wait{}, nil
}

func (r *Run[S]) undo(ctx context.Context) (Wait, error) {
	step := r.steps[r.next]
	if step.Undo != nil {
		r.begins(Notice{Step: step.Name, Undo: true})
		wait, err := r.call(context.WithoutCancel(ctx), step.Undo)
		wait, err = r.judge(wait, err, step.UndoLimit)
		switch {
		case err != nil:
			r.stuck = &StuckError{Step: step.Name, Err: err, Failed: r.failed}
			r.way = NotHome
			return Wait{}, r.record(Stuck, err.Error(), err)
		case !wait.Done():
			r.options.Watch(Notice{Time: r.now(), Step: step.Name, Undo: true, Wait: wait})
			return wait, nil
		}
	}
	if err := r.record(Undid, "", nil); err != nil {
		return Wait{}, err
	}
	r.next--
	return Wait{}, nil
}

// lingering is a context that ends a while after another.
func lingering(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		select {
		case <-time.After(grace):
		case <-late.Done():
		}
	})
	return late, func() { stop(); cancel() }
}

func (r *Run[S]) call(ctx context.Context, f func(context.Context, *S) (Wait, error)) (Wait, error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.CallLimit)
	defer cancel()
	return f(ctx, &r.State)
}

// judge turns a transient error into a wait, and a wait beyond the limit into
// an error.
func (r *Run[S]) judge(wait Wait, err error, limit time.Duration) (Wait, error) {
	if err == nil {
		r.attempt = 0
	} else {
		again, ok := r.options.Transient(err, r.attempt+1)
		if !ok {
			return Wait{}, err
		}
		r.attempt++
		wait = again
	}
	if limit == 0 {
		limit = defaultLimit
	}
	switch spent := r.now().Sub(r.since); {
	case wait.Done() || spent+wait.For <= limit:
		return wait, nil
	case err != nil:
		return Wait{}, fmt.Errorf("gave up after %s: %w", spent.Round(time.Second), err)
	default:
		return Wait{}, fmt.Errorf("gave up after %s: %s", spent.Round(time.Second), wait.Why)
	}
}

func (r *Run[S]) begins(n Notice) {
	if r.since.IsZero() {
		r.since = r.now()
		n.Time = r.since
		r.options.Watch(n)
	}
}

func (r *Run[S]) now() time.Time { return r.options.Now() }

// record makes an event durable, then tells of it.
func (r *Run[S]) record(event Event, text string, cause error) error {
	e := Entry[S]{Version: Version, Time: r.now(), Step: r.next, Name: r.Step(), Event: event, Err: text, State: r.State}
	if err := r.journal.Append(e); err != nil {
		return fmt.Errorf("cannot write the journal: %w", err)
	}
	r.since, r.attempt = time.Time{}, 0
	r.options.Watch(Notice{Time: e.Time, Step: e.Name, Undo: event == Undid || event == Stuck, Event: event, Err: cause})
	return nil
}
