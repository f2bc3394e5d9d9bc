package ec2

import (
	"cmp"
	"context"
	"slices"
)

// An action is one call: its name, what carries it out, and the permissions that
// it needs. Describing calls need theirs on all resources.
type action struct {
	name  string
	do    func(*EC2, context.Context, *request) (any, error)
	needs needs
}

func actionNamed(name string) (action, bool) {
	at, ok := slices.BinarySearchFunc(actions, name, func(a action, name string) int { return cmp.Compare(a.name, name) })
	if !ok {
		return action{}, false
	}
	return actions[at], true
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
	{"CreateKeyPair", (*EC2).createKeyPair, needs{more: newKeyPairNeeds}},
	{"CreateRoute", (*EC2).createRoute, needs{on: []string{"RouteTableId"}}},
	{"CreateRouteTable", (*EC2).createRouteTable, needs{on: []string{"VpcId"}, makes: []string{"route-table"}}},
	{"CreateSecurityGroup", (*EC2).createSecurityGroup, needs{on: []string{"VpcId"}, makes: []string{"security-group"}}},
	{"CreateSnapshot", (*EC2).createSnapshot, needs{on: []string{"VolumeId"}, makes: []string{"snapshot"}}},
	{"CreateSubnet", (*EC2).createSubnet, needs{on: []string{"VpcId"}, makes: []string{"subnet"}}},
	{"CreateTags", (*EC2).createTags, needs{more: tagNeeds}},
	{"CreateVolume", (*EC2).createVolume, needs{on: []string{"SnapshotId"}, more: createVolumeNeeds}},
	{"CreateVpc", (*EC2).createVpc, needs{makes: []string{"vpc"}}},
	{"DeleteInternetGateway", (*EC2).deleteInternetGateway, needs{on: []string{"InternetGatewayId"}}},
	{"DeleteKeyPair", (*EC2).deleteKeyPair, needs{more: keyPairNeeds}},
	{"DeleteRouteTable", (*EC2).deleteRouteTable, needs{on: []string{"RouteTableId"}}},
	{"DeleteSecurityGroup", (*EC2).deleteSecurityGroup, needs{on: []string{"GroupId"}}},
	{"DeleteSnapshot", (*EC2).deleteSnapshot, needs{on: []string{"SnapshotId"}}},
	{"DeleteSubnet", (*EC2).deleteSubnet, needs{on: []string{"SubnetId"}}},
	{"DeleteTags", (*EC2).deleteTags, needs{more: tagNeeds}},
	{"DeleteVolume", (*EC2).deleteVolume, needs{on: []string{"VolumeId"}}},
	{"DeleteVpc", (*EC2).deleteVpc, needs{on: []string{"VpcId"}}},
	{"DeregisterImage", (*EC2).deregisterImage, needs{on: []string{"ImageId"}}},
	{"DescribeAddresses", addressListing.describe, needs{}},
	{"DescribeAvailabilityZones", zoneListing.describe, needs{}},
	{"DescribeImages", imageListing.describe, needs{}},
	{"DescribeInstanceAttribute", (*EC2).describeInstanceAttribute, needs{}},
	{"DescribeInstanceStatus", (*EC2).describeInstanceStatus, needs{}},
	{"DescribeInstanceTypeOfferings", (*EC2).describeInstanceTypeOfferings, needs{}},
	{"DescribeInstanceTypes", (*EC2).describeInstanceTypes, needs{}},
	{"DescribeInstances", (*EC2).describeInstances, needs{}},
	{"DescribeInternetGateways", gatewayListing.describe, needs{}},
	{"DescribeKeyPairs", (*EC2).describeKeyPairs, needs{}},
	{"DescribeNetworkInterfaces", cardListing.describe, needs{}},
	{"DescribeRouteTables", tableListing.describe, needs{}},
	{"DescribeSecurityGroups", groupListing.describe, needs{}},
	{"DescribeSnapshots", snapshotListing.describe, needs{}},
	{"DescribeSubnets", subnetListing.describe, needs{}},
	{"DescribeTags", tagListing.describe, needs{}},
	{"DescribeVolumes", volumeListing.describe, needs{}},
	{"DescribeVpcEndpoints", endpointListing.describe, needs{}},
	{"DescribeVpcs", vpcListing.describe, needs{}},
	{"DetachInternetGateway", (*EC2).detachInternetGateway, needs{on: []string{"InternetGatewayId", "VpcId"}}},
	{"DetachVolume", (*EC2).detachVolume, needs{on: []string{"InstanceId", "VolumeId"}}},
	{"DisassociateAddress", (*EC2).disassociateAddress, needs{}},
	{"DisassociateRouteTable", (*EC2).disassociateRouteTable, needs{more: associationNeeds}},
	{"GetConsoleOutput", (*EC2).getConsoleOutput, needs{on: []string{"InstanceId"}}},
	{"GetPasswordData", (*EC2).getPasswordData, needs{on: []string{"InstanceId"}}},
	{"ImportKeyPair", (*EC2).importKeyPair, needs{more: newKeyPairNeeds}},
	{"ModifyInstanceAttribute", (*EC2).modifyInstanceAttribute, needs{on: []string{"InstanceId"}}},
	{"ModifyInstanceMetadataOptions", (*EC2).modifyInstanceMetadataOptions, needs{on: []string{"InstanceId"}}},
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
