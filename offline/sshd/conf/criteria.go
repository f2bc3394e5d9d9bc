package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Connection is what sshd knows of a client when it evaluates Match blocks.
// Empty fields are unknown; what depends on them is then Maybe.
type Connection struct {
	User         string
	Groups       []string // names of the user's groups, the primary one included
	UID          uint32
	Host         string // the client's name, or its address without UseDNS
	Address      string
	LocalAddress string
	LocalPort    int
	RDomain      string
	InvalidUser  bool // the user does not exist
}

// criteria are the conditions of one Match line.
type criteria struct {
	list []criterion
	path string
	line int
	text string // as written, for people; also what makes two lines the same condition
}

type criterion struct{ name, arg string }

// parseMatch reads the words after Match. Before 9.9 they were cut by strdelim,
// afterwards by argv_split (sshd: servconf.c match_cfg_line).
func parseMatch(rest string, words []string, v Version) ([]criterion, error) {
	if !v.AtLeast(9, 9) {
		return legacyMatch(cursor{rest: rest}, v)
	}
	var out []criterion
	for i := 0; i < len(words); i++ {
		w := words[i]
		if name, arg, ok := strings.Cut(w, "="); ok && slices.Contains(withArgument, asciiLower(name)) {
			out = append(out, criterion{asciiLower(name), arg})
			continue
		}
		c := criterion{name: asciiLower(w)}
		if !slices.Contains(withoutArgument, c.name) && i+1 < len(words) {
			i++
			c.arg = words[i]
		}
		out = append(out, c)
	}
	return out, checkCriteria(out, v)
}

var (
	withArgument    = []string{"user", "group", "host", "address", "localaddress", "localport", "rdomain", "version"}
	withoutArgument = []string{"all", "invalid-user"}
)

func legacyMatch(c cursor, v Version) ([]criterion, error) {
	var out []criterion
	for {
		w, ok := c.next(true)
		if !ok || w == "" {
			if !c.end && c.rest != "" {
				return nil, errExtra
			}
			return out, checkCriteria(out, v)
		}
		if w[0] == '#' {
			return out, checkCriteria(out, v)
		}
		one := criterion{name: asciiLower(w)}
		one.arg, _ = c.next(true)
		if one.name == "all" {
			return legacyAll(append(out, criterion{name: "all", arg: ""}), one.arg, c, v)
		}
		if strings.HasPrefix(one.arg, "#") {
			one.arg = ""
		}
		out = append(out, one)
	}
}

func legacyAll(out []criterion, arg string, c cursor, v Version) ([]criterion, error) {
	switch {
	case arg != "" && arg[0] != '#':
		return nil, errAll
	case arg == "" && !c.end && c.rest != "":
		return nil, errExtra
	}
	return out, checkCriteria(out, v)
}

var errAll = errors.New(`"all" cannot stand beside other conditions`)

func checkCriteria(list []criterion, v Version) error {
	if len(list) == 0 {
		return errors.New("no condition after Match")
	}
	for _, c := range list {
		if err := c.check(len(list), v); err != nil {
			return err
		}
	}
	return nil
}

func (c criterion) check(count int, v Version) error {
	switch {
	case c.name == "all" && count > 1:
		return errAll
	case c.name == "all":
		return nil
	case c.name == "invalid-user" && v.AtLeast(9, 9):
		return nil
	case !slices.Contains(withArgument, c.name) || c.name == "version" && !v.AtLeast(10, 0):
		return fmt.Errorf("unsupported condition %q", c.name)
	case c.arg == "":
		return fmt.Errorf("the value of condition %q is missing", c.name)
	case c.name == "address" || c.name == "localaddress":
		_, err := MatchAddress("", c.arg)
		return err
	}
	return nil
}

// holds evaluates the line for a connection; all its conditions must hold. At
// sshd's start there is no connection (nil): only what needs none can hold then.
func (m *criteria) holds(conn *Connection, v Version) Tri {
	result := Yes
	for _, c := range m.list {
		switch c.holds(conn, v) {
		case No:
			return No
		case Maybe:
			result = Maybe
		}
	}
	return result
}

func (c criterion) holds(conn *Connection, v Version) Tri {
	switch {
	case c.name == "all":
		return Yes
	case c.name == "version":
		if !v.Known() {
			return Maybe
		}
		return triOf(MatchList(v.Raw, c.arg, false) == 1)
	case conn == nil:
		return No
	}
	switch c.name {
	case "invalid-user":
		return triOf(conn.InvalidUser)
	case "user":
		return triOf(MatchList(conn.User, c.arg, false) == 1)
	case "group":
		return triOf(!conn.InvalidUser && matchGroups(conn.Groups, c.arg))
	case "host":
		match, _ := triHost(conn.Host, c.arg)
		return match
	case "address":
		match, _ := triAddress(conn.Address, c.arg)
		return match
	case "localaddress":
		match, _ := triAddress(conn.LocalAddress, c.arg)
		return match
	case "localport":
		return conn.onPort(c.arg)
	default:
		return conn.inDomain(c.arg)
	}
}

func (conn *Connection) onPort(arg string) Tri {
	if conn.LocalPort == 0 {
		return Maybe
	}
	n, err := strtonum(arg, 0, 65535)
	return triOf(err == nil && int(n) == conn.LocalPort)
}

func (conn *Connection) inDomain(list string) Tri {
	if conn.RDomain == "" {
		return listOfUnknown(list)
	}
	return triOf(MatchList(conn.RDomain, list, false) == 1)
}
