// Regain gets people back into EC2 instances that they are locked out of: it
// swaps the root volume to a helper instance, has it repaired there, brings it
// home, and proves the new key by a login.
//
// This package reads flags, asks, prints, and turns results into exit codes.
// What happens to an instance is not decided here: see package controller.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

func main() { os.Exit(start()) }

// start is the process: one context, ended by the first signal. The signals
// that follow change nothing, since the way home is under way by then. A pipe
// that nobody reads must not kill a rescue halfway.
func start() int {
	signal.Ignore(syscall.SIGPIPE)
	// Nothing stops it: a signal in the last moment must not change the exit code.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	p := &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv, dial: dial, connect: connect,
		asks:  term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		alive: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb",
		width: terminalWidth, secret: askSecret,
	}
	return p.run(ctx, os.Args[1:])
}

// askSecret asks on the terminal, and shows nothing of the answer.
func askSecret(prompt string) ([]byte, error) {
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr)
	return term.ReadPassword(int(os.Stdin.Fd()))
}

// terminalWidth is asked for at each line: windows are resized.
func terminalWidth() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 20 {
		return w
	}
	return 80
}
