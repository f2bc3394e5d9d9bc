package testdisk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Machine is a disk image booted in QEMU. It must be closed.
type Machine struct {
	client
	cmd    *exec.Cmd
	ended  chan struct{}
	dir    string // kernel, initramfs and console
	stderr logBuffer
}

// bootTimeout allows for emulation on a busy machine.
const bootTimeout = 5 * time.Minute

// Boot starts the image's own kernel and initramfs with 2 processors and 1 GiB of
// memory, emulated unless REGAIN_QEMU_ACCEL names another of QEMU's accelerators,
// and returns when its sshd greets. What the machine writes is thrown away; its
// network reaches nothing.
func (img *Image) Boot(ctx context.Context) (*Machine, error) {
	dir, err := os.MkdirTemp("", "testdisk-boot-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory for the kernel: %w", err)
	}
	m := &Machine{ended: make(chan struct{}), dir: dir}
	if err := m.start(ctx, img); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	if err := m.await(ctx, m.ended); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot boot: %w\n%s%s", err, m.stderr.String(), tail(m.Console(), 4000)), m.Close())
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context, img *Image) error {
	cmdline, err := img.extractKernel(ctx, m.dir)
	if err != nil {
		close(m.ended)
		return err
	}
	// A network namespace of its own: the forwarded port can be any number, and
	// nobody else on this host can reach the machine.
	th, err := newThread(unix.CLONE_NEWNS | unix.CLONE_NEWNET)
	if err != nil {
		close(m.ended)
		return err
	}
	m.client = client{th: th, port: 2222}
	m.cmd = exec.Command("qemu-system-x86_64", m.arguments(img.Path, cmdline)...)
	m.cmd.Stdout, m.cmd.Stderr = &m.stderr, &m.stderr
	if err := th.start(m.cmd); err != nil {
		close(m.ended)
		return fmt.Errorf("cannot run QEMU: %w", err)
	}
	go func() {
		defer close(m.ended)
		_ = m.cmd.Wait() // that it ended is the news; why is in its output
	}()
	return nil
}

func (m *Machine) arguments(image, cmdline string) []string {
	accel := os.Getenv("REGAIN_QEMU_ACCEL")
	if accel == "" {
		accel = "tcg,thread=multi"
	}
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-accel", accel, "-cpu", "Westmere,-cx16", "-smp", "2", "-m", "1024",
		"-drive", "if=virtio,format=raw,snapshot=on,file=" + strings.ReplaceAll(image, ",", ",,"),
		"-netdev", fmt.Sprintf("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:%d-:22", m.port),
		"-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci",
		"-serial", "file:" + filepath.Join(m.dir, "console"),
		"-kernel", filepath.Join(m.dir, "vmlinuz"), "-initrd", filepath.Join(m.dir, "initrd.img"),
		"-append", cmdline,
	}
}

// extractKernel copies the newest kernel out of the image and returns the command
// line that makes it find its root.
func (img *Image) extractKernel(ctx context.Context, dir string) (cmdline string, err error) {
	d, err := img.Layout.disk()
	if err != nil {
		return "", err
	}
	uuid, err := d.partitions[0].uuid(ctx, img.Path)
	if err != nil {
		return "", err
	}
	cmdline = d.rootArguments(uuid) + " console=ttyS0 quiet loglevel=4 net.ifnames=0 systemd.show_status=1 mitigations=off"
	return cmdline, img.View(func(root string) error {
		for _, name := range []string{"vmlinuz", "initrd.img"} {
			found, err := filepath.Glob(filepath.Join(root, "boot", name+"-*"))
			if err != nil || len(found) == 0 {
				return fmt.Errorf("cannot find %s in the image: %w", name, errors.Join(err, os.ErrNotExist))
			}
			if err := run(ctx, "cp", found[len(found)-1], filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Login is client.Login, asked again while the machine says that it is still
// booting (pam_nologin, until systemd-user-sessions has run).
func (m *Machine) Login(ctx context.Context, user, keyFile string, command ...string) (Login, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	for {
		got, err := m.client.Login(ctx, user, keyFile, command...)
		if err != nil || got.OK || !strings.Contains(got.Stderr, "System is booting up") {
			return got, err
		}
		select {
		case <-ctx.Done():
			return got, nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// Console is what the machine has written to its serial console so far.
func (m *Machine) Console() string {
	text, err := os.ReadFile(filepath.Join(m.dir, "console"))
	if err != nil {
		return fmt.Sprintf("(no console: %v)", err)
	}
	return string(text)
}

// Close turns the machine off at once.
func (m *Machine) Close() error {
	if m.cmd != nil && m.cmd.Process != nil {
		_ = m.cmd.Process.Kill() // it may have ended by itself
	}
	<-m.ended
	if m.th != nil {
		m.th.end()
	}
	return os.RemoveAll(m.dir)
}
