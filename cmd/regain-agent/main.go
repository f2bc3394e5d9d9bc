// Regain-agent gets people back into a Linux system that they are locked out
// of, from its root volume alone: it says what is on the volume and why nobody
// can log in, puts a working SSH key in place, and takes it all back.
//
// This package reads flags, prints, and turns results into exit codes. What
// happens to a volume is not decided here: see packages agent and rescue.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/seed-77750964/regain/agent"
)

// maxHeap is where the garbage collector begins to work harder, in bytes.
const maxHeap = 48 << 20

func main() { os.Exit(start()) }

// start is the process: one context, ended by the first signal. The signals
// that follow change nothing, since the way back is under way by then. A pipe
// that nobody reads must not kill a rescue between two writes.
func start() int {
	signal.Ignore(syscall.SIGPIPE)
	// Nothing stops it: a signal in the last moment must not change the exit code.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A run is short and needs little memory: the collector would take a tenth
	// of its time. The limit keeps a large volume's run small all the same.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(maxHeap)
	p := &program{stdout: os.Stdout, stderr: os.Stderr, euid: os.Geteuid()}
	if err := agent.Harden(); err != nil {
		p.say("cannot protect the memory of this process: " + err.Error())
		return exitFailed
	}
	return p.run(ctx, os.Args[1:])
}
