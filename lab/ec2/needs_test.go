package ec2

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// checks are the permissions of a call, one a line: action, resource, context.
func (b *bench) checks(action string, params ...string) []string {
	b.Helper()
	values := url.Values{}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		values.Set(name, value)
	}
	of, err := b.Checks(b.Context(), &wire.Call{Action: action, Query: values})
	if err != nil {
		b.Fatal(err)
	}
	var lines []string
	for _, c := range of {
		line := c.Action + " " + strings.TrimPrefix(c.Resource, "arn:aws:ec2:us-east-1:")
		for _, k := range slices.Sorted(maps.Keys(c.Context)) {
			line += fmt.Sprintf(" %s=%s", k, strings.Join(c.Context[k], ","))
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func (b *bench) wantChecks(got []string, want ...string) {
	b.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestNeeds compares with the Service Authorization Reference for Amazon EC2.
func TestNeeds(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true, Encrypted: true, Key: key, Tags: map[string]string{"regain": "yes"}})
	root := b.root(id)
	tags := []string{"TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1", "TagSpecification.1.ResourceType="}
	tagged := func(kind string) []string { return []string{tags[0], tags[1], tags[2] + kind} }
	const account, request = "123456789012:", " aws:RequestTag/run=r1 aws:TagKeys=run"
	const own = " aws:ResourceTag/regain=yes ec2:ResourceTag/regain=yes"
	const grant = "kms:CreateGrant " + key + " kms:GrantIsForAWSResource=true kms:ViaService=ec2.us-east-1.amazonaws.com"

	b.wantChecks(b.checks("DescribeInstances", "InstanceId.1="+id), "ec2:DescribeInstances *")
	b.wantChecks(b.checks("StopInstances", "InstanceId.1="+id), "ec2:StopInstances "+account+"instance/"+id+own)
	b.wantChecks(b.checks("StartInstances", "InstanceId.1="+id), "ec2:StartInstances "+account+"instance/"+id+own, grant)
	b.wantChecks(b.checks("AttachVolume", "InstanceId="+id, "VolumeId="+root),
		"ec2:AttachVolume "+account+"instance/"+id+own, "ec2:AttachVolume "+account+"volume/"+root, grant)
	b.wantChecks(b.checks("DetachVolume", "VolumeId="+root), "ec2:DetachVolume "+account+"volume/"+root)
	b.wantChecks(b.checks("CreateSnapshot", append(tagged("snapshot"), "VolumeId="+root)...),
		"ec2:CreateSnapshot "+account+"volume/"+root, "ec2:CreateSnapshot :snapshot/*"+request, "ec2:CreateTags :snapshot/*"+request+" ec2:CreateAction=CreateSnapshot")
	b.wantChecks(b.checks("CreateImage", append(tagged("image"), "InstanceId="+id)...),
		"ec2:CreateImage "+account+"instance/"+id+own, "ec2:CreateImage :image/*"+request, "ec2:CreateImage :snapshot/*",
		"ec2:CreateTags :image/*"+request+" ec2:CreateAction=CreateImage")
	b.wantChecks(b.checks("CreateTags", "ResourceId.1="+id, "Tag.1.Key=run", "Tag.1.Value=r1"),
		"ec2:CreateTags "+account+"instance/"+id+" aws:RequestTag/run=r1 aws:ResourceTag/regain=yes aws:TagKeys=run ec2:ResourceTag/regain=yes")
	b.wantChecks(b.checks("CreateVolume", append(tagged("volume"), "AvailabilityZone=us-east-1a", "Encrypted=true", "KmsKeyId="+key)...),
		"ec2:CreateVolume "+account+"volume/*"+request+" ec2:AvailabilityZone=us-east-1a ec2:Encrypted=true",
		"ec2:CreateTags "+account+"volume/*"+request+" ec2:CreateAction=CreateVolume", grant)
	b.wantChecks(b.checks("CreateVpc", "CidrBlock=10.0.0.0/24"), "ec2:CreateVpc "+account+"vpc/*")
	b.wantChecks(b.checks("DisassociateRouteTable", "AssociationId=x"), "ec2:DisassociateRouteTable *")
	vpc := b.do("CreateVpc", "CidrBlock=10.0.0.0/24").at("vpc/vpcId")
	table := b.do("CreateRouteTable", append(tagged("route-table"), "VpcId="+vpc)...).at("routeTable/routeTableId")
	subnet := b.do("CreateSubnet", "CidrBlock=10.0.0.0/28", "VpcId="+vpc).at("subnet/subnetId")
	joined := b.do("AssociateRouteTable", "RouteTableId="+table, "SubnetId="+subnet).at("associationId")
	b.wantChecks(b.checks("DisassociateRouteTable", "AssociationId="+joined),
		"ec2:DisassociateRouteTable "+account+"route-table/"+table+" aws:ResourceTag/run=r1 ec2:ResourceTag/run=r1", "ec2:DisassociateRouteTable "+account+"subnet/"+subnet)
	b.wantChecks(b.checks("CreateFlowLogs"), "ec2:CreateFlowLogs *")
}

// TestNeedsOfRunInstances: each kind of resource is asked about.
func TestNeedsOfRunInstances(t *testing.T) {
	b := newBench(t)
	subnet := b.do("DescribeSubnets", "Filter.1.Name=availability-zone", "Filter.1.Value.1=us-east-1a").at("subnetSet/item/subnetId")
	group := b.do("DescribeSecurityGroups", "Filter.1.Name=group-name", "Filter.1.Value.1=default").at("securityGroupInfo/item/groupId")
	got := b.checks("RunInstances", slices.Concat(run, []string{
		"IamInstanceProfile.Name=regain-helper", "MetadataOptions.HttpTokens=required", "MetadataOptions.HttpPutResponseHopLimit=1",
		"TagSpecification.1.ResourceType=instance", "TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1",
		"TagSpecification.2.ResourceType=volume", "TagSpecification.2.Tag.1.Key=run", "TagSpecification.2.Tag.1.Value=r1",
	})...)
	const account, request = "123456789012:", " aws:RequestTag/run=r1 aws:TagKeys=run"
	b.wantChecks(got,
		"ec2:RunInstances :image/"+HelperImage("x86_64")+" ec2:Owner=amazon",
		"ec2:RunInstances "+account+"instance/*"+request+" ec2:InstanceProfile=arn:aws:iam::123456789012:instance-profile/regain-helper ec2:InstanceType=t3.micro "+
			"ec2:MetadataHttpPutResponseHopLimit=1 ec2:MetadataHttpTokens=required ec2:RootDeviceType=ebs",
		"ec2:RunInstances "+account+"volume/*"+request,
		"ec2:RunInstances "+account+"network-interface/*",
		"ec2:RunInstances "+account+"subnet/"+subnet,
		"ec2:RunInstances "+account+"security-group/"+group,
		"ec2:CreateTags "+account+"instance/*"+request+" ec2:CreateAction=RunInstances",
		"ec2:CreateTags "+account+"volume/*"+request+" ec2:CreateAction=RunInstances",
		"iam:PassRole arn:aws:iam::123456789012:role/regain-helper iam:PassedToService=ec2.amazonaws.com",
	)
}

// TestEveryActionAsks: no call goes past IAM, and none changes something by being
// asked about.
func TestEveryActionAsks(t *testing.T) {
	b := newBench(t)
	for _, name := range b.Actions() {
		if got := b.checks(name); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), "ec2:"+name+" ") {
			t.Errorf("%s asks %q", name, got)
		}
	}
	b.fails("InvalidAction", "CreateFlowLogs")
	b.want("name", b.Name(), "ec2")
	b.pass(time.Second)
}
