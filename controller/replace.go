package controller

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// TagReplaces is on an instance that was launched in place of another, and names
// that one.
const TagReplaces = "regain:replaces"

// A Replacement is a new Windows instance in place of one whose key pair is lost:
// from its password-enabled image, with a key pair that somebody has.
type Replacement struct {
	Of      string   `json:"of"`
	Image   string   `json:"image"`
	KeyName string   `json:"key_name"`
	Type    string   `json:"type"`
	Subnet  string   `json:"subnet"`
	Groups  []string `json:"groups"`            // security groups
	Profile string   `json:"profile,omitempty"` // ARN of the instance profile
	Tokens  bool     `json:"tokens,omitempty"`  // the metadata service wants tokens
	// Settings and Attributes are the instance's own.
	Settings   LaunchSettings    `json:"settings"`
	Attributes Attributes        `json:"attributes"`
	Tags       map[string]string `json:"tags"`
	Token      string            `json:"token"` // launching again launches no other
	// Differs tells, a line each, in what it is not like the other.
	Differs []string `json:"differs"`
	// Existing is the instance, if it has been launched already.
	Existing string `json:"existing,omitempty"`
}

// LaunchSettings are some of what an instance is launched with.
type LaunchSettings struct {
	Optimized    bool   `json:"ebs_optimized,omitempty"`
	Monitored    bool   `json:"monitored,omitempty"`     // in detail
	Hops         int    `json:"metadata_hops,omitempty"` // of the metadata service's answers
	MetadataTags bool   `json:"metadata_tags,omitempty"` // the metadata service tells the tags
	Tenancy      string `json:"tenancy,omitempty"`       // dedicated or host; empty: shared
}

// A NoImageError means that there is no password-enabled image to launch from.
type NoImageError struct {
	Instance string
	Pending  string // one that EC2 is still making
}

func (e *NoImageError) Error() string {
	if e.Pending != "" {
		return "the password-enabled image " + e.Pending + " of " + e.Instance + " is not complete yet"
	}
	return "there is no password-enabled image of " + e.Instance + " in this account and region"
}

// PlanReplacement tells what Replace would launch. It changes nothing.
func (c *Controller) PlanReplacement(ctx context.Context, instance, keyName string) (Replacement, error) {
	if err := CheckInstanceID(instance); err != nil {
		return Replacement{}, err
	}
	p, err := c.planReplacement(ctx, instance, keyName)
	if err != nil {
		return Replacement{}, fmt.Errorf("cannot replace %s: %w", instance, err)
	}
	return p, nil
}

func (c *Controller) planReplacement(ctx context.Context, instance, keyName string) (Replacement, error) {
	found, err := c.Cloud.Instances(ctx, instance)
	switch {
	case err != nil:
		return Replacement{}, err
	case len(found) != 1:
		return Replacement{}, &MissingError{Instance: instance}
	case found[0].Platform != Windows:
		return Replacement{}, errors.New("it does not run Windows")
	case found[0].Subnet == "":
		return Replacement{}, errors.New("EC2 no longer tells its subnet, as it is " + found[0].State)
	}
	was := found[0]
	pair, err := c.Cloud.KeyPair(ctx, keyName)
	switch {
	case is(err, NotFound):
		return Replacement{}, fmt.Errorf("there is no key pair %q in this region (aws ec2 import-key-pair makes one of a public key)", keyName)
	case err != nil:
		return Replacement{}, err
	case pair.Type != "rsa":
		return Replacement{}, fmt.Errorf("key pair %q is of the type %s, and Windows passwords are encrypted to RSA keys only", keyName, orUnknown(pair.Type))
	}
	image, err := c.enabledImage(ctx, instance)
	if err != nil {
		return Replacement{}, err
	}
	p := Replacement{
		Of: instance, Image: image, KeyName: keyName, Type: was.Type, Subnet: was.Subnet, Groups: was.Groups, Profile: was.Profile,
		Tokens: was.MetadataTokens, Settings: was.Settings, Tags: replacementTags(was),
	}
	if p.Attributes, err = c.Cloud.Attributes(ctx, instance); err != nil {
		return Replacement{}, err
	}
	script, err := c.Cloud.UserData(ctx, instance)
	if err != nil {
		return Replacement{}, err
	}
	p.Differs, p.Token = differing(was, keyName, len(script) > 0), p.token(1)
	before, err := c.Cloud.InstancesTagged(ctx, TagReplaces, instance)
	for _, i := range before {
		if i.KeyName == keyName {
			p.Existing = i.ID
		}
	}
	return p, err
}

// enabledImage is the newest that is complete. What the runs have made tells its
// age by its name: a run's id begins with the time.
func (c *Controller) enabledImage(ctx context.Context, instance string) (string, error) {
	found, err := c.Cloud.BackupsTagged(ctx, TagKept, "")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b Backup) int { return strings.Compare(b.Tags[TagKept], a.Tags[TagKept]) })
	missing := &NoImageError{Instance: instance}
	for _, image := range found {
		switch {
		case !strings.HasPrefix(image.ID, "ami-") || image.Tags["Name"] != EnabledName(instance):
		case image.State == "available":
			return image.ID, nil
		case image.State == "pending":
			missing.Pending = image.ID
		}
	}
	return "", missing
}

// replacementTags are the instance's own, and whose place it takes. AWS writes
// those that begin with aws: itself.
func replacementTags(was Instance) map[string]string {
	tags := map[string]string{TagReplaces: was.ID}
	for key, value := range was.Tags {
		if !strings.HasPrefix(key, "aws:") && !strings.HasPrefix(key, ownTags) {
			tags[key] = value
		}
	}
	return tags
}

// differing tells in what a replacement is not like the instance.
func differing(was Instance, keyName string, userData bool) []string {
	d := []string{
		"it has another instance id, and another private address than " + orNone(was.PrivateIP),
		"its volumes are as they were when the image was made, with encryption and DeleteOnTermination: what the instance has written since is not there",
		"its key pair is " + keyName + ", and was " + orNone(was.KeyName),
		"further network interfaces and addresses, placement groups, CPU credits, capacity reservations, target groups and alarms are not taken over",
	}
	if userData {
		d = append(d, "it has no user data: its launch agent, for which it is new, would run it")
	}
	if was.Settings.Tenancy == "host" {
		d = append(d, "it is not on a dedicated host")
	}
	if was.MetadataOff {
		d = append(d, "its metadata service is on: the launch agent asks it for the key pair")
	}
	switch {
	case was.Elastic:
		d = append(d, "the Elastic IP "+was.PublicIP+" stays with the old instance, until you move it")
	case was.PublicIP != "":
		d = append(d, "it gets another public address than "+was.PublicIP+", if its subnet gives any")
	}
	return append(d, "the old instance goes on, and is called the same in its domain and its network: stop it before the new one is used in its place")
}

// token makes the launch one that is done once. EC2 remembers the token of what was
// terminated for a day and more: the n-th launch has its own.
func (p Replacement) token(n int) string {
	return fmt.Sprintf("regain-%x", sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d", p.Of, p.Image, p.KeyName, n)))[:64]
}

// mostReplacements is how many replacements may have been terminated again.
const mostReplacements = 20

// Replace launches it, and returns its id. Called again it launches no other, as
// long as it is there.
func (c *Controller) Replace(ctx context.Context, p Replacement) (string, error) {
	if p.Existing != "" {
		return p.Existing, nil
	}
	for n := 1; ; n++ {
		p.Token = p.token(n)
		id, err := c.Cloud.LaunchReplacement(ctx, p)
		var refused *CloudError
		switch {
		case err == nil:
			return id, nil
		case errors.As(err, &refused) && refused.Code == "IdempotentInstanceTerminated" && n < mostReplacements:
		default:
			return "", fmt.Errorf("cannot launch an instance in place of %s: %w", p.Of, err)
		}
	}
}
