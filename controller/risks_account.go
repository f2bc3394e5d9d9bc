package controller

import (
	"fmt"
	"slices"
	"strings"
)

// accountChecks are about what the account has and allows.
var accountChecks = []check{
	{id: "missing-profile", title: "the helper's instance profile cannot be used", look: missingProfile},
	{
		id: "missing-bucket", title: "there is no bucket that delivers the agent",
		instead: "Or name one with --bucket, or an image that has the agent, with --helper-ami and --agent-installed",
		look: func(s *situation) []string {
			return when(s.noBucket, "there is no bucket %s; this makes it: %s", deliveryBucket(s.ask, s.caller), s.deploy("delivery"))
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
		instead: "Without it the volume can be detached and not attached again",
		look: func(s *situation) []string {
			return s.missing(func(p Permission) bool { return p.Action == createGrant })
		},
	},
	{
		id: "missing-permission", title: "a permission is missing",
		look: missingPermissions,
	},
	{
		id: "unsimulated", title: "the caller's permissions cannot be examined",
		flag: "--accept-unsimulated", usage: "begin although the caller's permissions cannot be examined beforehand",
		instead: "If one is missing, that may show only when the instance is stopped, and the run would not get home until it is given." +
			" iam:SimulatePrincipalPolicy allows the examination",
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
		return when(true, "there is no instance profile %q; this makes it: %s", s.ask.Profile, s.deploy("helper"))
	case s.profile.Name != "" && s.profile.Role == "":
		return when(true, "the instance profile %q has no role; this makes one that has: %s", s.ask.Profile, s.deploy("helper"))
	}
	return nil
}

// missingPermissions are those that the simulation denies, and those that were
// denied while looking.
func missingPermissions(s *situation) []string {
	found := s.missing(func(p Permission) bool { return p.Action != createGrant })
	for _, action := range s.refused {
		if !slices.ContainsFunc(s.denied, func(p Permission) bool { return p.Action == action }) {
			found = append(found, action+" was denied while looking"+grantedBy(action))
		}
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
