// Package windows is the lab's Windows: a host on which instances with Windows on
// their root volume start, as far as it shows from outside. No kernel runs. What
// runs is a small stand-in for the launch agents EC2Config, EC2Launch v1 and EC2Launch
// v2, and for regain's start-up script, which does to the disk what their
// documentation says: it opens the volume with ntfs-3g, reads the registry with the
// programs of hivex, decides who may act, makes a password, and writes to the console.
//
// It shares no code with what regain edits volumes with: a misunderstanding must not
// be on both sides. It runs nothing that is on a volume.
package windows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/rules"
)

// Options are what a Host depends on.
type Options struct {
	Pace   rules.Pace
	Now    func() time.Time
	Random io.Reader
}

// A Host runs Windows machines itself, and hands all others to the host below.
type Host struct {
	machine.Host
	options Options

	mu       sync.Mutex
	sessions map[string]*session // by instance
	consoles map[string]string   // files, of every machine that was ever on
	inUse    map[string]bool     // volumes and mount points
}

var _ machine.Host = (*Host)(nil)

// A session is a Windows from its start to its stop.
type session struct {
	spec    machine.Spec
	console *console
	log     journal // of the volume
	cancel  context.CancelFunc
	ended   chan struct{} // closed when nobody touches the volume any more

	mu    sync.Mutex
	login login
}

// New makes a Host over another one.
func New(below machine.Host, o Options) *Host {
	return &Host{Host: below, options: o, sessions: map[string]*session{}, consoles: map[string]string{}, inUse: map[string]bool{}}
}

// Start is machine.Host.Start. A Windows is on when its volume could be read, and its
// launch agents act a while later. Where nothing is to boot, the host below has one that
// does nothing.
func (h *Host) Start(ctx context.Context, s machine.Spec) error {
	if s.Kind == machine.Windows && s.Boot == "none" {
		s.Kind = machine.Guest
	}
	if s.Kind != machine.Windows {
		return h.Host.Start(ctx, s)
	}
	if h.session(s.Instance) != nil {
		return fmt.Errorf("cannot start %s: it is on", s.Instance)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("cannot start %s: only root can run machines", s.Instance)
	}
	if err := os.MkdirAll(filepath.Join(s.Dir, "root"), 0o755); err != nil {
		return fmt.Errorf("cannot start %s: %w", s.Instance, err)
	}
	path := filepath.Join(s.Dir, "console.log")
	h.mu.Lock()
	h.consoles[s.Instance] = path
	h.mu.Unlock()
	x := &session{spec: s, console: &console{path: path, now: h.options.Now}, ended: make(chan struct{})}
	h.use(x, true)
	if err := x.boot(ctx); err != nil {
		h.use(x, false)
		if ctx.Err() == nil {
			err = errors.Join(err, x.console.write(fmt.Sprintf("machine: %v\n", err)))
		}
		return fmt.Errorf("cannot start %s: %w", s.Instance, err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	x.cancel = cancel
	h.mu.Lock()
	h.sessions[s.Instance] = x
	h.mu.Unlock()
	go x.run(life, h.options)
	return nil
}

// run waits as long as Windows takes to get to its launch agents, and lets them act.
func (x *session) run(ctx context.Context, o Options) {
	defer close(x.ended)
	timer := time.NewTimer(o.Pace.Of("ec2.windows.password"))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	if err := x.act(ctx, o.Random); err != nil && ctx.Err() == nil {
		_ = x.console.write(fmt.Sprintf("machine: %v\n", err)) // there is nowhere else to say it
	}
}

// Stop is machine.Host.Stop. In order, it lets whoever writes to the volume finish, and
// closes it; by force, it cuts them off, and the volume stays open.
func (h *Host) Stop(ctx context.Context, instance string, force bool) error {
	x := h.session(instance)
	if x == nil {
		return h.Host.Stop(ctx, instance, force)
	}
	if busy := x.console.rest(); force || !busy {
		x.cancel()
	}
	select {
	case <-x.ended:
	case <-ctx.Done():
		x.cancel()
		return fmt.Errorf("cannot stop %s: %w", instance, ctx.Err())
	}
	x.cancel()
	var err error
	if !force {
		err = x.shutDown(ctx)
	}
	h.mu.Lock()
	delete(h.sessions, instance)
	h.mu.Unlock()
	h.use(x, false)
	if err != nil {
		return fmt.Errorf("cannot stop %s in order: %w", instance, err)
	}
	return nil
}

func (h *Host) session(instance string) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[instance]
}

// On is machine.Host.On.
func (h *Host) On(instance string) bool { return h.session(instance) != nil || h.Host.On(instance) }

// Attach is machine.Host.Attach. Nothing on a Windows looks at a second disk.
func (h *Host) Attach(ctx context.Context, instance string, d machine.Disk) error {
	if h.session(instance) != nil {
		return nil
	}
	return h.Host.Attach(ctx, instance, d)
}

// Detach is machine.Host.Detach.
func (h *Host) Detach(ctx context.Context, instance, volume string, force bool) error {
	if h.session(instance) != nil {
		return nil
	}
	return h.Host.Detach(ctx, instance, volume, force)
}

// Address is machine.Host.Address: there is no sshd on a Windows here.
func (h *Host) Address(instance string) string {
	if h.session(instance) != nil {
		return ""
	}
	return h.Host.Address(instance)
}

// Console is machine.Host.Console.
func (h *Host) Console(instance string) string {
	h.mu.Lock()
	path, mine := h.consoles[instance]
	h.mu.Unlock()
	if !mine {
		return h.Host.Console(instance)
	}
	return tail(path)
}

// ErrWrong means that a password is not the one of the machine's administrator.
var ErrWrong = errors.New("the administrator has another password")

// ErrUnknown means that nobody can tell: no launch agent or script of the lab's has set
// a password on this volume.
var ErrUnknown = errors.New("the administrator's password was not set by the lab's Windows")

// Check tells whether the administrator of a machine that runs has the password.
func (h *Host) Check(instance, password string) error {
	x := h.session(instance)
	if x == nil {
		return machine.ErrOff
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.login.Hash == nil:
		return ErrUnknown
	case !x.login.opens(password):
		return ErrWrong
	}
	return nil
}
