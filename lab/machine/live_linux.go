package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A live machine is one whose first process runs.
type live struct {
	spec    Spec
	address string // where its sshd is reached
	cmd     *exec.Cmd
	control *os.File
	wire    *wire
	ready   chan event    // ready or failed; then, of a guest, quiet
	off     chan struct{} // closed when nothing of the machine is left
	err     error         // what could not be cleared away; after off

	mu       sync.Mutex
	up       bool // started, and known to the lab as on
	volumes  []*volume
	commands map[string]func(Result)
	calls    map[string]chan event
	count    int
	ended    bool
}

// spawn starts the first process of a machine in namespaces of its own, with the
// file as its console. The volumes are the machine's from then on.
func spawn(ctx context.Context, s Spec, volumes []*volume, console *os.File, network bool) (*live, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot start a machine: %w", os.NewSyscallError("socketpair", err))
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "machine"), os.NewFile(uintptr(pair[1]), "lab")
	defer theirs.Close()
	flags := unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	if network {
		flags |= unix.CLONE_NEWNET
	}
	m := &live{
		spec: s, volumes: volumes, control: ours, ready: make(chan event, 2), off: make(chan struct{}),
		commands: map[string]func(Result){}, calls: map[string]chan event{},
	}
	m.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{marker, s.Dir}, Env: []string{}, Dir: "/", Stdout: console, Stderr: console,
		ExtraFiles: []*os.File{theirs}, SysProcAttr: &syscall.SysProcAttr{Cloneflags: uintptr(flags), Setsid: true},
	}
	if err := m.cmd.Start(); err != nil {
		ours.Close()
		return nil, fmt.Errorf("cannot start a machine: %w", err)
	}
	go m.follow(context.WithoutCancel(ctx))
	return m, nil
}

// follow hears what the machine tells until it is off, and clears up behind it.
func (m *live) follow(ctx context.Context) {
	events := json.NewDecoder(m.control)
	for {
		var e event
		if err := events.Decode(&e); err != nil {
			break
		}
		m.hear(e)
	}
	_ = m.cmd.Process.Kill() // it closed its end: it is ending, or astray
	_ = m.cmd.Wait()         // how it ended is on its console
	m.mu.Lock()
	m.ended, m.up = true, false
	commands, calls, volumes, w := m.commands, m.calls, m.volumes, m.wire
	m.commands, m.calls, m.volumes = nil, nil, nil
	m.mu.Unlock()
	m.control.Close()
	if w != nil {
		w.cut()
	}
	for _, v := range volumes {
		for _, l := range v.loops {
			clearAbove(l.device())
		}
		m.err = errors.Join(m.err, v.let(ctx, shutdown))
	}
	for _, answer := range calls {
		answer <- event{Error: ErrOff.Error()}
	}
	close(m.ready)
	close(m.off)
	now := time.Now()
	for _, done := range commands {
		done(Result{Code: killed, Started: now, Ended: now})
	}
}

// hear takes one event in.
func (m *live) hear(e event) {
	switch e.What {
	case "ready", "failed", "quiet":
		select {
		case m.ready <- e:
		default: // nobody waits for it any more
		}
	case "done":
		m.mu.Lock()
		answer := m.calls[e.ID]
		delete(m.calls, e.ID)
		m.mu.Unlock()
		if answer != nil {
			answer <- e
		}
	case "ended":
		m.mu.Lock()
		done := m.commands[e.ID]
		delete(m.commands, e.ID)
		m.mu.Unlock()
		if done != nil {
			go done(Result{
				Code: e.Code, Stdout: string(e.Stdout), Stderr: string(e.Stderr), Started: e.Started, Ended: e.Ended, TimedOut: e.TimedOut,
			})
		}
	}
}

// send asks for something without waiting for it.
func (m *live) send(r any) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot ask the machine: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return ErrOff
	}
	if _, err := m.control.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("cannot ask the machine: %w", errors.Join(ErrOff, err))
	}
	return nil
}

// call asks for something and waits until it is done.
func (m *live) call(ctx context.Context, r request) error {
	answer := make(chan event, 1)
	m.mu.Lock()
	if m.ended {
		m.mu.Unlock()
		return ErrOff
	}
	m.count++
	r.ID = strconv.Itoa(m.count)
	m.calls[r.ID] = answer
	m.mu.Unlock()
	if err := m.send(r); err != nil {
		return err
	}
	select {
	case e := <-answer:
		if e.Error != "" {
			return errors.New(e.Error)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the machine: %w", ctx.Err())
	}
}

// kill is the power switch.
func (m *live) kill() { _ = m.cmd.Process.Kill() }
