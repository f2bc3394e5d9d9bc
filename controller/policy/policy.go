// Package policy holds the IAM permissions that a rescue needs: one catalogue,
// from which the policies are printed, the preflight's simulation is asked, and
// against which the calls of the adapters are checked. It calls nothing.
package policy

import (
	"encoding/json"
	"slices"
)

// Permission is one action on one resource (an ARN, or "*"), with what IAM is
// told of the request.
type Permission struct {
	Action   string            `json:"action"`
	Resource string            `json:"resource"`
	Context  map[string]string `json:"context,omitempty"`
}

// Document is a policy as IAM reads it.
type Document struct {
	Version   string      `json:"Version" yaml:"Version"`
	Statement []Statement `json:"Statement" yaml:"Statement"`
}

// Statement is one of a policy.
type Statement struct {
	Sid       string              `json:"Sid,omitempty" yaml:"Sid,omitempty"`
	Effect    string              `json:"Effect" yaml:"Effect"`
	Principal map[string][]string `json:"Principal,omitempty" yaml:"Principal,omitempty"`
	Action    []string            `json:"Action" yaml:"Action"`
	Resource  []string            `json:"Resource,omitempty" yaml:"Resource,omitempty"`
	Condition Condition           `json:"Condition,omitempty" yaml:"Condition,omitempty"`
}

// Condition is operator, key, values.
type Condition map[string]map[string][]string

// maxSize is the most that a managed policy may have, in characters that are not
// white space (IAM quotas).
const maxSize = 6144

// Size is the length that IAM counts.
func (d Document) Size() int {
	text, err := json.Marshal(d)
	if err != nil { // strings, slices and maps of them always marshal
		return 0
	}
	return len(text)
}

// split spreads statements over as few documents as hold them, in their order.
func split(statements []Statement) []Document {
	documents := []Document{{Version: version}}
	for _, s := range statements {
		last := &documents[len(documents)-1]
		grown := Document{Version: version, Statement: append(slices.Clone(last.Statement), s)}
		if len(last.Statement) > 0 && grown.Size() > maxSize {
			documents = append(documents, Document{Version: version, Statement: []Statement{s}})
			continue
		}
		*last = grown
	}
	return documents
}

// version is that of IAM's language.
const version = "2012-10-17"

// Controller is what the operator's role needs, in as many managed policies as
// their size allows.
func Controller(s Scope) []Document { return split(s.statements(controllerGrants)) }

// Helper is what the helper's role needs: to be reached by Systems Manager, and
// to store a key that it cannot read again.
func Helper(s Scope) Document {
	return Document{Version: version, Statement: s.statements(helperGrants)}
}

// Trust lets EC2 hand a role to instances.
func Trust(s Scope) Document {
	return Document{Version: version, Statement: []Statement{{
		Effect: "Allow", Principal: map[string][]string{"Service": {s.expand("ec2.{suffix}")}}, Action: []string{"sts:AssumeRole"},
	}}}
}

// Actions are the actions that the adapters call for the controller, sorted.
func Actions() []string {
	var actions []string
	for _, g := range controllerGrants {
		actions = append(actions, g.actions...)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// Implied are the actions that AWS checks in the course of others, or that
// somebody else calls in the controller's name, sorted.
func Implied() []string {
	var actions []string
	for _, g := range controllerGrants {
		actions = append(actions, g.implied...)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// GrantedBy names the statements of the controller's policy that grant an action.
func GrantedBy(action string) []string {
	var sids []string
	for _, g := range controllerGrants {
		if slices.Contains(g.actions, action) || slices.Contains(g.implied, action) {
			sids = append(sids, g.sid)
		}
	}
	return sids
}
