package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// qemuTime is how long a whole system may boot: emulated, on a busy host.
const qemuTime = 10 * time.Minute

// bootQEMU boots the whole system from its disks, by its own boot loader when
// the disk begins with one, else by its own kernel directly.
func (r *Rack) bootQEMU(ctx context.Context, s Spec, p plan, console *os.File) error {
	found, err := extents(s.Root.Image, true)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotBootable, err)
	}
	address, err := freePort()
	if err != nil {
		return err
	}
	p.QEMU = qemuCommand(s, address)
	if !slices.ContainsFunc(found, func(e extent) bool { return e.loader }) {
		arguments, err := r.copyKernel(ctx, s, p, console)
		if err != nil {
			return err
		}
		kernel := filepath.Join(s.Dir, "kernel")
		p.QEMU = append(p.QEMU, "-kernel", filepath.Join(kernel, "vmlinuz"), "-initrd", filepath.Join(kernel, "initrd.img"), "-append", arguments)
	}
	said, err := console.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("cannot read the console: %w", err)
	}
	m, _, err := r.launch(ctx, s, p, nil, console)
	if err != nil {
		return err
	}
	m.address = address
	if err := m.awaitSystem(ctx, said); err != nil {
		return errors.Join(err, r.off(m))
	}
	r.on(m)
	return nil
}

// freePort is an address of this host's loopback that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("cannot find a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func qemuCommand(s Spec, address string) []string {
	escape := func(path string) string { return strings.ReplaceAll(path, ",", ",,") }
	args := []string{
		"qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "Westmere,-cx16", "-smp", "2", "-m", "1024",
		"-netdev", "user,id=net,restrict=on,hostfwd=tcp:" + address + "-:22",
		"-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci",
		"-chardev", "file,id=console,append=on,path=" + escape(filepath.Join(s.Dir, "console.log")), "-serial", "chardev:console",
		"-monitor", "stdio",
	}
	for _, d := range append([]Disk{s.Root}, s.Disks...) {
		args = append(args, "-drive", "if=virtio,format=raw,file="+escape(d.Image))
	}
	return args
}

// copyKernel has a machine that does nothing else copy the guest's kernel to
// this host, and returns the kernel's command line.
func (r *Rack) copyKernel(ctx context.Context, s Spec, p plan, console *os.File) (arguments string, err error) {
	s.Disks = nil
	volumes, pieces, err := insert(ctx, s)
	if err != nil {
		return "", err
	}
	p.Boot, p.Pieces, p.Disk = bootKernel, pieces, filepath.Join(s.Dir, "kernel")
	if err := os.MkdirAll(p.Disk, 0o755); err != nil {
		return "", errors.Join(err, letAll(ctx, volumes))
	}
	m, ready, err := r.launch(ctx, s, p, volumes, console)
	if err != nil {
		return "", err
	}
	return ready.Kernel, r.off(m)
}

// awaitSystem waits until the system's sshd greets, or its console asks for a
// login: a system without sshd runs all the same.
func (m *live) awaitSystem(ctx context.Context, said int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log := filepath.Join(m.spec.Dir, "console.log")
	up := make(chan bool, 1)
	go func() {
		up <- poll(ctx, qemuTime, func() bool { return greets(ctx, m.address) || asksForLogin(log, said) })
	}()
	select {
	case ok := <-up:
		if !ok && ctx.Err() == nil {
			return fmt.Errorf("%w: the system was not up after %s", ErrNotBootable, qemuTime)
		}
		return ctx.Err()
	case e := <-m.ready:
		return fmt.Errorf("%w: the system ended while it booted: %s", ErrNotBootable, e.Error)
	}
}

func asksForLogin(console string, from int64) bool {
	f, err := os.Open(console)
	if err != nil {
		return false
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, from, 1<<20))
	return err == nil && strings.Contains(string(text), " login:")
}

// bootQEMU runs in the machine: the first process looks after QEMU.
func (f *first) bootQEMU() error {
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make QEMU's monitor: %w", err)
	}
	defer read.Close()
	f.monitor = write
	if err := f.processes.limit(droppedInGuests); err != nil {
		return err
	}
	what := program{args: f.plan.QEMU, env: environment(), stdin: read, stdout: os.Stderr, stderr: os.Stderr}
	if what.args[0], err = lookUp(what.args[0]); err != nil {
		return err
	}
	_, ended, err := f.processes.exec(what)
	if err != nil {
		return err
	}
	f.say(event{What: "ready"})
	go func() {
		f.say(event{What: "quiet", Error: "QEMU " + describe(<-ended)})
		close(f.halt)
	}()
	return nil
}

// lookUp finds a program: this process has no environment to search by.
func lookUp(name string) (string, error) {
	for dir := range strings.SplitSeq(programPath, ":") {
		path := filepath.Join(dir, name)
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("cannot run %s: %w", name, os.ErrNotExist)
}
