package policy

// patientSteps are looks, and what is done to the patient.
var patientSteps = []grant{
	{
		sid: "Look", why: "look, preflight, list; EC2 knows no narrower resource for these",
		actions: []string{
			"ec2:DescribeImages", "ec2:DescribeInstanceAttribute", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes",
			"ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots",
			"ec2:DescribeSubnets", "ec2:DescribeVolumes", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
			"autoscaling:DescribeAutoScalingInstances", "ssm:DescribeInstanceInformation", "sts:GetCallerIdentity",
		},
		on: []string{"*"},
	},
	{
		sid: "LookAtKeys", why: "preflight: is the KMS key of a volume enabled",
		actions: []string{"kms:DescribeKey"}, on: []string{kmsKey},
	},
	{
		sid: "LookAtKeyPairs", why: "preflight of Windows: can a password be encrypted to the instance's key pair; EC2 knows no narrower resource",
		only:    func(f Features) bool { return f.Windows },
		actions: []string{"ec2:DescribeKeyPairs"}, on: []string{"*"},
	},
	{
		sid: "LookAtHelperRole", why: "preflight: does the helper's instance profile exist, and with which role",
		actions: []string{"iam:GetInstanceProfile"}, on: []string{"arn:{partition}:iam::{account}:instance-profile/{profile}"},
	},
	{
		sid: "Simulate", why: "preflight: which permissions are missing; without this the first denial tells",
		actions: []string{"iam:GetRole", "iam:SimulatePrincipalPolicy"},
		on:      []string{"arn:{partition}:iam::{account}:role/{caller}", "arn:{partition}:iam::{account}:user/{caller}"},
	},
	{
		sid: "Lock", why: "lock: who works on the instance, and what must be put back, stands on it and on its root volume", patient: true,
		actions: []string{"ec2:CreateTags", "ec2:DeleteTags"}, on: []string{ownEC2 + "instance/{instance}"}, when: keys(lockTags...),
	},
	{
		sid: "LockVolume", why: "lock: the same, on the root volume, which need not carry the instance's tags",
		actions: []string{"ec2:CreateTags", "ec2:DeleteTags"}, on: []string{ownEC2 + "volume/{volume}"}, when: keys(lockTags...),
	},
	{
		sid: "Patient", why: "stop, start; detach and attach at the instance; DeleteOnTermination and stop protection put back", patient: true,
		actions: []string{"ec2:AttachVolume", "ec2:DetachVolume", "ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances"},
		on:      []string{ownEC2 + "instance/{instance}"},
	},
	{
		sid: "RootVolume", why: "detach, attach: the volume's side of it",
		actions: []string{"ec2:AttachVolume", "ec2:DetachVolume"}, on: []string{ownEC2 + "volume/{volume}"},
	},
	{
		sid: "EncryptedVolumes", why: "attach, start: EC2 gets a grant on the key of an encrypted volume, and the helper's own may be encrypted too",
		only:    func(f Features) bool { return f.OwnKeys },
		implied: []string{"kms:CreateGrant"}, on: []string{kmsKey},
		when: []when{through("ec2"), {"Bool", "kms:GrantIsForAWSResource", []string{"true"}}},
	},
	{
		sid: "NewEncryptedVolumes", why: "helper: in an account that encrypts new volumes by a key of its own",
		only:    func(f Features) bool { return f.OwnKeys },
		implied: []string{"kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"},
		on:      []string{kmsKey}, when: []when{through("ec2")},
	},
}

// lockTags are those that a run writes on the patient. TagRole is not among them.
var lockTags = []string{"regain:ask", "regain:owner", "regain:record", tagRun, "regain:since"}
