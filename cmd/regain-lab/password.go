package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
)

// longestPassword is more than Windows takes.
const longestPassword = 1024

func (p *program) checkPassword() *cobra.Command {
	var a lab.Attempt
	cmd := &cobra.Command{
		Use:   "check-password --state DIR --instance ID",
		Short: "Tell whether a password opens a Windows instance",
		Long: `check-password reads a password from its input, one line, and tells whether the
administrator of the instance could log in with it. It exits with 4 where not.
The lab keeps no password, only what it takes to check one.`,
		Example: `regain-lab check-password --state lab --instance i-0123456789abcdef0 <password.txt`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if a.ID == "" {
			return &usageError{text: "--instance is missing"}
		}
		text, err := io.ReadAll(io.LimitReader(p.stdin, longestPassword+1))
		if err != nil {
			return fmt.Errorf("cannot read the password: %w", err)
		}
		if len(text) > longestPassword {
			return errors.New("cannot read the password: it is too long")
		}
		a.Password = strings.TrimRight(string(text), "\r\n")
		var v lab.Verdict
		if err := lab.Do(ctx, p.state, "check-password", a, &v); err != nil {
			return err
		}
		line := v.ID + " opens\n"
		if !v.Opens {
			p.code, line = exitFindings, v.ID+" does not open: "+v.Why+"\n"
		}
		return p.print(v, line)
	})
	cmd.Flags().StringVar(&a.ID, "instance", "", "the instance's `id`")
	p.jsonFlag(cmd, "print a JSON object")
	return cmd
}
