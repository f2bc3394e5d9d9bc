package ec2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"time"

	labimage "github.com/seed-77750964/regain/lab/image"
	"github.com/seed-77750964/regain/lab/machine"
)

// A task is work outside of the account: on a machine or on image files. It is
// derived from what the account says should be, so that a killed lab finds its
// tasks again.
type task struct {
	instance string // whose box is busy meanwhile; empty: none
	run      func(context.Context)
}

// drive begins what the account asks of machines and files, each in a goroutine
// of its own and never two at one machine. It tells how many it began.
func (e *EC2) drive(ctx context.Context) int {
	var tasks []task
	_ = e.look(func(a *account, now time.Time) error {
		for _, i := range sorted(a.Instances) {
			if e.hasMachine(i) && !e.boxes.ask(i.ID, func(x *box) bool { return x.busy }) {
				tasks = append(tasks, e.machineTask(a, i, now)...)
			}
		}
		return nil
	})
	tasks = append(tasks, e.fileTasks()...)
	for _, t := range tasks {
		e.start(ctx, t)
	}
	return len(tasks)
}

func (e *EC2) start(ctx context.Context, t task) {
	if t.instance != "" {
		e.boxes.with(t.instance, func(x *box) { x.busy = true })
	}
	e.work.Go(func() {
		t.run(ctx)
		if t.instance != "" {
			e.boxes.with(t.instance, func(x *box) { x.busy = false })
		}
		if ctx.Err() == nil {
			e.nudge()
		}
	})
}

// machineTask is the next thing to do at a machine, if any.
func (e *EC2) machineTask(a *account, i *instance, now time.Time) []task {
	if e.boxes.ask(i.ID, func(x *box) bool { return now.Before(x.again[power]) }) {
		return nil
	}
	want := (i.State == pending || i.State == running) && i.Broken.Code == ""
	up := e.boxes.ask(i.ID, func(x *box) bool { return x.up })
	switch {
	case up && (!want || i.Reboot):
		id, force := i.ID, i.Force || i.State == shuttingDown || i.State == terminated
		return []task{{id, func(ctx context.Context) { e.switchOff(ctx, id, force) }}}
	case !up && want:
		if !a.filled(i) {
			return nil
		}
		id, spec := i.ID, e.spec(a, i)
		return []task{{id, func(ctx context.Context) { e.switchOn(ctx, id, spec) }}}
	case up:
		return e.diskTask(a, i, now)
	}
	return nil
}

// filled tells whether the files of all volumes of an instance are there.
func (a *account) filled(i *instance) bool {
	return !slices.ContainsFunc(a.volumesOf(i), func(v *volume) bool { return !v.Filled })
}

// lockedOut says why EC2 could not decrypt a volume of the instance.
func (e *EC2) lockedOut(a *account, i *instance) reason {
	for _, v := range a.volumesOf(i) {
		if !v.Encrypted || v.Key == "" {
			continue
		}
		if _, enabled, _, ok := e.Keys.Key(v.Key); !ok || !enabled {
			return reason{"Client.InternalError", "Client.InternalError: Client error on launch"}
		}
	}
	return reason{}
}

func (e *EC2) switchOn(ctx context.Context, id string, spec machine.Spec) {
	var broken reason
	switch err := e.Host.Start(ctx, spec); {
	case err == nil:
		e.boxes.with(id, func(x *box) { x.boot(spec, e.now(), func() bool { return e.Host.On(id) }) })
		return
	case ctx.Err() != nil:
		return // the lab ends; the next one boots the machine
	case errors.Is(err, machine.ErrNotBootable):
		broken = reason{"Client.InternalError", "Client.InternalError: Client error on launch: " + err.Error()}
	default:
		broken = reason{"Server.InternalError", "Server.InternalError: Internal error on launch: " + err.Error()}
	}
	e.note(id, func(i *instance) { i.Broken = broken })
}

func (e *EC2) switchOff(ctx context.Context, id string, force bool) {
	if err := e.Host.Stop(ctx, id, force); err != nil && (ctx.Err() != nil || e.Host.On(id)) {
		e.boxes.with(id, func(x *box) { x.again[power] = e.retry() })
		return
	}
	e.boxes.with(id, (*box).down)
	e.note(id, func(i *instance) { i.Reboot = false })
}

// pause switches a machine off and keeps drive from switching it on until resume.
func (e *EC2) pause(ctx context.Context, id string) error {
	const glance = 5 * time.Millisecond
	for !e.boxes.seize(id) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(glance):
		}
	}
	if err := e.Host.Stop(ctx, id, false); err != nil {
		e.resume(id)
		return fmt.Errorf("cannot switch instance off: %w", err)
	}
	e.boxes.with(id, (*box).down)
	return nil
}

func (e *EC2) resume(id string) {
	e.boxes.with(id, func(x *box) { x.busy = false })
	e.nudge()
}

// note changes an instance after its machine was worked on. A failure to store it
// shows at the next call, which meets the same disk.
func (e *EC2) note(id string, f func(*instance)) {
	_ = e.change(func(a *account, _ time.Time) error {
		if i := a.Instances[id]; i != nil {
			f(i)
		}
		return nil
	})
}

// diskTask makes the devices of a running machine those that are attached.
func (e *EC2) diskTask(a *account, i *instance, now time.Time) []task {
	id := i.ID
	for _, v := range a.volumesOf(i) {
		volume, d, sees := v.ID, e.disk(v), e.boxes.sees(id, v.ID)
		wait := e.boxes.ask(id, func(x *box) bool { return now.Before(x.again[volume]) })
		switch leaving := v.Attachment.State == "detaching" || v.Attachment.State == "busy"; {
		case wait || sees != leaving || !v.Filled:
		case leaving:
			force := v.Attachment.Force
			return []task{{id, func(ctx context.Context) { e.unplug(ctx, id, volume, force) }}}
		default:
			return []task{{id, func(ctx context.Context) { e.plug(ctx, id, d) }}}
		}
	}
	return nil
}

func (e *EC2) plug(ctx context.Context, id string, d machine.Disk) {
	err := e.Host.Attach(ctx, id, d)
	e.boxes.with(id, func(x *box) { x.settleDisk(d.Volume, err == nil, err, e.retry()) })
}

func (e *EC2) unplug(ctx context.Context, id, volume string, force bool) {
	err := e.Host.Detach(ctx, id, volume, force)
	e.boxes.with(id, func(x *box) { x.settleDisk(volume, false, err, e.retry()) })
}

func (e *EC2) retry() time.Time { return e.after(e.now(), "ec2.volume.busy") }

func (x *box) settleDisk(volume string, sees bool, err error, again time.Time) {
	if err != nil && !errors.Is(err, machine.ErrOff) { // a machine that is off holds nothing
		x.again[volume] = again
		return
	}
	delete(x.again, volume)
	if delete(x.disks, volume); sees {
		x.disks[volume] = true
	}
}

func (e *EC2) disk(v *volume) machine.Disk {
	return machine.Disk{Volume: v.ID, Device: v.Attachment.Device, Image: e.volumePath(v.ID)}
}

// spec is the machine of an instance, with the volumes that are attached to it.
func (e *EC2) spec(a *account, i *instance) machine.Spec {
	s := machine.Spec{
		Instance: i.ID, Kind: i.Kind, Boot: e.Boot, Address: net.ParseIP(i.Private),
		Dir: e.machinePath(i.ID), Env: e.Env,
		Metadata: e.metadata(i.ID), API: e.API, APIAddress: e.APIAddress,
	}
	if i.StoreRoot != "" {
		s.Root = machine.Disk{Device: i.RootDevice, Image: i.StoreRoot}
	}
	for _, v := range a.volumesOf(i) {
		switch {
		case v.Attachment.State == "detaching" || v.Attachment.State == "busy":
		case v.Attachment.Device == i.RootDevice:
			s.Root = e.disk(v)
		default:
			s.Disks = append(s.Disks, e.disk(v))
		}
	}
	return s
}

// fileTasks fill new volumes from their snapshots and remove files that nobody
// needs any more.
func (e *EC2) fileTasks() []task {
	var tasks []task
	var trash []string
	_ = e.look(func(a *account, _ time.Time) error {
		needed := map[string]bool{}
		for _, v := range sorted(a.Volumes) {
			if v.Filled {
				continue
			}
			if from := e.snapshotPath(v.Snapshot); v.Snapshot != "" {
				needed[from] = true
			}
			if fill := e.fill(v); e.claim(e.volumePath(v.ID)) {
				tasks = append(tasks, task{run: fill})
			}
		}
		for _, path := range a.Trash {
			if !needed[path] && !e.claimed(path) {
				trash = append(trash, path)
			}
		}
		return nil
	})
	if len(trash) > 0 {
		tasks = append(tasks, task{run: func(context.Context) { e.sweep(trash) }})
	}
	return tasks
}

// fill makes the file of a volume: a copy of its snapshot, or a hole.
func (e *EC2) fill(v *volume) func(context.Context) {
	id, from, size := v.ID, e.snapshotPath(v.Snapshot), int64(v.Size)<<30
	empty := v.Snapshot == ""
	return func(ctx context.Context) {
		defer e.unclaim(e.volumePath(id))
		var err error
		if empty {
			err = labimage.Create(e.volumePath(id), size)
		} else if err = labimage.Copy(ctx, from, e.volumePath(id)); err == nil {
			err = labimage.Grow(e.volumePath(id), size)
		}
		if ctx.Err() != nil {
			return
		}
		_ = e.change(func(a *account, _ time.Time) error {
			if v := a.Volumes[id]; v != nil {
				v.Filled = err == nil || errors.Is(err, fs.ErrExist)
				if !v.Filled {
					v.State, v.Filled = "error", true
				}
			}
			return nil
		})
	}
}

// sweep removes files. One that stays is a stray, which the next start finds.
func (e *EC2) sweep(paths []string) {
	for _, path := range paths {
		_ = os.RemoveAll(path)
	}
	_ = e.change(func(a *account, _ time.Time) error {
		a.Trash = slices.DeleteFunc(a.Trash, func(p string) bool { return slices.Contains(paths, p) })
		return nil
	})
}

// claim marks a file as being copied; it fails when it is already.
func (e *EC2) claim(path string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reading[path] > 0 {
		return false
	}
	e.reading[path]++
	return true
}

func (e *EC2) claimed(path string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reading[path] > 0
}

func (e *EC2) unclaim(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reading[path]--; e.reading[path] <= 0 {
		delete(e.reading, path)
	}
}
