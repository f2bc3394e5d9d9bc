package controller

import (
	"context"
	"time"

	"github.com/seed-77750964/regain/controller/policy"
	"github.com/seed-77750964/regain/offline"
)

// Cloud is what a rescue needs of one account in one region. Every method
// returns at once with what is true now; waiting is the engine's business. What
// a Describe call of EC2 does not know (yet) is left out of a list, not an
// error. Other failures are *CloudError.
//
// The tags given to a method that makes something are there from its creation.
type Cloud interface {
	Accounts
	Instances
	Volumes
	Backups
	Networks
	Commands
	Parameters
	Deliveries
	Groups
	Passwords
}

// Accounts tells who asks, and what that may do.
type Accounts interface {
	Caller(ctx context.Context) (Caller, error)
	// Simulate returns what the caller may not do.
	Simulate(ctx context.Context, caller Caller, asked []Permission) ([]Permission, error)
	// Profile looks up an instance profile by name; NotFound when there is none.
	Profile(ctx context.Context, name string) (Profile, error)
	Key(ctx context.Context, id string) (KMSKey, error)
	// VPCQuota is how many VPCs the region may hold.
	VPCQuota(ctx context.Context) (int, error)
}

// Instances are EC2's.
type Instances interface {
	Instances(ctx context.Context, ids ...string) ([]Instance, error)
	// InstancesTagged finds instances that are not terminated by a tag's value;
	// an empty value means any.
	InstancesTagged(ctx context.Context, key, value string) ([]Instance, error)
	Attributes(ctx context.Context, instance string) (Attributes, error)
	InstanceType(ctx context.Context, name string) (InstanceType, error)
	// TypeOffered tells whether a zone offers an instance type.
	TypeOffered(ctx context.Context, name, zone string) (bool, error)
	// Launch is idempotent by its token.
	Launch(ctx context.Context, l Launch) (instance string, err error)
	Start(ctx context.Context, ids ...string) error
	Stop(ctx context.Context, force bool, ids ...string) error
	Terminate(ctx context.Context, ids ...string) error
	SetStopProtection(ctx context.Context, instance string, on bool) error
	SetDeleteOnTermination(ctx context.Context, instance, device string, on bool) error
	Tag(ctx context.Context, tags map[string]string, ids ...string) error
	Untag(ctx context.Context, keys []string, ids ...string) error
	// Image looks up an AMI by id.
	Image(ctx context.Context, id string) (Image, error)
}

// Volumes are EBS's.
type Volumes interface {
	Volumes(ctx context.Context, ids ...string) ([]Volume, error)
	VolumesTagged(ctx context.Context, key, value string) ([]Volume, error)
	Attach(ctx context.Context, volume, instance, device string) error
	Detach(ctx context.Context, volume, instance string) error
}

// Backups are images and snapshots of the patient.
type Backups interface {
	// BackUpImage makes an AMI without a reboot. Names are unique in an account.
	BackUpImage(ctx context.Context, instance, name, description string, tags map[string]string) (id string, err error)
	BackUpSnapshot(ctx context.Context, volume, description string, tags map[string]string) (id string, err error)
	// BackupsTagged finds images and snapshots; the snapshots of an image are
	// listed with it, and not again.
	BackupsTagged(ctx context.Context, key, value string) ([]Backup, error)
	// DeleteBackup removes an image with its snapshots, or a snapshot.
	DeleteBackup(ctx context.Context, b Backup) error
}

// Networks are where a helper can live.
type Networks interface {
	Subnets(ctx context.Context, q SubnetQuery) ([]Subnet, error)
	// Routes are those of a subnet: of its own route table, or the VPC's main one.
	Routes(ctx context.Context, s Subnet) ([]Route, error)
	// Endpoints are the names of the services that a VPC has interface or
	// gateway endpoints for, without the region: "ssm", "s3", ….
	Endpoints(ctx context.Context, vpc string) ([]string, error)
	VPCs(ctx context.Context) (count int, err error)
	// Parts finds what a run has made of a network, by tag.
	Parts(ctx context.Context, key, value string) ([]Part, error)
	// MakePart makes a part, or does what joins it to others, see Part.
	MakePart(ctx context.Context, p Part) (id string, err error)
	DeletePart(ctx context.Context, p Part) error
}

// Commands are Systems Manager's Run Command.
type Commands interface {
	// Managed lists those of the instances that Systems Manager knows.
	Managed(ctx context.Context, ids ...string) ([]Managed, error)
	Send(ctx context.Context, c Command, instances ...string) (id string, err error)
	// CommandsNamed finds commands sent to an instance by their comment, newest first.
	CommandsNamed(ctx context.Context, instance, comment string) ([]string, error)
	// Invocation is NotFound for a while after Send.
	Invocation(ctx context.Context, command, instance string) (Invocation, error)
	Cancel(ctx context.Context, command string, instances ...string) error
}

// Parameters are Parameter Store's.
type Parameters interface {
	// Parameters looks names up without decrypting; missing ones are left out.
	Parameters(ctx context.Context, names ...string) ([]Parameter, error)
	// Secret decrypts. version 0 is the newest. The caller wipes the bytes.
	Secret(ctx context.Context, name string, version int64) ([]byte, Parameter, error)
	// StoreSecret writes a SecureString, a new version when overwrite is set.
	StoreSecret(ctx context.Context, name string, value []byte, kmsKey, description string, overwrite bool) (version int64, err error)
	// Public reads a public parameter of AWS, such as an AMI's id.
	Public(ctx context.Context, name string) (string, error)
}

// Deliveries are objects by which a helper gets the agent.
type Deliveries interface {
	BucketExists(ctx context.Context, bucket string) (bool, error)
	// Deliver puts an object; the SHA-256 is checked by the store.
	Deliver(ctx context.Context, bucket, key string, body []byte) error
	// Link is a presigned URL to get the object.
	Link(ctx context.Context, bucket, key string, valid time.Duration) (string, error)
	Undeliver(ctx context.Context, bucket, key string) error
	Delivered(ctx context.Context, bucket, prefix string) (keys []string, err error)
}

// Groups are Auto Scaling's.
type Groups interface {
	// Group is the one that an instance belongs to; nil when to none.
	Group(ctx context.Context, instance string) (*Group, error)
	// Grouped are those of at most 50 instances that belong to one.
	Grouped(ctx context.Context, instances ...string) ([]string, error)
	EnterStandby(ctx context.Context, group, instance string) error
	ExitStandby(ctx context.Context, group, instance string) error
}

// Caller is who asks.
type Caller struct {
	Account, ARN, Partition, Region string
}

// Permission is one action on one resource.
type Permission = policy.Permission

// Profile is an instance profile. Role is the ARN of its role, empty without one.
type Profile struct{ Name, ARN, Role string }

// KMSKey is a key that encrypts volumes.
type KMSKey struct {
	ARN     string
	State   string // Enabled, Disabled, PendingDeletion, …
	Managed bool   // by AWS: needs no grants of ours
}

// The states of an instance.
const (
	Pending      = "pending"
	Running      = "running"
	Stopping     = "stopping"
	Stopped      = "stopped"
	ShuttingDown = "shutting-down"
	Terminated   = "terminated"
)

// Instance is an EC2 instance as DescribeInstances tells of it.
type Instance struct {
	ID             string            `json:"id"`
	State          string            `json:"state"`
	StateCode      string            `json:"state_code,omitempty"` // of the state reason: Client.InternalError
	StateReason    string            `json:"state_reason,omitempty"`
	Type           string            `json:"type"`
	Platform       string            `json:"platform"` // linux or windows
	Details        string            `json:"platform_details,omitempty"`
	Architecture   string            `json:"architecture"` // x86_64, arm64, …
	BootMode       string            `json:"boot_mode,omitempty"`
	Zone           string            `json:"zone"`
	VPC            string            `json:"vpc,omitempty"`
	Subnet         string            `json:"subnet,omitempty"`
	RootDevice     string            `json:"root_device"`      // its name: /dev/xvda
	RootDeviceType string            `json:"root_device_type"` // ebs or instance-store
	PublicIP       string            `json:"public_ip,omitempty"`
	Elastic        bool              `json:"elastic,omitempty"` // the public IP is an Elastic IP
	PrivateIP      string            `json:"private_ip,omitempty"`
	KeyName        string            `json:"key_name,omitempty"`
	Profile        string            `json:"profile,omitempty"` // ARN
	Groups         []string          `json:"groups,omitempty"`  // security groups
	Spot           bool              `json:"spot,omitempty"`
	ProductCodes   []string          `json:"product_codes,omitempty"`
	Hibernation    bool              `json:"hibernation,omitempty"` // enabled
	Operator       string            `json:"operator,omitempty"`    // who manages it, if not its owner
	Devices        []Device          `json:"devices,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Launched       time.Time         `json:"launched,omitzero"`
	// MetadataOff says that the instance metadata service does not answer,
	// MetadataTokens that it answers only with a token (IMDSv2).
	MetadataOff    bool `json:"metadata_off,omitempty"`
	MetadataTokens bool `json:"metadata_tokens,omitempty"`
	TPM            bool `json:"tpm,omitempty"` // it has a NitroTPM
	// Settings are what a replacement takes over, beside the rest.
	Settings LaunchSettings `json:"settings,omitzero"`
}

// Device is an entry of an instance's block device mapping.
type Device struct {
	Name                string `json:"name"`
	Volume              string `json:"volume"`
	State               string `json:"state"` // attaching, attached, detaching, detached
	DeleteOnTermination bool   `json:"delete_on_termination"`
}

// Attributes are what only DescribeInstanceAttribute tells.
type Attributes struct {
	StopProtection        bool   `json:"stop_protection"`
	TerminationProtection bool   `json:"termination_protection"`
	Shutdown              string `json:"shutdown"` // stop or terminate
}

// InstanceType is what a type of instance brings.
type InstanceType struct {
	Name          string
	InstanceStore bool
	Xen           bool // its disks do not tell which volume they are
	Architectures []string
}

// Launch asks for a helper. It has IMDSv2 only, with a hop limit of 1, and its
// root volume goes with it.
type Launch struct {
	Token, Image, Type, Subnet string
	Groups                     []string // security groups; empty: the VPC's default
	PublicIP                   bool
	Profile                    string // the instance profile's name
	Tags                       map[string]string
}

// Image is an AMI.
type Image struct {
	ID, State, Architecture, RootDevice string
	Reason                              string   // why it is in the state failed, where EC2 says it
	Devices                             []string // names in its block device mapping
	Snapshots                           []string // of its volumes: there when its point in time is fixed
}

// Volume is an EBS volume.
type Volume struct {
	ID          string            `json:"id"`
	State       string            `json:"state"` // creating, available, in-use, …
	Zone        string            `json:"zone"`
	GiB         int               `json:"gib"`
	Type        string            `json:"type"`
	Encrypted   bool              `json:"encrypted,omitempty"`
	KMSKey      string            `json:"kms_key,omitempty"`
	MultiAttach bool              `json:"multi_attach,omitempty"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Attachment joins a volume to an instance.
type Attachment struct {
	Instance            string `json:"instance"`
	Device              string `json:"device"`
	State               string `json:"state"` // attaching, attached, detaching, detached, busy
	DeleteOnTermination bool   `json:"delete_on_termination"`
}

// Backup is an image or a snapshot.
type Backup struct {
	ID        string            `json:"id"`
	Name      string            `json:"name,omitempty"`
	State     string            `json:"state"` // of an image: pending, available, failed, …; of a snapshot: pending, completed, error
	Snapshots []string          `json:"snapshots,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
}

// SubnetQuery asks for a subnet by id, or for those of a zone, of one VPC or all.
type SubnetQuery struct{ ID, Zone, VPC string }

// Subnet is where a helper's network interface lies.
type Subnet struct {
	ID, VPC, Zone string
	AutoPublicIP  bool
	Free          int  // addresses
	Temporary     bool // a run has made it, and will remove it
}

// Route is an active route.
type Route struct {
	Destination string // 0.0.0.0/0
	Target      string // igw-…, nat-…, …
}

// The kinds of Part of a temporary network.
const (
	VPCPart     = "vpc"
	GatewayPart = "internet-gateway"
	SubnetPart  = "subnet"
	TablePart   = "route-table"
	GroupPart   = "security-group"
)

// Part is a piece of a network that a run makes. MakePart makes the kinds in
// the order of the constants: a VPC (with DNS); a gateway and its attachment to
// VPC; a subnet of Zone; a route table of VPC with a default route to Gateway,
// joined to Subnet; a security group without ingress. Called again with ID set,
// it does what is missing.
type Part struct {
	Kind, ID                   string
	VPC, Gateway, Subnet, Zone string
	CIDR, Name                 string
	Tags                       map[string]string
}

// Managed is an instance as Systems Manager knows it.
type Managed struct {
	ID      string
	Online  bool
	Ping    string // Online, ConnectionLost, Inactive
	Version string // of the SSM agent
}

// The kinds of command that a rescue sends.
const (
	PrepareCommand = "prepare" // puts the agent there
	RescueCommand  = "rescue"  // waits for the volume, and rescues it
	UndoCommand    = "undo"    // takes back what RescueCommand did
)

// Command is a script for Run Command, and what it is made of: Script is what
// travels, the rest says what it does (a cloud in memory goes by that).
type Command struct {
	Kind     string
	Comment  string // at most 100 characters; the command is found by it
	Script   []string
	Task     offline.Task
	Undo     []string      // UndoCommand: the agent's runs, newest first
	Delivery time.Duration // not delivered by then: TimedOut
	Timeout  time.Duration // of the script
}

// Invocation is a command on one instance.
type Invocation struct {
	Status         string // Pending, InProgress, Delayed, Success, Cancelled, TimedOut, Failed, Cancelling
	Details        string
	Code           int    // exit code; -1: not started
	Stdout, Stderr string // cut by Systems Manager at 24,000 and 8,000 characters
}

// Parameter is what Parameter Store tells without decrypting.
type Parameter struct {
	Name     string    `json:"name"`
	Type     string    `json:"type"`
	Version  int64     `json:"version"`
	Modified time.Time `json:"modified"`
	ARN      string    `json:"arn"`
}

// Group is an Auto Scaling group, as far as one of its instances is concerned.
type Group struct {
	Name      string `json:"name"`
	Lifecycle string `json:"lifecycle"` // InService, EnteringStandby, Standby, …
	Min       int    `json:"min"`
	Desired   int    `json:"desired"`
}
