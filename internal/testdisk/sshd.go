package testdisk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An Sshd is a running server in mount, network and process namespaces of its
// own. It must be closed.
type Sshd struct {
	client
	cmd   *exec.Cmd
	log   *logBuffer
	ended chan struct{}
	root  string
}

// ErrNotListening means that sshd ended or did not answer; the error's text holds
// what it said. To a user that is a refused login.
var ErrNotListening = errors.New("sshd is not listening")

const startTimeout = 20 * time.Second

// Sshd starts the tree's own sshd in a chroot, on port 22 of 127.0.0.1 besides
// what its configuration names. args are added to its command line.
func (tr *Tree) Sshd(ctx context.Context, args ...string) (*Sshd, error) {
	return startSshd(ctx, args, func(root string) error {
		if err := tr.bind(root); err != nil {
			return err
		}
		return bootMounts(root)
	})
}

// Sshd starts the sshd of the image's root as Tree.Sshd does. The image is
// mounted read-write until Close.
func (img *Image) Sshd(ctx context.Context, args ...string) (*Sshd, error) {
	return startSshd(ctx, args, func(root string) error {
		if err := img.mountAt(root, 0); err != nil {
			return err
		}
		return bootMounts(root)
	})
}

// HostSshd starts the sshd of this machine with a configuration file. binds put
// files or directories in other places of its view of the filesystem, say a
// passwd file at /etc/passwd: path there to path here. It starts faster than a
// tree's, but its version is this machine's.
func HostSshd(ctx context.Context, config string, binds map[string]string, args ...string) (*Sshd, error) {
	return startSshd(ctx, append([]string{"-f", config}, args...), func(root string) error {
		if err := unix.Mount("/", root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("cannot bind the root: %w", err)
		}
		for there, here := range binds {
			if err := unix.Mount(here, filepath.Join(root, there), "", unix.MS_BIND, ""); err != nil {
				return fmt.Errorf("cannot bind %s on %s: %w", here, there, err)
			}
		}
		return runMount(root)
	})
}

// bootMounts makes what a boot makes before sshd starts.
func bootMounts(root string) error {
	dev := filepath.Join(root, "dev")
	if err := unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=64k"); err != nil {
		return fmt.Errorf("cannot mount /dev: %w", err)
	}
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		path := filepath.Join(dev, name)
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			return fmt.Errorf("cannot make /dev/%s: %w", name, err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			return fmt.Errorf("cannot open up /dev/%s: %w", name, err)
		}
	}
	return runMount(root)
}

// runMount is /run with the directory that systemd makes for sshd's privilege
// separation (RuntimeDirectory=sshd).
func runMount(root string) error {
	if err := unix.Mount("tmpfs", filepath.Join(root, "run"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=1m"); err != nil {
		return fmt.Errorf("cannot mount /run: %w", err)
	}
	if err := os.Mkdir(filepath.Join(root, "run/sshd"), 0o755); err != nil {
		return fmt.Errorf("cannot make /run/sshd: %w", err)
	}
	return nil
}

func startSshd(ctx context.Context, args []string, prepare func(root string) error) (*Sshd, error) {
	root, err := os.MkdirTemp("", "testdisk-sshd-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a mount point: %w", err)
	}
	th, err := newThread(unix.CLONE_NEWNS | unix.CLONE_NEWNET)
	if err != nil {
		return nil, errors.Join(err, os.Remove(root))
	}
	s := &Sshd{client: client{th: th, port: 22}, log: &logBuffer{}, ended: make(chan struct{}), root: root}
	if err := th.do(func() error { return prepare(root) }); err != nil {
		close(s.ended)
		return nil, errors.Join(err, s.Close())
	}
	if err := s.start(ctx, args); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start makes sshd the first process of a new process namespace: when it is
// killed, the kernel kills its sessions.
func (s *Sshd) start(ctx context.Context, args []string) error {
	script := `mount -t proc proc "$1/proc" && exec chroot "$@"`
	base := []string{"-c", script, "sh", s.root, "/usr/sbin/sshd", "-D", "-e", "-p", "22", "-o", "ListenAddress=127.0.0.1:22"}
	s.cmd = exec.Command("sh", append(base, args...)...)
	s.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if err := s.th.start(s.cmd); err != nil {
		close(s.ended)
		return fmt.Errorf("cannot run sshd: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // that it ended is the news; why is in its log
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.await(ctx, s.ended); err != nil {
		return fmt.Errorf("%w: %w\n%s", ErrNotListening, err, s.Log())
	}
	return nil
}

// Log is what sshd has said so far.
func (s *Sshd) Log() string { return s.log.String() }

// Close kills sshd and its sessions and unmounts. All is on the disk afterwards.
func (s *Sshd) Close() error {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill() // it may have ended by itself
	}
	<-s.ended
	err := s.th.do(func() error { return unmountAll(s.root) })
	s.th.end()
	return errors.Join(err, os.Remove(s.root))
}

// A logBuffer can be read while a program writes to it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
