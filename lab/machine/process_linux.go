package machine

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// The capabilities that no process of a machine needs and that would reach past
// its namespaces: kernel modules, raw I/O, reboot, the clock, device nodes,
// kernel logs and the like. A guest cannot mount either: with a devtmpfs it
// would have every disk of this host.
var (
	dropped = []uintptr{
		unix.CAP_SYS_MODULE, unix.CAP_SYS_RAWIO, unix.CAP_SYS_BOOT, unix.CAP_SYS_TIME, unix.CAP_MKNOD, unix.CAP_NET_ADMIN,
		unix.CAP_SYS_PACCT, unix.CAP_SYS_TTY_CONFIG, unix.CAP_WAKE_ALARM, unix.CAP_BLOCK_SUSPEND, unix.CAP_PERFMON, unix.CAP_BPF,
		unix.CAP_MAC_OVERRIDE,
	}
	droppedInGuests = append([]uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYSLOG, unix.CAP_MAC_ADMIN, unix.CAP_CHECKPOINT_RESTORE}, dropped...)
)

// limit starts the thread from which all programs of the machine are started. It
// gives up the capabilities for good, and its children cannot get them back.
func (p *processes) limit(capabilities []uintptr) error {
	limited := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		for _, c := range capabilities {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
				limited <- fmt.Errorf("cannot drop capability %d: %w", c, err)
				return
			}
		}
		limited <- nil
		for call := range p.start {
			call()
		}
	}()
	return <-limited
}

// program is something to start.
type program struct {
	args           []string
	env            []string
	stdin          *os.File // nil: nothing to read
	stdout, stderr *os.File
}

// exec starts a program as the leader of a group of its own.
func (p *processes) exec(what program) (pid int, ended <-chan unix.WaitStatus, err error) {
	if what.stdin == nil {
		null, err := os.Open(os.DevNull)
		if err != nil {
			return 0, nil, fmt.Errorf("cannot run %s: %w", what.args[0], err)
		}
		defer null.Close()
		what.stdin = null
	}
	attributes := &syscall.ProcAttr{
		Dir: "/", Env: what.env, Sys: &syscall.SysProcAttr{Setsid: true},
		Files: []uintptr{what.stdin.Fd(), what.stdout.Fd(), what.stderr.Fd()},
	}
	status := make(chan unix.WaitStatus, 1)
	done := make(chan struct{})
	p.start <- func() {
		defer close(done)
		p.mu.Lock() // a program may end before its number is known
		defer p.mu.Unlock()
		if pid, err = syscall.ForkExec(what.args[0], what.args, attributes); err == nil {
			p.watch[pid] = status
		}
	}
	<-done
	runtime.KeepAlive(what)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot run %s: %w", what.args[0], err)
	}
	return pid, status, nil
}

// describe says in words how a program ended.
func describe(s unix.WaitStatus) string {
	if s.Signaled() {
		return fmt.Sprintf("was killed (%s)", s.Signal())
	}
	return fmt.Sprintf("ended with %d", s.ExitStatus())
}
