package pace

import (
	"context"

	"github.com/seed-77750964/regain/controller"
)

// LaunchReplacement launches an instance.
func (c *Cloud) LaunchReplacement(ctx context.Context, r controller.Replacement) (string, error) {
	return ask(c, "ec2:RunInstances", []string{r.Token}, func() (string, error) { return c.Cloud.LaunchReplacement(ctx, r) })
}

// PasswordData asks for a password.
func (c *Cloud) PasswordData(ctx context.Context, instance string) (controller.PasswordData, error) {
	return ask(c, "ec2:GetPasswordData", []string{instance}, func() (controller.PasswordData, error) { return c.Cloud.PasswordData(ctx, instance) })
}

// Console asks for the console's output.
func (c *Cloud) Console(ctx context.Context, instance string) ([]byte, error) {
	return ask(c, "ec2:GetConsoleOutput", []string{instance}, func() ([]byte, error) { return c.Cloud.Console(ctx, instance) })
}
