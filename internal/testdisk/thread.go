package testdisk

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A thread is one operating-system thread in namespaces of its own. Whatever is
// called on it sees its mounts and its network. When it ends, and it ends with
// the process at the latest, the kernel takes its namespaces down and kills the
// programs it started (prctl(2) PR_SET_PDEATHSIG follows the thread).
type thread struct {
	calls chan func()
	ended chan struct{}
	once  sync.Once
}

// newThread starts a thread and puts it into new namespaces of these kinds
// (CLONE_NEWNS, CLONE_NEWNET). Mounts made in it stay in it.
func newThread(namespaces int) (*thread, error) {
	th := &thread{calls: make(chan func()), ended: make(chan struct{})}
	go func() {
		defer close(th.ended)
		runtime.LockOSThread() // never unlocked: the thread ends with this function
		for call := range th.calls {
			call()
		}
	}()
	err := th.do(func() error { return enter(namespaces) })
	if err != nil {
		th.end()
		return nil, err
	}
	return th, nil
}

func enter(namespaces int) error {
	if namespaces == 0 {
		return nil
	}
	if err := unix.Unshare(namespaces | unix.CLONE_FS); err != nil {
		return fmt.Errorf("cannot make namespaces: %w", err)
	}
	if namespaces&unix.CLONE_NEWNS != 0 {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("cannot make mounts private: %w", err)
		}
	}
	if namespaces&unix.CLONE_NEWNET != 0 {
		return loopbackUp()
	}
	return nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot open a socket: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("cannot bring the loopback up: %w", err)
	}
	return nil
}

var errCallDied = errors.New("call ended without returning")

// do calls f on the thread and waits for it. Programs that f starts inherit the
// namespaces; goroutines that f starts do not.
func (th *thread) do(f func() error) error {
	err := errCallDied
	done := make(chan struct{})
	call := func() {
		defer close(done) // also when f ends the goroutine, as t.FailNow does
		err = f()
	}
	select {
	case th.calls <- call:
	case <-th.ended:
		return errCallDied
	}
	<-done
	return err
}

// end lets the thread go. It may be called twice, but not during a call.
func (th *thread) end() {
	th.once.Do(func() { close(th.calls) })
	<-th.ended
}

// start runs cmd on the thread; it is killed when the thread ends, or gets the
// signal that cmd says.
func (th *thread) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if cmd.SysProcAttr.Pdeathsig == 0 {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	return th.do(cmd.Start)
}
