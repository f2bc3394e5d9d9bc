package windows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"

	"github.com/seed-77750964/regain/lab/machine"
)

// A system is a Windows on a mounted volume, and what its agents reach.
type system struct {
	tree
	control  string // the control set in use
	console  *console
	metadata http.Handler
	random   io.Reader
	learn    func(login) // from when a password counts
}

// on mounts the volume of a device and finds the system on it.
func (x *session) on(ctx context.Context, device string, writable bool, random io.Reader, f func(*system) error) error {
	return visit(ctx, device, x.dir(), writable, func(t tree) error {
		s := &system{tree: t, console: x.console, metadata: x.spec.Metadata, random: random, learn: x.learn}
		chosen, err := t.key(systemHive, "Select")
		if err != nil {
			return err
		}
		s.control = fmt.Sprintf("ControlSet%03d", chosen["current"].number())
		if err := s.readLogin(); err != nil {
			return err
		}
		return f(s)
	})
}

func (x *session) learn(l login) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.login = l
}

func (x *session) dir() string { return filepath.Join(x.spec.Dir, "root") }

// boot looks whether the volume holds a Windows that could start, and has it take the
// volume into use: it is repaired if need be, and both hives can be read.
func (x *session) boot(ctx context.Context) error {
	if x.spec.Root.Image == "" {
		return fmt.Errorf("%w: there is no root volume", machine.ErrNotBootable)
	}
	err := onDevice(ctx, x.spec.Root.Image, func(device string) error {
		if err := x.checkDisk(ctx, device); err != nil {
			return err
		}
		if err := x.checkHives(ctx, device); err != nil {
			return err
		}
		if err := x.on(ctx, device, false, nil, x.started); err != nil {
			return err
		}
		if err := x.log.find(ctx, device); err != nil {
			return err
		}
		return x.log.open(device)
	})
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", machine.ErrNotBootable, err)
	}
	return err
}

// started tells on the console what has started.
func (x *session) started(s *system) error {
	services, err := s.key(systemHive, s.control+`\Control`)
	switch {
	case err != nil:
		return err
	case services == nil:
		return fmt.Errorf("the hive SYSTEM has no %s", s.control)
	}
	version, err := s.key(softwareHive, `Microsoft\Windows NT\CurrentVersion`)
	switch {
	case err != nil:
		return err
	case version == nil:
		return errors.New("the hive SOFTWARE names no version of Windows")
	}
	return s.console.write(fmt.Sprintf("machine: starts %s, build %s\n", version["productname"].text(), version["currentbuild"].text()))
}

// shutDown leaves the volume as Windows does when it is stopped in order.
func (x *session) shutDown(ctx context.Context) error {
	return onDevice(ctx, x.spec.Root.Image, x.log.close)
}

// An agent acts if it is armed; each does its own looking.
type agent struct {
	name string
	act  func(*system) error
}

// agents are what may act at a start, in this order. Several may: the last one's password
// is the one that counts.
var agents = []agent{
	{"the start-up scripts", (*system).startupScripts}, {"EC2Launch v2", (*system).launch2}, {"EC2Launch v1", (*system).launch1}, {"EC2Config", (*system).ec2Config},
}

// act has the agents act. What one cannot do, it says on the console, and the next acts
// all the same.
func (x *session) act(ctx context.Context, random io.Reader) error {
	return x.console.during(func() error {
		return onDevice(ctx, x.spec.Root.Image, func(device string) error {
			return x.on(ctx, device, true, random, func(s *system) error {
				if err := x.log.open(device); err != nil { // ntfs-3g has closed it
					return err
				}
				return x.actOn(ctx, s)
			})
		})
	})
}

func (x *session) actOn(ctx context.Context, s *system) error {
	for _, a := range agents {
		err := a.act(s)
		if ctx.Err() != nil {
			return ctx.Err() // cut off: there is no one left to say anything
		}
		if err != nil {
			if err := s.console.write(fmt.Sprintf("machine: %s: %v\n", a.name, err)); err != nil {
				return err
			}
		}
	}
	return s.console.say("Windows is Ready to use")
}

// starts tells whether a service is there and starts by itself.
func (s *system) starts(service string) (bool, error) {
	values, err := s.key(systemHive, s.control+`\Services\`+service)
	const automatic = 2
	return values != nil && values["start"].number() == automatic, err
}

// settled tells whether set-up is over: launch agents wait for it, here for ever.
func (s *system) settled() (bool, error) {
	state, err := s.key(softwareHive, `Microsoft\Windows\CurrentVersion\Setup\State`)
	return state["imagestate"].text() == "IMAGE_STATE_COMPLETE", err
}
