package sshd

import (
	"fmt"

	"github.com/seed-77750964/regain/offline"
)

// Reason is one fact that a verdict stands on.
type Reason struct {
	ID     string         // one of Causes
	Answer offline.Answer // what this fact alone would make of the login
	Text   string
	Path   string // the file, empty when no single file is meant
	Line   int    // from 1; 0 for the whole file
}

// String is "/etc/ssh/sshd_config:12: AllowUsers does not name …". Names that
// could steer a terminal are quoted.
func (r Reason) String() string {
	switch {
	case r.Path == "":
		return r.Text
	case r.Line == 0:
		return printable(r.Path) + ": " + r.Text
	}
	return fmt.Sprintf("%s:%d: %s", printable(r.Path), r.Line, r.Text)
}

// printable leaves plain paths as they are and quotes all others.
func printable(p string) string {
	for _, c := range []byte(p) {
		if c <= ' ' || c >= 0x7f || c == ':' || c == '"' {
			return fmt.Sprintf("%q", p)
		}
	}
	return p
}
