package pam

import (
	"slices"

	"github.com/seed-77750964/regain/offline/account"
)

// tri is a truth value that may be open.
type tri int8

const (
	no    tri = -1
	maybe tri = 0
	yes   tri = 1
)

func truth(b bool) tri {
	if b {
		return yes
	}
	return no
}

func (a tri) and(b tri) tri { return min(a, b) }
func (a tri) or(b tri) tri  { return max(a, b) }
func (a tri) not() tri      { return -a }

// inGroup tells whether the user is in a group of this name. A group that the
// files do not show may still come from another source.
func (c *probe) inGroup(name string) tri {
	if slices.Contains(c.env.Groups, name) {
		return yes
	}
	return c.outside("group")
}

func (c *probe) inGID(gid uint32) tri {
	if slices.Contains(c.env.GIDs, gid) {
		return yes
	}
	return c.outside("group")
}

// outside is no when the files are the only source of a database.
func (c *probe) outside(database string) tri {
	others := account.OtherSources(c.env.NameService, database)
	// systemd's own source makes up groups of its dynamic users only.
	others = slices.DeleteFunc(others, func(s string) bool { return s == "systemd" || s == "altfiles" })
	if len(others) > 0 {
		return maybe
	}
	return no
}

// decide turns the truth of "granted" into the codes of a module.
func (t tri) decide(granted, refused code) codeSet {
	switch t {
	case yes:
		return set(granted)
	case no:
		return set(refused)
	}
	return set(granted, refused)
}
