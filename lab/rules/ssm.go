package rules

import "time"

const (
	putParameter  = "AWS Systems Manager API Reference, PutParameter"
	sendCommand   = "AWS Systems Manager API Reference, SendCommand"
	agentOutput   = "amazon-ssm-agent, iohandler/iohandler.go, DefaultOutputConfig and TruncateOutput"
	agentRegister = "AWS Systems Manager User Guide, Troubleshooting managed node availability: seconds to minutes after the boot; observed 20 to 60 s"
)

// ssm are the rules of Systems Manager.
var ssm = []Rule{
	{"ssm.node.registration", Delay(30 * time.Second), agentRegister},
	{"ssm.node.heartbeat", Delay(5 * time.Minute), "AWS Systems Manager User Guide, SSM Agent technical reference: a health signal every 5 minutes"},
	{"ssm.node.inactive", Fact("PingStatus Inactive is never answered"), "AWS Systems Manager API Reference, InstanceInformation: deprecated and no longer in use"},
	{"ssm.command.delivery", Delay(2 * time.Second), "observed: a command starts 1 to 3 s after SendCommand"},
	{"ssm.command.instances", Limit(50), sendCommand + ": InstanceIds, at most 50"},
	{"ssm.command.comment", Limit(100), sendCommand + ": Comment, at most 100 characters"},
	{"ssm.command.timeout", Limit(3600), sendCommand + ": TimeoutSeconds and executionTimeout; times that the caller gives are not scaled"},
	{"ssm.command.timeout-min", Limit(30), sendCommand + ": TimeoutSeconds"},
	{"ssm.command.timeout-max", Limit(2592000), sendCommand + ": TimeoutSeconds"},
	{"ssm.command.execution-max", Limit(172800), "document AWS-RunShellScript, executionTimeout: at most 48 hours"},
	{"ssm.command.stdout", Limit(24000), "AWS Systems Manager API Reference, GetCommandInvocation; " + agentOutput},
	{"ssm.command.stderr", Limit(8000), "AWS Systems Manager API Reference, GetCommandInvocation; " + agentOutput},
	{"ssm.command.plugin", Limit(2500), "AWS Systems Manager API Reference, CommandPlugin; " + agentOutput},
	{"ssm.command.states", Fact("InvalidInstanceId before registration and after termination; a stopped node gets its command when it is back in time"),
		sendCommand + ": valid states are running, pending, stopped and stopping"},
	{"ssm.command.silent", Fact("what runs on an instance that is lost or terminated is InProgress until its execution times out (that time is scaled) or its agent is back"),
		"AWS Systems Manager User Guide, Understanding command statuses: In Progress until the agent is available again"},
	{"ssm.parameter.standard", Limit(4096), "AWS Systems Manager User Guide, Managing parameter tiers: 4 KB"},
	{"ssm.parameter.advanced", Limit(8192), "AWS Systems Manager User Guide, Managing parameter tiers: 8 KB"},
	{"ssm.parameter.count", Limit(10000), "AWS Systems Manager User Guide, Managing parameter tiers: 10,000 standard parameters a Region"},
	{"ssm.parameter.versions", Limit(100), putParameter + ": the newest 100 versions are kept"},
	{"ssm.parameter.name", Limit(1011), putParameter + ": with the prefix of the ARN"},
	{"ssm.parameter.levels", Limit(15), putParameter + ": HierarchyLevelLimitExceededException"},
	{"ssm.parameter.description", Limit(1024), putParameter},
	{"ssm.parameter.names", Limit(10), "AWS Systems Manager API Reference, GetParameters and DeleteParameters: 10 names"},
	{"ssm.parameter.page", Limit(50), "AWS Systems Manager API Reference, DescribeParameters and GetParameterHistory: MaxResults"},
	{"ssm.tag.count", Limit(50), "AWS Systems Manager API Reference, AddTagsToResource: TooManyTagsError"},
}
