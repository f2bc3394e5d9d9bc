// Regain gets people back into EC2 instances that they are locked out of: it
// swaps the root volume to a helper instance, has it repaired there, brings it
// home, and proves the new key by a login.
//
// This package reads flags, asks, prints, and turns results into exit codes.
// What happens to an instance is not decided here: see package controller.
package main

import (
	"context"
	"errors"
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
		width: terminalWidth, secret: func(prompt string) ([]byte, error) { return askSecret(ctx, prompt) },
	}
	return p.run(ctx, os.Args[1:])
}

// askSecret asks on the terminal, and shows nothing of the answer. A signal ends
// the question, and leaves the terminal as it was.
func askSecret(ctx context.Context, prompt string) ([]byte, error) {
	fd := int(os.Stdin.Fd())
	was, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr)
	answer := make(chan []byte, 1)
	failed := make(chan error, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		if err != nil {
			failed <- err
			return
		}
		answer <- text
	}()
	select {
	case text := <-answer:
		return text, nil
	case err := <-failed:
		return nil, err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(fd, was))
	}
}

// terminalWidth is asked for at each line: windows are resized.
func terminalWidth() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 20 {
		return w
	}
	return 80
}
