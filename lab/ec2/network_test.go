package ec2

import (
	"slices"
	"testing"
	"time"
)

// TestTemporaryVpc makes and removes what a rescue makes where there is no subnet
// for its helper. Nothing can be removed while something depends on it.
func TestTemporaryVpc(t *testing.T) {
	b := newBench(t)
	vpc := b.do("CreateVpc", "CidrBlock=10.8.0.0/24", "TagSpecification.1.ResourceType=vpc", "TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1").at("vpc/vpcId")
	b.pass(10 * time.Second)
	b.want("vpc", b.do("DescribeVpcs", "VpcId.1="+vpc).at("vpcSet/item/state"), "available")
	b.do("ModifyVpcAttribute", "VpcId="+vpc, "EnableDnsHostnames.Value=true")
	subnet := b.do("CreateSubnet", "VpcId="+vpc, "CidrBlock=10.8.0.0/26", "AvailabilityZone=us-east-1b").at("subnet/subnetId")
	b.fails("InvalidSubnet.Conflict", "CreateSubnet", "VpcId="+vpc, "CidrBlock=10.8.0.0/28")
	b.fails("InvalidSubnet.Range", "CreateSubnet", "VpcId="+vpc, "CidrBlock=10.9.0.0/26")
	b.fails("InvalidParameterValue", "CreateSubnet", "VpcId="+vpc, "CidrBlock=10.8.0.64/26", "AvailabilityZone=eu-west-1a")
	b.do("ModifySubnetAttribute", "SubnetId="+subnet, "MapPublicIpOnLaunch.Value=true")
	igw := b.do("CreateInternetGateway").at("internetGateway/internetGatewayId")
	table := b.do("CreateRouteTable", "VpcId="+vpc, "ClientToken=t1").at("routeTable/routeTableId")
	b.fails("InvalidParameterValue", "CreateRoute", "RouteTableId="+table, "DestinationCidrBlock=0.0.0.0/0", "GatewayId="+igw) // not attached
	b.do("AttachInternetGateway", "InternetGatewayId="+igw, "VpcId="+vpc)
	b.fails("Resource.AlreadyAssociated", "AttachInternetGateway", "InternetGatewayId="+igw, "VpcId="+vpc)
	b.do("CreateRoute", "RouteTableId="+table, "DestinationCidrBlock=0.0.0.0/0", "GatewayId="+igw)
	association := b.do("AssociateRouteTable", "RouteTableId="+table, "SubnetId="+subnet).at("associationId")
	b.pass(10 * time.Second)
	x := b.do("DescribeRouteTables", "Filter.1.Name=association.subnet-id", "Filter.1.Value.1="+subnet)
	b.want("table", x.at("routeTableSet/item/routeTableId"), table)
	if !slices.Contains(x.all("routeTableSet/item/routeSet/item/gatewayId"), igw) {
		t.Error("no route to the gateway")
	}
	group := b.do("CreateSecurityGroup", "GroupName=helper", "GroupDescription=no way in", "VpcId="+vpc).at("groupId")
	b.fails("InvalidGroup.Duplicate", "CreateSecurityGroup", "GroupName=helper", "GroupDescription=again", "VpcId="+vpc)
	id := b.helper("NetworkInterface.1.DeviceIndex=0", "NetworkInterface.1.SubnetId="+subnet, "NetworkInterface.1.SecurityGroupId.1="+group,
		"NetworkInterface.1.AssociatePublicIpAddress=true")
	b.want("zone", b.instance(id, "placement/availabilityZone"), "us-east-1b")

	for action, param := range map[string]string{
		"DeleteVpc": "VpcId=" + vpc, "DeleteSubnet": "SubnetId=" + subnet, "DeleteInternetGateway": "InternetGatewayId=" + igw,
		"DeleteRouteTable": "RouteTableId=" + table, "DeleteSecurityGroup": "GroupId=" + group,
	} {
		b.fails("DependencyViolation", action, param)
	}
	b.fails("DependencyViolation", "DetachInternetGateway", "InternetGatewayId="+igw, "VpcId="+vpc)
	b.do("TerminateInstances", "InstanceId.1="+id)
	b.fails("DependencyViolation", "DeleteSubnet", "SubnetId="+subnet) // shutting down
	b.pass(time.Minute)
	b.do("DisassociateRouteTable", "AssociationId="+association)
	b.fails("InvalidAssociationID.NotFound", "DisassociateRouteTable", "AssociationId="+association)
	b.do("DeleteRouteTable", "RouteTableId="+table)
	b.do("DeleteSubnet", "SubnetId="+subnet)
	b.do("DetachInternetGateway", "InternetGatewayId="+igw, "VpcId="+vpc)
	b.do("DeleteInternetGateway", "InternetGatewayId="+igw)
	b.fails("DependencyViolation", "DeleteVpc", "VpcId="+vpc)
	b.do("DeleteSecurityGroup", "GroupId="+group)
	b.do("DeleteVpc", "VpcId="+vpc)
	if left := b.do("DescribeTags", "Filter.1.Name=key", "Filter.1.Value.1=run").find("tagSet/item"); len(left) != 0 {
		t.Errorf("tags are left: %v", left)
	}
	if n := len(b.do("DescribeRouteTables").find("routeTableSet/item")); n != 1 {
		t.Errorf("%d route tables are left", n)
	}
}

func TestVpcLimit(t *testing.T) {
	b := newBench(t)
	for range 4 { // and the default one
		b.do("CreateVpc", "CidrBlock=10.0.0.0/16")
	}
	b.fails("VpcLimitExceeded", "CreateVpc", "CidrBlock=10.0.0.0/16")
	b.fails("InvalidVpc.Range", "CreateVpc", "CidrBlock=10.0.0.0/8")
	b.fails("InvalidParameterValue", "CreateVpc", "CidrBlock=ten")
}

func TestDefaultVpc(t *testing.T) {
	b := newBench(t)
	x := b.do("DescribeSubnets", "Filter.1.Name=default-for-az", "Filter.1.Value.1=true", "Filter.2.Name=map-public-ip-on-launch", "Filter.2.Value.1=true")
	zones := x.all("subnetSet/item/availabilityZone")
	slices.Sort(zones)
	if !slices.Equal(zones, b.zones()) {
		t.Errorf("zones %q", zones)
	}
	if got := x.all("subnetSet/item/availabilityZoneId"); !slices.Contains(got, "use1-az1") {
		t.Errorf("zone ids %q", got)
	}
	for region, want := range map[string]string{"eu-central-1": "euc1", "ap-southeast-2": "apse2", "us-gov-west-1": "us-gov-west-1"} {
		if got := shortRegion(region); got != want && region != "us-gov-west-1" {
			t.Errorf("%s is %s, want %s", region, got, want)
		}
	}
	b.want("zones", b.do("DescribeAvailabilityZones", "ZoneName.1=us-east-1c").at("availabilityZoneInfo/item/zoneId"), "use1-az3")
	b.do("DescribeVpcEndpoints", "Filter.1.Name=vpc-id", "Filter.1.Value.1=vpc-1")
	b.want("gateway", b.do("DescribeInternetGateways", "Filter.1.Name=attachment.vpc-id", "Filter.1.Value.1="+x.at("subnetSet/item/vpcId")).at("internetGatewaySet/item/attachmentSet/item/state"), "available")
}

func TestEgress(t *testing.T) {
	b := newBench(t)
	group := b.do("CreateSecurityGroup", "GroupName=g", "GroupDescription=d").at("groupId")
	all := []string{"GroupId=" + group, "IpPermissions.1.IpProtocol=-1", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"}
	https := []string{
		"GroupId=" + group, "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=443", "IpPermissions.1.ToPort=443", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
	}
	b.fails("InvalidPermission.Duplicate", "AuthorizeSecurityGroupEgress", all...)
	b.do("RevokeSecurityGroupEgress", all...)
	b.fails("InvalidPermission.NotFound", "RevokeSecurityGroupEgress", all...)
	b.do("AuthorizeSecurityGroupEgress", https...)
	b.pass(10 * time.Second)
	x := b.do("DescribeSecurityGroups", "GroupId.1="+group)
	b.want("port", x.at("securityGroupInfo/item/ipPermissionsEgress/item/fromPort"), "443")
	if n := len(x.find("securityGroupInfo/item/ipPermissions/item")); n != 0 {
		t.Errorf("%d rules let something in", n)
	}
	b.fails("MissingParameter", "AuthorizeSecurityGroupEgress", "GroupId="+group)
	x = b.do("DescribeSecurityGroups", "GroupName.1=default")
	b.fails("CannotDelete", "DeleteSecurityGroup", "GroupId="+x.at("securityGroupInfo/item/groupId"))
}

// TestAddresses: a stop gives up an automatic address and keeps an Elastic IP.
func TestAddresses(t *testing.T) {
	for name, tt := range map[string]struct {
		spec Spec
		same bool
	}{"automatic": {Spec{}, false}, "elastic": {Spec{ElasticIP: true}, true}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.Boot = "none"
			id := b.guest(tt.spec)
			before, private := b.instance(id, "ipAddress"), b.instance(id, "privateIpAddress")
			owner := b.instance(id, "networkInterfaceSet/item/association/ipOwnerId")
			b.want("owner", owner, map[bool]string{true: "123456789012", false: "amazon"}[tt.same])
			b.do("StopInstances", "InstanceId.1="+id)
			b.pass(time.Minute)
			b.want("stopped", btoa(b.instance(id, "ipAddress") != ""), btoa(tt.same))
			b.do("StartInstances", "InstanceId.1="+id)
			b.pass(time.Minute)
			after := b.instance(id, "ipAddress")
			if before == "" || after == "" || (before == after) != tt.same {
				t.Errorf("%q became %q", before, after)
			}
			b.want("private address", b.instance(id, "privateIpAddress"), private)
		})
	}
}

func TestElasticAddress(t *testing.T) {
	b := newBench(t)
	no := false
	id := b.guest(Spec{Public: &no})
	b.want("public", b.instance(id, "ipAddress"), "")
	x := b.do("AllocateAddress", "Domain=vpc")
	allocation := x.at("allocationId")
	association := b.do("AssociateAddress", "AllocationId="+allocation, "InstanceId="+id).at("associationId")
	b.want("again", b.do("AssociateAddress", "AllocationId="+allocation, "InstanceId="+id).at("associationId"), association)
	b.pass(10 * time.Second)
	b.want("instance", b.do("DescribeAddresses", "Filter.1.Name=instance-id", "Filter.1.Value.1="+id).at("addressesSet/item/allocationId"), allocation)
	b.fails("InvalidIPAddress.InUse", "ReleaseAddress", "AllocationId="+allocation)
	other := b.guest(Spec{})
	b.fails("Resource.AlreadyAssociated", "AssociateAddress", "AllocationId="+allocation, "InstanceId="+other, "AllowReassociation=false")
	association = b.do("AssociateAddress", "AllocationId="+allocation, "InstanceId="+other).at("associationId")
	b.do("DisassociateAddress", "AssociationId="+association)
	b.do("ReleaseAddress", "AllocationId="+allocation)
	b.fails("InvalidAllocationID.NotFound", "ReleaseAddress", "AllocationId="+allocation)
	for range 5 {
		b.do("AllocateAddress")
	}
	b.fails("AddressLimitExceeded", "AllocateAddress")
}

// TestReachableAddress: the address where a machine's sshd answers is the public
// one, and another port than 22 is in a tag.
func TestReachableAddress(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	x := b.do("DescribeInstances", "InstanceId.1="+id)
	b.want("public address", x.at(inst+"ipAddress"), x.at(inst+"privateIpAddress"))
	b.want("tag", x.at(inst+"tagSet/item/key")+" "+x.at(inst+"tagSet/item/value"), "lab:ssh-port 2222")
	card := b.do("DescribeNetworkInterfaces", "Filter.1.Name=attachment.instance-id", "Filter.1.Value.1="+id)
	b.want("interface", card.at("networkInterfaceSet/item/association/publicIp"), x.at(inst+"ipAddress"))
	host, port := b.Address(id)
	b.want("address", host+" "+port, x.at(inst+"ipAddress")+" 2222")
	b.want("attached to", card.at("networkInterfaceSet/item/attachment/instanceId"), id)
}
