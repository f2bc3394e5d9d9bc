package ec2

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

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
			if t, ok := e.machineTask(a, i, now); ok {
				tasks = append(tasks, t)
			}
		}
		tasks = append(tasks, e.fileTasks(a)...)
		return nil
	})
	for _, t := range tasks {
		e.start(ctx, t)
	}
	return len(tasks)
}

func (e *EC2) start(ctx context.Context, t task) {
	busy := func(on bool) {
		if t.instance != "" {
			e.boxes.with(t.instance, func(x *box) { x.busy = on })
		}
	}
	busy(true)
	e.work.Go(func() {
		t.run(ctx)
		busy(false)
		if ctx.Err() == nil {
			e.nudge()
		}
	})
}

// machineTask is the next thing to do at a machine, if any.
func (e *EC2) machineTask(a *account, i *instance, now time.Time) (task, bool) {
	var up, wait bool
	e.boxes.with(i.ID, func(x *box) { up, wait = x.up, x.busy || now.Before(x.again[power]) })
	want := (i.State == pending || i.State == running) && i.Broken.Code == "" && e.hasMachine(i)
	id := i.ID
	switch {
	case wait:
	case up && (!want || i.Reboot):
		force := i.Force || i.Lost || i.State == shuttingDown || i.State == terminated
		return task{id, func(ctx context.Context) { e.switchOff(ctx, id, force) }}, true
	case up:
		return e.diskTask(a, i, now)
	case want && a.filled(i):
		spec := e.spec(a, i)
		return task{id, func(ctx context.Context) { e.switchOn(ctx, id, spec) }}, true
	}
	return task{}, false
}

// filled tells whether the files of all volumes of an instance are there.
func (a *account) filled(i *instance) bool {
	return !slices.ContainsFunc(a.volumesOf(i), func(v *volume) bool { return !v.Filled })
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
func (e *EC2) diskTask(a *account, i *instance, now time.Time) (task, bool) {
	id := i.ID
	for _, v := range a.volumesOf(i) {
		volume, d, sees := v.ID, e.disk(v), e.boxes.sees(id, v.ID)
		wait := e.boxes.ask(id, func(x *box) bool { return now.Before(x.again[volume]) })
		switch {
		case wait || sees != v.Attachment.leaving() || !v.Filled:
		case sees:
			force := v.Attachment.Force
			return task{id, func(ctx context.Context) { e.unplug(ctx, id, volume, force) }}, true
		default:
			return task{id, func(ctx context.Context) { e.plug(ctx, id, d) }}, true
		}
	}
	return task{}, false
}

func (x *attachment) leaving() bool { return x.State == "detaching" || x.State == "busy" }

func (e *EC2) plug(ctx context.Context, id string, d machine.Disk) {
	err := e.Host.Attach(ctx, id, d)
	e.settleDisk(id, d.Volume, err == nil, err)
}

func (e *EC2) unplug(ctx context.Context, id, volume string, force bool) {
	e.settleDisk(id, volume, false, e.Host.Detach(ctx, id, volume, force))
}

// settleDisk notes what a machine sees. What failed is tried again later; a machine
// that is off holds nothing.
func (e *EC2) settleDisk(id, volume string, sees bool, err error) {
	e.boxes.with(id, func(x *box) {
		if err != nil && !errors.Is(err, machine.ErrOff) {
			x.again[volume] = e.retry()
			return
		}
		delete(x.again, volume)
		if delete(x.disks, volume); sees {
			x.disks[volume] = true
		}
	})
}

func (e *EC2) retry() time.Time { return e.after(e.now(), "ec2.volume.busy") }

func (e *EC2) disk(v *volume) machine.Disk {
	return machine.Disk{Volume: v.ID, Device: v.Attachment.Device, Image: e.volumePath(v.ID)}
}

// spec is the machine of an instance, with the volumes that are attached to it.
func (e *EC2) spec(a *account, i *instance) machine.Spec {
	kind := i.Kind
	if kind == machine.Guest && i.Platform == "windows" {
		kind = machine.Windows
	}
	s := machine.Spec{
		Instance: i.ID, Kind: kind, Boot: e.Boot, Address: net.ParseIP(i.Private),
		Dir: e.machinePath(i.ID), Env: e.Env,
		Metadata: e.metadata(i.ID), API: e.API, APIAddress: e.APIAddress,
	}
	if i.StoreRoot != "" {
		s.Root = machine.Disk{Device: i.RootDevice, Image: i.StoreRoot}
	}
	for _, v := range a.volumesOf(i) {
		switch {
		case v.Attachment.leaving():
		case v.Attachment.Device == i.RootDevice:
			s.Root = e.disk(v)
		default:
			s.Disks = append(s.Disks, e.disk(v))
		}
	}
	return s
}
