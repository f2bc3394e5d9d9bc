package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
)

func (p *program) createKeyPair() *cobra.Command {
	var k lab.NewKeyPair
	cmd := &cobra.Command{
		Use:   "create-key-pair --state DIR --name NAME",
		Short: "Make a key pair, and print its private half",
		Long: `create-key-pair makes a key pair and prints its private half, in PEM. The
account keeps the public half alone, as EC2 does: keep what is printed. A
Windows instance encrypts its password to the pair that it was created with,
which must be RSA.`,
		Example: `regain-lab create-key-pair --state lab --name ops >ops.pem
regain-lab create-instance --state lab --image disk.raw --platform windows --key-name ops`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if k.Name == "" {
			return &usageError{text: "--name is missing"}
		}
		var made lab.PrivateKey
		if err := lab.Do(ctx, p.state, "create-key-pair", k, &made); err != nil {
			return err
		}
		return p.print(made, made.PEM)
	})
	cmd.Flags().StringVar(&k.Name, "name", "", "the key pair's `name`")
	cmd.Flags().StringVar(&k.Type, "type", "rsa", "its `type`: rsa or ed25519")
	p.jsonFlag(cmd, "print name and key as a JSON object")
	return cmd
}
