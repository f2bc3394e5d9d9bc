package policy

import "slices"

// tagReplaces is on an instance that takes another's place.
const tagReplaces = "regain:replaces"

// replaces is the condition on what takes an instance's place.
var replaces = when{"StringLike", "aws:RequestTag/" + tagReplaces, []string{"i-*"}}

// replaceGrants is the catalogue of regain replace: what it takes beside the
// controller's, which has what is looked at.
var replaceGrants = []grant{
	{
		sid: "Replace", why: "the instance and its volumes, with a tag that says whose place they take",
		actions: []string{"ec2:RunInstances"}, on: []string{ownEC2 + "instance/{new}", ownEC2 + "volume/{new}"}, when: []when{replaces},
	},
	{
		sid: "ReplaceFrom", why: "it is launched from an image that a run has kept, and no other",
		actions: []string{"ec2:RunInstances"}, on: []string{awsEC2 + "image/{image}"}, when: []when{{"StringLike", "ec2:ResourceTag/regain:kept", []string{anyRun}}},
	},
	{
		sid: "ReplaceIn", why: "in the old one's subnet and security groups, with the key pair that is named",
		actions: []string{"ec2:RunInstances"},
		on:      []string{ownEC2 + "key-pair/{new}", ownEC2 + "network-interface/{new}", ownEC2 + "security-group/{new}", ownEC2 + "subnet/{subnet}"},
	},
	{
		sid: "ReplaceTags", why: "the old one's tags, whatever they are, by the call that launches it and no other",
		actions: []string{"ec2:CreateTags"}, on: []string{ownEC2 + "instance/{new}", ownEC2 + "volume/{new}"},
		when: []when{{"StringEquals", "ec2:CreateAction", []string{"RunInstances"}}, replaces},
	},
	{
		sid: replaceRole, why: "the old one's role, which --role names, and no other",
		implied: []string{"iam:PassRole"}, on: []string{"arn:{partition}:iam::{account}:role/{role}"},
		when: []when{{"StringEquals", "iam:PassedToService", []string{"ec2.{suffix}"}}},
	},
}

const replaceRole = "ReplaceRole"

// Replace is what regain replace takes beside the controller's policy. The scope's
// role is that of the instance; without one, no role may be passed.
func Replace(s Scope) Document {
	grants := replaceGrants
	if s.Role == "" {
		grants = slices.DeleteFunc(slices.Clone(grants), func(g grant) bool { return g.sid == replaceRole })
	}
	return Document{Version: version, Statement: s.statements(grants)}
}
