package policy

// helperSteps are what it takes to have a helper and to drive it.
var helperSteps = []grant{
	{
		sid: "Launch", why: "helper: the instance and what comes with it, tagged from the beginning",
		actions: []string{"ec2:RunInstances"}, when: made(helper),
		on: []string{ownEC2 + "instance/{new}", ownEC2 + "network-interface/{new}", ownEC2 + "volume/{new}"},
	},
	{
		sid: "LaunchFrom", why: "helper: what it is launched from",
		actions: []string{"ec2:RunInstances"},
		on:      []string{awsEC2 + "image/{image}", ownEC2 + "security-group/{new}", ownEC2 + "subnet/{subnet}"},
	},
	{
		sid: "TagWhatIsMade", why: "everything that a run makes is tagged by the call that makes it",
		actions: []string{"ec2:CreateTags"}, on: []string{"arn:{partition}:ec2:{region}:*:*/{new}"},
		when: []when{
			{"StringEquals", "ec2:CreateAction", []string{
				"RunInstances", "CreateImage", "CreateInternetGateway", "CreateRouteTable", "CreateSecurityGroup", "CreateSnapshot", "CreateSubnet", "CreateVpc",
			}},
			{"ForAllValues:StringLike", "aws:TagKeys", []string{"regain:*", "Name"}}, // no tag that others' rights go by
		}},
	{
		sid: "HelperRole", why: "helper: it runs with this role and no other",
		implied: []string{"iam:PassRole"}, on: []string{"arn:{partition}:iam::{account}:role/{role}"},
		when: []when{{"StringEquals", "iam:PassedToService", []string{"ec2.{suffix}"}}},
	},
	{
		sid: "HelperSwap", why: "attach, detach: the helper's side of it; and its end",
		actions: []string{"ec2:AttachVolume", "ec2:DetachVolume", "ec2:TerminateInstances"},
		on:      []string{ownEC2 + "instance/{helper}"}, when: ours(helper),
	},
	{
		sid: "HelperCommands", why: "prepare, arm, rescue: commands to helpers only",
		actions: []string{"ssm:SendCommand"}, on: []string{ownEC2 + "instance/{helper}"},
		when: []when{{"StringEquals", "ssm:resourceTag/" + tagRole, []string{helper}}},
	},
	{
		sid: "HelperScript", why: "prepare, arm, rescue: by this document",
		actions: []string{"ssm:SendCommand"}, on: []string{"arn:{partition}:ssm:{region}::document/AWS-RunShellScript"},
	},
	{
		sid: "HelperResults", why: "prepare, arm, rescue: how a command goes; Systems Manager knows no narrower resource",
		actions: []string{"ssm:CancelCommand", "ssm:GetCommandInvocation", "ssm:ListCommands"}, on: []string{"*"},
	},
	{
		sid: "HelperImage", why: "preflight: the image that AWS recommends",
		actions: []string{"ssm:GetParameter"}, on: []string{"arn:{partition}:ssm:{region}::parameter/aws/service/*"},
	},
	{
		sid: "Bucket", why: "preflight, list: the bucket that the helper gets the agent from", only: func(f Features) bool { return f.Delivery },
		actions: []string{"s3:ListBucket"}, on: []string{"arn:{partition}:s3:::{bucket}"},
	},
	{
		sid: "Deliver", why: "deliver: the helper downloads by a presigned link", only: func(f Features) bool { return f.Delivery },
		actions: []string{"s3:DeleteObject", "s3:PutObject"}, implied: []string{"s3:GetObject"},
		on: []string{"arn:{partition}:s3:::{bucket}/*"},
	},
}

// helperGrants is the catalogue of the helper.
var helperGrants = []grant{
	{
		sid: "SystemsManager", why: "the agent of Systems Manager registers and gets its commands",
		actions: []string{
			"ssm:UpdateInstanceInformation",
			"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
			"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply",
		},
		on: []string{"*"},
	},
	{
		sid: "StoreKey", why: "rescue: the private key goes to Parameter Store, and cannot be read again from here; a second rescue of an instance writes a new version",
		actions: []string{"ssm:PutParameter"}, on: []string{storeKey},
	},
	{
		sid: "LabelKey", why: "rescue: the parameter names the run and the fingerprint",
		actions: []string{"ssm:AddTagsToResource"}, on: []string{storeKey}, when: keys("regain:fingerprint", tagRun),
	},
	{
		sid: "EncryptKey", why: "rescue with --kms-key", only: func(f Features) bool { return f.OwnKeys },
		actions: []string{"kms:Encrypt"}, on: []string{kmsKey}, when: []when{through("ssm"), parameterContext},
	},
}
