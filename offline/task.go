package offline

import "time"

// Task is what the agent is asked: the wire format of its command line. It
// never holds a private key.
type Task struct {
	Command  string `json:"command"` // inspect, diagnose, rescue or undo
	Run      string `json:"run,omitempty"`
	Instance string `json:"instance,omitempty"`
	KeyName  string `json:"key_name,omitempty"` // of the instance's EC2 key pair: a signal for the login user

	// The source: exactly one of the four.
	Volume string        `json:"volume,omitempty"` // vol-…
	Wait   time.Duration `json:"wait,omitempty"`   // for the volume to be attached
	Device string        `json:"device,omitempty"`
	Image  string        `json:"image,omitempty"`
	Root   string        `json:"root,omitempty"`

	Users     []string      `json:"users,omitempty"`
	PublicKey string        `json:"public_key,omitempty"` // one OpenSSH line
	KeyType   string        `json:"key_type,omitempty"`   // auto, ed25519, ecdsa or rsa
	Store     string        `json:"store,omitempty"`      // ssm, ssm:NAME or file:PATH
	KMSKey    string        `json:"kms_key,omitempty"`
	Expires   time.Duration `json:"expires,omitempty"` // zero: the key does not expire
	Repair    string        `json:"repair,omitempty"`  // all, none or ids; empty: what needs no consent
	Accept    string        `json:"accept,omitempty"`  // ids of findings to go on in spite of

	WindowsAgent    string `json:"windows_agent,omitempty"`    // to arm; empty: the likeliest
	WindowsFallback string `json:"windows_fallback,omitempty"` // an RSA key, one OpenSSH line: a start-up script is used in place of an agent
	// WindowsUserData are the words of offline/userdata for the user data of the
	// instance, which is never in a task; empty: not known.
	WindowsUserData string `json:"windows_user_data,omitempty"`

	RevokePrevious bool   `json:"revoke_previous,omitempty"`
	AcceptUnknown  bool   `json:"accept_unknown,omitempty"`
	DryRun         bool   `json:"dry_run,omitempty"`
	StateDir       string `json:"state_dir,omitempty"`
}
