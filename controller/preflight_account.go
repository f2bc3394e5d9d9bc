package controller

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/controller/policy"
)

// deliveryBucket is the bucket asked for, or the one that the template makes.
func deliveryBucket(ask Ask, caller Caller) string {
	if ask.Bucket != "" {
		return ask.Bucket
	}
	return policy.DefaultBucket(caller.Account, caller.Region)
}

// parameterName is where the agent stores a key: the name that the runbook uses.
func parameterName(instance string) string { return "/ec2rl/openssh/" + instance + "/key" }

// deployHelper is the command that makes the helper's role and profile, which an
// account needs once; with the bucket of this region, if that is missing too.
func (s *situation) deployHelper() string {
	template := "regain-helper"
	if s.noBucket && s.ask.Bucket == "" {
		template = "regain-setup"
	}
	if s.ask.Profile == policy.DefaultRole {
		return s.deploy(template, template)
	}
	// A stack of its own: one of the usual name would be renamed, not joined.
	return s.deploy(template, template+"-"+noStack.ReplaceAllString(s.ask.Profile, "-"), "HelperName="+s.ask.Profile)
}

// noStack is what the name of a stack cannot hold.
var noStack = regexp.MustCompile(`[^A-Za-z0-9-]`)

// makeBucket is the command that makes the bucket, which a region needs once.
func (s *situation) makeBucket() string {
	switch {
	case s.ask.Bucket != "":
		return s.aws("s3 mb s3://" + s.ask.Bucket)
	case s.noProfile:
		return s.deployHelper()
	}
	return s.deploy("regain-setup", "regain-setup", "Helper=exists")
}

// deploy is the command for a template of ours, which this program writes.
func (s *situation) deploy(template, stack string, parameters ...string) string {
	command := "cloudformation deploy --stack-name " + stack + " --template-file " + template + ".yaml --capabilities CAPABILITY_NAMED_IAM"
	if len(parameters) > 0 {
		command += " --parameter-overrides " + strings.Join(parameters, " ")
	}
	which := map[string]string{"regain-helper": "helper", "regain-setup": "account"}[template]
	return "regain setup " + which + " --out " + template + ".yaml && " + s.aws(command)
}

// gatherDelivery looks whether the helper gets its role and the agent.
func gatherDelivery(ctx context.Context, c *Controller, cloud Cloud, s *situation) (err error) {
	s.profile, err = cloud.Profile(ctx, s.ask.Profile)
	if s.noProfile = is(err, NotFound); err != nil && !s.noProfile {
		return err
	}
	if s.ask.Installed {
		return nil
	}
	s.noAgent = c.hasAgent(s.place.Arch)
	there, err := cloud.BucketExists(ctx, deliveryBucket(s.ask, s.caller))
	s.noBucket = err == nil && !there
	return err
}

func (c *Controller) hasAgent(arch string) error {
	if c.Agent == nil {
		return errors.New("it was built without")
	}
	_, err := c.Agent(arch)
	return err
}

// gatherKeys looks up the KMS keys of the volumes, the one for the parameter,
// and the parameter.
func gatherKeys(ctx context.Context, _ *Controller, cloud Cloud, s *situation) error {
	for _, id := range volumeKeys(s.was) {
		key, err := cloud.Key(ctx, id)
		switch {
		case is(err, NotFound):
			s.lostKeys = append(s.lostKeys, id)
		case err != nil:
			return err
		default:
			s.keys = append(s.keys, key)
		}
	}
	if s.ask.Keys == KeysGiven || s.ask.Keys == KeysPassword {
		return nil
	}
	found, err := cloud.Parameters(ctx, parameterName(s.was.Instance.ID))
	if err != nil {
		return err
	}
	if len(found) > 0 {
		s.parameter = &found[0]
	}
	if s.ask.KMSKey == "" {
		return nil
	}
	key, err := cloud.Key(ctx, s.ask.KMSKey)
	switch {
	case is(err, NotFound) || is(err, Invalid):
		s.trouble("parameter-key", "there is no key %q", s.ask.KMSKey)
		return nil
	case err != nil:
		return err
	}
	s.secretKey = &key
	return nil
}

// volumeKeys are the keys of all volumes, each once: EC2 has to open every
// volume when the instance starts.
func volumeKeys(o *Original) []string {
	var ids []string
	for _, v := range append([]Volume{o.Volume}, o.Others...) {
		if v.Encrypted && v.KMSKey != "" && !slices.Contains(ids, v.KMSKey) {
			ids = append(ids, v.KMSKey)
		}
	}
	return ids
}
