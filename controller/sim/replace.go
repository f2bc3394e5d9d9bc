package sim

import (
	"context"
	"maps"
	"reflect"

	"github.com/seed-77750964/regain/controller"
)

// LaunchReplacement is RunInstances from an image of a patient, whose launch
// agent is armed.
func (c *Cloud) LaunchReplacement(ctx context.Context, r controller.Replacement) (id string, err error) {
	err = c.call(ctx, "ec2:RunInstances", func() error {
		if old, again := c.replaced[r.Token]; again {
			switch id = old.id; {
			case c.instances[id] == nil || c.instances[id].State == controller.Terminated:
				return refusal(controller.Invalid, "IdempotentInstanceTerminated", "the client token was used to launch %s, which is terminated", id)
			case !reflect.DeepEqual(old.asked, r):
				return refusal(controller.Invalid, "IdempotentParameterMismatch", "the request uses the same client token as a previous, but non-identical request")
			}
			return nil
		}
		image := c.backups[r.Image]
		switch {
		case image == nil || image.State != available:
			return refusal(controller.NotFound, "InvalidAMIID.NotFound", "the image id '[%s]' does not exist", r.Image)
		case c.pairs[r.KeyName].Name == "":
			return refusal(controller.NotFound, "InvalidKeyPair.NotFound", "the key pair '%s' does not exist", r.KeyName)
		case len(r.Token) > 64:
			return refusal(controller.Invalid, "InvalidParameterValue", "the client token is longer than 64 characters")
		}
		if err := checkTags(nil, r.Tags); err != nil {
			return err
		}
		id = c.add(Patient{Instance: controller.Instance{
			State: controller.Stopped, Platform: controller.Windows, Type: r.Type, Subnet: r.Subnet, Groups: r.Groups, Profile: r.Profile, KeyName: r.KeyName,
			Tags: maps.Clone(r.Tags), MetadataTokens: r.Tokens, Launched: c.now, Settings: r.Settings,
		}, Attributes: r.Attributes})
		i := c.instances[id]
		root, _ := i.at(i.RootDevice)
		root.files = maps.Clone(image.held)
		c.start(i)
		c.makes(id)
		c.replaced[r.Token] = replaced{r, id}
		return nil
	})
	return id, err
}

// replaced is what a client token stands for.
type replaced struct {
	asked controller.Replacement
	id    string
}
