package policy

// networkSteps are those of a temporary VPC.
var networkSteps = []grant{
	{
		sid: "VPCQuota", why: "preflight: is there room for another VPC", only: func(f Features) bool { return f.NewVPC },
		actions: []string{"servicequotas:GetServiceQuota"}, on: []string{"arn:{partition}:servicequotas:{region}:{account}:vpc/L-F678F1CE"},
	},
	{
		sid: "Network", why: "network: a VPC and its gateway", only: func(f Features) bool { return f.NewVPC },
		actions: []string{"ec2:CreateInternetGateway", "ec2:CreateVpc"}, on: []string{ownEC2 + "internet-gateway/{new}", ownEC2 + "vpc/{new}"}, when: made(network),
	},
	{
		sid: "NetworkParts", why: "network: what lies in it", only: func(f Features) bool { return f.NewVPC },
		actions: []string{"ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet"},
		on:      []string{ownEC2 + "route-table/{new}", ownEC2 + "security-group/{new}", ownEC2 + "subnet/{new}"}, when: made(network),
	},
	{
		sid: "NetworkWithin", why: "network: only into a VPC that a run has made", only: func(f Features) bool { return f.NewVPC },
		actions: []string{"ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet"}, on: []string{ownEC2 + "vpc/{new}"}, when: ours(network),
	},
	{
		sid: "NetworkJoins", why: "network: put together and taken away, of what a run has made only", only: func(f Features) bool { return f.NewVPC },
		actions: []string{
			"ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:CreateRoute",
			"ec2:DeleteInternetGateway", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteVpc",
			"ec2:DetachInternetGateway", "ec2:DisassociateRouteTable",
		},
		on: []string{
			ownEC2 + "internet-gateway/{new}", ownEC2 + "route-table/{new}", ownEC2 + "security-group/{new}", ownEC2 + "subnet/{new}", ownEC2 + "vpc/{new}",
		},
		when: ours(network),
	},
}
