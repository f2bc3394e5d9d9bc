package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/controller"
)

const takeOverUsage = "drive a run that somebody else has begun, and may still drive"

func (p *program) resume() *cobra.Command {
	var takeOver bool
	var agent, public string
	cmd := &cobra.Command{
		Use:   "resume [RUN|INSTANCE]",
		Short: "Go on with a run that was cut off",
		Long: `resume takes a run up where it stopped: it goes on with the rescue, or with the
way home if that had begun. The journal on this machine tells where that is.
Without it (another machine, a lost disk) the run is put together from the tags
on the instance and its volume. Without an argument it is about the one run of
this machine that is not home.`,
		Example: `regain resume 20261122T155300Z-3fa2c1
regain resume i-0123456789abcdef0 --take-over`,
		Args: arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, done, err := p.controller(cmd.Context(), agent)
			if err != nil {
				return err
			}
			defer done()
			if public != "" {
				if c.PublicKey, err = readPublicKey(public); err != nil {
					return err
				}
			}
			return p.driveOne(func() (controller.Outcome, error) { return c.Resume(cmd.Context(), named(args), takeOver) })
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&takeOver, "take-over", false, takeOverUsage)
	cmd.Flags().StringVar(&public, "public-key", "", "the `key` that the reset was given, where the run is put together from tags that had no room for it")
	cmd.Flags().StringVar(&agent, "agent", "", "`file` of the regain-agent to deliver (default: the one in this program)")
	return cmd
}

func (p *program) rollback() *cobra.Command {
	var takeOver bool
	cmd := &cobra.Command{
		Use:   "rollback [RUN|INSTANCE]",
		Short: "Take a run that was cut off back",
		Long: `rollback brings the instance home as it was: what the run has written to the
volume is taken back, the volume goes back to its place, and the instance to
the state it had. A run that has come home is not touched. Without an argument
it is about the one run of this machine that is not home.`,
		Example: `regain rollback 20261122T155300Z-3fa2c1
regain rollback i-0123456789abcdef0`,
		Args: arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, done, err := p.controller(cmd.Context(), "")
			if err != nil {
				return err
			}
			defer done()
			p.wanted = controller.StateTakenBack
			return p.driveOne(func() (controller.Outcome, error) { return c.Rollback(cmd.Context(), named(args), takeOver) })
		},
	}
	cmd.Flags().BoolVar(&takeOver, "take-over", false, takeOverUsage)
	return cmd
}

// named is the run or instance of the arguments, or nothing.
func named(args []string) string { return strings.Join(args, "") }

func (p *program) driveOne(f func() (controller.Outcome, error)) error {
	return p.drive(func() ([]controller.Outcome, error) {
		o, err := f()
		if o.Run == "" {
			return nil, err
		}
		return []controller.Outcome{o}, err
	})
}

// drive runs something that changes instances, and prints how it ended.
func (p *program) drive(f func() ([]controller.Outcome, error)) error {
	p.open.Store(true)
	outcomes, err := f()
	p.open.Store(false)
	p.closeView()
	codes := []int{p.code}
	for _, o := range outcomes {
		codes = append(codes, p.codeOf(o))
		if p.json {
			p.object(map[string]any{"outcome": o})
		} else {
			p.print(outcomePage(p.given(), o))
		}
	}
	p.code = worst(codes...)
	return err
}

// codeOf is the code of an outcome, unless it is what was asked for.
func (p *program) codeOf(o controller.Outcome) int {
	if o.State == p.wanted {
		return exitDone
	}
	return outcomeCode(o)
}

func (p *program) status() *cobra.Command {
	return &cobra.Command{
		Use:   "status [RUN|INSTANCE]",
		Short: "Say where a run is",
		Long: `status says where a run is, by its journal on this machine and by the tags on
what it has made, and what there is to do. Without an argument it is about the
run that was begun last. It ends with 3 if the run is not home.`,
		Example: `regain status
regain status i-0123456789abcdef0 --json`,
		Args: arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, done, err := p.controller(cmd.Context(), "")
			if err != nil {
				return err
			}
			defer done()
			s, err := p.oneStatus(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			if s.Way != wayHome {
				p.code = exitNotHome
			}
			if p.json {
				p.object(map[string]any{"status": s})
				return nil
			}
			p.print(statusPage(p.given(), s))
			return nil
		},
	}
}

// wayHome is the way of a run that has come home.
const wayHome = "home"

func (p *program) oneStatus(ctx context.Context, c *controller.Controller, args []string) (controller.Status, error) {
	if len(args) == 1 {
		return c.Status(ctx, args[0])
	}
	all, err := c.List(ctx)
	if err != nil {
		return controller.Status{}, err
	}
	if len(all) == 0 {
		return controller.Status{}, &usageError{"there is no run, here or in the account", ""}
	}
	return all[0], nil
}

func (p *program) list() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the runs that are not home, and what they have made",
		Long: `list shows the runs that are not home: those with a journal on this machine,
and those that only the tags in the account tell of. With --all it shows those
that have come home, too, and what they keep, with the commands that remove it.`,
		Example: `regain list
regain list --all --json`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, done, err := p.controller(cmd.Context(), "")
			if err != nil {
				return err
			}
			defer done()
			runs, err := c.List(cmd.Context())
			if err != nil {
				return err
			}
			shown := []controller.Status{}
			for _, s := range runs {
				if all || s.Way != wayHome {
					shown = append(shown, s)
				}
			}
			if p.json {
				for _, s := range shown {
					p.object(map[string]any{"status": s})
				}
				return nil
			}
			p.print(listPage(p.given(), shown))
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "runs that have come home, too")
	return cmd
}
