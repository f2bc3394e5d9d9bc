package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// commands is the tree of commands. It is built anew for each call.
func (p *program) commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "regain",
		Short: "Get back into an EC2 instance that you are locked out of",
		Long: `regain gets you back into an EC2 Linux instance whose key is lost or whose SSH
no longer lets anybody in. It stops the instance, backs it up, attaches its
root volume to a helper instance, puts a new key in place there, brings the
volume home, starts the instance, and proves the key by a login. Of a Windows
instance it has a new administrator password made in the same way.

You get back in, or your instance is exactly as it was and you are told why.
A run that was cut off at any point is taken up again with regain resume.

Credentials, region and endpoint come from where the AWS CLI takes them.`,
		Example: `regain reset i-0123456789abcdef0 --dry-run
regain reset i-0123456789abcdef0
regain ssh i-0123456789abcdef0`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Sprintf("there is no command %q", args[0]), "see regain --help"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err.Error(), "see " + cmd.CommandPath() + " --help"}
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	p.accountFlags(root)
	root.AddCommand(p.reset(), p.resume(), p.rollback(), p.status(), p.list(), p.key(), p.password(), p.replace(), p.ssh(), p.policy(), p.setup(), p.version())
	return root
}

// accountFlags are those of every command; the names are the AWS CLI's.
func (p *program) accountFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&p.account.Region, "region", "", "AWS `region` (default: from environment and configuration)")
	f.StringVar(&p.account.Profile, "profile", "", "`profile` of the AWS configuration")
	f.StringVar(&p.account.Role, "role-arn", "", "`role` to assume for all of it")
	f.StringVar(&p.account.Endpoint, "endpoint-url", "", "`URL` to send all calls to, instead of AWS")
	f.StringVar(&p.state, "state-dir", "", "`directory` of the journals (default: $XDG_STATE_HOME/regain or ~/.local/state/regain)")
	f.BoolVar(&p.json, "json", p.json, "print JSON, one object a line")
}
