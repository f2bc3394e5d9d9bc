package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
)

// program is one call of the command. The result goes to stdout, everything
// else to stderr.
type program struct {
	stdout, stderr io.Writer
	euid           int
	env            agent.Env

	json bool
	max  int        // bytes of a report in JSON; 0: any
	code int        // set by the command that ran
	mu   sync.Mutex // an interrupt speaks while the work goes on
}

// run does what the arguments ask and returns the exit code.
func (p *program) run(ctx context.Context, args []string) (code int) {
	p.json = wantsJSON(args)
	defer func() {
		if v := recover(); v != nil {
			p.say(fmt.Sprintf("fault in regain-agent itself: %v\n%s", v, debug.Stack()))
			code = exitFailed
		}
	}()
	root := p.commands(args)
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return p.finish(ctx, refusal(args, err), err)
	}
	return p.code
}

// wantsJSON looks for --json also where the arguments cannot be parsed, so that
// whoever reads JSON gets JSON.
func wantsJSON(args []string) bool {
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	return slices.Contains(args[:end], "--json") || slices.Contains(args[:end], "--json=true")
}

// refusal is the report of arguments that could not be parsed.
func refusal(args []string, err error) offline.Report {
	report := offline.Report{Schema: offline.Schema, Outcome: offline.Refused, Error: problem(err)}
	commands := []string{agent.Inspect, agent.Diagnose, agent.Rescue, agent.Undo}
	if i := slices.IndexFunc(args, func(a string) bool { return slices.Contains(commands, a) }); i >= 0 {
		report.Command = args[i]
	}
	return report
}

func problem(err error) *offline.Problem {
	p := &offline.Problem{Code: "usage", Message: offline.Printable(err.Error())}
	var detailed interface{ Details() (code, hint string) }
	if errors.As(err, &detailed) {
		p.Code, p.Hint = detailed.Details()
	}
	return p
}

// do carries out the task of a command.
func (p *program) do(ctx context.Context, task offline.Task) {
	env := p.env
	env.Progress = p.say
	stop := context.AfterFunc(ctx, func() { p.say("interrupted: please wait, the volume is left as it was, or rescued and proven") })
	defer stop()
	report, err := agent.Do(ctx, task, env)
	p.code = p.finish(ctx, report, err)
}

type notRoot struct{ command string }

func (e *notRoot) Error() string {
	return "cannot " + e.command + ": only root can read a foreign volume"
}

func (e *notRoot) Details() (code, hint string) {
	return "not-root", "run it with sudo"
}

// finish prints the result and gives the exit code.
func (p *program) finish(ctx context.Context, report offline.Report, err error) int {
	code := exitCode(ctx, report, err)
	if crash := (*agent.Crash)(nil); errors.As(err, &crash) {
		p.say(string(crash.Stack))
	}
	if err := p.print(report); err != nil {
		p.say("cannot print the result: " + err.Error())
		if code == exitDone {
			code = exitFailed
		}
	}
	if report.Error != nil { // last, where it is seen
		p.say(report.Error.Message)
		if report.Error.Hint != "" {
			fmt.Fprintf(p.stderr, "  hint: %s\n", offline.Printable(report.Error.Hint))
		}
	}
	return code
}

func (p *program) print(report offline.Report) error {
	if p.json {
		if p.max > 0 {
			report = report.Fit(p.max)
		}
		return encode(p.stdout, report)
	}
	_, err := io.WriteString(p.stdout, human(report))
	return err
}

// encode writes the report as one line of JSON, with [] for every empty list.
func encode(w io.Writer, r offline.Report) error {
	list(&r.Filesystems)
	list(&r.Users)
	list(&r.Verdicts)
	list(&r.Findings)
	list(&r.Changes)
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(r)
}

func list[T any](l *[]T) {
	if *l == nil {
		*l = []T{}
	}
}

// say prints a line of progress or an error.
func (p *program) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(text) {
		fmt.Fprintf(p.stderr, "regain-agent: %s\n", offline.Printable(strings.TrimRight(line, "\n")))
	}
}

// usage turns cobra's complaints into usage errors.
func usage(cmd *cobra.Command, err error) error {
	return &agent.UsageError{Text: err.Error(), Hint: "see " + cmd.CommandPath() + " --help"}
}
