package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// answerTime is how long a guest's sshd has for its first answer.
const answerTime = 30 * time.Second

func (r *Rack) bootHelper(ctx context.Context, s Spec, p plan, console *os.File) error {
	if err := makeSpareLoops(spareLoops, freeLoops); err != nil {
		return err
	}
	m, _, err := r.launch(ctx, s, p, nil, console)
	if err != nil {
		return err
	}
	r.on(m)
	for _, d := range s.Disks {
		if err := r.Attach(ctx, s.Instance, d); err != nil {
			return errors.Join(err, r.off(m))
		}
	}
	return nil
}

func (r *Rack) bootGuest(ctx context.Context, s Spec, p plan, console *os.File) error {
	volumes, pieces, err := insert(ctx, s)
	if err != nil {
		return err
	}
	p.Pieces = pieces
	m, _, err := r.launch(ctx, s, p, volumes, console)
	if err != nil {
		return err
	}
	if m.wire.address != nil {
		m.address = net.JoinHostPort(m.wire.address.String(), "22")
		if err := m.awaitSSH(ctx, console); err != nil {
			return errors.Join(err, r.off(m))
		}
	}
	r.on(m)
	return nil
}

// insert makes loop devices of the filesystems on the root volume and on the
// others, which the guest's fstab may name.
func insert(ctx context.Context, s Spec) (volumes []*volume, pieces []piece, err error) {
	for i, d := range append([]Disk{s.Root}, s.Disks...) {
		found, err := extents(d.Image, i == 0)
		if err == nil && len(found) == 0 && i == 0 {
			err = fmt.Errorf("%s holds no filesystem that this host knows", d.Volume)
		}
		if err != nil {
			err = errors.Join(err, letAll(ctx, volumes))
			if i == 0 {
				err = fmt.Errorf("%w: %w", ErrNotBootable, err)
			}
			return nil, nil, err
		}
		v := &volume{id: d.Volume}
		volumes = append(volumes, v)
		for _, e := range found {
			l := &loop{image: d.Image, offset: e.offset, size: e.size}
			if err := l.attach(); err != nil {
				return nil, nil, errors.Join(err, letAll(ctx, volumes))
			}
			v.loops = append(v.loops, l)
			e.Device = l.path()
			pieces = append(pieces, e.piece)
		}
	}
	return volumes, pieces, nil
}

// awaitSSH waits until the guest's sshd greets. A guest whose sshd ends, or
// listens elsewhere, runs all the same: EC2 knows nothing of it either.
func (m *live) awaitSSH(ctx context.Context, console *os.File) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	greeted := make(chan bool, 1)
	go func() { greeted <- poll(ctx, answerTime, func() bool { return greets(ctx, m.address) }) }()
	select {
	case ok := <-greeted:
		if !ok && ctx.Err() == nil {
			fmt.Fprintf(console, "machine: nothing answers at %s\n", m.address)
		}
		return ctx.Err()
	case e, on := <-m.ready:
		if !on {
			return errors.New("the machine was switched off while it booted")
		}
		fmt.Fprintf(console, "machine: the guest runs without sshd: %s\n", e.Error)
		return nil
	}
}

// greets tells whether an SSH server answers. To connect is not enough: QEMU
// accepts before anything in the machine listens.
func greets(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp4", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second)) // a connection has deadlines
	banner := make([]byte, 64)
	n, _ := conn.Read(banner) // nothing read is no greeting
	return strings.HasPrefix(string(banner[:n]), "SSH-")
}

// Attach is Host.Attach.
func (r *Rack) Attach(ctx context.Context, instance string, d Disk) error {
	m, err := r.find(instance)
	if err != nil || m == nil {
		return err
	}
	if m.spec.Kind == Guest && m.spec.Boot == bootQEMU {
		return fmt.Errorf("cannot attach %s: QEMU machines take disks at boot only: %w", d.Volume, errors.ErrUnsupported)
	}
	if m.volume(d.Volume) != nil {
		return fmt.Errorf("cannot attach %s: it is attached", d.Volume)
	}
	v, err := plug(ctx, m, d)
	if err != nil {
		return err
	}
	m.mu.Lock()
	ended := m.ended
	if !ended {
		m.volumes = append(m.volumes, v)
	}
	m.mu.Unlock()
	if ended {
		return errors.Join(ErrOff, v.let(ctx, grace))
	}
	return nil
}

// Detach is Host.Detach.
func (r *Rack) Detach(ctx context.Context, instance, id string, force bool) error {
	m, err := r.find(instance)
	if err != nil || m == nil {
		return err
	}
	v := m.volume(id)
	if v == nil {
		return fmt.Errorf("cannot detach %s: it is not attached", id)
	}
	if err := v.unplug(ctx, m, force); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.volumes {
		if m.volumes[i] == v {
			m.volumes = append(m.volumes[:i:i], m.volumes[i+1:]...)
			break
		}
	}
	return nil
}

func (m *live) volume(id string) *volume {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.volumes {
		if v.id == id {
			return v
		}
	}
	return nil
}

// Run is Host.Run.
func (r *Rack) Run(_ context.Context, instance string, c Command, done func(Result)) error {
	m, err := r.find(instance)
	if err != nil {
		return err
	}
	if m == nil || m.spec.Kind != Helper {
		return fmt.Errorf("cannot run a command on %s: it is no helper: %w", instance, errors.ErrUnsupported)
	}
	m.mu.Lock()
	switch {
	case m.ended:
		err = ErrOff
	case m.commands[c.ID] != nil:
		err = fmt.Errorf("cannot run command %s: it runs", c.ID)
	default:
		m.commands[c.ID] = done
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	if err := m.send(request{Do: "run", ID: c.ID, Script: c.Script, Timeout: c.Timeout}); err != nil {
		m.mu.Lock()
		_, ours := m.commands[c.ID]
		delete(m.commands, c.ID)
		m.mu.Unlock()
		if ours { // else done has been told already
			return err
		}
	}
	return nil
}

// Cancel is Host.Cancel. A command that has ended is no error.
func (r *Rack) Cancel(instance, command string) error {
	m, err := r.find(instance)
	if err != nil || m == nil {
		return err
	}
	return m.send(request{Do: "cancel", ID: command})
}
