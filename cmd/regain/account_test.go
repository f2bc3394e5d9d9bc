package main

import (
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
)

func TestComplete(t *testing.T) {
	g := given{account{Region: "eu-west-1", Profile: "Ann's", Endpoint: "http://127.0.0.1:1", Role: "arn:aws:iam::1:role/r"}, "/var/lib/a b"}
	for command, want := range map[string]string{
		"regain key i-1":                         `regain key i-1 --region eu-west-1 --profile 'Ann'\''s' --endpoint-url http://127.0.0.1:1 --role-arn arn:aws:iam::1:role/r --state-dir '/var/lib/a b'`,
		"  aws ec2 delete-snapshot --region x-1": `  aws ec2 delete-snapshot --region x-1 --profile 'Ann'\''s' --endpoint-url http://127.0.0.1:1`,
		"ssh -i regain-i-1 admin@203.0.113.7":    "ssh -i regain-i-1 admin@203.0.113.7",
	} {
		if got := g.complete(command); got != want {
			t.Errorf("%q became %q", command, got)
		}
		if got := (given{}).complete(command); got != command {
			t.Errorf("without flags %q became %q", command, got)
		}
	}
}

// TestCommandsToCopy: what a page says to type is about the account that was named.
func TestCommandsToCopy(t *testing.T) {
	g := given{account: account{Profile: "prod"}}
	notHome := sampleOutcome()
	notHome.State = controller.StateNotHome
	notHome.Rescue.Kept = []controller.Kept{{What: "backup ami-1", Remove: "aws ec2 deregister-image --image-id ami-1 && aws ec2 delete-snapshot --snapshot-id snap-1"}}
	open := controller.Status{Run: "r1", Instance: "i-1", Way: "out"}
	for name, page := range map[string]string{
		"outcome": outcomePage(g, notHome), "status": statusPage(g, open),
		"list": listPage(g, []controller.Status{{Run: "r1", Way: wayHome, Kept: notHome.Rescue.Kept}}),
	} {
		commands := 0
		for line := range strings.SplitSeq(page, "\n") {
			for command := range strings.SplitSeq(strings.TrimSpace(line), " && ") {
				if !strings.HasPrefix(command, "regain ") && !strings.HasPrefix(command, "aws ") {
					continue
				}
				if commands++; !strings.HasSuffix(command, " --profile prod") {
					t.Errorf("%s: %q", name, command)
				}
			}
		}
		if commands < 2 {
			t.Errorf("%s has %d commands:\n%s", name, commands, page)
		}
	}
}
