package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
)

func (p *program) joinGroup() *cobra.Command {
	var m lab.Member
	cmd := &cobra.Command{
		Use:   "join-group --state DIR --group NAME --instance ID",
		Short: "Make an instance a member of an Auto Scaling group",
		Long: `join-group makes an instance a member of an Auto Scaling group, and makes the
group if there is none. A member that is in service and does not run is
terminated after a while, as Auto Scaling does; it is not replaced.`,
		Example: `regain-lab join-group --state lab --group web --instance i-0123456789abcdef0
regain-lab join-group --state lab --group web --instance i-0123456789abcdef0 --min 1
regain-lab join-group --state lab --group web --instance i-0123456789abcdef0 --lifecycle Standby`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if m.Group == "" || m.Instance == "" {
			return &usageError{text: "--group and --instance are both needed"}
		}
		return lab.Do(ctx, p.state, "join-group", m, &lab.Nothing{})
	})
	f := cmd.Flags()
	f.StringVar(&m.Group, "group", "", "the group's `name`")
	f.StringVar(&m.Instance, "instance", "", "the instance's `id`")
	f.StringVar(&m.State, "lifecycle", "InService", "the member's `state`: InService, Standby or Pending:Wait")
	f.IntVar(&m.Min, "min", 0, "the fewest `members` that the group may have in service (default: as it is)")
	return cmd
}
