package flow

import (
	"context"
	"time"
)

// Runner is what Drive needs of a run.
type Runner interface {
	Advance(context.Context) (Wait, error)
	Over() bool
	Way() Way
}

// Fleet drives many runs side by side in one goroutine.
type Fleet struct {
	Clock Clock
	// Flush, which may be nil, is called when every run that was due has been
	// advanced: calls that the runs want to make together are made here. It
	// tells whether it made any; runs that waited for it, with a Wait of no
	// length, are then asked again.
	Flush func(context.Context) bool
}

// Drive advances the runs until all are over, or a journal cannot be written.
// When the context ends, runs on their way out are turned round at once, and
// all are still driven home.
func (f Fleet) Drive(ctx context.Context, runs ...Runner) error {
	due := make([]time.Time, len(runs))
	for {
		open, err := f.round(ctx, runs, due)
		if err != nil || !open {
			return err
		}
		if f.Flush != nil && f.Flush(context.WithoutCancel(ctx)) {
			continue
		}
		f.sleep(ctx, runs, due)
	}
}

// round advances each run that is due until it waits.
func (f Fleet) round(ctx context.Context, runs []Runner, due []time.Time) (open bool, err error) {
	for i, r := range runs {
		for !r.Over() && (!due[i].After(f.Clock.Now()) || turning(ctx, r)) {
			wait, err := r.Advance(ctx)
			if err != nil {
				return false, err
			}
			if !wait.Done() {
				due[i] = f.Clock.Now().Add(wait.For)
				break
			}
		}
		open = open || !r.Over()
	}
	return open, nil
}

// sleep waits for the first run that is due; an interrupt wakes it as long as a
// run is on its way out.
func (f Fleet) sleep(ctx context.Context, runs []Runner, due []time.Time) {
	first, outward := time.Time{}, false
	for i, r := range runs {
		if r.Over() {
			continue
		}
		outward = outward || r.Way() == Out
		if first.IsZero() || due[i].Before(first) {
			first = due[i]
		}
	}
	if !outward {
		ctx = context.WithoutCancel(ctx)
	}
	f.Clock.Sleep(ctx, first)
}

func turning(ctx context.Context, r Runner) bool { return ctx.Err() != nil && r.Way() == Out }
