package policy

// backupSteps are backups.
var backupSteps = []grant{
	{
		sid: "BackUpImage", why: "backup: an AMI of the instance", only: func(f Features) bool { return f.Image }, patient: true,
		actions: []string{"ec2:CreateImage"}, on: []string{ownEC2 + "instance/{instance}"},
	},
	{
		sid: "BackUpImageMade", why: "backup: the AMI and its snapshots, tagged from the beginning", only: func(f Features) bool { return f.Image },
		actions: []string{"ec2:CreateImage"}, on: []string{awsEC2 + "image/{new}", awsEC2 + "snapshot/{new}"}, when: made(backup),
	},
	{
		sid: "BackUpVolume", why: "backup: a snapshot of the root volume", only: func(f Features) bool { return f.Snapshot },
		actions: []string{"ec2:CreateSnapshot"}, on: []string{ownEC2 + "volume/{volume}"},
	},
	{
		sid: "BackUpVolumeMade", why: "backup: the snapshot, tagged from the beginning", only: func(f Features) bool { return f.Snapshot },
		actions: []string{"ec2:CreateSnapshot"}, on: []string{awsEC2 + "snapshot/{new}"}, when: made(backup),
	},
	{
		// One call takes the tags of a run from the instance, its volume and the
		// backup alike, so that it names the keys of all of them.
		sid: "KeepBackup", why: "backup, unlock: one that is kept is marked so, and loses the tags of the run", only: func(f Features) bool { return f.Image || f.Snapshot },
		actions: []string{"ec2:CreateTags", "ec2:DeleteTags"}, on: []string{awsEC2 + "image/{new}", awsEC2 + "snapshot/{new}"},
		when: append(ours(backup), keys(append([]string{"regain:kept"}, lockTags...)...)...),
	},
	{
		sid: "RemoveBackup", why: "backup: one of a volume that was never touched is removed", only: func(f Features) bool { return f.Image || f.Snapshot },
		actions: []string{"ec2:DeleteSnapshot", "ec2:DeregisterImage"}, on: []string{awsEC2 + "image/{new}", awsEC2 + "snapshot/{new}"}, when: ours(backup),
	},
}

// keySteps are where keys are stored and found.
var keySteps = []grant{
	{
		sid: "FindKey", why: "preflight, rescue: is there a key, and of which version; nothing is decrypted",
		actions: []string{"ssm:GetParameters"}, on: []string{storeKey},
	},
	{
		sid: "StoreKey", why: "--keys controller: the key is made and stored here", only: func(f Features) bool { return f.ControllerKeys },
		actions: []string{"ssm:PutParameter"}, on: []string{storeKey},
	},
	{
		sid: "StoreKeyEncrypted", why: "--keys controller with --kms-key", only: func(f Features) bool { return f.ControllerKeys && f.OwnKeys },
		implied: []string{"kms:Encrypt"}, on: []string{kmsKey}, when: []when{through("ssm"), parameterContext},
	},
	{
		sid: "FetchKey", why: "regain key, regain ssh: the private key is read", only: func(f Features) bool { return f.FetchKey },
		actions: []string{"ssm:GetParameter"}, on: []string{storeKey},
	},
	{
		sid: "FetchKeyDecrypted", why: "the same, of a key stored with --kms-key", only: func(f Features) bool { return f.FetchKey && f.OwnKeys },
		implied: []string{"kms:Decrypt"}, on: []string{kmsKey}, when: []when{through("ssm"), parameterContext},
	},
}

// windowsSteps are those of Windows.
var windowsSteps = []grant{
	{
		sid: "FetchPassword", why: "regain password: what the machine tells of its new password, encrypted", only: func(f Features) bool { return f.Windows }, patient: true,
		actions: []string{"ec2:GetConsoleOutput", "ec2:GetPasswordData"}, on: []string{ownEC2 + "instance/{instance}"},
	},
}

// groupSteps are those of an instance in an Auto Scaling group.
var groupSteps = []grant{
	{
		sid: "LookAtGroup", why: "standby: how many instances the group needs", only: func(f Features) bool { return f.Groups },
		actions: []string{"autoscaling:DescribeAutoScalingGroups"}, on: []string{"*"},
	},
	{
		sid: "Standby", why: "standby: the group must not replace an instance that stops", only: func(f Features) bool { return f.Groups },
		actions: []string{"autoscaling:EnterStandby", "autoscaling:ExitStandby"},
		on:      []string{"arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{group}"},
	},
}
