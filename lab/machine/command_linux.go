package machine

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// commandDir is where the SSM agent keeps what it runs.
const commandDir = "/var/lib/amazon/ssm/commands"

const (
	maxOutput = 1 << 20         // bytes kept of each stream
	linger    = 2 * time.Second // how long output is awaited of what a script left behind
	killed    = 137             // as a shell has it: 128 and SIGKILL
)

// A command is a script that runs.
type command struct {
	mu       sync.Mutex
	pid      int // 0 when it has ended
	timedOut bool
}

// kill ends the whole group of the command.
func (c *command) kill(late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pid != 0 {
		c.timedOut = c.timedOut || late
		_ = unix.Kill(-c.pid, unix.SIGKILL) // it may have ended by itself
	}
}

// run starts a script; how it ends is told as an event.
func (f *first) run(r request) {
	c := &command{}
	f.commands[r.ID] = c
	started := time.Now()
	ended, stdout, stderr, err := f.startScript(c, r)
	if err != nil {
		f.say(event{What: "ended", ID: r.ID, Code: 126, Stderr: []byte(err.Error() + "\n"), Started: started, Ended: time.Now()})
		return
	}
	go func() {
		e := event{What: "ended", ID: r.ID, Started: started}
		if r.Timeout > 0 {
			timer := time.AfterFunc(r.Timeout, func() { c.kill(true) })
			defer timer.Stop()
		}
		status := <-ended
		c.mu.Lock()
		c.pid, e.TimedOut = 0, c.timedOut
		c.mu.Unlock()
		e.Ended = time.Now()
		e.Stdout, e.Stderr = stdout.text(), stderr.text()
		if e.Code = status.ExitStatus(); status.Signaled() {
			e.Code = 128 + int(status.Signal())
		}
		f.say(e)
	}()
}

func (f *first) startScript(c *command, r request) (ended <-chan unix.WaitStatus, stdout, stderr *output, err error) {
	dir := filepath.Join(commandDir, filepath.Base(r.ID))
	script := filepath.Join(dir, "_script.sh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, nil, fmt.Errorf("cannot keep the script: %w", err)
	}
	if err := os.WriteFile(script, []byte(r.Script), 0o700); err != nil {
		return nil, nil, nil, fmt.Errorf("cannot keep the script: %w", err)
	}
	if stdout, err = newOutput(); err != nil {
		return nil, nil, nil, err
	}
	if stderr, err = newOutput(); err != nil {
		return nil, nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pid, ended, err = f.processes.exec(program{
		args: []string{"/bin/sh", script}, env: append(environment(), f.plan.Env...), stdout: stdout.in, stderr: stderr.in,
	})
	stdout.in.Close()
	stderr.in.Close()
	return ended, stdout, stderr, err
}

func environment() []string {
	return []string{"PATH=" + programPath, "HOME=/root", "LANG=C.UTF-8"}
}

const programPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// output is what a script writes: the beginning is kept, and all of it is read,
// so that a script that says much does not hang.
type output struct {
	in, out *os.File
	kept    strings.Builder
	done    chan struct{}
}

func newOutput() (*output, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot make a pipe: %w", err)
	}
	o := &output{in: in, out: out, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		if _, err := io.CopyN(&o.kept, out, maxOutput); err == nil {
			_, _ = io.Copy(io.Discard, out) // it ends with the writers
		}
	}()
	return o, nil
}

// text is what was written, when all writers are gone. A daemon that the script
// left behind does not hold it up.
func (o *output) text() []byte {
	_ = o.out.SetReadDeadline(time.Now().Add(linger)) // pipes have deadlines
	<-o.done
	o.out.Close()
	return []byte(o.kept.String())
}
