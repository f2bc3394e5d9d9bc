package ec2

import "context"

// An action is one call: its name, what carries it out, and the permissions that
// it needs. Describing calls need theirs on all resources.
type action struct {
	name  string
	do    func(*EC2, context.Context, *request) (any, error)
	needs needs
}

// actions are the calls that the lab answers, sorted.
var actions = []action{
	{"AllocateAddress", (*EC2).allocateAddress, needs{makes: []string{"elastic-ip"}}},
	{"AssociateAddress", (*EC2).associateAddress, needs{on: []string{"AllocationId", "InstanceId"}}},
	{"AssociateRouteTable", (*EC2).associateRouteTable, needs{on: []string{"RouteTableId", "SubnetId"}}},
	{"AttachInternetGateway", (*EC2).attachInternetGateway, needs{on: []string{"InternetGatewayId", "VpcId"}}},
	{"AttachVolume", (*EC2).attachVolume, needs{on: []string{"InstanceId", "VolumeId"}, more: encryptedNeeds}},
	{"AuthorizeSecurityGroupEgress", (*EC2).authorizeSecurityGroupEgress, needs{on: []string{"GroupId"}}},
	{"CreateImage", (*EC2).createImage, needs{on: []string{"InstanceId"}, makes: []string{"image", "snapshot"}}},
	{"CreateInternetGateway", (*EC2).createInternetGateway, needs{makes: []string{"internet-gateway"}}},
	{"CreateRoute", (*EC2).createRoute, needs{on: []string{"RouteTableId"}}},
	{"CreateRouteTable", (*EC2).createRouteTable, needs{on: []string{"VpcId"}, makes: []string{"route-table"}}},
	{"CreateSecurityGroup", (*EC2).createSecurityGroup, needs{on: []string{"VpcId"}, makes: []string{"security-group"}}},
	{"CreateSnapshot", (*EC2).createSnapshot, needs{on: []string{"VolumeId"}, makes: []string{"snapshot"}}},
	{"CreateSubnet", (*EC2).createSubnet, needs{on: []string{"VpcId"}, makes: []string{"subnet"}}},
	{"CreateTags", (*EC2).createTags, needs{more: tagNeeds}},
	{"CreateVolume", (*EC2).createVolume, needs{on: []string{"SnapshotId"}, more: createVolumeNeeds}},
	{"CreateVpc", (*EC2).createVpc, needs{makes: []string{"vpc"}}},
	{"DeleteInternetGateway", (*EC2).deleteInternetGateway, needs{on: []string{"InternetGatewayId"}}},
	{"DeleteRouteTable", (*EC2).deleteRouteTable, needs{on: []string{"RouteTableId"}}},
	{"DeleteSecurityGroup", (*EC2).deleteSecurityGroup, needs{on: []string{"GroupId"}}},
	{"DeleteSnapshot", (*EC2).deleteSnapshot, needs{on: []string{"SnapshotId"}}},
	{"DeleteSubnet", (*EC2).deleteSubnet, needs{on: []string{"SubnetId"}}},
	{"DeleteTags", (*EC2).deleteTags, needs{more: tagNeeds}},
	{"DeleteVolume", (*EC2).deleteVolume, needs{on: []string{"VolumeId"}}},
	{"DeleteVpc", (*EC2).deleteVpc, needs{on: []string{"VpcId"}}},
	{"DeregisterImage", (*EC2).deregisterImage, needs{on: []string{"ImageId"}}},
	{"DescribeAddresses", (*EC2).describeAddresses, needs{}},
	{"DescribeAvailabilityZones", (*EC2).describeAvailabilityZones, needs{}},
	{"DescribeImages", (*EC2).describeImages, needs{}},
	{"DescribeInstanceAttribute", (*EC2).describeInstanceAttribute, needs{}},
	{"DescribeInstanceStatus", (*EC2).describeInstanceStatus, needs{}},
	{"DescribeInstanceTypeOfferings", (*EC2).describeInstanceTypeOfferings, needs{}},
	{"DescribeInstanceTypes", (*EC2).describeInstanceTypes, needs{}},
	{"DescribeInstances", (*EC2).describeInstances, needs{}},
	{"DescribeInternetGateways", (*EC2).describeInternetGateways, needs{}},
	{"DescribeNetworkInterfaces", (*EC2).describeNetworkInterfaces, needs{}},
	{"DescribeRouteTables", (*EC2).describeRouteTables, needs{}},
	{"DescribeSecurityGroups", (*EC2).describeSecurityGroups, needs{}},
	{"DescribeSnapshots", (*EC2).describeSnapshots, needs{}},
	{"DescribeSubnets", (*EC2).describeSubnets, needs{}},
	{"DescribeTags", (*EC2).describeTags, needs{}},
	{"DescribeVolumes", (*EC2).describeVolumes, needs{}},
	{"DescribeVpcEndpoints", (*EC2).describeVpcEndpoints, needs{}},
	{"DescribeVpcs", (*EC2).describeVpcs, needs{}},
	{"DetachInternetGateway", (*EC2).detachInternetGateway, needs{on: []string{"InternetGatewayId", "VpcId"}}},
	{"DetachVolume", (*EC2).detachVolume, needs{on: []string{"InstanceId", "VolumeId"}}},
	{"DisassociateAddress", (*EC2).disassociateAddress, needs{}},
	{"DisassociateRouteTable", (*EC2).disassociateRouteTable, needs{more: associationNeeds}},
	{"GetConsoleOutput", (*EC2).getConsoleOutput, needs{on: []string{"InstanceId"}}},
	{"ModifyInstanceAttribute", (*EC2).modifyInstanceAttribute, needs{on: []string{"InstanceId"}}},
	{"ModifySubnetAttribute", (*EC2).modifySubnetAttribute, needs{on: []string{"SubnetId"}}},
	{"ModifyVpcAttribute", (*EC2).modifyVpcAttribute, needs{on: []string{"VpcId"}}},
	{"RebootInstances", (*EC2).rebootInstances, needs{on: []string{"InstanceId"}}},
	{"ReleaseAddress", (*EC2).releaseAddress, needs{on: []string{"AllocationId"}}},
	{"RevokeSecurityGroupEgress", (*EC2).revokeSecurityGroupEgress, needs{on: []string{"GroupId"}}},
	{"RunInstances", (*EC2).runInstances, needs{more: runNeeds}},
	{"StartInstances", (*EC2).startInstances, needs{on: []string{"InstanceId"}, more: encryptedNeeds}},
	{"StopInstances", (*EC2).stopInstances, needs{on: []string{"InstanceId"}}},
	{"TerminateInstances", (*EC2).terminateInstances, needs{on: []string{"InstanceId"}}},
}
