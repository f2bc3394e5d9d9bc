package template

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// required are the properties that CloudFormation's reference wants, and those
// that we promise.
var required = map[string][]string{
	"AWS::IAM::Role":            {"AssumeRolePolicyDocument", "RoleName", "PermissionsBoundary"},
	"AWS::IAM::ManagedPolicy":   {"PolicyDocument", "ManagedPolicyName"},
	"AWS::IAM::InstanceProfile": {"Roles", "InstanceProfileName"},
	"AWS::S3::Bucket":           {"PublicAccessBlockConfiguration", "LifecycleConfiguration", "OwnershipControls"},
	"AWS::S3::BucketPolicy":     {"Bucket", "PolicyDocument"},
}

// pseudo are CloudFormation's own parameters that we use.
var pseudo = []string{"AWS::Partition", "AWS::AccountId", "AWS::URLSuffix", "AWS::Region", "AWS::NoValue"}

func TestTemplates(t *testing.T) {
	for _, name := range Names {
		t.Run(name, func(t *testing.T) {
			text, err := Build(name)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte("arn:aws:")) || bytes.Contains(text, []byte("amazonaws.com")) {
				t.Error("the template names a partition")
			}
			if len(text) > 51200 {
				t.Errorf("%d bytes: create-stack takes 51,200", len(text))
			}
			root := parse(t, text)
			known := slices.Concat(pseudo, names(root, "Parameters"), names(root, "Resources"))
			checkFunctions(t, root, known, names(root, "Conditions"))
			checkUsed(t, text, slices.Concat(names(root, "Parameters"), names(root, "Conditions")))
			for resource, n := range section(root, "Resources") {
				checkResource(t, resource, n, names(root, "Conditions"))
			}
		})
	}
	if _, err := Build("regain"); err == nil || !strings.Contains(err.Error(), "regain-setup, regain-helper, regain-controller") {
		t.Errorf("an unknown template: %v", err)
	}
}

func parse(t *testing.T, text []byte) *yaml.Node {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	return n.Content[0]
}

// child is the value of a key of a mapping.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func section(root *yaml.Node, name string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n := child(root, name); n != nil {
		for i := 0; i < len(n.Content); i += 2 {
			found[n.Content[i].Value] = n.Content[i+1]
		}
	}
	return found
}

func names(root *yaml.Node, name string) (list []string) {
	for key := range section(root, name) {
		list = append(list, key)
	}
	return list
}

func checkResource(t *testing.T, name string, n *yaml.Node, conditions []string) {
	kind := child(n, "Type")
	if kind == nil || required[kind.Value] == nil {
		t.Errorf("%s is of no type that we make", name)
		return
	}
	for _, property := range required[kind.Value] {
		if child(child(n, "Properties"), property) == nil {
			t.Errorf("%s lacks %s", name, property)
		}
	}
	if c := child(n, "Condition"); c != nil && !slices.Contains(conditions, c.Value) {
		t.Errorf("%s depends on %s, which is no condition", name, c.Value)
	}
}

var place = regexp.MustCompile(`\$\{([^}]*)\}`)

// checkFunctions follows each reference, and finds places that nothing fills.
func checkFunctions(t *testing.T, n *yaml.Node, known, conditions []string) {
	switch n.Tag {
	case "!Sub":
		for _, m := range place.FindAllStringSubmatch(n.Value, -1) {
			if base, _, _ := strings.Cut(m[1], "."); !slices.Contains(known, base) {
				t.Errorf("%s: there is no %s", n.Value, m[1])
			}
		}
	case "!Ref", "!GetAtt":
		if base, _, _ := strings.Cut(n.Value, "."); !slices.Contains(known, base) {
			t.Errorf("there is no %s", n.Value)
		}
	case "!If":
		if len(n.Content) != 3 || !slices.Contains(conditions, n.Content[0].Value) {
			t.Errorf("line %d: no condition for !If", n.Line)
		}
	case "!Equals", "!Not":
		if want := map[string]int{"!Equals": 2, "!Not": 1}[n.Tag]; len(n.Content) != want {
			t.Errorf("line %d: %s takes %d", n.Line, n.Tag, want)
		}
	default:
		if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
			t.Errorf("line %d: nothing fills %s", n.Line, n.Value)
		}
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			t.Errorf("line %d: %s is no function that we use", n.Line, n.Tag)
		}
	}
	for _, c := range n.Content {
		checkFunctions(t, c, known, conditions)
	}
}

// checkUsed finds parameters and conditions that nothing refers to.
func checkUsed(t *testing.T, text []byte, names []string) {
	for _, name := range names {
		if bytes.Count(text, []byte(name)) < 2 {
			t.Errorf("nothing uses %s", name)
		}
	}
}

// TestBucketIsPrivate reads what the template promises of the bucket.
func TestBucketIsPrivate(t *testing.T) {
	text, err := Build("regain-setup")
	if err != nil {
		t.Fatal(err)
	}
	bucket := child(section(parse(t, text), "Resources")["Bucket"], "Properties")
	for _, key := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		if n := child(child(bucket, "PublicAccessBlockConfiguration"), key); n == nil || n.Value != "true" {
			t.Errorf("%s is not set", key)
		}
	}
	rule := child(child(bucket, "LifecycleConfiguration"), "Rules").Content[0]
	if n := child(rule, "ExpirationInDays"); n == nil || n.Value != "1" || child(rule, "Status").Value != "Enabled" {
		t.Error("what a killed run leaves in the bucket stays there")
	}
	if name := child(bucket, "BucketName"); name.Value != "regain-${AWS::AccountId}-${AWS::Region}" || name.Tag != "!Sub" {
		t.Errorf("the bucket is called %s %s", name.Tag, name.Value)
	}
	statement := child(child(child(section(parse(t, text), "Resources")["BucketPolicy"], "Properties"), "PolicyDocument"), "Statement").Content[0]
	if child(statement, "Effect").Value != "Deny" || child(child(child(statement, "Condition"), "Bool"), "aws:SecureTransport").Value != "false" {
		t.Error("the bucket takes calls without TLS")
	}
}

// TestConditionsOfSetup wants the helper's parts made or left out together.
func TestConditionsOfSetup(t *testing.T) {
	text, err := Build("regain-setup")
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range section(parse(t, text), "Resources") {
		c := child(n, "Condition")
		if conditional := c != nil && c.Value == "WithHelper"; conditional != strings.HasPrefix(name, "Helper") {
			t.Errorf("%s: made only with the helper's role: %v", name, conditional)
		}
	}
}

// TestPoliciesOfPartitions compares the shipped JSON: the same but for what a
// partition is called.
func TestPoliciesOfPartitions(t *testing.T) {
	common, err := Policies("aws")
	if err != nil {
		t.Fatal(err)
	}
	for partition, suffix := range map[string]string{"aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"} {
		policies, err := Policies(partition)
		if err != nil {
			t.Fatal(err)
		}
		got, want := joined(t, policies), joined(t, common)
		want = strings.ReplaceAll(want, "arn:aws:", "arn:"+partition+":")
		want = strings.ReplaceAll(want, `.amazonaws.com"`, "."+suffix+`"`)
		if got != want {
			t.Errorf("%s differs in more than names", partition)
		}
	}
}

// joined are the statements of all policies, wherever they are split.
func joined(t *testing.T, policies map[string][]byte) string {
	t.Helper()
	var all []string
	for _, text := range policies {
		var d struct{ Statement []json.RawMessage }
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Statement {
			all = append(all, string(s))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}
