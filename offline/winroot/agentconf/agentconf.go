// Package agentconf edits the settings files of the three programs that give a
// Windows instance in EC2 its administrator password when it starts: EC2Config
// (Config.xml), EC2Launch v1 (LaunchConfig.json) and EC2Launch v2
// (agent-config.yml, in YAML or JSON). It also tells what else runs when one of
// them is armed once more, from the settings and from user data.
//
// Everything is a pure function on bytes: an edit replaces one token, or inserts
// one, and leaves every other byte as it is, whatever the encoding, the byte order
// mark, the line ends and the indentation are. The package opens no file and knows
// neither the registry nor which agent is installed. Texts from the files stand in
// notes and errors only where they cannot be a secret, and escaped.
package agentconf

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/seed-77750964/regain/offline"
)

// Agent is a launch agent.
type Agent string

// The launch agents, oldest first.
const (
	EC2Config   Agent = "ec2config"
	EC2LaunchV1 Agent = "ec2launch-v1"
	EC2LaunchV2 Agent = "ec2launch-v2"
)

// MaxSize bounds a settings file, in bytes. Real ones have a few thousand.
const MaxSize = 1 << 20

// Bounds of what a file may hold.
const (
	maxDepth = 64
	maxShown = 100 // runes of a name that is shown
)

// An Edit is a settings file before and after.
type Edit struct {
	Before, After []byte
	Already       bool     // the file asks for a new password as it stands: After is Before
	UserData      bool     // the agent, armed so, runs user data at the next start
	Notes         []string // for a person: what the edit leaves and what it brings about
}

// A Code names why a file is refused. Codes are stable.
type Code string

// The codes of a Refusal.
const (
	TooLarge      Code = "too-large"      // more than MaxSize bytes, or deeper or more values than any real file
	BadEncoding   Code = "encoding"       // neither UTF-8, UTF-16 with a byte order mark, nor an 8-bit encoding
	Malformed     Code = "malformed"      // not the format that the agent reads
	HasDTD        Code = "dtd"            // XML with a document type or entities of its own
	PluginMissing Code = "plugin-missing" // Config.xml has no plugin Ec2SetPassword
	PluginTwice   Code = "plugin-twice"   // Config.xml has it more than once
	PluginState   Code = "plugin-state"   // its State is absent, empty, repeated or not plain text
	KeyTwice      Code = "key-twice"      // a key stands twice, if only in another case
	NotAString    Code = "not-a-string"   // adminPasswordType is something else than a string
	TabIndent     Code = "tab"            // YAML indented with a tab: [Untab]
	TabUnclear    Code = "tab-unclear"    // YAML indented with tabs of which it is not clear how many spaces they are
	Documents     Code = "documents"      // more than one YAML document
	HasAlias      Code = "alias"          // YAML with anchors, aliases or merge keys
	TaskMissing   Code = "task-missing"   // no setAdminAccount, or none with inputs: consent to an insertion is needed
	TaskTwice     Code = "task-twice"     // setAdminAccount stands twice
	TaskStage     Code = "task-stage"     // setAdminAccount stands in another stage than preReady
	TaskShape     Code = "task-shape"     // the task, or the place for it, is written as the editor does not know
)

// A Refusal says why a file is not edited or read, and what can be done instead.
type Refusal struct {
	File string // the file's usual name
	Code Code
	Line int // 0: the file as a whole
	Why  string
	Hint string // what the agent does with such a file, or what to do
}

func (r *Refusal) Error() string {
	if r.Line > 0 {
		return fmt.Sprintf("cannot use %s: line %d: %s", r.File, r.Line, r.Why)
	}
	return fmt.Sprintf("cannot use %s: %s", r.File, r.Why)
}

// unchanged is the edit of a file that needs none.
func (t text) unchanged() Edit {
	return Edit{Before: t.raw, After: bytes.Clone(t.raw), Already: true}
}

// splice is the edit that puts with in place of s[from:to].
func (t text) splice(from, to int, with string) Edit {
	start, end := t.rawOffset(from), t.rawOffset(to)
	after := append(bytes.Clone(t.raw[:start]), t.encode(with)...)
	return Edit{Before: t.raw, After: append(after, t.raw[end:]...)}
}

// shown is a foreign name for a person: escaped, and no longer than a line.
func shown(s string) string {
	if utf8.RuneCountInString(s) > maxShown {
		s = string([]rune(s)[:maxShown]) + "…"
	}
	return offline.Printable(s)
}
