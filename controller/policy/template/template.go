// Package template writes what an account needs once: CloudFormation templates
// for the roles, the helper's instance profile and the bucket, and the policies
// alone as JSON. All of it comes from the catalogue in package policy; nothing is
// deployed from here.
package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seed-77750964/regain/controller/policy"
)

// Partitions are those that policies are shipped for.
var Partitions = []string{"aws", "aws-cn", "aws-us-gov"}

// Names are the templates: Build takes them.
var Names = []string{"regain-setup", "regain-helper", "regain-controller"}

// Build writes a CloudFormation template, for any partition and any account.
func Build(name string) ([]byte, error) {
	builders := map[string]func() *yaml.Node{"regain-setup": setup, "regain-helper": helper, "regain-controller": controller}
	build, ok := builders[name]
	if !ok {
		return nil, fmt.Errorf("cannot write the template %q: there are %s", name, strings.Join(Names, ", "))
	}
	var text bytes.Buffer
	text.WriteString("# Written from the catalogue in controller/policy: change it there.\n")
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(build()); err != nil {
		return nil, fmt.Errorf("cannot write the template %s: %w", name, err)
	}
	return text.Bytes(), enc.Close()
}

// Policies are the policies of a partition as JSON, by file name. The account is
// the one that AWS's documentation uses.
func Policies(partition string) (map[string][]byte, error) {
	scope := policy.Scope{Partition: partition, Account: "111122223333", Features: policy.All()}
	documents := map[string]policy.Document{"helper.json": policy.Helper(scope), "helper-trust.json": policy.Trust(scope)}
	for i, d := range policy.Controller(scope) {
		documents[fmt.Sprintf("controller-%d.json", i+1)] = d
	}
	files := map[string][]byte{}
	for name, d := range documents {
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("cannot write the policy %s: %w", name, err)
		}
		files[name] = append(text, '\n')
	}
	return files, nil
}

// scope is any account, in whichever partition the stack is made. Roles are the
// account's, not a region's: one stack serves them all.
func scope() policy.Scope {
	return policy.Scope{
		Partition: "${AWS::Partition}", Account: "${AWS::AccountId}", Suffix: "${AWS::URLSuffix}",
		Role: "${HelperName}", Bucket: "regain-${AWS::AccountId}-*", Features: policy.All(),
	}
}

// document is a policy with what CloudFormation has to fill in.
func document(d policy.Document) *yaml.Node {
	n := &yaml.Node{}
	if err := n.Encode(d); err != nil { // strings, slices and maps of them always encode
		return n
	}
	substitute(n)
	return n
}

// substitute marks the texts that CloudFormation has to fill in.
func substitute(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		*n = *sub(n.Value)
	}
	for _, child := range n.Content {
		substitute(child)
	}
}

// What follows writes YAML in a fixed order.

func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if s == "" || s == "true" || s == "false" || s[0] >= '0' && s[0] <= '9' {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func number(i int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprint(i)}
}

func yes() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"} }

func sub(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!Sub", Value: s} }
func ref(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!Ref", Value: s} }
func attribute(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!GetAtt", Value: s}
}

func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

func function(name string, items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!" + name, Style: yaml.FlowStyle, Content: items}
}

// field is one of a mapping.
type field struct {
	key   string
	value *yaml.Node
}

func mapping(fields ...field) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, f := range fields {
		n.Content = append(n.Content, text(f.key), f.value)
	}
	return n
}

func resource(kind string, properties ...field) *yaml.Node {
	return mapping(field{"Type", text(kind)}, field{"Properties", mapping(properties...)})
}

func parameter(fallback, description string, allowed ...string) *yaml.Node {
	fields := []field{{"Type", text("String")}, {"Default", text(fallback)}}
	if len(allowed) > 0 {
		var items []*yaml.Node
		for _, a := range allowed {
			items = append(items, text(a))
		}
		fields = append(fields, field{"AllowedValues", list(items...)})
	}
	return mapping(append(fields, field{"Description", text(description)})...)
}

func output(description string, value *yaml.Node) *yaml.Node {
	return mapping(field{"Description", text(description)}, field{"Value", value})
}
