package rules

// quotas are the rules of Service Quotas.
var quotas = []Rule{
	{"quotas.vpc.L-F678F1CE", Fact("ec2.vpc.count"), "Service Quotas, service vpc, quota L-F678F1CE: VPCs per Region"},
	{"quotas.ec2.L-0263D0A3", Fact("ec2.address.count"), "Service Quotas, service ec2, quota L-0263D0A3: EC2-VPC Elastic IPs"},
}
