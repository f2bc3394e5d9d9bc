package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/iam/policy"
	"github.com/seed-77750964/regain/lab/wire"
)

// Authorize answers the questions that a call raises. The error is the *wire.Fault that
// the service of the call denies with, for the first question that is answered no.
func (i *IAM) Authorize(c *wire.Call, checks []wire.Check) error {
	own, narrowed := i.policies(c.Caller)
	set, _, err := parseAll(own)
	if err != nil {
		return err
	}
	sets := [][]*policy.Document{set}
	if len(narrowed) > 0 {
		session, err := policy.Parse(narrowed)
		if err != nil {
			return err
		}
		sets = append(sets, []*policy.Document{session})
	}
	for _, check := range checks {
		r := policy.Request{Action: check.Action, Resource: check.Resource, Context: i.context(c, check.Context)}
		for _, set := range sets {
			if d := policy.Evaluate(set, r).Decision; d != policy.Allowed {
				return denial(c, check, d)
			}
		}
	}
	return nil
}

// Allows tells whether a role's policies allow an action on any resource.
func (i *IAM) Allows(name, action string) bool {
	var texts map[string]json.RawMessage
	i.file.View(func(d *document) {
		if r := d.Roles[name]; r != nil {
			texts = copied(r.Policies)
		}
	})
	documents, _, err := parseAll(texts)
	if err != nil {
		return false // PutRole and PutPolicy have parsed them
	}
	keys := i.principalKeys(wire.Identity{Account: i.cfg.Account, Role: name})
	return policy.Evaluate(documents, policy.Request{Action: action, Resource: "*", Context: keys}).Decision == policy.Allowed
}

// parseAll parses policies in the order of their names.
func parseAll(texts map[string]json.RawMessage) (documents []*policy.Document, names []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		d, err := policy.Parse(texts[name])
		if err != nil {
			return nil, nil, err
		}
		documents, names = append(documents, d), append(names, name)
	}
	return documents, names, nil
}

// context are the condition keys that each request has, and those of the question.
func (i *IAM) context(c *wire.Call, own map[string][]string) policy.Context {
	keys := i.principalKeys(c.Caller)
	keys["aws:RequestedRegion"] = []string{c.Region}
	keys["aws:SecureTransport"] = []string{"false"}
	maps.Copy(keys, own)
	return keys
}

func (i *IAM) principalKeys(caller wire.Identity) policy.Context {
	keys := policy.Context{
		"aws:PrincipalAccount": {caller.Account},
		"aws:PrincipalArn":     {caller.ARN},
		"aws:userid":           {caller.UserID},
		"aws:PrincipalType":    {"User"},
	}
	if caller.Role == "" {
		keys["aws:username"] = []string{caller.ARN[strings.LastIndex(caller.ARN, "/")+1:]}
		return keys
	}
	keys["aws:PrincipalType"] = []string{"AssumedRole"}
	keys["aws:PrincipalArn"] = []string{i.RoleARN(caller.Role)}
	if caller.Instance != "" {
		keys["ec2:SourceInstanceARN"] = []string{fmt.Sprintf("arn:%s:ec2:%s:%s:instance/%s", i.cfg.Partition, i.cfg.Region, caller.Account, caller.Instance)}
	}
	return keys
}

// denial words a no as the service of the call does.
func denial(c *wire.Call, check wire.Check, d policy.Decision) *wire.Fault {
	why := "because no identity-based policy allows the " + check.Action + " action"
	if d == policy.ExplicitDeny {
		why = "with an explicit deny in an identity-based policy"
	}
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", c.Caller.ARN, check.Action, check.Resource, why)
	switch wire.ProtocolOf(c.Service) {
	case wire.EC2Query:
		return &wire.Fault{Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation. " + text, Status: http.StatusForbidden}
	case wire.AWSJSON:
		return &wire.Fault{Code: "AccessDeniedException", Message: text, Status: http.StatusBadRequest}
	}
	return &wire.Fault{Code: "AccessDenied", Message: text, Status: http.StatusForbidden}
}
