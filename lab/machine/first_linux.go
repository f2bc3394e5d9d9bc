package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// marker is the name under which this program runs as a machine's first process.
const marker = "regain-machine"

// grace is how long the processes of a machine have to end by themselves, and
// shutdown the same for a whole system in QEMU.
const (
	grace    = 10 * time.Second
	shutdown = 90 * time.Second
)

// Main is the first process of a machine. A program that runs machines calls it
// before anything else, and ends with the code when mine is true.
func Main() (code int, mine bool) {
	if os.Args[0] != marker {
		return 0, false
	}
	unix.CloseOnExec(3)
	unix.Umask(0o022)
	lab := os.NewFile(3, "lab")
	f := &first{tell: json.NewEncoder(lab), processes: newProcesses(), commands: map[string]*command{}, halt: make(chan struct{})}
	gone := make(chan error, 2)
	go func() { gone <- f.listen(json.NewDecoder(lab)) }()
	if err := <-gone; err != nil {
		fmt.Fprintf(os.Stderr, "machine: power off: %v\n", err)
		return 1, true
	}
	fmt.Fprintln(os.Stderr, "machine: halted")
	return 0, true
}

// first is the first process: it makes the machine, reaps what is orphaned, and
// runs commands.
type first struct {
	plan      plan
	processes *processes
	monitor   *os.File      // QEMU's
	halt      chan struct{} // closed when the machine has switched itself off

	mu       sync.Mutex // tell
	tell     *json.Encoder
	commands map[string]*command // touched by listen's goroutine only
}

// listen carries out what the lab asks for. nil: the machine was stopped.
func (f *first) listen(lab *json.Decoder) error {
	if err := lab.Decode(&f.plan); err != nil {
		return err
	}
	booted := make(chan error, 1)
	go func() { booted <- f.boot() }()
	requests, lost := make(chan request), make(chan error, 1)
	go func() {
		for {
			var r request
			if err := lab.Decode(&r); err != nil {
				lost <- err
				return
			}
			requests <- r
		}
	}()
	for {
		select {
		case err := <-lost: // whatever boot is doing
			return err
		case <-f.halt:
			return nil
		case err := <-booted:
			if err != nil {
				f.say(failure(err))
				return err
			}
		case r := <-requests:
			if r.Do == "stop" {
				f.stop()
				return nil
			}
			f.carryOut(r)
		}
	}
}

func (f *first) carryOut(r request) {
	switch r.Do {
	case "run":
		f.run(r)
	case "cancel":
		if c := f.commands[r.ID]; c != nil {
			c.kill(false)
		}
	case "show", "hide", "release":
		go func() { f.say(event{What: "done", ID: r.ID, Error: f.device(r)}) }()
	}
}

// device carries out a request about a volume; "" when it is done.
func (f *first) device(r request) string {
	switch r.Do {
	case "release":
		release(r.Device)
	case "hide":
		r.Disk.hide(f.plan.Kind == Helper)
	default:
		if err := r.Disk.show(f.plan.Kind == Helper); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (f *first) say(e event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.tell.Encode(e) // when the lab is gone, this process ends anyhow
}

// blame marks an error for which the root volume is the cause.
type blame struct{ error }

func (b blame) Unwrap() error { return b.error }

func failure(err error) event {
	return event{What: "failed", Error: err.Error(), Volume: errors.As(err, new(blame))}
}

// boot makes the machine and says that it is ready.
func (f *first) boot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make the mounts private: %w", err)
	}
	if err := unix.Sethostname([]byte(f.plan.Host)); err != nil {
		return fmt.Errorf("cannot name the machine: %w", err)
	}
	fmt.Fprintf(os.Stderr, "machine: %s boots\n", f.plan.Host)
	switch {
	case f.plan.Kind == Helper:
		return f.bootHelper()
	case f.plan.Boot == bootQEMU:
		return f.bootQEMU()
	case f.plan.Boot == bootKernel:
		return f.extractKernel()
	}
	return f.bootGuest()
}

// stop ends everything in order. The kernel unmounts, and so writes the disks,
// when this process ends with its namespaces.
func (f *first) stop() {
	patience := grace
	if f.monitor != nil {
		patience = shutdown
		fmt.Fprintln(f.monitor, "system_powerdown")
	} else {
		_ = unix.Kill(-1, unix.SIGTERM) // everybody but this process; there may be nobody
	}
	if !f.processes.empty(patience) {
		_ = unix.Kill(-1, unix.SIGKILL)
		f.processes.empty(grace)
	}
}

// processes are the children of the first process: those that it started, and
// those that it inherits as orphans and only reaps.
type processes struct {
	mu    sync.Mutex
	watch map[int]chan unix.WaitStatus
	none  chan struct{} // closed when there are no children; nil while nobody asks
	start chan func()   // calls on the one thread without dangerous capabilities
}

func newProcesses() *processes {
	p := &processes{watch: map[int]chan unix.WaitStatus{}, start: make(chan func())}
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	go func() {
		for range children {
			p.reap()
		}
	}()
	return p
}

func (p *processes) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD) && p.none != nil:
			close(p.none)
			p.none = nil
			return
		case err != nil || pid == 0:
			return
		}
		if ended := p.watch[pid]; ended != nil {
			delete(p.watch, pid)
			ended <- status
		}
	}
}

// empty waits until there are no children left.
func (p *processes) empty(patience time.Duration) bool {
	p.mu.Lock()
	none := make(chan struct{})
	p.none = none
	p.mu.Unlock()
	p.reap()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-none:
		return true
	case <-timer.C:
		return false
	}
}
