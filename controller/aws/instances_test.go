package aws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
)

// reservations is an answer of DescribeInstances.
func reservations(next string, instances ...string) string {
	var text strings.Builder
	text.WriteString(`<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet>`)
	for _, i := range instances {
		text.WriteString("<item><reservationId>r-1</reservationId><instancesSet><item>" + i + "</item></instancesSet></item>")
	}
	text.WriteString("</reservationSet>")
	if next != "" {
		text.WriteString("<nextToken>" + next + "</nextToken>")
	}
	return text.String() + "</DescribeInstancesResponse>"
}

// full is an instance with everything that a rescue looks at; the address is in
// the form that EC2 documents for one that is not Elastic.
const full = `<instanceId>i-0a</instanceId><imageId>ami-1</imageId><instanceState><code>80</code><name>stopped</name></instanceState>
<stateReason><code>Client.UserInitiatedShutdown</code><message>Client.UserInitiatedShutdown: User initiated shutdown</message></stateReason>
<keyName>lost</keyName><productCodes><item><productCode>abc123</productCode><type>marketplace</type></item></productCodes>
<instanceType>m5.large</instanceType><launchTime>2026-11-22T10:00:00.000Z</launchTime><placement><availabilityZone>us-east-1b</availabilityZone></placement>
<platformDetails>Red Hat Enterprise Linux</platformDetails><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><privateIpAddress>10.0.0.4</privateIpAddress>
<ipAddress>203.0.113.9</ipAddress><architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/sda1</rootDeviceName>
<blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><volumeId>vol-1</volumeId><status>attached</status><deleteOnTermination>true</deleteOnTermination></ebs></item>
<item><deviceName>/dev/sdb</deviceName><ebs><volumeId>vol-2</volumeId><status>attaching</status><deleteOnTermination>false</deleteOnTermination></ebs></item></blockDeviceMapping>
<instanceLifecycle>spot</instanceLifecycle><tagSet><item><key>Name</key><value>db</value></item></tagSet>
<networkInterfaceSet><item><association><publicIp>203.0.113.9</publicIp><ipOwnerId>%s</ipOwnerId></association></item></networkInterfaceSet>
<iamInstanceProfile><arn>arn:aws:iam::111122223333:instance-profile/db</arn></iamInstanceProfile><hibernationOptions><configured>true</configured></hibernationOptions>
<bootMode>uefi-preferred</bootMode><currentInstanceBootMode>uefi</currentInstanceBootMode><operator><managed>true</managed><principal>eks.amazonaws.com</principal></operator>`

func TestInstance(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{"DescribeInstances": ok(reservations("", fmt.Sprintf(full, "amazon")))})
	got, err := cloud.Instances(t.Context(), "i-0a")
	want := []controller.Instance{{
		ID: "i-0a", State: controller.Stopped, StateCode: "Client.UserInitiatedShutdown", StateReason: "Client.UserInitiatedShutdown: User initiated shutdown",
		Type: "m5.large", Platform: "linux", Details: "Red Hat Enterprise Linux", Architecture: "x86_64", BootMode: "uefi", Zone: "us-east-1b",
		VPC: "vpc-1", Subnet: "subnet-1", RootDevice: "/dev/sda1", RootDeviceType: "ebs", PublicIP: "203.0.113.9", PrivateIP: "10.0.0.4", KeyName: "lost",
		Profile: "arn:aws:iam::111122223333:instance-profile/db", Spot: true, ProductCodes: []string{"abc123"}, Hibernation: true, Operator: "eks.amazonaws.com",
		Devices: []controller.Device{
			{Name: "/dev/sda1", Volume: "vol-1", State: "attached", DeleteOnTermination: true}, {Name: "/dev/sdb", Volume: "vol-2", State: "attaching"},
		},
		Tags: map[string]string{"Name": "db"}, Launched: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

func TestAddresses(t *testing.T) {
	secondary := `<instanceId>i-1</instanceId><ipAddress>203.0.113.9</ipAddress><networkInterfaceSet><item><privateIpAddressesSet>
<item><association><publicIp>198.51.100.1</publicIp><ipOwnerId>amazon</ipOwnerId></association></item>
<item><association><publicIp>203.0.113.9</publicIp><ipOwnerId>111122223333</ipOwnerId></association></item></privateIpAddressesSet></item></networkInterfaceSet>`
	for name, tt := range map[string]struct {
		xml  string
		want bool
	}{
		"of EC2":           {fmt.Sprintf(full, "amazon"), false},
		"of the account":   {fmt.Sprintf(full, "111122223333"), true},
		"on the second":    {secondary, true},
		"nowhere to found": {`<instanceId>i-1</instanceId><ipAddress>203.0.113.9</ipAddress>`, false},
		"none":             {`<instanceId>i-1</instanceId>`, false},
	} {
		_, cloud := newServer(t, map[string][]answer{"DescribeInstances": ok(reservations("", tt.xml))})
		got, err := cloud.Instances(t.Context(), "i-1")
		if err != nil || len(got) != 1 || got[0].Elastic != tt.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestBare has nothing but an id: no field may be followed that is not there.
func TestBare(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{
		"DescribeInstances": ok(reservations("", "<instanceId>i-1</instanceId><platform>windows</platform><operator><managed>false</managed></operator>")),
		"DescribeVolumes":   ok("<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1</volumeId></item></volumeSet></DescribeVolumesResponse>"),
	})
	got, err := cloud.Instances(t.Context(), "i-1")
	if diff := cmp.Diff([]controller.Instance{{ID: "i-1", Platform: "windows"}}, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	if got, err := cloud.Volumes(t.Context(), "vol-1"); err != nil || !cmp.Equal(got, []controller.Volume{{ID: "vol-1"}}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestBatches asks for many in calls of 200, by a filter, and reads all pages.
func TestBatches(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"DescribeInstances": ok(
		reservations("more", "<instanceId>i-1</instanceId>"), reservations("", "<instanceId>i-2</instanceId>"), reservations("", "<instanceId>i-3</instanceId>"),
	)})
	var ids []string
	for i := range 201 {
		ids = append(ids, fmt.Sprintf("i-%d", i))
	}
	got, err := cloud.Instances(t.Context(), ids...)
	if err != nil || len(got) != 3 {
		t.Fatalf("got %d, %v", len(got), err)
	}
	calls := s.of("DescribeInstances")
	if len(calls) != 3 {
		t.Fatalf("%d calls, want 3", len(calls))
	}
	calls[0].want(t, map[string]string{"Filter.1.Name": "instance-id", "Filter.1.Value.200": "i-199", "Filter.1.Value.201": "", "InstanceId.1": "", "MaxResults": "1000"})
	calls[1].want(t, map[string]string{"NextToken": "more"})
	calls[2].want(t, map[string]string{"Filter.1.Value.1": "i-200", "Filter.1.Value.2": ""})
	if got, err := cloud.Instances(t.Context()); got != nil || err != nil || len(s.of("DescribeInstances")) != 3 {
		t.Errorf("no ids mean nothing, not everything: %v, %v", got, err)
	}
}

func TestTagged(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"DescribeInstances": ok(reservations("")), "DescribeVolumes": ok("<DescribeVolumesResponse/>")})
	for _, value := range []string{"R", ""} {
		if _, err := cloud.InstancesTagged(t.Context(), controller.TagRun, value); err != nil {
			t.Fatal(err)
		}
	}
	calls := s.of("DescribeInstances")
	calls[0].want(t, map[string]string{"Filter.1.Name": "tag:regain:run", "Filter.1.Value.1": "R", "Filter.2.Name": "instance-state-name", "Filter.2.Value.5": "shutting-down", "Filter.2.Value.6": ""})
	calls[1].want(t, map[string]string{"Filter.1.Name": "tag-key", "Filter.1.Value.1": "regain:run"})
	if _, err := cloud.VolumesTagged(t.Context(), controller.TagRun, "R"); err != nil {
		t.Fatal(err)
	}
	s.one("DescribeVolumes").want(t, map[string]string{"Filter.1.Name": "tag:regain:run"})
}

func TestAttributes(t *testing.T) {
	value := func(name, value string) string {
		return "<DescribeInstanceAttributeResponse><instanceId>i-1</instanceId><" + name + "><value>" + value + "</value></" + name + "></DescribeInstanceAttributeResponse>"
	}
	_, cloud := newServer(t, map[string][]answer{"DescribeInstanceAttribute": ok(
		value("disableApiStop", "true"), value("disableApiTermination", "true"), value("instanceInitiatedShutdownBehavior", "terminate"),
	)})
	got, err := cloud.Attributes(t.Context(), "i-1")
	if want := (controller.Attributes{StopProtection: true, TerminationProtection: true, Shutdown: "terminate"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTypes(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{
		"DescribeInstanceTypes": {
			{status: 200, body: `<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>i3.large</instanceType><instanceStorageSupported>true</instanceStorageSupported>
<hypervisor>xen</hypervisor><processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures></processorInfo></item></instanceTypeSet></DescribeInstanceTypesResponse>`},
			refusal(400, "InvalidInstanceType", "The following supplied instance types do not exist: [x9.tiny]"),
		},
		"DescribeInstanceTypeOfferings": ok(`<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet><item><instanceType>i3.large</instanceType></item></instanceTypeOfferingSet></DescribeInstanceTypeOfferingsResponse>`,
			`<DescribeInstanceTypeOfferingsResponse/>`),
	})
	got, err := cloud.InstanceType(t.Context(), "i3.large")
	if want := (controller.InstanceType{Name: "i3.large", InstanceStore: true, Xen: true, Architectures: []string{"x86_64"}}); err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = cloud.InstanceType(t.Context(), "x9.tiny")
	wantKind(t, err, controller.NotFound, "InvalidInstanceType")
	for _, want := range []bool{true, false} {
		if got, err := cloud.TypeOffered(t.Context(), "i3.large", "us-east-1b"); got != want || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
	}
	s.of("DescribeInstanceTypeOfferings")[0].want(t, map[string]string{"LocationType": "availability-zone", "Filter.2.Value.1": "us-east-1b"})
}
