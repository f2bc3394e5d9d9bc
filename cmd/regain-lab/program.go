package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes, as docs/lab.md explains them.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitFindings = 4
)

// program is one call of the command. The result goes to stdout, everything
// else to stderr.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	euid           int

	state string // directory
	json  bool
	code  int // set by the command that ran
}

// usageError means that nothing was begun.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

// run does what the arguments ask and returns the exit code.
func (p *program) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			p.say(fmt.Sprintf("fault in regain-lab itself: %v\n%s", v, debug.Stack()))
			code = exitFailed
		}
	}()
	root := p.commands()
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return p.fail(err)
	}
	return p.code
}

// fail says what went wrong, and gives the exit code.
func (p *program) fail(err error) int {
	p.say(err.Error())
	usage := (*usageError)(nil)
	if !errors.As(err, &usage) {
		return exitFailed
	}
	if usage.hint != "" {
		fmt.Fprintf(p.stderr, "  hint: %s\n", usage.hint)
	}
	return exitUsage
}

func (p *program) say(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(p.stderr, "regain-lab: %s\n", strings.TrimRight(line, "\n"))
	}
}

// print writes the result: the text, or with --json the value as one line.
func (p *program) print(value any, text string) error {
	if !p.json {
		_, err := io.WriteString(p.stdout, text)
		return err
	}
	out := json.NewEncoder(p.stdout)
	out.SetEscapeHTML(false)
	return out.Encode(value)
}

// commands is the tree of commands, built anew for each call.
func (p *program) commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "regain-lab",
		Short: "An AWS account on this machine, to try regain on",
		Long: `regain-lab is a small AWS account on this machine: EC2, Systems Manager, IAM,
KMS, S3 and what else regain calls, over their own wire protocols. Instances are
real: their volumes are disk images, a start boots them, and a helper runs the
real agent. It needs root, and no account anywhere.

serve keeps the account in a directory, and holds it open until it is
interrupted; the other commands work on that directory from another shell.`,
		Example: `regain-lab serve --state lab &
regain-lab create-instance --state lab --image disk.raw --key-name ops
eval "$(regain-lab env --state lab)"`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, fmt.Errorf("there is no command %q", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(usage)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		p.serve(), p.env(), p.createInstance(), p.createKeyPair(), p.createRole(), p.joinGroup(), p.putPolicy(),
		p.calls(), p.checkPassword(), p.leftovers(), p.version(),
	)
	return root
}

// usage turns complaints about arguments into usage errors.
func usage(cmd *cobra.Command, err error) error {
	return &usageError{err.Error(), "see " + cmd.CommandPath() + " --help"}
}

// command fills in what the commands on a state directory share.
func (p *program) command(cmd *cobra.Command, do func(ctx context.Context) error) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage(cmd, fmt.Errorf("unexpected argument %q", args[0]))
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if err := p.check(cmd); err != nil {
			return usage(cmd, err)
		}
		err = do(cmd.Context())
		if wrong := (*usageError)(nil); errors.As(err, &wrong) && wrong.hint == "" {
			wrong.hint = "see " + cmd.CommandPath() + " --help"
		}
		return err
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&p.state, "state", "", "`directory` that holds the account")
	return cmd
}

// check finds the flags that no command can do without, and those that a
// script's unset variable has left empty. The state directory becomes absolute:
// machines have another working directory.
func (p *program) check(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = fmt.Errorf("--%s is empty", f.Name)
		}
	})
	if err == nil && p.state == "" {
		err = errors.New("--state is missing")
	}
	if err != nil {
		return err
	}
	if p.state, err = filepath.Abs(p.state); err != nil {
		return err
	}
	if cmd.Name() == "serve" {
		return nil
	}
	if _, err := os.Stat(p.state); err != nil {
		return fmt.Errorf("there is no lab in %s", p.state)
	}
	return nil
}

func (p *program) jsonFlag(cmd *cobra.Command, what string) {
	cmd.Flags().BoolVar(&p.json, "json", false, what)
}
