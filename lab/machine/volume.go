package machine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// A volume is what a machine has of an attached disk: the whole of it, or of a
// guest's the filesystems that it booted with.
type volume struct {
	id    string
	loops []*loop
	nvme  *nvme // nil: the machine sees no disk
}

// busyFor is how long a volume may stay in use when it is asked for: a program
// that is being started holds everything from its fork to its exec.
const busyFor = 300 * time.Millisecond

// plug makes a volume of the whole image and shows it in the machine.
func plug(ctx context.Context, m *live, d Disk) (*volume, error) {
	l := &loop{image: d.Image}
	if err := l.attach(); err != nil {
		return nil, err
	}
	v := &volume{id: d.Volume, loops: []*loop{l}, nvme: &nvme{
		// The name is unique on this host: a loop device shows the name of what
		// is behind it to every machine.
		Name: "nvme" + strconv.Itoa(l.number-firstLoop+1) + "n1", Volume: d.Volume, Attached: filepath.Base(d.Device),
		Major: loopMajor, Minor: uint32(l.number),
	}}
	size, err := l.bytes()
	if err == nil {
		v.nvme.Bytes = size
		err = m.call(ctx, request{Do: "show", Disk: v.nvme})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot attach %s: %w", d.Volume, err), l.file.Close())
	}
	return v, nil
}

// unplug takes the volume away. Everything is in the image afterwards. When it
// is in use, it stays as it was and the error is ErrBusy.
func (v *volume) unplug(ctx context.Context, m *live, force bool) error {
	if force {
		for _, l := range v.loops {
			if err := m.call(ctx, request{Do: "release", Device: l.device()}); err != nil {
				return err
			}
			clearAbove(l.device())
		}
	}
	patience := busyFor
	if force {
		patience = grace
	}
	for _, l := range v.loops {
		if !poll(ctx, patience, func() bool { return !l.claimed() }) {
			return fmt.Errorf("cannot detach %s: %w", v.id, ErrBusy)
		}
	}
	if err := v.tell(ctx, m, "hide"); err != nil {
		return err
	}
	if err := v.let(ctx, patience); err != nil {
		return errors.Join(err, v.tell(ctx, m, "show"))
	}
	return nil
}

func (v *volume) tell(ctx context.Context, m *live, what string) error {
	if v.nvme == nil {
		return nil
	}
	return m.call(ctx, request{Do: what, Disk: v.nvme})
}

// let releases the loops. Those that were released before one that is busy stay so.
func (v *volume) let(ctx context.Context, patience time.Duration) error {
	for len(v.loops) > 0 {
		if err := v.loops[0].release(ctx, patience); err != nil {
			return err
		}
		v.loops = v.loops[1:]
	}
	return nil
}
