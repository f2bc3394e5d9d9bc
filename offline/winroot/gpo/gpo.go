// Package gpo adds a start-up script to the local group policy of a Windows that is not running.
//
// Windows runs such scripts as SYSTEM at each start, before anybody logs on. Two INI files say so: gpt.ini names the parts
// of the policy that are in use and counts its versions, scripts.ini lists the scripts. The package gets the bytes of both
// and returns new bytes: everything that others have put there stays, in its encoding, order and line ends. It opens no
// volume and writes nothing; what the script does is not its business.
package gpo

import (
	"bytes"
	"fmt"
	"regexp"
)

// Where the local policy lives, relative to the root of the Windows volume.
const (
	GPTPath     = "Windows/System32/GroupPolicy/gpt.ini"
	ScriptsPath = "Windows/System32/GroupPolicy/Machine/Scripts/scripts.ini"
	StartupDir  = "Windows/System32/GroupPolicy/Machine/Scripts/Startup"
)

// Dirs are the directories that hold the policy, from the outside in. Windows may not have made them yet. Each that is made
// needs a descriptor that lets only SYSTEM and the administrators write: what lies in the last one runs as SYSTEM.
func Dirs() []string {
	const policy = "Windows/System32/GroupPolicy"
	return []string{policy, policy + "/Machine", policy + "/Machine/Scripts", StartupDir}
}

// A Policy is the content of the two files; nil where there is none. The last so many of Dirs are missing.
type Policy struct {
	GPT     []byte
	Scripts []byte
	Missing int
}

var scriptName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,99}\.cmd$`)

// Add is the policy with the script at the end of the start-up scripts: the same where it is there already. The file gpt.ini
// must be written first: if only it is, a second Add raises its version once more, which does no harm, while a script
// without a new version would not be noticed by Windows.
func Add(p Policy, script string) (Policy, error) {
	if !scriptName.MatchString(script) {
		return Policy{}, fmt.Errorf("cannot add the start-up script %q: not a name for one", script)
	}
	scripts, err := addScript(p.Scripts, script)
	if err != nil {
		return Policy{}, fmt.Errorf("cannot add the start-up script to scripts.ini: %w", err)
	}
	gpt, err := useScripts(p.GPT, !bytes.Equal(scripts, p.Scripts))
	if err != nil {
		return Policy{}, fmt.Errorf("cannot add the start-up script to gpt.ini: %w", err)
	}
	return Policy{GPT: gpt, Scripts: scripts}, nil
}
