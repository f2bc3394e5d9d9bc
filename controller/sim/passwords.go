package sim

import (
	"context"
	"maps"
	"slices"
	"time"

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

// passwordTakes is how long it takes from the start of a Windows instance until it
// tells a password: EC2 User Guide, "wait at least 4 minutes".
const passwordTakes = 4 * time.Minute

// NewPassword is what a launch agent sets and tells in the account: sealed by the
// key of the instance's pair, whatever that does.
const NewPassword = "new password of "

// tells has the launch agent do what it was armed to, once.
func (c *Cloud) tells(i *instance) {
	root, _ := i.at(i.RootDevice)
	if root == nil || root.files[armedFile] == "" {
		return
	}
	files := maps.Clone(root.files)
	if files[armedFile] == "agent" && i.KeyName != "" && !i.MetadataOff {
		i.password = controller.PasswordData{Cipher: c.seals(NewPassword + i.ID), At: c.now}
	}
	delete(files, armedFile)
	root.files = files
}

// Seals has the launch agents of the account encrypt as the key pairs do.
func (c *Cloud) Seals(by func(password string) []byte) {
	c.outside(func() { c.seals = by })
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
