package flow

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Runner is what Drive needs of a run.
type Runner interface {
	Advance(context.Context) (Wait, error)
	Over() bool
	Way() Way
}

// Fleet drives many runs side by side.
type Fleet struct {
	Clock Clock
	// Workers is how many runs are advanced at the same time; 0: one, in the
	// order in which they were given.
	Workers int
	// Flush, which may be nil, is called when every run that was due has been
	// advanced: calls that the runs want to make together are made here. It
	// tells whether it made any; runs that waited for it, with a Wait of no
	// length, are then asked again.
	Flush func(context.Context) bool
	// Speed is how much faster than this clock the time of whatever is waited
	// for runs, in a lab; 0: 1.
	Speed float64
}

// idle is when to look again at a run that waits for a Flush that has nothing
// to do.
const idle = time.Second

// Drive advances the runs until all are over. When the context ends, runs on
// their way out are turned round at once, and all are still driven home. A run
// whose journal cannot be written stops where its journal says, and is not over;
// the others go on, and the error tells of it at the end.
func (f Fleet) Drive(ctx context.Context, runs ...Runner) error {
	all := make([]*lane, len(runs))
	for i, r := range runs {
		all[i] = &lane{run: r, due: f.Clock.Now()}
	}
	for {
		f.round(ctx, all)
		if open := stillOpen(all); !open {
			return failures(all)
		}
		if f.Flush != nil && f.Flush(context.WithoutCancel(ctx)) {
			continue
		}
		f.sleep(ctx, all)
	}
}

// lane is a run on its way.
type lane struct {
	run      Runner
	due      time.Time
	joins    bool  // it waits for a Flush
	err      error // its journal cannot be written
	panicked any
}

func (l *lane) open() bool { return l.err == nil && !l.run.Over() }

// turning tells whether the run is to be turned round, due or not.
func (l *lane) turning(ctx context.Context) bool { return ctx.Err() != nil && l.run.Way() == Out }

// round advances each run that is due until it waits.
func (f Fleet) round(ctx context.Context, all []*lane) {
	now := f.Clock.Now()
	var due []*lane
	for _, l := range all {
		if l.open() && (!l.due.After(now) || l.turning(ctx)) {
			due = append(due, l)
		}
	}
	if f.Workers <= 1 || len(due) == 1 {
		for _, l := range due {
			l.advance(ctx, f)
		}
		return
	}
	f.share(ctx, due)
}

// share has workers advance the runs. A panic of one becomes a panic here, where
// the caller can recover.
func (f Fleet) share(ctx context.Context, due []*lane) {
	var workers sync.WaitGroup
	queue := make(chan *lane, len(due))
	for _, l := range due {
		queue <- l
	}
	close(queue)
	for range min(f.Workers, len(due)) {
		workers.Go(func() {
			for l := range queue {
				l.guard(ctx, f)
			}
		})
	}
	workers.Wait()
	for _, l := range due {
		if l.panicked != nil {
			panic(l.panicked)
		}
	}
}

func (l *lane) guard(ctx context.Context, f Fleet) {
	defer func() { l.panicked = recover() }()
	l.advance(ctx, f)
}

// advance goes on until the run waits or is over.
func (l *lane) advance(ctx context.Context, f Fleet) {
	for l.open() {
		wait, err := l.run.Advance(ctx)
		if err != nil {
			l.err = err
			return
		}
		l.due, l.joins = f.Clock.Now().Add(f.scaled(wait.For)), wait.For <= 0
		if !wait.Done() {
			return
		}
	}
}

func (f Fleet) scaled(wait time.Duration) time.Duration {
	if f.Speed <= 0 {
		return wait
	}
	return time.Duration(float64(wait) / f.Speed)
}

func stillOpen(all []*lane) bool {
	for _, l := range all {
		if l.open() {
			return true
		}
	}
	return false
}

func failures(all []*lane) error {
	var errs []error
	for _, l := range all {
		errs = append(errs, l.err)
	}
	return errors.Join(errs...)
}

// sleep waits for the first run that is due; an interrupt wakes it as long as a
// run is on its way out.
func (f Fleet) sleep(ctx context.Context, all []*lane) {
	now := f.Clock.Now()
	var first time.Time
	outward := false
	for _, l := range all {
		if !l.open() {
			continue
		}
		if l.joins {
			l.due, l.joins = now.Add(idle), false // there was no Flush
		}
		outward = outward || l.run.Way() == Out
		if first.IsZero() || l.due.Before(first) {
			first = l.due
		}
	}
	if !outward {
		ctx = context.WithoutCancel(ctx)
	}
	f.Clock.Sleep(ctx, first)
}
