package pace

import (
	"context"

	"github.com/seed-77750964/regain/controller"
)

// Managed asks which instances Systems Manager knows.
func (c *Cloud) Managed(ctx context.Context, ids ...string) ([]controller.Managed, error) {
	return ask(c, "ssm:DescribeInstanceInformation", ids, func() ([]controller.Managed, error) { return c.Cloud.Managed(ctx, ids...) })
}

// Send sends a command.
func (c *Cloud) Send(ctx context.Context, cmd controller.Command, instances ...string) (string, error) {
	return ask(c, "ssm:SendCommand", instances, func() (string, error) { return c.Cloud.Send(ctx, cmd, instances...) })
}

// CommandsNamed finds commands.
func (c *Cloud) CommandsNamed(ctx context.Context, instance, comment string) ([]string, error) {
	return ask(c, "ssm:ListCommands", []string{instance}, func() ([]string, error) { return c.Cloud.CommandsNamed(ctx, instance, comment) })
}

// Invocation looks at a command on an instance.
func (c *Cloud) Invocation(ctx context.Context, command, instance string) (controller.Invocation, error) {
	return ask(c, "ssm:GetCommandInvocation", []string{instance}, func() (controller.Invocation, error) { return c.Cloud.Invocation(ctx, command, instance) })
}

// Cancel cancels a command.
func (c *Cloud) Cancel(ctx context.Context, command string, instances ...string) error {
	return do(c, "ssm:CancelCommand", instances, func() error { return c.Cloud.Cancel(ctx, command, instances...) })
}

// Parameters looks names up.
func (c *Cloud) Parameters(ctx context.Context, names ...string) ([]controller.Parameter, error) {
	return ask(c, "ssm:GetParameters", names, func() ([]controller.Parameter, error) { return c.Cloud.Parameters(ctx, names...) })
}

// StoreSecret writes a parameter.
func (c *Cloud) StoreSecret(ctx context.Context, name string, value []byte, kmsKey, description string, overwrite bool) (int64, error) {
	return ask(c, "ssm:PutParameter", []string{name}, func() (int64, error) { return c.Cloud.StoreSecret(ctx, name, value, kmsKey, description, overwrite) })
}

// Public reads a public parameter.
func (c *Cloud) Public(ctx context.Context, name string) (string, error) {
	return ask(c, "ssm:GetParameter", []string{name}, func() (string, error) { return c.Cloud.Public(ctx, name) })
}

// Secret decrypts a parameter.
func (c *Cloud) Secret(ctx context.Context, name string, version int64) (value []byte, found controller.Parameter, err error) {
	err = do(c, "ssm:GetParameter", []string{name}, func() error {
		value, found, err = c.Cloud.Secret(ctx, name, version)
		return err
	})
	return value, found, err
}
