package controller_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// planned is a plan in a cloud in memory, which it does not change.
func planned(t *testing.T, p sim.Patient, prepare func(*sim.Cloud), ask controller.Ask) controller.Plan {
	t.Helper()
	clock := sim.NewClock()
	cloud := sim.New(sim.Options{Clock: clock})
	cloud.AddBucket("regain-123456789012-eu-central-1")
	prepare(cloud)
	ask.Instance = cloud.AddInstance(p)
	before := cloud.Snapshot()
	c := &controller.Controller{Cloud: cloud, Clock: clock, Agent: func(string) ([]byte, error) { return []byte("agent"), nil }}
	plan, err := c.Plan(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if changed := cloud.Mutations(); len(changed) > 0 {
		t.Errorf("a plan calls %q", changed)
	}
	if after := cloud.Snapshot(); !reflect.DeepEqual(before, after) {
		t.Errorf("a plan changes the account from\n%+v to\n%+v", before, after)
	}
	return plan
}

// Whatever an account is like, planning changes nothing in it.
func TestPlanChangesNothing(t *testing.T) {
	key := controller.KMSKey{ARN: "arn:aws:kms:eu-central-1:123456789012:key/k", State: "PendingDeletion"}
	for _, test := range []struct {
		name    string
		patient sim.Patient
		prepare func(*sim.Cloud)
		ask     controller.Ask
		risks   []string
	}{
		{name: "sound"},
		{name: "stopped", patient: sim.Patient{Instance: controller.Instance{State: controller.Stopped}}},
		{name: "protected", patient: sim.Patient{Attributes: controller.Attributes{StopProtection: true}}, risks: []string{"stop-protection"}},
		{name: "consented", patient: sim.Patient{Attributes: controller.Attributes{StopProtection: true}},
			ask: controller.Ask{Accept: []string{"stop-protection"}}, risks: []string{"stop-protection"}},
		{name: "spot and public", patient: sim.Patient{Instance: controller.Instance{Spot: true, PublicIP: "203.0.113.7"}}, risks: []string{"public-ip-change", "spot"}},
		{name: "in service", patient: sim.Patient{Group: &controller.Group{Name: "g", Lifecycle: "InService", Min: 1, Desired: 2}}, risks: []string{"auto-scaling"}},
		{name: "at its minimum", patient: sim.Patient{Group: &controller.Group{Name: "g", Lifecycle: "InService", Min: 1, Desired: 1}}, risks: []string{"auto-scaling-minimum"}},
		{name: "key in deletion", patient: sim.Patient{Volume: controller.Volume{Encrypted: true, KMSKey: key.ARN}},
			prepare: func(c *sim.Cloud) { c.AddKey(key) }, risks: []string{"kms-key"}},
		{name: "denied", prepare: func(c *sim.Cloud) { c.Deny("ec2:StartInstances") }, risks: []string{"missing-permission"}},
		{name: "without a profile", prepare: func(c *sim.Cloud) { c.RemoveProfile("regain-helper") }, risks: []string{"missing-profile"}},
		{name: "in a VPC of its own", ask: controller.Ask{Subnet: controller.SubnetNewVPC}},
		{name: "five VPCs", ask: controller.Ask{Subnet: controller.SubnetNewVPC}, prepare: func(c *sim.Cloud) {
			for _, id := range []string{"vpc-2", "vpc-3", "vpc-4", "vpc-5"} {
				c.AddVPC(id)
			}
		}, risks: []string{"vpc-quota"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.prepare == nil {
				test.prepare = func(*sim.Cloud) {}
			}
			plan := planned(t, test.patient, test.prepare, test.ask)
			var got []string
			for _, r := range plan.Risks {
				got = append(got, r.ID)
			}
			if slices.Sort(got); !slices.Equal(got, test.risks) {
				t.Errorf("got the risks %q, want %q", got, test.risks)
			}
		})
	}
}

func TestPlanOfNothing(t *testing.T) {
	clock := sim.NewClock()
	c := &controller.Controller{Cloud: sim.New(sim.Options{Clock: clock}), Clock: clock}
	var missing *controller.MissingError
	if _, err := c.Plan(t.Context(), controller.Ask{Instance: "i-0123456789abcdef0"}); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
	var wrong *controller.IDError
	if _, err := c.Plan(t.Context(), controller.Ask{Instance: "web-1"}); !errors.As(err, &wrong) {
		t.Errorf("got %v", err)
	}
}
