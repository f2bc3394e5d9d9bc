package clitest

import (
	"testing"

	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
)

// anything lets a role do all, and anybody of the account take it.
var anything = lab.NewRole{
	Name:   "cli-test",
	Trust:  []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`),
	Policy: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
}

// TestEveryAction has botocore call each action of each service.
func TestEveryAction(t *testing.T) {
	a := open(t)
	if _, err := a.lab.CreateRole(t.Context(), anything); err != nil {
		t.Fatal(err)
	}
	stopped := a.create(t, ec2.Spec{Stopped: true})
	stories := map[string][]step{
		"kms": kmsStory, "s3": s3Story, "identity": identityStory, "parameters": parameterStory,
		"network": networkStory, "instance": instanceStory, "volume": volumeStory, "helper": helperStory,
	}
	for name, steps := range stories {
		t.Run(name, func(t *testing.T) {
			(&story{client: a.client(t), kept: map[string]string{"instance": stopped}, t: t}).tell(steps)
		})
	}
}
