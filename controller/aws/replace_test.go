package aws

import (
	"testing"

	"github.com/seed-77750964/regain/controller"
)

func TestLaunchReplacement(t *testing.T) {
	const launched = `<RunInstancesResponse><instancesSet><item><instanceId>i-9</instanceId></item></instancesSet></RunInstancesResponse>`
	s, cloud := newServer(t, map[string][]answer{"RunInstances": ok(launched, launched, "<RunInstancesResponse><instancesSet/></RunInstancesResponse>")})
	r := controller.Replacement{Of: "i-1", Image: "ami-1", KeyName: "mine", Type: "m5.large", Subnet: "subnet-1", Groups: []string{"sg-1", "sg-2"},
		Profile: "arn:aws:iam::111122223333:instance-profile/db", Tokens: true, Tags: map[string]string{controller.TagReplaces: "i-1"}, Token: "T"}
	if id, err := cloud.LaunchReplacement(t.Context(), r); id != "i-9" || err != nil {
		t.Fatalf("got %q, %v", id, err)
	}
	s.one("RunInstances").want(t, map[string]string{
		"ClientToken": "T", "ImageId": "ami-1", "InstanceType": "m5.large", "KeyName": "mine", "SubnetId": "subnet-1", "MinCount": "1", "MaxCount": "1",
		"SecurityGroupId.1": "sg-1", "SecurityGroupId.2": "sg-2", "IamInstanceProfile.Arn": "arn:aws:iam::111122223333:instance-profile/db",
		"MetadataOptions.HttpEndpoint": "enabled", "MetadataOptions.HttpTokens": "required",
		"TagSpecification.1.ResourceType": "instance", "TagSpecification.1.Tag.1.Key": "regain:replaces", "TagSpecification.2.ResourceType": "volume",
	})
	sent := s.one("RunInstances")
	sent.want(t, map[string]string{"EbsOptimized": "", "Monitoring.Enabled": "", "Placement.Tenancy": "", "DisableApiStop": "", "DisableApiTermination": "", "InstanceInitiatedShutdownBehavior": ""})
	r.Settings = controller.LaunchSettings{Optimized: true, Monitored: true, Hops: 3, MetadataTags: true, Tenancy: "dedicated"}
	r.Attributes = controller.Attributes{StopProtection: true, TerminationProtection: true, Shutdown: "terminate"}
	r.Profile, r.Tokens = "", false
	if _, err := cloud.LaunchReplacement(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.of("RunInstances")[1].want(t, map[string]string{"IamInstanceProfile.Arn": "", "MetadataOptions.HttpTokens": "optional",
		"MetadataOptions.HttpPutResponseHopLimit": "3", "MetadataOptions.InstanceMetadataTags": "enabled", "EbsOptimized": "true", "Monitoring.Enabled": "true",
		"Placement.Tenancy": "dedicated", "DisableApiStop": "true", "DisableApiTermination": "true", "InstanceInitiatedShutdownBehavior": "terminate"})
	if id, err := cloud.LaunchReplacement(t.Context(), r); err == nil {
		t.Errorf("an answer without an instance: %q", id)
	}
}

// TestLaunchSettings reads what a replacement takes over.
func TestLaunchSettings(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{"DescribeInstances": ok(
		reservations("", "<instanceId>i-1</instanceId><ebsOptimized>true</ebsOptimized><monitoring><state>enabled</state></monitoring><placement><tenancy>dedicated</tenancy></placement>"+
			"<metadataOptions><httpPutResponseHopLimit>2</httpPutResponseHopLimit><instanceMetadataTags>enabled</instanceMetadataTags></metadataOptions>"),
		reservations("", "<instanceId>i-1</instanceId><ebsOptimized>false</ebsOptimized><monitoring><state>disabled</state></monitoring><placement><tenancy>default</tenancy></placement>"))})
	for _, want := range []controller.LaunchSettings{{Optimized: true, Monitored: true, Hops: 2, MetadataTags: true, Tenancy: "dedicated"}, {}} {
		got, err := cloud.Instances(t.Context(), "i-1")
		if err != nil || len(got) != 1 || got[0].Settings != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
}

// TestSecurityGroups reads those of an instance.
func TestSecurityGroups(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{"DescribeInstances": ok(reservations("",
		"<instanceId>i-1</instanceId><groupSet><item><groupId>sg-1</groupId></item><item><groupId>sg-2</groupId></item></groupSet>"))})
	got, err := cloud.Instances(t.Context(), "i-1")
	if err != nil || len(got) != 1 || len(got[0].Groups) != 2 || got[0].Groups[1] != "sg-2" {
		t.Errorf("%+v, %v", got, err)
	}
}
