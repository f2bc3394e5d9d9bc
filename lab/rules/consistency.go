package rules

import "time"

// consistency is how long a resource may stay unknown after it was made.
var consistency = []Rule{
	{
		"consistency.ec2.create", Delay(5 * time.Second),
		"Amazon EC2 API Reference, Eventual consistency: Invalid…ID.NotFound may follow a create; AWS names no duration, tools retry for up to five minutes",
	},
	{
		"consistency.ec2.describes", Limit(2),
		"assumption: within the window the first two describes by id miss the resource, so that each client meets the case",
	},
	{
		"consistency.iam.profile", Delay(10 * time.Second),
		"IAM User Guide, Changes that I make are not always immediately visible: RunInstances refuses a new profile for some seconds",
	},
	{
		"consistency.ssm.invocation", Delay(1 * time.Second),
		"observed and published by others: GetCommandInvocation answers InvocationDoesNotExist right after SendCommand",
	},
}
