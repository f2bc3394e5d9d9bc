package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
)

func (p *program) calls() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "calls --state DIR",
		Short: "Print the call log",
		Long: `calls prints each call that the lab has answered: when, what, who, which
resources it named, and how it came out. Values of parameters and bodies are not
in the log. A * marks a call that could change something.`,
		Example: `regain-lab calls --state lab
regain-lab calls --state lab --json`,
	}
	p.command(cmd, func(context.Context) error {
		entries, err := lab.ReadCalls(p.state)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := p.print(e, callLine(e)); err != nil {
				return err
			}
		}
		return nil
	})
	p.jsonFlag(cmd, "print each call as a JSON object on a line of its own")
	return cmd
}

func callLine(e lab.Entry) string {
	mark, who := " ", "-"
	if e.Mutating {
		mark = "*"
	}
	if i := strings.LastIndex(e.Caller, ":"); i >= 0 {
		who = e.Caller[i+1:] // user/operator, assumed-role/ROLE/SESSION
	}
	line := fmt.Sprintf("%s %s %-36s %-28s %s", e.Time.UTC().Format("15:04:05.000"), mark, e.Service+":"+e.Action, e.Outcome, who)
	return strings.TrimSpace(line+" "+strings.Join(e.Resources, " ")) + "\n"
}

func (p *program) leftovers() *cobra.Command {
	var run lab.Run
	cmd := &cobra.Command{
		Use:   "leftovers --state DIR --run RUN",
		Short: "Say what a run has left, in the account and on this host",
		Long: `leftovers lists the resources that carry the run's tag (regain:run) and the
objects whose name holds it; what is kept on purpose carries another tag. It
lists besides the loop devices, mounts and processes on this host that belong to
the state directory and to no machine that runs.

It ends with 4 if there is any.`,
		Example: `regain-lab leftovers --state lab --run 20261122T155300Z-3fa2c1`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if run.Run == "" {
			return &usageError{text: "--run is missing"}
		}
		var found left
		if err := lab.Do(ctx, p.state, "leftovers", run, &found.Left); err != nil {
			return err
		}
		if err := lab.Do(ctx, p.state, "remains", lab.Nothing{}, &found.Remains); err != nil {
			return err
		}
		return p.printLeft(found)
	})
	cmd.Flags().StringVar(&run.Run, "run", "", "the `run`, as regain printed it")
	p.jsonFlag(cmd, "print a JSON object")
	return cmd
}

type left struct {
	lab.Left
	lab.Remains
}

func (p *program) printLeft(l left) error {
	var text strings.Builder
	for _, line := range slices.Concat(l.Resources, l.Host) {
		text.WriteString(line + "\n")
	}
	if text.Len() > 0 {
		p.code = exitFindings
	}
	l.Resources, l.Host = append([]string{}, l.Resources...), append([]string{}, l.Host...) // [] and not null
	return p.print(l, text.String())
}
