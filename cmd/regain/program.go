package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/policy"
	"github.com/seed-77750964/regain/offline"
)

// program is one call of the command. The result goes to stdout, everything
// else to stderr.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	asks           bool // there is somebody to ask
	alive          bool // stderr is a terminal that can be drawn on
	width          func() int
	connect        func(context.Context, account) (controller.Cloud, error)
	secret         func(prompt string) ([]byte, error) // asked for on the terminal, without an echo
	dial           func(ctx context.Context, network, address string) (net.Conn, error)

	account account
	state   string // directory of the journals
	json    bool
	code    int         // set by the command that ran
	open    atomic.Bool // a run may be under way
	wanted  string      // the state that a run is meant to end in; empty: rescued
	view    *view
	mu      sync.Mutex // lines of several runs
}

// usageError means that nothing was begun.
type usageError struct{ text, hint string }

func (e *usageError) Error() string   { return e.text }
func (e *usageError) details() string { return e.hint }

// hinted is an error that knows what to do about it.
type hinted interface{ details() string }

// run does what the arguments ask and returns the exit code.
func (p *program) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			p.say(fmt.Sprintf("fault in regain itself: %v\n%s", v, debug.Stack()))
			code = exitFailed
			if p.open.Load() {
				p.hint("the run is not home: regain list names it, and regain resume RUN goes on")
				code = exitNotHome
			}
		}
	}()
	p.json = wantsJSON(args)
	p.account.Token = p.askToken
	root := p.commands()
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return p.fail(ctx, err)
	}
	return p.code
}

// wantsJSON looks for --json also where the arguments cannot be parsed, so that
// whoever reads JSON gets JSON.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// fail prints an error, with what to do about it.
func (p *program) fail(ctx context.Context, err error) int {
	hint := ""
	if h := hinted(nil); errors.As(err, &h) {
		hint = h.details()
	} else {
		hint = cloudHint(err)
	}
	message := err.Error()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		message = "interrupted"
	}
	if p.json {
		p.object(map[string]any{"error": map[string]string{"message": message, "hint": hint}})
	}
	p.say(message)
	p.hint(hint)
	return failureCode(ctx, err)
}

// cloudHint is for errors of the cloud itself, where no command knows better.
func cloudHint(err error) string {
	cloud := (*controller.CloudError)(nil)
	if !errors.As(err, &cloud) {
		return ""
	}
	switch cloud.Kind {
	case controller.Denied:
		hint := "the caller's policy lacks " + cloud.Action + ": regain policy controller prints what is needed"
		if sids := policy.GrantedBy(cloud.Action); len(sids) > 0 {
			hint += ", in the statement " + strings.Join(sids, " or ")
		}
		return hint
	case controller.Throttled:
		return "the account's rate for " + cloud.Action + " is used up: try again in a minute"
	case controller.Unknown:
		return "there was no answer: check region, network, and --endpoint-url"
	}
	return ""
}

// say prints a line of progress or an error.
func (p *program) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(text) {
		fmt.Fprintf(p.stderr, "regain: %s\n", offline.Printable(strings.TrimRight(line, "\n")))
	}
}

func (p *program) hint(text string) {
	if text != "" {
		fmt.Fprintf(p.stderr, "  hint: %s\n", offline.Printable(text))
	}
}

// object prints one line of JSON.
func (p *program) object(v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := json.NewEncoder(p.stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		fmt.Fprintf(p.stderr, "regain: cannot print the result: %v\n", err)
		p.code = max(p.code, exitFailed)
	}
}

// print writes text for people to stdout.
func (p *program) print(text string) {
	if _, err := io.WriteString(p.stdout, text); err != nil {
		p.say("cannot print the result: " + err.Error())
		p.code = max(p.code, exitFailed)
	}
}

// exclusive wants at most one of the flags.
func exclusive(names ...string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		var given []string
		for _, name := range names {
			if cmd.Flags().Changed(name) {
				given = append(given, "--"+name)
			}
		}
		if len(given) > 1 {
			return &usageError{strings.Join(given, " and ") + " exclude each other", "leave out all but one"}
		}
		return nil
	}
}

// arguments wants n names, and no flag with an empty text, which a script's
// unset variable makes of it.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least && least == 1:
			return &usageError{what + " is missing", "see " + cmd.CommandPath() + " --help"}
		case len(args) > most:
			return &usageError{fmt.Sprintf("unexpected argument %q", args[most]), "see " + cmd.CommandPath() + " --help"}
		}
		var err error
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if f.Value.Type() == "string" && f.Value.String() == "" {
				err = &usageError{fmt.Sprintf("--%s is empty", f.Name), ""}
			}
		})
		return err
	}
}
