package policy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestReplace: what may be launched in place of an instance, and no more.
func TestReplace(t *testing.T) {
	scope := Scope{Partition: "aws", Region: "eu-central-1", Account: "123456789012"}
	for role, want := range map[string]bool{"": false, "web": true} {
		scope.Role = role
		d := Replace(scope)
		passes := slices.ContainsFunc(d.Statement, func(s Statement) bool { return slices.Contains(s.Action, "iam:PassRole") })
		text, err := json.Marshal(d)
		if err != nil || passes != want || strings.Contains(string(text), "{role}") || d.Size() > maxSize {
			t.Errorf("role %q: %s, %v", role, text, err)
		}
		if want && !strings.Contains(string(text), ":role/web\"") {
			t.Errorf("it passes another role: %s", text)
		}
	}
	for _, s := range Replace(scope).Statement {
		for _, r := range s.Resource {
			kind := r[strings.LastIndex(r, ":")+1:]
			kind, _, _ = strings.Cut(kind, "/")
			free := slices.Contains([]string{"key-pair", "network-interface", "security-group", "subnet"}, kind)
			if r == "*" || free != (s.Condition == nil) {
				t.Errorf("%s on %s has the condition %v", s.Sid, r, s.Condition)
			}
		}
	}
}

// TestReplaceActions: they are of regain replace alone, and few.
func TestReplaceActions(t *testing.T) {
	var actions []string
	for _, g := range replaceGrants {
		actions = append(actions, g.actions...)
		actions = append(actions, g.implied...)
	}
	slices.Sort(actions)
	if actions = slices.Compact(actions); !slices.Equal(actions, []string{"ec2:CreateTags", "ec2:RunInstances", "iam:PassRole"}) {
		t.Errorf("it grants %v", actions)
	}
}
