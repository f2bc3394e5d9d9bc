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
	Of      string            `json:"of"`
	Image   string            `json:"image"`
	KeyName string            `json:"key_name"`
	Type    string            `json:"type"`
	Subnet  string            `json:"subnet"`
	Groups  []string          `json:"groups"`            // security groups
	Profile string            `json:"profile,omitempty"` // ARN of the instance profile
	Tokens  bool              `json:"tokens,omitempty"`  // the metadata service wants tokens
	Tags    map[string]string `json:"tags"`
	Token   string            `json:"token"` // launching again launches no other
	// Differs tells, a line each, in what it is not like the other.
	Differs []string `json:"differs"`
	// Existing is the instance, if it has been launched already.
	Existing string `json:"existing,omitempty"`
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
	if err != nil {
		return Replacement{}, err
	}
	if pair.Type != "rsa" {
		return Replacement{}, fmt.Errorf("key pair %q is of the type %s, and Windows passwords are encrypted to RSA keys only", keyName, orUnknown(pair.Type))
	}
	image, err := c.enabledImage(ctx, instance)
	if err != nil {
		return Replacement{}, err
	}
	p := Replacement{
		Of: instance, Image: image, KeyName: keyName, Type: was.Type, Subnet: was.Subnet, Groups: was.Groups, Profile: was.Profile,
		Tokens: was.MetadataTokens, Tags: replacementTags(was), Differs: differing(was, keyName),
	}
	p.Token = fmt.Sprintf("regain-%x", sha256.Sum256([]byte(instance+" "+image+" "+keyName)))[:64]
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
func differing(was Instance, keyName string) []string {
	d := []string{
		"it has another instance id, and another private address than " + orNone(was.PrivateIP),
		"its volumes are as they were when the image was made: what the instance has written since is not there",
		"its key pair is " + keyName + ", and was " + orNone(was.KeyName),
		"user data, attributes (stop and termination protection), further network interfaces, placement and monitoring are not taken over",
	}
	switch {
	case was.Elastic:
		d = append(d, "the Elastic IP "+was.PublicIP+" stays with the old instance, until you move it")
	case was.PublicIP != "":
		d = append(d, "it gets another public address than "+was.PublicIP+", if its subnet gives any")
	}
	return append(d, "the old instance goes on, and is called the same in its domain and its network: stop it before the new one is used in its place")
}

// Replace launches it, and returns its id. Called again it launches no other.
func (c *Controller) Replace(ctx context.Context, p Replacement) (string, error) {
	if p.Existing != "" {
		return p.Existing, nil
	}
	id, err := c.Cloud.LaunchReplacement(ctx, p)
	if err != nil {
		return "", fmt.Errorf("cannot launch an instance in place of %s: %w", p.Of, err)
	}
	return id, nil
}
