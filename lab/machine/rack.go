package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The ways to boot a guest.
const (
	bootSSHD = "sshd"
	bootQEMU = "qemu"
	bootNone = "none"

	bootKernel = "kernel" // not a way to boot: the machine only copies its kernel out
)

// maxConsole is how much of its console a machine shows.
const maxConsole = 64 << 10

// Options are what a Rack depends on.
type Options struct {
	// Hide are directories of this host that no helper may see: the lab's state.
	Hide []string
}

// A Rack is a Host that runs machines on this one, in namespaces. It needs root.
// The program that makes one must call Main first.
type Rack struct {
	options Options

	mu       sync.Mutex
	machines map[string]*live // starting or on
	idle     map[string]bool  // on, but nothing runs (boot none)
	starting map[string]bool
	dirs     map[string]string // of every machine that was ever on: its console outlives it
}

var _ Host = (*Rack)(nil)

// Open makes a Rack without machines.
func Open(o Options) *Rack {
	return &Rack{options: o, machines: map[string]*live{}, idle: map[string]bool{}, starting: map[string]bool{}, dirs: map[string]string{}}
}

// Close switches all machines off at once.
func (r *Rack) Close(ctx context.Context) error {
	r.mu.Lock()
	var instances []string
	for instance := range r.machines {
		instances = append(instances, instance)
	}
	r.mu.Unlock()
	var errs []error
	for _, instance := range instances {
		errs = append(errs, r.Stop(ctx, instance, true))
	}
	return errors.Join(errs...)
}

// Start is Host.Start.
func (r *Rack) Start(ctx context.Context, s Spec) error {
	if err := r.reserve(s); err != nil {
		return err
	}
	defer func() {
		r.mu.Lock()
		delete(r.starting, s.Instance)
		r.mu.Unlock()
	}()
	if s.Kind == Guest && s.Boot == bootNone {
		r.mu.Lock()
		r.idle[s.Instance] = true
		r.mu.Unlock()
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("cannot start %s: only root can run machines", s.Instance)
	}
	if err := os.MkdirAll(filepath.Join(s.Dir, "root"), 0o755); err != nil {
		return fmt.Errorf("cannot start %s: %w", s.Instance, err)
	}
	console, err := os.OpenFile(filepath.Join(s.Dir, "console.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("cannot start %s: %w", s.Instance, err)
	}
	defer console.Close()
	if err := r.boot(ctx, s, console); err != nil {
		fmt.Fprintf(console, "machine: %v\n", err)
		return fmt.Errorf("cannot start %s: %w", s.Instance, err)
	}
	return nil
}

func (r *Rack) reserve(s Spec) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.starting[s.Instance] || r.idle[s.Instance] || r.machines[s.Instance] != nil {
		return fmt.Errorf("cannot start %s: it is on", s.Instance)
	}
	switch {
	case s.Kind == Helper, s.Kind == Guest && (s.Boot == bootSSHD || s.Boot == bootQEMU || s.Boot == bootNone):
	default:
		return fmt.Errorf("cannot start %s: no machine is a %q that boots by %q", s.Instance, s.Kind, s.Boot)
	}
	r.starting[s.Instance], r.dirs[s.Instance] = true, s.Dir
	return nil
}

func (r *Rack) boot(ctx context.Context, s Spec, console *os.File) error {
	p := plan{
		Kind: s.Kind, Boot: s.Boot, Host: s.Instance, Root: filepath.Join(s.Dir, "root"),
		Disk: filepath.Join(s.Dir, "disk"), Hide: r.options.Hide, Env: s.Env,
	}
	switch {
	case s.Kind == Helper:
		return r.bootHelper(ctx, s, p, console)
	case s.Boot == bootQEMU:
		return r.bootQEMU(ctx, s, p, console)
	}
	return r.bootGuest(ctx, s, p, console)
}

// launch starts a machine and waits until its first process says that it is
// ready. What goes wrong afterwards must switch it off.
func (r *Rack) launch(ctx context.Context, s Spec, p plan, volumes []*volume, console *os.File) (*live, event, error) {
	m, err := spawn(ctx, s, volumes, console, p.Kind == Helper || p.Boot == bootSSHD)
	if err != nil {
		return nil, event{}, errors.Join(err, letAll(ctx, volumes))
	}
	r.mu.Lock()
	r.machines[s.Instance] = m
	r.mu.Unlock()
	ready, err := m.bring(ctx, p)
	if err != nil {
		return nil, event{}, errors.Join(err, r.off(m))
	}
	return m, ready, nil
}

func letAll(ctx context.Context, volumes []*volume) error {
	var errs []error
	for _, v := range volumes {
		errs = append(errs, v.let(context.WithoutCancel(ctx), grace))
	}
	return errors.Join(errs...)
}

// bring connects the machine and has it boot.
func (m *live) bring(ctx context.Context, p plan) (event, error) {
	if p.Kind == Helper || p.Boot == bootSSHD {
		w, err := cable(m.spec, m.cmd.Process.Pid)
		if err != nil {
			return event{}, err
		}
		m.mu.Lock()
		m.wire = w
		ended := m.ended
		m.mu.Unlock()
		if ended {
			w.cut()
		}
	}
	if err := m.send(p); err != nil {
		return event{}, err
	}
	select {
	case e, ok := <-m.ready:
		switch {
		case !ok:
			return e, errors.New("the machine was switched off while it booted")
		case e.What == "failed" && e.Volume:
			return e, fmt.Errorf("%w: %s", ErrNotBootable, e.Error)
		case e.What == "failed":
			return e, errors.New(e.Error)
		}
		return e, nil
	case <-ctx.Done():
		return event{}, ctx.Err()
	}
}

// off switches a machine off and waits until nothing of it is left.
func (r *Rack) off(m *live) error {
	m.kill()
	<-m.off
	r.forget(m)
	return m.err
}

// on makes a machine that has booted known, and forgets it when it ends.
func (r *Rack) on(m *live) {
	m.mu.Lock()
	m.up = !m.ended
	m.mu.Unlock()
	go func() {
		<-m.off
		r.forget(m)
	}()
}

func (r *Rack) forget(m *live) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machines[m.spec.Instance] == m {
		delete(r.machines, m.spec.Instance)
	}
}

// Stop is Host.Stop.
func (r *Rack) Stop(ctx context.Context, instance string, force bool) error {
	r.mu.Lock()
	m := r.machines[instance]
	delete(r.idle, instance)
	r.mu.Unlock()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	force = force || !m.up // it still boots: there is nothing to stop in order
	m.mu.Unlock()
	if force || m.send(request{Do: "stop"}) != nil {
		m.kill()
	}
	timer := time.NewTimer(2*grace + shutdown)
	defer timer.Stop()
	select {
	case <-m.off:
	case <-timer.C:
		m.kill()
		<-m.off
	case <-ctx.Done():
		return fmt.Errorf("cannot stop %s: %w", instance, ctx.Err())
	}
	r.forget(m)
	if m.err != nil {
		return fmt.Errorf("cannot stop %s: %w", instance, m.err)
	}
	return nil
}

// find returns the machine when it is on; nil without an error means that it is
// on, but nothing runs.
func (r *Rack) find(instance string) (*live, error) {
	r.mu.Lock()
	m, idle := r.machines[instance], r.idle[instance]
	r.mu.Unlock()
	if m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.up {
			return m, nil
		}
	}
	if idle {
		return nil, nil
	}
	return nil, fmt.Errorf("%s: %w", instance, ErrOff)
}

// On is Host.On.
func (r *Rack) On(instance string) bool {
	_, err := r.find(instance)
	return err == nil
}

// Address is Host.Address.
func (r *Rack) Address(instance string) string {
	if m, err := r.find(instance); err == nil && m != nil {
		return m.address
	}
	return ""
}

// Console is Host.Console. It is there after the machine is off, too.
func (r *Rack) Console(instance string) string {
	r.mu.Lock()
	dir := r.dirs[instance]
	r.mu.Unlock()
	f, err := os.Open(filepath.Join(dir, "console.log"))
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxConsole {
		_, _ = f.Seek(-maxConsole, io.SeekEnd) // else it shows the beginning
	}
	text, _ := io.ReadAll(io.LimitReader(f, maxConsole)) // what was read is shown
	return string(text)
}
