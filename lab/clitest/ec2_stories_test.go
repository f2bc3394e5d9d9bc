package clitest

// networkStory builds a VPC as a rescue does, and takes it down again.
var networkStory = []step{
	{call: "ec2 DescribeAvailabilityZones", want: map[string]any{"AvailabilityZones.0.ZoneName": "us-east-1a", "AvailabilityZones.0.State": "available"}},
	{call: "ec2 DescribeVpcs", params: filters("is-default", "true"), want: map[string]any{"Vpcs.#": 1, "Vpcs.0.CidrBlock": "172.31.0.0/16"}},
	{
		call: "ec2 CreateVpc", params: object{"CidrBlock": "10.9.0.0/16", "TagSpecifications": tagged("vpc")}, keep: map[string]string{"vpc": "Vpc.VpcId"},
		want: map[string]any{"Vpc.CidrBlock": "10.9.0.0/16", "Vpc.Tags.0.Value": "cli"},
	},
	{call: "ec2 DescribeVpcs", params: object{"VpcIds": []string{"{vpc}"}}, until: true, want: map[string]any{"Vpcs.0.State": "available", "Vpcs.0.IsDefault": false}},
	{call: "ec2 ModifyVpcAttribute", params: object{"VpcId": "{vpc}", "EnableDnsHostnames": object{"Value": true}}},
	{
		call: "ec2 CreateSubnet", params: object{"VpcId": "{vpc}", "CidrBlock": "10.9.1.0/24", "AvailabilityZone": "us-east-1b", "TagSpecifications": tagged("subnet")},
		keep: map[string]string{"subnet": "Subnet.SubnetId"}, want: map[string]any{"Subnet.AvailabilityZone": "us-east-1b", "Subnet.VpcId": "{vpc}"},
	},
	{call: "ec2 ModifySubnetAttribute", params: object{"SubnetId": "{subnet}", "MapPublicIpOnLaunch": object{"Value": true}}},
	{
		call: "ec2 DescribeSubnets", params: object{"SubnetIds": []string{"{subnet}"}}, until: true,
		want: map[string]any{"Subnets.0.MapPublicIpOnLaunch": true, "Subnets.0.AvailableIpAddressCount": "~^2[0-9]{2}$"},
	},
	{
		call: "ec2 CreateInternetGateway", params: object{"TagSpecifications": tagged("internet-gateway")},
		keep: map[string]string{"gateway": "InternetGateway.InternetGatewayId"}, want: map[string]any{"InternetGateway.Tags.0.Key": "run"},
	},
	{call: "ec2 AttachInternetGateway", params: object{"InternetGatewayId": "{gateway}", "VpcId": "{vpc}"}},
	{
		call: "ec2 DescribeInternetGateways", params: filters("attachment.vpc-id", "{vpc}"), until: true,
		want: map[string]any{"InternetGateways.0.Attachments.0.State": "available", "InternetGateways.0.InternetGatewayId": "{gateway}"},
	},
	{
		call: "ec2 CreateRouteTable", params: object{"VpcId": "{vpc}", "TagSpecifications": tagged("route-table")},
		keep: map[string]string{"routes": "RouteTable.RouteTableId"}, want: map[string]any{"RouteTable.Routes.0.GatewayId": "local"},
	},
	{call: "ec2 CreateRoute", params: object{"RouteTableId": "{routes}", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "{gateway}"}, want: map[string]any{"Return": true}},
	{call: "ec2 AssociateRouteTable", params: object{"RouteTableId": "{routes}", "SubnetId": "{subnet}"}, keep: map[string]string{"association": "AssociationId"}},
	{
		call: "ec2 DescribeRouteTables", params: filters("association.subnet-id", "{subnet}"), until: true,
		want: map[string]any{"RouteTables.0.RouteTableId": "{routes}", "RouteTables.0.Associations.0.SubnetId": "{subnet}", "RouteTables.0.Routes.1.State": "active"},
	},
	{
		call: "ec2 CreateSecurityGroup", params: object{"GroupName": "cli", "Description": "cli", "VpcId": "{vpc}", "TagSpecifications": tagged("security-group")},
		keep: map[string]string{"group": "GroupId"},
	},
	{call: "ec2 RevokeSecurityGroupEgress", params: egress("-1", 0), want: map[string]any{"Return": true}},
	{call: "ec2 AuthorizeSecurityGroupEgress", params: egress("tcp", 443), want: map[string]any{"Return": true}},
	{
		call: "ec2 DescribeSecurityGroups", params: object{"GroupIds": []string{"{group}"}}, until: true,
		want: map[string]any{"SecurityGroups.0.IpPermissionsEgress.0.FromPort": 443, "SecurityGroups.0.IpPermissions.#": 0, "SecurityGroups.0.GroupName": "cli"},
	},
	{call: "ec2 DescribeVpcEndpoints", params: filters("vpc-id", "{vpc}"), want: map[string]any{"VpcEndpoints.#": 0}},
	{call: "ec2 DeleteVpc", params: object{"VpcId": "{vpc}"}, fault: "DependencyViolation"},
	{call: "ec2 DisassociateRouteTable", params: object{"AssociationId": "{association}"}},
	{call: "ec2 DeleteRouteTable", params: object{"RouteTableId": "{routes}"}},
	{call: "ec2 DetachInternetGateway", params: object{"InternetGatewayId": "{gateway}", "VpcId": "{vpc}"}},
	{call: "ec2 DeleteInternetGateway", params: object{"InternetGatewayId": "{gateway}"}},
	{call: "ec2 DeleteSecurityGroup", params: object{"GroupId": "{group}"}},
	{call: "ec2 DeleteSubnet", params: object{"SubnetId": "{subnet}"}},
	{call: "ec2 DeleteVpc", params: object{"VpcId": "{vpc}"}},
	{call: "ec2 DescribeVpcs", params: object{"VpcIds": []string{"{vpc}"}}, fault: "InvalidVpcID.NotFound"},
}

func filters(name, value string) object {
	return object{"Filters": []object{{"Name": name, "Values": []string{value}}}}
}

func tagged(kinds ...string) []object {
	var specs []object
	for _, kind := range kinds {
		specs = append(specs, object{"ResourceType": kind, "Tags": []object{{"Key": "run", "Value": "cli"}}})
	}
	return specs
}

func egress(protocol string, port int) object {
	rule := object{"IpProtocol": protocol, "IpRanges": []object{{"CidrIp": "0.0.0.0/0"}}}
	if port > 0 {
		rule["FromPort"], rule["ToPort"] = port, port
	}
	return object{"GroupId": "{group}", "IpPermissions": []object{rule}}
}

func instances(more object) object {
	params := object{"InstanceIds": []string{"{instance}"}}
	for k, v := range more {
		params[k] = v
	}
	return params
}

// instanceStory moves the root volume of an instance, which stands stopped at first,
// away and back.
var instanceStory = []step{
	{
		call: "ec2 DescribeInstances", params: instances(nil), until: true, keep: map[string]string{"root": "Reservations.0.Instances.0.BlockDeviceMappings.0.Ebs.VolumeId"},
		want: map[string]any{
			"Reservations.0.Instances.0.State.Name": "stopped", "Reservations.0.Instances.0.RootDeviceName": "/dev/xvda", "Reservations.0.Instances.0.RootDeviceType": "ebs",
			"Reservations.0.Instances.0.BlockDeviceMappings.0.Ebs.Status": "attached", "Reservations.0.Instances.0.Architecture": "x86_64",
		},
	},
	{call: "ec2 DescribeInstances", params: instances(filters("instance-state-name", "stopped")), want: map[string]any{"Reservations.0.Instances.0.InstanceId": "{instance}"}},
	{call: "ec2 StartInstances", params: instances(nil), want: map[string]any{"StartingInstances.0.PreviousState.Name": "stopped", "StartingInstances.0.CurrentState.Name": "pending"}},
	{call: "ec2 DescribeInstances", params: instances(nil), until: true, want: map[string]any{"Reservations.0.Instances.0.State.Name": "running"}},
	{
		call: "ec2 DescribeInstanceStatus", params: instances(nil), until: true,
		want: map[string]any{"InstanceStatuses.0.InstanceStatus.Status": "ok", "InstanceStatuses.0.SystemStatus.Status": "ok", "InstanceStatuses.0.InstanceState.Code": 16},
	},
	{call: "ec2 RebootInstances", params: instances(nil)},
	{call: "ec2 GetConsoleOutput", params: object{"InstanceId": "{instance}"}, want: map[string]any{"InstanceId": "{instance}"}},
	{
		call: "ec2 DescribeNetworkInterfaces", params: filters("attachment.instance-id", "{instance}"),
		want: map[string]any{"NetworkInterfaces.0.Status": "in-use", "NetworkInterfaces.0.PrivateIpAddress": "~^172[.]31[.]"},
	},
	{call: "ec2 AllocateAddress", params: object{"Domain": "vpc"}, keep: map[string]string{"address": "AllocationId", "ip": "PublicIp"}},
	{call: "ec2 AssociateAddress", params: object{"AllocationId": "{address}", "InstanceId": "{instance}"}, keep: map[string]string{"association": "AssociationId"}},
	{call: "ec2 DescribeAddresses", params: object{"AllocationIds": []string{"{address}"}}, until: true, want: map[string]any{"Addresses.0.InstanceId": "{instance}", "Addresses.0.PublicIp": "{ip}"}},
	{call: "ec2 DisassociateAddress", params: object{"AssociationId": "{association}"}},
	{call: "ec2 ReleaseAddress", params: object{"AllocationId": "{address}"}},
	{call: "ec2 ModifyInstanceAttribute", params: object{"InstanceId": "{instance}", "DisableApiStop": object{"Value": true}}},
	{call: "ec2 DescribeInstanceAttribute", params: object{"InstanceId": "{instance}", "Attribute": "disableApiStop"}, want: map[string]any{"DisableApiStop.Value": true}},
	{call: "ec2 StopInstances", params: instances(nil), fault: "OperationNotPermitted"},
	{call: "ec2 ModifyInstanceAttribute", params: object{"InstanceId": "{instance}", "DisableApiStop": object{"Value": false}}},
	{call: "ec2 DetachVolume", params: object{"VolumeId": "{root}"}, fault: "OperationNotPermitted"},
	{call: "ec2 StopInstances", params: instances(object{"Force": true}), want: map[string]any{"StoppingInstances.0.CurrentState.Name": "stopping"}},
	{call: "ec2 DescribeInstances", params: instances(nil), until: true, want: map[string]any{"Reservations.0.Instances.0.State.Name": "stopped"}},
	{
		call: "ec2 CreateSnapshot", params: object{"VolumeId": "{root}", "Description": "cli", "TagSpecifications": tagged("snapshot")},
		keep: map[string]string{"snapshot": "SnapshotId"}, want: map[string]any{"State": "pending", "VolumeId": "{root}", "Tags.0.Value": "cli"},
	},
	{call: "ec2 DescribeSnapshots", params: object{"SnapshotIds": []string{"{snapshot}"}}, until: true, want: map[string]any{"Snapshots.0.State": "completed", "Snapshots.0.Progress": "100%"}},
	{
		call: "ec2 CreateImage", params: object{"InstanceId": "{instance}", "Name": "cli image", "NoReboot": true, "TagSpecifications": tagged("image", "snapshot")},
		keep: map[string]string{"image": "ImageId"},
	},
	{call: "ec2 CreateImage", params: object{"InstanceId": "{instance}", "Name": "cli image"}, fault: "InvalidAMIName.Duplicate"},
	{
		call: "ec2 DescribeImages", params: object{"ImageIds": []string{"{image}"}, "Owners": []string{"self"}}, until: true,
		keep: map[string]string{"imageSnapshot": "Images.0.BlockDeviceMappings.0.Ebs.SnapshotId"},
		want: map[string]any{"Images.0.State": "available", "Images.0.Name": "cli image", "Images.0.Tags.0.Key": "run"},
	},
	{call: "ec2 DeleteSnapshot", params: object{"SnapshotId": "{imageSnapshot}"}, fault: "InvalidSnapshot.InUse"},
	{call: "ec2 DeregisterImage", params: object{"ImageId": "{image}"}},
	{call: "ec2 DeleteSnapshot", params: object{"SnapshotId": "{imageSnapshot}"}},
	{call: "ec2 DetachVolume", params: object{"VolumeId": "{root}", "InstanceId": "{instance}"}, want: map[string]any{"State": "detaching"}},
	{call: "ec2 DescribeVolumes", params: object{"VolumeIds": []string{"{root}"}}, until: true, want: map[string]any{"Volumes.0.State": "available", "Volumes.0.Attachments.#": 0}},
	{call: "ec2 AttachVolume", params: object{"VolumeId": "{root}", "InstanceId": "{instance}", "Device": "/dev/xvda"}, want: map[string]any{"State": "attaching", "Device": "/dev/xvda"}},
	{
		call: "ec2 DescribeVolumes", params: filters("attachment.instance-id", "{instance}"), until: true,
		want: map[string]any{"Volumes.0.Attachments.0.State": "attached", "Volumes.0.Attachments.0.DeleteOnTermination": false},
	},
	{
		call: "ec2 ModifyInstanceAttribute", params: object{
			"InstanceId": "{instance}", "BlockDeviceMappings": []object{{"DeviceName": "/dev/xvda", "Ebs": object{"DeleteOnTermination": true}}},
		},
	},
	{
		call: "ec2 DescribeInstanceAttribute", params: object{"InstanceId": "{instance}", "Attribute": "blockDeviceMapping"},
		want: map[string]any{"BlockDeviceMappings.0.Ebs.DeleteOnTermination": true, "BlockDeviceMappings.0.Ebs.VolumeId": "{root}"},
	},
	{call: "ec2 CreateTags", params: object{"Resources": []string{"{instance}", "{root}"}, "Tags": []object{{"Key": "regain", "Value": "x"}}}},
	{
		call: "ec2 DescribeTags", params: object{"Filters": []object{{"Name": "key", "Values": []string{"regain"}}, {"Name": "resource-type", "Values": []string{"volume"}}}},
		want: map[string]any{"Tags.0.ResourceId": "{root}", "Tags.0.Value": "x", "Tags.#": 1},
	},
	{call: "ec2 DeleteTags", params: object{"Resources": []string{"{instance}", "{root}"}, "Tags": []object{{"Key": "regain"}}}},
	{call: "ec2 TerminateInstances", params: instances(nil), want: map[string]any{"TerminatingInstances.0.CurrentState.Name": "~^(shutting-down|terminated)$"}},
	{call: "ec2 DescribeInstances", params: instances(nil), until: true, want: map[string]any{"Reservations.0.Instances.0.State.Name": "terminated"}},
	{call: "ec2 DescribeVolumes", params: object{"VolumeIds": []string{"{root}"}}, until: true, fault: "InvalidVolume.NotFound"},
}

// volumeStory makes a volume from a snapshot of another, and asks about types.
var volumeStory = []step{
	{
		call: "ec2 CreateVolume", params: object{"AvailabilityZone": "us-east-1a", "Size": 1, "VolumeType": "gp3", "ClientToken": "one", "TagSpecifications": tagged("volume")},
		keep: map[string]string{"volume": "VolumeId"}, want: map[string]any{"State": "creating", "Size": 1, "Encrypted": false},
	},
	{
		call: "ec2 CreateVolume", params: object{"AvailabilityZone": "us-east-1a", "Size": 1, "VolumeType": "gp3", "ClientToken": "one", "TagSpecifications": tagged("volume")},
		want: map[string]any{"VolumeId": "{volume}"},
	},
	{call: "ec2 CreateVolume", params: object{"AvailabilityZone": "us-east-1a", "Size": 2, "ClientToken": "one"}, fault: "IdempotentParameterMismatch"},
	{call: "ec2 DescribeVolumes", params: object{"VolumeIds": []string{"{volume}"}}, until: true, want: map[string]any{"Volumes.0.State": "available"}},
	{call: "ec2 DeleteVolume", params: object{"VolumeId": "{volume}"}},
	{call: "ec2 DescribeVolumes", params: object{"VolumeIds": []string{"{volume}"}}, until: true, fault: "InvalidVolume.NotFound"},
	{
		call: "ec2 DescribeInstanceTypes", params: object{"InstanceTypes": []string{"t3.micro"}},
		want: map[string]any{
			"InstanceTypes.0.InstanceType": "t3.micro", "InstanceTypes.0.ProcessorInfo.SupportedArchitectures": "~x86_64",
			"InstanceTypes.0.InstanceStorageSupported": false, "InstanceTypes.0.Hypervisor": "nitro",
		},
	},
	{
		call: "ec2 DescribeInstanceTypeOfferings", params: object{
			"LocationType": "availability-zone", "Filters": []object{{"Name": "instance-type", "Values": []string{"t3.micro"}}},
		},
		want: map[string]any{"InstanceTypeOfferings.0.InstanceType": "t3.micro", "InstanceTypeOfferings.0.Location": "~^us-east-1"},
	},
}

func command(script string, more object) object {
	params := object{"InstanceIds": []string{"{instance}"}, "DocumentName": "AWS-RunShellScript", "Parameters": object{"commands": []string{script}}}
	for k, v := range more {
		params[k] = v
	}
	return params
}

// helperStory launches a helper, waits until Systems Manager knows it, and has it run
// commands.
var helperStory = []step{
	{
		call: "ssm GetParameter", params: object{"Name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
		keep: map[string]string{"ami": "Parameter.Value"},
	},
	{call: "ec2 RunInstances", params: helperParams(true), fault: "DryRunOperation"},
	{
		call: "ec2 RunInstances", params: helperParams(false), keep: map[string]string{"instance": "Instances.0.InstanceId"},
		want: map[string]any{
			"Instances.0.State.Name": "pending", "Instances.0.IamInstanceProfile.Arn": "~instance-profile/regain-helper$", "Instances.0.MetadataOptions.HttpTokens": "required",
			"Instances.0.ClientToken": "helper", "Instances.0.Tags.0.Value": "cli",
		},
	},
	{call: "ssm SendCommand", params: command("true", nil), fault: "InvalidInstanceId"},
	{call: "ec2 RunInstances", params: helperParams(false), want: map[string]any{"Instances.0.InstanceId": "{instance}"}},
	{
		call: "ssm DescribeInstanceInformation", params: object{"Filters": []object{{"Key": "InstanceIds", "Values": []string{"{instance}"}}}}, until: true,
		want: map[string]any{
			"InstanceInformationList.0.PingStatus": "Online", "InstanceInformationList.0.PlatformType": "Linux", "InstanceInformationList.0.LastPingDateTime": "~^20",
			"InstanceInformationList.0.ResourceType": "EC2Instance",
		},
	},
	{
		call: "ssm SendCommand", params: command("id -u; echo problem >&2; exit 3", object{"Comment": "regain cli", "TimeoutSeconds": 60}),
		keep: map[string]string{"command": "Command.CommandId"}, want: map[string]any{"Command.Status": "Pending", "Command.RequestedDateTime": "~^20", "Command.Comment": "regain cli"},
	},
	{
		call: "ssm GetCommandInvocation", params: object{"CommandId": "{command}", "InstanceId": "{instance}"}, until: true,
		want: map[string]any{
			"Status": "Failed", "StatusDetails": "Failed", "ResponseCode": 3, "StandardOutputContent": "0\n", "StandardErrorContent": "~^problem\n", "PluginName": "aws:runShellScript",
			"ExecutionStartDateTime": "~^20", "ExecutionElapsedTime": "~^PT",
		},
	},
	{
		call: "ssm ListCommandInvocations", params: object{"CommandId": "{command}", "Details": true},
		want: map[string]any{"CommandInvocations.0.CommandPlugins.0.Output": "~^0\n\n-+ERROR-+\nproblem", "CommandInvocations.0.InstanceId": "{instance}"},
	},
	{call: "ssm ListCommands", params: object{"InstanceId": "{instance}"}, want: map[string]any{"Commands.0.Comment": "regain cli", "Commands.0.ErrorCount": 1}},
	{call: "ssm SendCommand", params: command("exec sleep 300", nil), keep: map[string]string{"long": "Command.CommandId"}},
	{call: "ssm GetCommandInvocation", params: object{"CommandId": "{long}", "InstanceId": "{instance}"}, until: true, want: map[string]any{"Status": "InProgress"}},
	{call: "ssm CancelCommand", params: object{"CommandId": "{long}"}},
	{call: "ssm GetCommandInvocation", params: object{"CommandId": "{long}", "InstanceId": "{instance}"}, until: true, want: map[string]any{"Status": "Cancelled"}},
	{call: "ec2 TerminateInstances", params: instances(nil)},
	{call: "ec2 DescribeInstances", params: instances(nil), until: true, want: map[string]any{"Reservations.0.Instances.0.State.Name": "terminated"}},
	{call: "ssm SendCommand", params: command("true", nil), fault: "InvalidInstanceId"},
}

func helperParams(dry bool) object {
	return object{
		"ImageId": "{ami}", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "ClientToken": "helper", "DryRun": dry,
		"IamInstanceProfile": object{"Name": "regain-helper"}, "MetadataOptions": object{"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
		"InstanceInitiatedShutdownBehavior": "terminate", "TagSpecifications": tagged("instance", "volume"),
	}
}
