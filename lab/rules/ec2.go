package rules

import "time"

const (
	lifecycle  = "Amazon EC2 User Guide, Instance lifecycle"
	attachment = "Amazon EBS User Guide, Attach an Amazon EBS volume to an Amazon EC2 instance; AWS names no duration"
	errorCodes = "Amazon EC2 API Reference, Error codes"
	tagging    = "Amazon EC2 User Guide, Tag your Amazon EC2 resources, tag restrictions"
)

// ec2 are the rules of EC2.
var ec2 = []Rule{
	{"ec2.instance.pending", Delay(15 * time.Second), lifecycle + "; observed: a Nitro instance is running 10 to 30 s after its start"},
	{"ec2.instance.stopping", Delay(30 * time.Second), lifecycle + "; observed: a Linux guest stops in 20 to 60 s"},
	{"ec2.instance.stopping-force", Delay(10 * time.Second), lifecycle + ": a forced stop gives the guest no time"},
	{"ec2.instance.shutting-down", Delay(30 * time.Second), lifecycle},
	{"ec2.instance.terminated", Delay(time.Hour), "Amazon EC2 User Guide, Terminate your instance: it stays visible for a short while, about an hour"},
	{"ec2.instance.checks", Delay(90 * time.Second), "Amazon EC2 User Guide, Status checks: initializing for some minutes after the start; observed 1 to 3 min"},
	{"ec2.volume.creating", Delay(3 * time.Second), "Amazon EBS User Guide, Volume state; observed: some seconds"},
	{"ec2.volume.attaching", Delay(3 * time.Second), attachment + "; observed: 2 to 5 s"},
	{"ec2.volume.detaching", Delay(4 * time.Second), "Amazon EBS User Guide, Detach an Amazon EBS volume; observed: 3 to 10 s"},
	{"ec2.volume.deleting", Delay(2 * time.Second), "Amazon EBS User Guide, Volume state; observed: some seconds"},
	{"ec2.volume.busy", Delay(5 * time.Second), "assumption: how often a busy volume is tried again"},
	{"ec2.snapshot.pending", Delay(90 * time.Second), "Amazon EBS User Guide, Create snapshots: minutes to hours; the point in time is fixed when the call returns"},
	{"ec2.snapshot.interval", Delay(15 * time.Second), errorCodes + ", SnapshotCreationPerVolumeRateExceeded; AWS SDKs and tools wait 15 s"},
	{"ec2.snapshot.concurrent", Limit(5), "AWS General Reference, Amazon EBS quotas: concurrent snapshots for a volume (gp2, gp3, io1, magnetic)"},
	{"ec2.snapshot.concurrent-hdd", Limit(1), "AWS General Reference, Amazon EBS quotas: concurrent snapshots for a volume (st1, sc1)"},
	{"ec2.image.pending", Delay(100 * time.Second), "Amazon EC2 API Reference, CreateImage: available when its snapshots are complete"},
	{"ec2.vpc.pending", Delay(time.Second), "Amazon EC2 API Reference, Vpc: pending, then available"},
	{"ec2.vpc.count", Limit(5), "Amazon VPC User Guide, quotas: 5 VPCs per Region; " + errorCodes + ", VpcLimitExceeded"},
	{"ec2.address.count", Limit(5), "Amazon EC2 User Guide, Elastic IP quota: 5 per Region; " + errorCodes + ", AddressLimitExceeded"},
	{"ec2.tag.count", Limit(50), tagging},
	{"ec2.tag.key", Limit(128), tagging},
	{"ec2.tag.value", Limit(256), tagging},
	{"ec2.attachments", Limit(28), "Amazon EC2 User Guide, Volume limits: Nitro instances share 28 attachments; " + errorCodes + ", AttachmentLimitExceeded"},
	{"ec2.userdata", Limit(16384), "Amazon EC2 User Guide, Run commands at launch: 16 KB before encoding"},
	{"ec2.keypair.bits", Limit(2048), "Amazon EC2 API Reference, CreateKeyPair: a 2048-bit RSA key pair, PEM-encoded PKCS#1"},
	{"ec2.keypair.name", Limit(255), "Amazon EC2 API Reference, CreateKeyPair: up to 255 ASCII characters"},
	{"ec2.keypair.delete", Fact("to delete a pair that is not there succeeds; instances keep the public key they were launched with"),
		"observed and published by others; Amazon EC2 User Guide, Delete your key pair"},
	{"ec2.keypair.ed25519", Fact("a Windows image is not launched with an ED25519 key pair: InvalidParameterCombination"),
		"Amazon EC2 User Guide, key pairs: ED25519 keys are not supported for Windows instances; the code is an assumption"},
	{"ec2.password.empty", Fact("no password yet: PasswordData is empty, and Timestamp is the time of the call"),
		"Amazon EC2 API Reference, GetPasswordData: the output returns an empty string; the timestamp is an assumption"},
	{"ec2.password.kept", Fact("PasswordData and Timestamp stay until the instance writes another block to its serial port, also over a stop"),
		"Amazon EC2 API Reference, GetPasswordData: the time the data was last updated; observed by others that old data stays"},
	{"ec2.password.form", Fact("PasswordData has CR LF before and behind its base64"), "observed and published by others; the AWS CLI strips it"},
	{"ec2.console.size", Limit(64 << 10), "Amazon EC2 API Reference, GetConsoleOutput: the most recent 64 KB"},
	{"ec2.windows.force", Fact("a forced stop is a power cut: the volume of a Windows stays open, and its next start repairs it"),
		"Amazon EC2 API Reference, StopInstances, Force: file system caches and metadata are not flushed, check and repair are needed, not recommended for Windows"},
	{"ec2.windows.password", Delay(4 * time.Minute),
		"Amazon EC2 console, Get Windows password: wait at least 4 minutes after launching; the API Reference recommends up to 15"},
	{"ec2.userdata.modify", Fact("user data is changed while the instance is stopped: IncorrectInstanceState"), "Amazon EC2 User Guide, View and update the instance user data"},
	{"ec2.metadata.modify", Fact("ModifyInstanceMetadataOptions answers pending, and then the options show as applied"),
		"Amazon EC2 API Reference, InstanceMetadataOptionsResponse"},
	{"ec2.start.broken", Fact("a root that does not boot, or a key that cannot be used: pending, then stopped, with a StateReason"),
		"Amazon EC2 User Guide, Troubleshoot instance launch issues: Client.InternalError: Client error on launch"},
	{"ec2.launch.broken", Fact("a launch that fails: pending, then terminated, with a StateReason"), "Amazon EC2 User Guide, Instance terminates immediately"},
	{"ec2.attach.key", Fact("a volume whose key is disabled, or on whose key the caller may make no grant, is not attached: CustomerKeyHasBeenRevoked"),
		errorCodes + "; that AttachVolume answers it is observed and published by others"},
	{"ec2.start.grant", Fact("a start or launch without kms:CreateGrant is answered with success, and ends like one with a disabled key"),
		"AWS re:Post Knowledge Center, Why does my EC2 instance go from pending to stopped: Client.InternalError"},
	{"ec2.create-volume.grant", Fact("CreateVolume without kms:CreateGrant is answered with success, and there is no volume"), "observed and published by others"},
	{"ec2.attach.delete-on-termination", Fact("AttachVolume leaves DeleteOnTermination false"), "Amazon EC2 API Reference, AttachVolume and EbsInstanceBlockDevice"},
	{"ec2.detach.root", Fact("a root volume stays while its instance runs: OperationNotPermitted"), "Amazon EC2 API Reference, DetachVolume; code observed"},
	{"ec2.detach.busy", Fact("a volume that the guest has mounted stays busy until it is unmounted"), "Amazon EC2 API Reference, VolumeAttachment"},
	{"ec2.stop.spot", Fact("only Spot instances of persistent requests stop"), "Amazon EC2 User Guide, Manage your Spot Instances"},
	{"ec2.start.spot", Fact("a stopped Spot instance without its root is terminated when it is started"), "Amazon EC2 API Reference, DetachVolume"},
	{"ec2.stop.address", Fact("a stop gives up the automatic public IPv4 address and keeps Elastic IPs"), "Amazon EC2 User Guide, Stop and start your instances"},
}
