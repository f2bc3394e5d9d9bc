package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
)

// commands is the tree of commands. It is built anew for each call: the flags
// of one write into its own task.
func (p *program) commands(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "regain-agent",
		Short: "Get back into a system through its root volume",
		Long: `regain-agent works on the root volume of a Linux system, or of a Windows Server
in EC2, that nobody can log in to. Attach the volume to another machine, and run
it there as root. Nothing from the volume is ever executed, and looking never
writes: not even the journal of an unclean filesystem is replayed.

Start with diagnose, which says who could log in and what is in the way. Then
rescue puts a working SSH key in place, proves it through a fresh mount, and
prints how to log in; a Windows is made to set a new administrator password at
its next start. undo puts every file back.`,
		Example: `regain-agent diagnose --image disk.raw
regain-agent rescue --image disk.raw --public-key id_ed25519.pub`,
		SilenceErrors: true, SilenceUsage: true,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if !cmd.HasParent() && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
			return unknownCommand(cmd, args) // its flags are unknown for that reason
		}
		return usage(cmd, err)
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.inspect(), p.diagnose(), p.rescue(), p.undo(), p.version())
	return root
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(cmd, fmt.Errorf("there is no command %q", args[0]))
	}
	return nil
}

// command fills in what the four commands on a volume share.
func (p *program) command(cmd *cobra.Command, task *offline.Task, prepare func() error) *cobra.Command {
	task.Command, _, _ = strings.Cut(cmd.Use, " ")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage(cmd, fmt.Errorf("unexpected argument %q", args[0]))
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.euid != 0 {
			return &notRoot{cmd.Name()}
		}
		if err := emptyFlag(cmd); err != nil {
			return usage(cmd, err)
		}
		if err := prepare(); err != nil {
			return err
		}
		p.do(cmd.Context(), *task)
		return nil
	}
	p.sourceFlags(cmd.Flags(), task)
	cmd.Flags().SortFlags = false
	return cmd
}

// emptyFlag finds a flag that was given the empty text, which a script's unset
// variable makes of it: it must not pass for a flag that was left out.
func emptyFlag(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = fmt.Errorf("--%s is empty", f.Name)
		}
	})
	return err
}

func (p *program) sourceFlags(f *pflag.FlagSet, t *offline.Task) {
	f.StringVar(&t.Volume, "volume", "", "the EBS `volume` with this id, attached to this machine")
	f.DurationVar(&t.Wait, "wait", 0, "wait this `long` for --volume to be attached, as in 15m")
	f.StringVar(&t.Device, "device", "", "a block `device`: whole disk or partition")
	f.StringVar(&t.Image, "image", "", "a raw disk image in a `file`")
	f.StringVar(&t.Root, "root", "", "a `directory` where the tree is mounted already")
	f.BoolVar(&p.json, "json", p.json, "print the report as one JSON object")
	f.IntVar(&p.max, "max-report", 0, "leave details out of the JSON until it has at most this many `bytes`")
}

func userFlags(f *pflag.FlagSet, t *offline.Task) {
	f.StringArrayVar(&t.Users, "user", nil, "the `user` who wants to log in; may be repeated (default: the likeliest)")
	f.StringVar(&t.KeyName, "key-name", "", "`name` of the instance's EC2 key pair: helps to find the user")
}

func nothing() error { return nil }

func (p *program) inspect() *cobra.Command {
	t := &offline.Task{}
	cmd := &cobra.Command{
		Use:   "inspect SOURCE",
		Short: "Say what is on the volume",
		Long: `inspect lists the filesystems of a volume, the system on it, and the users who
may log in, with the reason why one of them is taken for the login user; of
Windows, the launch agents in place of users. It writes nothing.`,
		Example: `regain-agent inspect --image disk.raw
regain-agent inspect --device /dev/nvme1n1
regain-agent inspect --root /mnt/patient --json`,
	}
	p.command(cmd, t, nothing)
	userFlags(cmd.Flags(), t)
	return cmd
}

func (p *program) diagnose() *cobra.Command {
	t := &offline.Task{}
	var public string
	cmd := &cobra.Command{
		Use:   "diagnose SOURCE",
		Short: "Say who can log in, and what is in the way",
		Long: `diagnose gives a verdict for the login user and each key that sshd would look
at: accepted, refused, or unknown where a look from outside cannot tell. Each
reason names the file, and the line where there is one. It writes nothing.

Of Windows it says whether something sets a new administrator password at the
next start, and what is in the way of that.

It ends with 4 if some user has no key that would be accepted, or if nothing
sets a new password.`,
		Example: `regain-agent diagnose --image disk.raw
regain-agent diagnose --image disk.raw --user admin --public-key id_ed25519.pub
regain-agent diagnose --volume vol-0123456789abcdef0 --wait 15m --json`,
	}
	p.command(cmd, t, func() (err error) {
		t.PublicKey, err = readKey(public)
		return err
	})
	userFlags(cmd.Flags(), t)
	cmd.Flags().StringVar(&public, "public-key", "", "judge this `key` instead: a .pub file, or its text")
	return cmd
}

func (p *program) undo() *cobra.Command {
	t := &offline.Task{}
	cmd := &cobra.Command{
		Use:   "undo SOURCE --run RUN",
		Short: "Put every file back as a run found it",
		Long: `undo puts content, owner, mode and label of every file back as the run found
it, and removes what the run has made. It may be run again: what is back is
left alone. If somebody has changed one of the files since, nothing is touched.`,
		Example: `regain-agent undo --image disk.raw --run 20261122T155300Z-3fa2c1`,
	}
	p.command(cmd, t, nothing)
	cmd.Flags().StringVar(&t.Run, "run", "", "the `run` to take back, as rescue printed it")
	stateFlag(cmd.Flags(), t)
	return cmd
}

func stateFlag(f *pflag.FlagSet, t *offline.Task) {
	f.StringVar(&t.StateDir, "state-dir", agent.DefaultStateDir, "`directory` of the journals that undo needs")
}

func readKey(arg string) (string, error) {
	if arg == "" {
		return "", nil
	}
	return agent.ReadPublicKey(arg)
}
