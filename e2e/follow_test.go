package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// event is what regain --json tells while it works.
type event struct {
	Run, Step, Way, Event, Why, Error string
}

// ending is how regain ended, and what it said of it.
type ending struct {
	result
	run, state string // of the outcome; empty: there was none
	events     []event
}

// follow runs regain with --json and calls at for each event as it comes; when
// that returns true, the process is killed as a power cut would.
func (l *lab) follow(args []string, at func(n int, e event) (kill bool)) (result, []event) {
	l.t.Helper()
	n := 0
	end := l.watch(args, func(e event) syscall.Signal {
		n++
		if at(n-1, e) {
			return syscall.SIGKILL
		}
		return 0
	})
	return end.result, end.events
}

// watch runs regain with --json and calls at for each event as it comes; the
// signal that it returns, if any, is sent to the process.
func (l *lab) watch(args []string, at func(event) syscall.Signal) ending {
	l.t.Helper()
	return l.beside(args, at, func(context.Context, *os.Process) {})
}

// beside is watch, while something else goes on: it is called with the process,
// and a context that ends with it.
func (l *lab) beside(args []string, at func(event) syscall.Signal, other func(context.Context, *os.Process)) ending {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := l.command(ctx, nil, "regain", append(args, "--json")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	var others sync.WaitGroup
	others.Go(func() { other(ctx, cmd.Process) })
	var end ending
	var text strings.Builder
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		var line struct {
			Event   *event
			Outcome *struct{ Run, State string }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil && ctx.Err() == nil {
			l.t.Errorf("not JSON: %q", lines.Text())
		}
		if o := line.Outcome; o != nil {
			end.run, end.state = o.Run, o.State
		}
		if line.Event == nil {
			continue
		}
		end.events = append(end.events, *line.Event)
		end.run = line.Event.Run
		if sig := at(*line.Event); sig != 0 {
			_ = cmd.Process.Signal(sig) // it may have ended
		}
	}
	_ = cmd.Wait() // the exit code is judged
	if ctx.Err() != nil {
		l.t.Errorf("regain %q does not end: %s", args, tail(text.String()))
	}
	cancel()
	others.Wait()
	end.result = result{cmd.ProcessState.ExitCode(), text.String(), stderr.String()}
	return end
}

// undisturbed is a watch that does nothing.
func undisturbed(event) syscall.Signal { return 0 }

// tail is the end of a long text.
func tail(text string) string {
	const most = 4000
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}
