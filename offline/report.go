package offline

// Schema names the version of the report. Fields are only ever added.
const Schema = "regain.report/1"

// Outcome is how a run ended.
type Outcome string

// The outcomes of a run.
const (
	Rescued   Outcome = "rescued"   // the verdict is now accepted
	Unchanged Outcome = "unchanged" // nothing was written: nothing to do, or a dry run, or only looked at
	Refused   Outcome = "refused"   // nothing was written: the findings say why not
	Failed    Outcome = "failed"    // what was written has been taken back, or the error says what was not
)

// Answer is what sshd would say: accepted, refused, or unknown where an offline
// look cannot tell.
type Answer string

// The answers.
const (
	Accepted Answer = "accepted"
	Denied   Answer = "refused"
	Unknown  Answer = "unknown"
)

// Report is what the agent answers, one JSON object.
type Report struct {
	Schema      string          `json:"schema"`
	Run         string          `json:"run"`
	Command     string          `json:"command"`
	Instance    string          `json:"instance,omitempty"`
	Volume      string          `json:"volume,omitempty"`
	Outcome     Outcome         `json:"outcome"`
	DryRun      bool            `json:"dry_run,omitempty"`
	OS          OS              `json:"os"`
	Filesystems []Filesystem    `json:"filesystems"`
	Users       []User          `json:"users"`
	Verdicts    []Verdict       `json:"verdicts"`
	Findings    []Finding       `json:"findings"`
	Changes     []ChangeSummary `json:"changes"`
	Key         *Key            `json:"key,omitempty"`
	Previous    []PreviousKey   `json:"previous_keys,omitempty"`
	Login       []string        `json:"login,omitempty"` // how to log in now, a line each
	Windows     *Windows        `json:"windows,omitempty"`
	Warnings    []string        `json:"warnings,omitempty"`
	Truncated   []string        `json:"truncated,omitempty"` // what Fit has left out
	Error       *Problem        `json:"error,omitempty"`
}

// OS is the operating system on the volume, from its own files.
type OS struct {
	Family  string `json:"family"` // linux, windows, or empty
	ID      string `json:"id"`
	Version string `json:"version"`
	Name    string `json:"name"`
	Arch    string `json:"arch"`
	SSHD    string `json:"sshd,omitempty"` // version of the installed sshd
}

// Filesystem is one filesystem of the volume.
type Filesystem struct {
	Device     string `json:"device"`
	Partition  int    `json:"partition,omitempty"`
	Type       string `json:"type"`
	UUID       string `json:"uuid"`
	Label      string `json:"label,omitempty"`
	Size       int64  `json:"size,omitempty"` // bytes
	Role       string `json:"role"`           // root, home, boot, swap, …; empty: not used
	Mountpoint string `json:"mountpoint"`
	Dirty      bool   `json:"dirty,omitempty"`
	Note       string `json:"note,omitempty"`
}

// User is an account that may log in.
type User struct {
	Name   string `json:"name"`
	UID    uint32 `json:"uid"`
	Home   string `json:"home"`
	Chosen bool   `json:"chosen"`
	Why    string `json:"why"`
}

// Verdict is whether a login would work, before and after.
type Verdict struct {
	User        string   `json:"user"`
	Fingerprint string   `json:"fingerprint"`
	Before      Answer   `json:"before"`
	After       Answer   `json:"after"`
	Reasons     []string `json:"reasons"`                  // of the last answer
	Earlier     []string `json:"reasons_before,omitempty"` // of the first, where they differ
}

// Severity ranks a finding.
type Severity string

// The severities.
const (
	Blocks   Severity = "blocks"
	MayBlock Severity = "may-block"
	Warning  Severity = "warning"
)

// Finding is what a check found.
type Finding struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Path     string   `json:"path"`
	Title    string   `json:"title"`
	Evidence string   `json:"evidence"`
	Repaired bool     `json:"repaired"`
	Consent  string   `json:"consent,omitempty"` // the flag that allows a repair
	Hint     string   `json:"hint,omitempty"`    // what to do by hand
	User     string   `json:"user,omitempty"`
	Changes  []Change `json:"-"`
}

// ChangeSummary is a Change as the report shows it.
type ChangeSummary struct {
	Path   string     `json:"path"`
	Action string     `json:"action"`
	Why    string     `json:"why"`
	Before *FileState `json:"before"`
	After  *FileState `json:"after"`
	Diff   string     `json:"diff"`
}

// FileState is a File without its content.
type FileState struct {
	SHA256 string `json:"sha256,omitempty"`
	Mode   string `json:"mode"` // octal, as chmod takes it
	UID    uint32 `json:"uid"`
	GID    uint32 `json:"gid"`
	Label  string `json:"label,omitempty"`
}

// Key is the key that now opens the door: never its private half.
type Key struct {
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	Public      string `json:"public"`
	Parameter   string `json:"parameter,omitempty"`
	Version     int64  `json:"version,omitempty"`
	File        string `json:"file,omitempty"`
}

// PreviousKey is a key that an earlier run left.
type PreviousKey struct {
	User        string `json:"user"`
	Fingerprint string `json:"fingerprint"`
	Run         string `json:"run"`
	Path        string `json:"path"`
	Line        int    `json:"line"`
	Revoked     bool   `json:"revoked"`
}

// Problem is why a run did not do what was asked.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}
