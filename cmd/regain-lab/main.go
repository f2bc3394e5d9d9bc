// Regain-lab is a small AWS account on this machine: it serves the wire
// protocols of the services that regain calls, over real disk images, real loop
// devices and machines that really boot.
//
// This package reads flags, prints, and turns results into exit codes. What the
// account holds and how it answers is not decided here: see package lab.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-77750964/regain/lab/machine"
)

func main() {
	if code, mine := machine.Main(); mine { // this process is the first one of a machine
		os.Exit(code)
	}
	os.Exit(start())
}

// start is the process: one context, ended by the first signal; a second one
// ends the process at once, which kills its machines.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, euid: os.Geteuid()}
	return p.run(ctx, os.Args[1:])
}
