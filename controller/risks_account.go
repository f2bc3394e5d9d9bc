package controller

import (
	"fmt"
	"strings"

	"github.com/seed-77750964/regain/controller/policy"
)

// accountChecks are about what the account has and allows.
var accountChecks = []check{
	{id: "missing-profile", title: "the helper's instance profile cannot be used", look: missingProfile,
		instead: "An account needs that once, for all regions; or name another with --instance-profile"},
	{
		id: "missing-bucket", title: "there is no bucket that delivers the agent",
		instead: "Or name one with --bucket, or an image that has the agent, with --helper-ami and --agent-installed",
		look: func(s *situation) []string {
			return when(s.noBucket, "there is no bucket %s; this makes it: %s", deliveryBucket(s.ask, s.caller), s.makeBucket())
		},
	},
	{
		id: "no-agent", title: "this program has no agent for the helper",
		instead: "Name the agent's binary with --agent, or an image that has it, with --helper-ami and --agent-installed",
		look: func(s *situation) []string {
			return when(s.noAgent != nil, "there is none for %s: %v", s.place.Arch, s.noAgent)
		},
	},
	{
		id: "kms-key", title: "a key that encrypts its volumes cannot be used",
		instead: "The instance would not start again: enable the key, or cancel its deletion, first",
		look:    unusableKeys,
	},
	{
		id: "kms-grant", title: "the caller may not grant EC2 the use of a volume's key",
		flag: "--accept-kms-grant", usage: "the key's own policy lets the caller make grants",
		instead: "Without it the volume can be detached and not attached again. IAM's simulation does not see the key's own policy: if that allows it, say so",
		look: func(s *situation) []string {
			return s.missing(func(p Permission) bool { return p.Action == createGrant })
		},
	},
	{
		id: "missing-permission", title: "a permission is missing",
		flag: "--accept-missing-permission", usage: "begin although IAM's simulation finds that permissions are missing",
		instead: "If the simulation is wrong (it is told no MFA, address or session tag), say so: a permission that is really missing" +
			" may show only when the instance is stopped, and the run would not get home until it is given",
		look: func(s *situation) []string {
			return s.missing(func(p Permission) bool { return p.Action != createGrant })
		},
	},
	{
		id: "look-denied", title: "something may not be looked at", look: lookDenied,
		instead: "What was not looked at is not known to be sound",
	},
	{
		id: "unsimulated", title: "the caller's permissions cannot be examined",
		flag: "--accept-unsimulated", usage: "begin although the caller's permissions cannot be examined beforehand",
		instead: "If one is missing, that may show only when the instance is stopped, and the run would not get home until it is given." +
			" iam:SimulatePrincipalPolicy, of oneself, allows the examination",
		look: func(s *situation) []string { return when(s.unsimulated != nil, "%v", s.unsimulated) },
	},
}

const (
	keyEnabled  = "Enabled"
	createGrant = "kms:CreateGrant"
)

// unusableKeys looks at the keys of all volumes: EC2 starts an instance only
// when it can open every one.
func unusableKeys(s *situation) []string {
	var found []string
	for _, k := range s.keys {
		if k.State != keyEnabled {
			found = append(found, fmt.Sprintf("key %s is %s", k.ARN, k.State))
		}
	}
	for _, id := range s.lostKeys {
		found = append(found, "key "+id+" does not exist, or its account does not share it")
	}
	return found
}

func missingProfile(s *situation) []string {
	switch {
	case s.noProfile:
		return when(true, "there is no instance profile %q; this makes it: %s", s.ask.Profile, s.deployHelper())
	case s.profile.Name != "" && s.profile.Role == "":
		return when(true, "the instance profile %q has no role; this gives it one: %s", s.ask.Profile,
			s.aws("iam add-role-to-instance-profile --instance-profile-name "+s.ask.Profile+" --role-name "+policy.DefaultRole))
	}
	return nil
}

// lookDenied are the actions that were denied while looking.
func lookDenied(s *situation) []string {
	var found []string
	for _, action := range s.refused {
		found = append(found, action+" is denied to "+s.caller.ARN+grantedBy(action))
	}
	return found
}

// missing are the denied permissions of a kind, an action a line.
func (s *situation) missing(of func(Permission) bool) []string {
	var actions []string
	on := map[string][]string{}
	for _, p := range s.denied {
		if !of(p) {
			continue
		}
		if on[p.Action] == nil {
			actions = append(actions, p.Action)
		}
		on[p.Action] = append(on[p.Action], p.Resource)
	}
	var found []string
	for _, action := range actions {
		found = append(found, action+" on "+strings.Join(on[action], ", ")+" is denied to "+s.caller.ARN+grantedBy(action))
	}
	return found
}
