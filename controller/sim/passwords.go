package sim

import (
	"context"
	"slices"

	"github.com/seed-77750964/regain/controller"
)

// Tell has the machine of a Windows instance tell EC2 a password.
func (c *Cloud) Tell(id string, cipher []byte) {
	c.outside(func() { c.instances[id].password = controller.PasswordData{Cipher: cipher, At: c.now} })
}

// Write has the machine of an instance write to its console.
func (c *Cloud) Write(id, text string) {
	c.outside(func() { c.instances[id].console = append(c.instances[id].console, text...) })
}

// PasswordData is GetPasswordData.
func (c *Cloud) PasswordData(ctx context.Context, id string) (data controller.PasswordData, err error) {
	err = c.call(ctx, "ec2:GetPasswordData", func() error {
		i, err := c.instance(id)
		if err == nil {
			data = i.password
		}
		return err
	})
	return data, err
}

// Console is GetConsoleOutput.
func (c *Cloud) Console(ctx context.Context, id string) (text []byte, err error) {
	err = c.call(ctx, "ec2:GetConsoleOutput", func() error {
		i, err := c.instance(id)
		if err == nil {
			text = slices.Clone(i.console)
		}
		return err
	})
	return text, err
}
