package ec2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	labimage "github.com/seed-77750964/regain/lab/image"
)

// A copying is a call that copies volumes: the snapshots that it takes, the image that
// they are for, if they are for one, and the instance that is off meanwhile, if one is.
type copying struct {
	snapshots     []string
	image, paused string
}

// copy carries out a call that copies volumes. It answers when the copies are whole:
// the point in time is fixed then, and pending is only the upload that EC2 would still
// do. Until then nobody else knows of them, and where it fails nothing is left.
func (e *EC2) copy(ctx context.Context, r *request, begin func(*account, time.Time) (copying, error), end func(*account, copying, time.Time) item) (any, error) {
	if err := r.end(); err != nil {
		return nil, err
	}
	var c copying
	err := e.change(func(a *account, now time.Time) (err error) {
		c, err = begin(a, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := e.take(ctx, c); err != nil {
		return nil, errors.Join(err, e.abandon(c))
	}
	return e.answer(func(a *account, now time.Time) (any, error) {
		for _, id := range c.snapshots {
			s := a.Snapshots[id]
			s.Taken, s.Due = true, e.after(now, "ec2.snapshot.pending")
		}
		return end(a, c, now), nil
	})
}

// take copies the volumes.
func (e *EC2) take(ctx context.Context, c copying) error {
	if c.paused != "" {
		if err := e.pause(ctx, c.paused); err != nil {
			return err
		}
		defer e.resume(c.paused)
	}
	for _, id := range c.snapshots {
		if err := e.takeOne(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (e *EC2) takeOne(ctx context.Context, snapshot string) error {
	var volume string
	e.file.View(func(a *account) { volume = a.Snapshots[snapshot].Volume })
	from := e.volumePath(volume)
	e.claim(from, false)
	defer e.unclaim(from)
	switch err := labimage.Copy(ctx, from, e.snapshotPath(snapshot)); {
	case errors.Is(err, fs.ErrNotExist):
		return volumeKind.lost(volume)
	case err != nil:
		return fmt.Errorf("cannot take snapshot: %w", err)
	}
	return nil
}

// abandon removes what could not be copied.
func (e *EC2) abandon(c copying) error {
	return e.change(func(a *account, _ time.Time) error {
		drop(a, a.Images, c.image)
		for _, id := range c.snapshots {
			e.removeSnapshot(a, id)
		}
		return nil
	})
}
