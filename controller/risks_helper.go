package controller

// helperChecks are about the helper and the way to it. What they report is met
// while a place is looked for.
var helperChecks = []check{
	{id: "helper-image", title: "there is no image for the helper", look: told("helper-image"),
		instead: "Name one with --helper-ami: Linux, with the agent of Systems Manager, and for a Windows with ntfs-3g"},
	{id: "helper-type", title: "there is no machine for the helper", look: told("helper-type"),
		instead: "Name another with --helper-type: aws ec2 describe-instance-type-offerings --location-type availability-zone lists what there is"},
	{id: "device-busy", title: "the helper has no name left for the volume", look: told("device-busy"),
		instead: "Name another image with --helper-ami"},
	{id: "subnet-missing", title: "there is no such subnet", look: told("subnet-missing"),
		instead: "Name another with --subnet, or leave it out"},
	{id: "subnet-zone", title: "the subnet is in another zone", look: told("subnet-zone"),
		instead: "A volume stays in its zone: name a subnet of that zone, or leave --subnet out"},
	{id: "subnet-full", title: "the subnet is full", look: told("subnet-full"),
		instead: "Name another with --subnet, or leave it out"},
	{
		id: "no-ssm-path", title: "Systems Manager is not reached from the subnet", look: told("no-ssm-path"),
		flag: "--accept-no-ssm-path", usage: "try a subnet from which no way to Systems Manager is seen",
		instead: "Name another with --subnet, or new-vpc, or add what is missing; if there is a way that cannot be seen from here" +
			" (endpoints in another VPC, a proxy), try it: the instance is stopped only when the helper has registered",
	},
	{id: "vpc-quota", title: "there is no room for a temporary VPC", look: told("vpc-quota"),
		instead: "Name a subnet of the zone with --subnet, remove a VPC that is not used, or have the quota raised"},
}
