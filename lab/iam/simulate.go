package iam

import (
	"encoding/json"
	"strings"

	"github.com/seed-77750964/regain/lab/iam/policy"
	"github.com/seed-77750964/regain/lab/wire"
)

// administrator is the policy of users while policies are not enforced.
const administrator = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

type simulation struct {
	IsTruncated       bool
	EvaluationResults []simulated `xml:"EvaluationResults>member"`
}

type simulated struct {
	EvalActionName, EvalResourceName, EvalDecision string
	MatchedStatements                              []matched `xml:"MatchedStatements>member"`
	MissingContextValues                           []string  `xml:"MissingContextValues>member"`
}

type matched struct{ SourcePolicyId, SourcePolicyType string }

// simulate is SimulatePrincipalPolicy: each action on each resource.
func (i *IAM) simulate(c *wire.Call, p *wire.Params) (any, error) {
	source, actions := p.Require("PolicySourceArn"), p.Strings("ActionNames")
	resources := p.Strings("ResourceArns")
	given := policy.Context{}
	for _, entry := range p.List("ContextEntries") {
		entry.Require("ContextKeyType")
		given[entry.Require("ContextKeyName")] = entry.Strings("ContextKeyValues")
	}
	p.Ignore("MaxItems", "Marker") // answers are never cut
	if err := p.Done(); err != nil {
		return nil, err
	}
	if len(actions) == 0 {
		return nil, wire.Faultf("ValidationError", "ActionNames is empty")
	}
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	texts, keys, err := i.source(c, source)
	if err != nil {
		return nil, err
	}
	for key, values := range given {
		keys[key] = values
	}
	documents, names, err := parseAll(texts)
	if err != nil {
		return nil, err
	}
	var answer simulation
	for _, action := range actions {
		if !strings.Contains(action, ":") {
			return nil, wire.Faultf("InvalidInput", "Invalid action name: %s", action)
		}
		for _, resource := range resources {
			result := policy.Evaluate(documents, policy.Request{Action: action, Resource: resource, Context: keys})
			answer.EvaluationResults = append(answer.EvaluationResults, worded(action, resource, names, result))
		}
	}
	return answer, nil
}

func worded(action, resource string, names []string, result policy.Result) simulated {
	s := simulated{
		EvalActionName: action, EvalResourceName: resource, EvalDecision: result.Decision.String(), MissingContextValues: result.Missing,
	}
	for _, index := range result.Matched {
		s.MatchedStatements = append(s.MatchedStatements, matched{names[index], "IAM Policy"})
	}
	return s
}

// source finds the policies of a user or role by its ARN, and the condition keys that
// come with it.
func (i *IAM) source(c *wire.Call, arn string) (texts map[string]json.RawMessage, keys policy.Context, err error) {
	err = noSuchEntity("entity", arn)
	i.file.View(func(d *document) {
		for name, u := range d.Users {
			if arn != i.arn("user", name) {
				continue
			}
			keys = i.principalKeys(wire.Identity{Account: i.cfg.Account, ARN: arn, UserID: u.ID})
			texts, err = copied(u.Policies), nil
			if !i.cfg.Enforce {
				texts = map[string]json.RawMessage{"administrator": json.RawMessage(administrator)}
			}
		}
		for name, r := range d.Roles {
			if arn == i.RoleARN(name) {
				keys = i.principalKeys(wire.Identity{Account: i.cfg.Account, ARN: arn, UserID: r.ID, Role: name})
				texts, err = copied(r.Policies), nil
			}
		}
	})
	if keys != nil {
		keys["aws:RequestedRegion"] = []string{c.Region}
	}
	return texts, keys, err
}
