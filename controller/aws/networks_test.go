package aws

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
)

func TestRoutes(t *testing.T) {
	const tables = `<DescribeRouteTablesResponse><routeTableSet>
<item><routeTableId>rtb-2</routeTableId><associationSet><item><subnetId>subnet-2</subnetId></item></associationSet><routeSet>
<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-1</gatewayId><state>active</state></item></routeSet></item>
<item><routeTableId>rtb-3</routeTableId></item>
<item><routeTableId>rtb-1</routeTableId><associationSet><item><main>true</main></item></associationSet><routeSet>
<item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state></item>
<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state></item>
<item><destinationCidrBlock>192.0.2.0/24</destinationCidrBlock><gatewayId>vgw-1</gatewayId><state>blackhole</state></item>
<item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId><state>active</state></item>
</routeSet></item></routeTableSet></DescribeRouteTablesResponse>`
	s, cloud := newServer(t, map[string][]answer{"DescribeRouteTables": ok(tables)})
	got, err := cloud.Routes(t.Context(), controller.Subnet{ID: "subnet-1", VPC: "vpc-1"})
	want := []controller.Route{{Destination: "10.0.0.0/16", Target: "local"}, {Destination: "0.0.0.0/0", Target: "nat-1"}, {Destination: "::/0", Target: "eigw-1"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	s.one("DescribeRouteTables").want(t, map[string]string{"Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1", "Filter.2.Name": ""})
	own, err := cloud.Routes(t.Context(), controller.Subnet{ID: "subnet-2", VPC: "vpc-1"})
	if err != nil || !slices.Equal(own, []controller.Route{{Destination: "0.0.0.0/0", Target: "igw-1"}}) {
		t.Errorf("of the table of its own: %v, %v", own, err)
	}
}

func TestEndpoints(t *testing.T) {
	endpoint := func(name, state string) string {
		return "<item><serviceName>" + name + "</serviceName><state>" + state + "</state></item>"
	}
	_, cloud := newServer(t, map[string][]answer{"DescribeVpcEndpoints": ok("<DescribeVpcEndpointsResponse><vpcEndpointSet>" +
		endpoint("com.amazonaws.us-east-1.ssm", "available") + endpoint("cn.com.amazonaws.us-east-1.s3", "Available") + endpoint("com.amazonaws.us-east-1.ssmmessages", "deleting") +
		endpoint("com.amazonaws.us-east-1.ecr.api", "available") + "</vpcEndpointSet></DescribeVpcEndpointsResponse>")})
	got, err := cloud.Endpoints(t.Context(), "vpc-1")
	if want := []string{"ssm", "s3", "ecr.api"}; !slices.Equal(got, want) || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSubnets(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"DescribeSubnets": ok(`<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
<availabilityZone>us-east-1b</availabilityZone><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch><availableIpAddressCount>7</availableIpAddressCount></item></subnetSet></DescribeSubnetsResponse>`),
		"DescribeVpcs": ok("<DescribeVpcsResponse><vpcSet><item><vpcId>a</vpcId></item><item><vpcId>b</vpcId></item></vpcSet></DescribeVpcsResponse>")})
	got, err := cloud.Subnets(t.Context(), controller.SubnetQuery{Zone: "us-east-1b"})
	if want := []controller.Subnet{{ID: "subnet-1", VPC: "vpc-1", Zone: "us-east-1b", AutoPublicIP: true, Free: 7}}; !cmp.Equal(got, want) || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	s.one("DescribeSubnets").want(t, map[string]string{"Filter.1.Value.1": "available", "Filter.2.Name": "availability-zone", "Filter.3.Name": ""})
	if n, err := cloud.VPCs(t.Context()); n != 2 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestParts makes each part, again with its id, and deletes it.
func TestParts(t *testing.T) {
	const done = "<Response><return>true</return></Response>"
	s, cloud := newServer(t, map[string][]answer{
		"CreateVpc": ok("<CreateVpcResponse><vpc><vpcId>vpc-1</vpcId></vpc></CreateVpcResponse>"), "DeleteVpc": ok(done),
		"CreateInternetGateway": ok("<R><internetGateway><internetGatewayId>igw-1</internetGatewayId></internetGateway></R>"),
		"AttachInternetGateway": {answer{status: 200, body: done}, refusal(400, "Resource.AlreadyAssociated", "it is")},
		"CreateSubnet":          ok("<R><subnet><subnetId>subnet-1</subnetId></subnet></R>"), "DeleteSubnet": {refusal(400, "DependencyViolation", "an interface is in it")},
		"CreateRouteTable":    ok("<R><routeTable><routeTableId>rtb-1</routeTableId></routeTable></R>"),
		"CreateRoute":         {answer{status: 200, body: done}, refusal(400, "RouteAlreadyExists", "it does")},
		"AssociateRouteTable": {refusal(400, "InvalidSubnetID.NotFound", "not yet"), answer{status: 200, body: done}},
		"CreateSecurityGroup": ok("<R><groupId>sg-1</groupId></R>"), "DeleteSecurityGroup": {refusal(400, "InvalidGroup.NotFound", "gone")},
		"DescribeInternetGateways": ok("<R><internetGatewaySet><item><internetGatewayId>igw-1</internetGatewayId><attachmentSet><item><vpcId>vpc-1</vpcId></item></attachmentSet></item></internetGatewaySet></R>"),
		"DetachInternetGateway":    ok(done), "DeleteInternetGateway": ok(done),
		"DescribeRouteTables":    ok("<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><associationSet><item><routeTableAssociationId>rtbassoc-1</routeTableAssociationId></item></associationSet></item></routeTableSet></R>"),
		"DisassociateRouteTable": ok(done), "DeleteRouteTable": ok(done),
	})
	ctx, run := t.Context(), map[string]string{controller.TagRun: "R"}
	table := controller.Part{Kind: controller.TablePart, VPC: "vpc-1", Gateway: "igw-1", Subnet: "subnet-1", Tags: run}
	for _, p := range []controller.Part{
		{Kind: controller.VPCPart, CIDR: "10.255.255.0/28", Tags: run}, {Kind: controller.GatewayPart, VPC: "vpc-1", Tags: run},
		{Kind: controller.SubnetPart, VPC: "vpc-1", Zone: "us-east-1b", CIDR: "10.255.255.0/28", Tags: run}, {Kind: controller.GroupPart, VPC: "vpc-1", Name: "regain-R", Tags: run},
		{Kind: controller.GatewayPart, VPC: "vpc-1", ID: "igw-1"},
	} {
		if id, err := cloud.MakePart(ctx, p); id == "" || err != nil {
			t.Errorf("%s: %q, %v", p.Kind, id, err)
		}
	}
	id, err := cloud.MakePart(ctx, table)
	if wantKind(t, err, controller.NotFound, "InvalidSubnetID.NotFound"); id != "rtb-1" {
		t.Errorf("the id %q of what was made is lost", id)
	}
	table.ID = id
	if _, err := cloud.MakePart(ctx, table); err != nil || len(s.of("CreateRouteTable")) != 1 || len(s.of("CreateRoute")) != 2 {
		t.Errorf("taken up again: %v", err)
	}
	for operation, want := range map[string]map[string]string{
		"CreateVpc":           {"CidrBlock": "10.255.255.0/28", "TagSpecification.1.ResourceType": "vpc", "TagSpecification.1.Tag.1.Value": "R"},
		"CreateSubnet":        {"AvailabilityZone": "us-east-1b", "TagSpecification.1.ResourceType": "subnet"},
		"CreateSecurityGroup": {"GroupName": "regain-R", "VpcId": "vpc-1", "TagSpecification.1.ResourceType": "security-group"},
	} {
		s.one(operation).want(t, want)
	}
	for _, p := range []controller.Part{
		{Kind: controller.GroupPart, ID: "sg-1"}, {Kind: controller.TablePart, ID: "rtb-1"}, {Kind: controller.GatewayPart, ID: "igw-1"}, {Kind: controller.VPCPart, ID: "vpc-1"},
	} {
		if err := cloud.DeletePart(ctx, p); err != nil {
			t.Errorf("delete %s: %v", p.Kind, err)
		}
	}
	wantKind(t, cloud.DeletePart(ctx, controller.Part{Kind: controller.SubnetPart, ID: "subnet-1"}), controller.State, "DependencyViolation")
	s.one("DisassociateRouteTable").want(t, map[string]string{"AssociationId": "rtbassoc-1"})
	s.one("DetachInternetGateway").want(t, map[string]string{"VpcId": "vpc-1"})
	var failed *controller.CloudError
	if _, err := cloud.MakePart(ctx, controller.Part{Kind: "moat"}); err == nil || errors.As(err, &failed) {
		t.Errorf("made a moat: %v", err)
	}
	if err := cloud.DeletePart(ctx, controller.Part{Kind: "moat"}); err == nil {
		t.Error("filled the moat")
	}
}

func TestPartsByTag(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{
		"DescribeVpcs":             ok("<R><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></R>"),
		"DescribeInternetGateways": ok("<R><internetGatewaySet><item><internetGatewayId>igw-1</internetGatewayId><attachmentSet><item><vpcId>vpc-1</vpcId></item></attachmentSet></item></internetGatewaySet></R>"),
		"DescribeSubnets":          ok("<R><subnetSet><item><subnetId>subnet-1</subnetId></item></subnetSet></R>"),
		"DescribeRouteTables": ok(`<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><associationSet><item><subnetId>subnet-1</subnetId></item></associationSet>
<routeSet><item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-1</gatewayId></item></routeSet></item></routeTableSet></R>`),
		"DescribeSecurityGroups": ok("<R><securityGroupInfo><item><groupId>sg-1</groupId><groupName>regain-R</groupName></item></securityGroupInfo></R>"),
	})
	got, err := cloud.Parts(t.Context(), controller.TagRun, "R")
	want := []controller.Part{
		{Kind: controller.VPCPart, ID: "vpc-1"}, {Kind: controller.GatewayPart, ID: "igw-1", VPC: "vpc-1"}, {Kind: controller.SubnetPart, ID: "subnet-1"},
		{Kind: controller.TablePart, ID: "rtb-1", Subnet: "subnet-1", Gateway: "igw-1"}, {Kind: controller.GroupPart, ID: "sg-1", Name: "regain-R"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	s.one("DescribeVpcs").want(t, map[string]string{"Filter.1.Name": "tag:regain:run", "Filter.1.Value.1": "R"})
}
