// Package controller is the workflow of a rescue through the API of a cloud: it
// looks, refuses before anything changes, prepares a helper, swaps the root
// volume to it and back, and brings the instance home whatever happens.
//
// It asks a Cloud and drives flow's engine. It knows no SDK, runs no program,
// and shares with the agent only the task and the report in offline.
package controller

import (
	"time"

	"github.com/seed-77750964/regain/offline"
)

// Ask is what the operator asked for.
type Ask struct {
	Instance string `json:"instance"`

	// What the agent is asked to do; see offline.Task.
	Users          []string      `json:"users,omitempty"`
	PublicKey      string        `json:"public_key,omitempty"` // the operator's own: no private key anywhere
	Keys           string        `json:"keys"`                 // KeysAgent, KeysController; KeysGiven when PublicKey is set; else KeysPassword on Windows
	KeyType        string        `json:"key_type,omitempty"`
	KMSKey         string        `json:"kms_key,omitempty"` // encrypts the parameter
	Expires        time.Duration `json:"expires,omitempty"`
	Repair         string        `json:"repair,omitempty"`
	RevokePrevious bool          `json:"revoke_previous,omitempty"`
	AcceptUnknown  bool          `json:"accept_unknown,omitempty"`
	InSpiteOf      string        `json:"in_spite_of,omitempty"`   // ids of findings on a Windows volume
	WindowsAgent   string        `json:"windows_agent,omitempty"` // the one to arm; empty: the likeliest

	Backup string `json:"backup"` // BackupAMI, BackupSnapshot or BackupNone
	Verify string `json:"verify"` // VerifyAuto, VerifyAlways or VerifyNever

	Subnet     string `json:"subnet"` // SubnetAuto, SubnetSelected, SubnetNewVPC, or an id
	HelperType string `json:"helper_type,omitempty"`
	HelperAMI  string `json:"helper_ami,omitempty"`
	Profile    string `json:"profile"`          // instance profile of the helper
	Bucket     string `json:"bucket,omitempty"` // delivers the agent; empty: the account's default
	// Installed says that the helper's AMI has the agent: nothing is delivered.
	Installed bool `json:"installed,omitempty"`

	Accept []string `json:"accept,omitempty"` // ids of risks
}

// The choices of an Ask.
const (
	KeysAgent      = "agent"      // the agent makes the pair and stores the private half
	KeysController = "controller" // this program makes and stores it; the public half travels
	KeysGiven      = "given"      // the operator has the pair; of Windows: the password is encrypted to it
	KeysPassword   = "password"   // Windows: its launch agent makes a password, and there is no key

	BackupAMI      = "ami"
	BackupSnapshot = "snapshot"
	BackupNone     = "none"

	VerifyAuto   = "auto"   // when a network path exists
	VerifyAlways = "always" // without a path the rescue is not proven
	VerifyNever  = "never"

	SubnetAuto     = "auto"
	SubnetSelected = "selected" // the instance's own
	SubnetNewVPC   = "new-vpc"
)

// The tags of a run. What a run makes carries TagRun; the instance and its root
// volume carry all of them while the run is not home.
const (
	TagRun    = "regain:run"
	TagRole   = "regain:role"   // of what a run makes: helper, backup, network, …
	TagOwner  = "regain:owner"  // user@host
	TagSince  = "regain:since"  // RFC 3339
	TagRecord = "regain:record" // what must be put back, compact
	TagAsk    = "regain:ask"    // what was asked, compact
	TagKept   = "regain:kept"   // this stays on purpose; instead of TagRun once the run is home
)

// Rescue is the record of a run: what was asked, what was found, what must be
// put back, and what came of it. It is the state of flow's journal.
type Rescue struct {
	Run    string    `json:"run"` // 20261122T155300Z-3fa2c1
	Began  time.Time `json:"began"`
	Owner  string    `json:"owner"` // user@host
	Ask    Ask       `json:"ask"`
	Caller Caller    `json:"caller"`
	// Fleet is the run under whose name the agent is delivered to all runs of a
	// call; empty: this one.
	Fleet string `json:"fleet,omitempty"`
	// Rebuilt says that the journal was lost and the record made from tags.
	Rebuilt bool `json:"rebuilt,omitempty"`

	Original *Original `json:"original,omitempty"` // nil before the look
	Place    *Place    `json:"place,omitempty"`    // where the helper goes
	Locked   bool      `json:"locked,omitempty"`
	// Gone says that somebody has terminated the instance meanwhile.
	Gone bool `json:"gone,omitempty"`
	// UserData is what the user data of a Windows instance has an agent run, in the
	// words of package userdata; empty: not known.
	UserData string `json:"user_data,omitempty"`
	// Homing says that the tags tell of the way home.
	Homing bool `json:"homing,omitempty"`

	Network  []Part    `json:"network,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"`
	Helper   string    `json:"helper,omitempty"`  // instance id
	Helpers  int       `json:"helpers,omitempty"` // lost so far, and replaced
	Prepare  string    `json:"prepare,omitempty"` // command id
	Attempts []Attempt `json:"attempts,omitempty"`
	// Exposed says that a helper has had the volume, Calm that no agent will
	// write to it any more.
	Exposed bool `json:"exposed,omitempty"`
	Calm    bool `json:"calm,omitempty"`
	// Forward says that the helper was lost on the way home with what it takes
	// to undo: the rescue is finished instead.
	Forward bool `json:"forward,omitempty"`
	// Left says that the volume came home with what the agent had written to it.
	Left   bool    `json:"left,omitempty"`
	Backup *Backup `json:"backup,omitempty"`
	// Enabled is the image that makes a new Windows password at its first start,
	// NotEnabled that it was given up.
	Enabled    *Backup `json:"enabled,omitempty"`
	NotEnabled bool    `json:"not_enabled,omitempty"`

	Result *Result    `json:"result,omitempty"` // of the last attempt
	Public string     `json:"public,omitempty"` // the new key's public half, when made here
	Param  *Parameter `json:"parameter,omitempty"`

	StoppedAt time.Time `json:"stopped_at,omitzero"` // StopInstances was called
	RunningAt time.Time `json:"running_at,omitzero"` // and it ran again
	Started   time.Time `json:"started,omitzero"`    // by EC2's clock

	Verified Verification `json:"verified,omitzero"`
	Address  string       `json:"address,omitempty"` // of the instance, since it runs again
	Kept     []Kept       `json:"kept,omitempty"`
	Warnings []string     `json:"warnings,omitempty"`
}

// Original is the instance as it was found.
type Original struct {
	Instance   Instance   `json:"instance"`
	Attributes Attributes `json:"attributes"`
	Volume     Volume     `json:"volume"` // the root volume
	Root       Device     `json:"root"`
	Others     []Volume   `json:"others,omitempty"`
	Group      *Group     `json:"group,omitempty"`
	// InstanceStore says that the type brings instance-store volumes.
	InstanceStore bool `json:"instance_store,omitempty"`
}

// Place is where the helper goes.
type Place struct {
	Subnet   string `json:"subnet,omitempty"` // empty: in a new VPC
	VPC      string `json:"vpc,omitempty"`
	Zone     string `json:"zone"`
	New      bool   `json:"new,omitempty"` // a temporary VPC
	PublicIP bool   `json:"public_ip,omitempty"`
	AMI      string `json:"ami"`
	Type     string `json:"type"`
	Arch     string `json:"arch"`   // of the helper: amd64 or arm64
	Device   string `json:"device"` // the root volume's name on the helper
	Why      string `json:"why"`
}

// Delivery is the object by which the helper gets the agent.
type Delivery struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
}

// Attempt is one command that the agent was sent.
type Attempt struct {
	Kind    string `json:"kind"` // RescueCommand or UndoCommand
	Helper  string `json:"helper"`
	Command string `json:"command,omitempty"`
	Run     string `json:"run"` // of the agent
	Over    bool   `json:"over,omitempty"`
	Had     bool   `json:"had,omitempty"` // the helper had the volume
}

// Result is what the agent's report says, as far as the record needs it.
type Result struct {
	// Good says that the effect was judged: the key is in and would be accepted.
	Good    bool             `json:"good,omitempty"`
	Outcome offline.Outcome  `json:"outcome"`
	Report  *offline.Report  `json:"report,omitempty"`  // without diffs
	Users   []string         `json:"users,omitempty"`   // those the key now opens
	Touched bool             `json:"touched,omitempty"` // the volume has been written to
	Problem *offline.Problem `json:"problem,omitempty"`
}

// Verification is the proof by a login.
type Verification struct {
	State   string `json:"state"` // proven, refused, no-path, skipped
	Detail  string `json:"detail,omitempty"`
	HostKey string `json:"host_key,omitempty"` // a known_hosts line
}

// Kept is what stays on purpose.
type Kept struct {
	What   string `json:"what"`   // "backup ami-…"
	Remove string `json:"remove"` // the command that removes it
}

// Risk is something that preflight found.
type Risk struct {
	ID     string `json:"id"` // kebab-case: "public-ip-change"
	Title  string `json:"title"`
	Detail string `json:"detail"`         // what it means, and what to do instead
	Flag   string `json:"flag,omitempty"` // that accepts it; empty: a refusal
	// Accepted says that the ask accepts it; Note that it needs no consent.
	Accepted bool `json:"accepted,omitempty"`
	Note     bool `json:"note,omitempty"`
}

// Plan is what a rescue would do.
type Plan struct {
	Ask         Ask           `json:"ask"`
	Caller      Caller        `json:"caller"`
	Original    Original      `json:"original"`
	Place       Place         `json:"place"`
	Risks       []Risk        `json:"risks"`
	Steps       []string      `json:"steps"`       // a line each, in order
	Permissions []Permission  `json:"permissions"` // what it will ask for
	Downtime    time.Duration `json:"downtime"`    // estimated
	// UserData is what is told to the agent, of a Windows instance.
	UserData string `json:"user_data,omitempty"`
}

// Refused tells whether a risk stands in the way.
func (p Plan) Refused() bool {
	for _, r := range p.Risks {
		if !r.Accepted && !r.Note {
			return true
		}
	}
	return false
}
