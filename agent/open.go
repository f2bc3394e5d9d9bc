package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/source"
)

// open finds and opens the volume. Whatever keeps it from being opened is a
// refusal: nothing has been written.
func (w *work) open(ctx context.Context) (*rescue.Patient, error) {
	t := w.task
	src, err := w.find(ctx, source.Request{
		Image: t.Image, Device: t.Device, Volume: t.Volume, Root: t.Root,
		Write: w.writes(), Wait: t.Wait, Progress: w.env.Progress,
	})
	if err != nil {
		return nil, refusedSource(ctx, err)
	}
	if w.writes() && src.Root != nil && src.Root.ReadOnly {
		refusal := &rescue.Refusal{Code: "read-only", Text: fmt.Sprintf("%q is mounted read-only", src.Path), Hint: "mount it read-write: mount -o remount,rw DIR"}
		return nil, errors.Join(refusal, src.Close())
	}
	return rescue.Open(src)
}

// What a killed run has left lets go of the volume by itself, once it has written
// out what it holds.
const (
	settling = 3 * time.Second
	look     = 50 * time.Millisecond
)

// find opens the source; one that is in use is given a moment.
func (w *work) find(ctx context.Context, r source.Request) (*source.Source, error) {
	deadline := time.Now().Add(settling)
	for {
		src, err := w.env.Finder.Open(ctx, r)
		inUse := (*source.Refusal)(nil)
		if !errors.As(err, &inUse) || inUse.Reason != source.Held && inUse.Reason != source.Busy || time.Now().After(deadline) {
			return src, err
		}
		select {
		case <-ctx.Done():
			return src, err
		case <-time.After(look):
		}
	}
}

// wantStore ends a task without a place for the private key that it needs, where
// there may be a Linux. A volume that is not there is no excuse; of one that is there
// and cannot be opened nobody knows what it holds.
func (w *work) wantStore(ctx context.Context, patient *rescue.Patient, err error) error {
	var refusal *rescue.Refusal
	gone := errors.As(err, &refusal) && (refusal.Code == noSource || refusal.Code == noVolume)
	switch {
	case w.job.noStore == nil || err != nil && !gone:
		return err
	case gone:
		return w.job.noStore
	case patient.MayBeLinux(ctx):
		return errors.Join(w.job.noStore, patient.Close())
	}
	return nil
}

// The codes for a volume that is not there.
const (
	noSource = "no-source"
	noVolume = "no-volume"
)

func refusedSource(ctx context.Context, err error) error {
	inUse, code, hint := (*source.Refusal)(nil), "source", ""
	switch {
	case ctx.Err() != nil || errors.As(err, &inUse):
		return err
	case errors.Is(err, source.ErrVolumeID):
		return &UsageError{Text: err.Error()}
	case errors.Is(err, source.ErrNoVolume):
		code, hint = noVolume, "attach it to this instance, and give it time with --wait 15m"
	case errors.Is(err, source.ErrNoSerial):
		code, hint = "no-serial", "find the device by its size with lsblk, and name it with --device"
	case errors.Is(err, fs.ErrNotExist):
		code = noSource
	}
	return &rescue.Refusal{Code: code, Text: err.Error(), Hint: hint}
}
