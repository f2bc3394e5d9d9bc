package rules

// idempotency says for each creating call what a repetition does.
var idempotency = []Rule{
	{"idempotency.token.RunInstances", Fact("ClientToken"), ensuring},
	{"idempotency.token.CreateVolume", Fact("ClientToken"), ensuring},
	{"idempotency.token.CreateRouteTable", Fact("ClientToken"), ensuring},
	{"idempotency.token.length", Limit(64), ensuring + ": up to 64 ASCII characters"},
	{"idempotency.token.mismatch", Fact("IdempotentParameterMismatch: the same token with other parameters"), ensuring},
	{"idempotency.token.terminated", Fact("IdempotentInstanceTerminated: the token's instance is terminated"), "Amazon EC2 API Reference, error codes"},
	{"idempotency.none.CreateSnapshot", Fact("a repetition makes a second one"), ensuring},
	{"idempotency.none.CreateImage", Fact("a repetition fails with InvalidAMIName.Duplicate"), "Amazon EC2 API Reference, CreateImage and error codes"},
	{"idempotency.none.AttachVolume", Fact("a repetition fails with VolumeInUse"), ensuring},
	{"idempotency.none.DetachVolume", Fact("a repetition fails with IncorrectState"), ensuring},
	{"idempotency.none.StartInstances", Fact("starting what runs succeeds and changes nothing"), "Amazon EC2 API Reference, StartInstances"},
	{"idempotency.none.StopInstances", Fact("stopping what is stopped succeeds and changes nothing"), "Amazon EC2 API Reference, StopInstances"},
	{"idempotency.none.CreateVpc", Fact("a repetition makes a second one"), ensuring},
	{"idempotency.none.CreateSubnet", Fact("a repetition makes a second one, or conflicts with the first one's range"), ensuring},
	{"idempotency.none.CreateSecurityGroup", Fact("a repetition fails with InvalidGroup.Duplicate"), ensuring},
	{"idempotency.none.SendCommand", Fact("a repetition runs the command again"), "AWS Systems Manager API Reference, SendCommand: no token"},
	{"idempotency.nature.TerminateInstances", Fact("a repetition succeeds"), "Amazon EC2 API Reference, TerminateInstances: this operation is idempotent"},
	{"idempotency.nature.AssociateAddress", Fact("a repetition succeeds"), ensuring},
	{"idempotency.nature.DisassociateAddress", Fact("a repetition succeeds"), ensuring},
}

const ensuring = "Amazon EC2 API Reference, Ensuring idempotency in Amazon EC2 API requests"
