package clitest

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/autoscaling"
	"github.com/seed-77750964/regain/lab/ec2"
	"github.com/seed-77750964/regain/lab/iam"
	"github.com/seed-77750964/regain/lab/kms"
	"github.com/seed-77750964/regain/lab/quotas"
	"github.com/seed-77750964/regain/lab/s3"
	"github.com/seed-77750964/regain/lab/ssm"
	"github.com/seed-77750964/regain/lab/wire"
)

// services are what the lab has, each as its own list of actions tells.
var services = map[string]wire.Service{
	"autoscaling": &autoscaling.AutoScaling{}, "ec2": &ec2.EC2{}, "iam": &iam.IAM{}, "kms": &kms.KMS{},
	"s3": &s3.S3{}, "service-quotas": &quotas.Quotas{}, "ssm": &ssm.SSM{}, "sts": iam.STS{},
}

// anything lets a role do all, and anybody of the account take it.
var anything = lab.NewRole{
	Name:   "cli-test",
	Trust:  []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`),
	Policy: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
}

var stories = map[string][]step{
	"kms": kmsStory, "s3": s3Story, "identity": identityStory, "parameters": parameterStory, "quotas": quotaStory, "group": groupStory,
	"network": networkStory, "instance": instanceStory, "volume": volumeStory, "helper": helperStory,
	"key pair": keyPairStory, "password": passwordStory,
}

// TestEveryAction has botocore call each action of each service. It fails for an
// action that a service lists and no story has been answered to.
func TestEveryAction(t *testing.T) {
	t.Parallel()
	a := open(t)
	if _, err := a.lab.CreateRole(t.Context(), anything); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	called := map[string]bool{}
	told := t.Run("stories", func(t *testing.T) {
		for name, steps := range stories {
			kept := map[string]string{}
			switch name {
			case "instance":
				kept["instance"] = a.create(t, ec2.Spec{Stopped: true})
			case "password":
				kept["instance"] = a.create(t, ec2.Spec{Stopped: true, Platform: "windows"})
			case "group":
				kept["instance"] = a.create(t, ec2.Spec{})
				if _, err := a.lab.JoinGroup(t.Context(), lab.Member{Group: "cli", Instance: kept["instance"], State: "Standby"}); err != nil {
					t.Fatal(err)
				}
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := &story{client: a.client(t), kept: kept, t: t}
				s.tell(steps)
				mu.Lock()
				maps.Copy(called, s.calls)
				mu.Unlock()
			})
		}
	})
	if !told {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		for _, action := range services[name].Actions() {
			if !called[name+" "+action] {
				t.Errorf("no story has %s %s answered", name, action)
			}
		}
	}
}

// TestStoriesNameActions keeps the stories to what the services list.
func TestStoriesNameActions(t *testing.T) {
	for story, steps := range stories {
		for _, s := range steps {
			service, action, _ := strings.Cut(s.call, " ")
			if s.fault == "" && !slices.Contains(services[service].Actions(), action) {
				t.Errorf("%s: %s is listed by no service", story, s.call)
			}
		}
	}
}
