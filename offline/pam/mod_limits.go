package pam

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Where a limit comes from; the lower beats the higher (pam_limits.c).
const (
	fromUser = iota
	fromGroup
	fromAllGroup
	fromAll
	fromDefault
	fromNowhere
)

// limit is a value with its place; unlimited is -1.
type limit struct {
	value  int64
	set    bool
	source int
	open   bool // it applies only if the user is in a group that the files do not show
	path   string
	line   int
}

// limitSet is what limits.conf gives to a user, by item; "-soft" and "-hard"
// are apart, logins has one value for both of its items.
type limitSet map[string]limit

// limits is pam_limits: it counts logins, and sets limits under which a session
// may not be able to run at all.
func limits(c *probe) outcome {
	files := []string{c.value("conf", "")}
	if files[0] == "" {
		files = append([]string{c.configFile("limits.conf")}, c.confGlob("limits.d")...)
	}
	found := limitSet{}
	for i, file := range files {
		data, err := c.v.ReadFile(file, offline.MaxConfig)
		if i == 0 && errors.Is(err, fs.ErrNotExist) && c.flagged("conf") {
			return outcome{codes: set(serviceErr), text: fmt.Sprintf("pam_limits cannot read %q", file), path: file}
		}
		if i == 0 && errors.Is(err, fs.ErrNotExist) {
			return outcome{codes: set(serviceErr, success), text: "pam_limits misses its file, which only newer versions forgive", path: file}
		}
		if err != nil {
			return outcome{codes: set(success, serviceErr), text: err.Error(), path: file}
		}
		if c.limitFile(found, file, string(data)) {
			return outcome{codes: set(success)} // "name -": no limits at all
		}
	}
	return c.judge(found)
}

func (c *probe) flagged(key string) bool { return c.value(key, "\x00") != "\x00" }

// limitFile adds the lines of a file that apply; true when one frees the user
// of all limits.
func (c *probe) limitFile(found limitSet, file, text string) bool {
	n := 0
	for l := range strings.SplitSeq(text, "\n") {
		n++
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		applies, source := c.domain(f[0])
		if applies == no {
			continue
		}
		if len(f) == 2 && strings.HasPrefix(f[1], "-") && source != fromDefault && source < fromAllGroup && applies == yes {
			return true
		}
		if len(f) < 4 {
			continue
		}
		value, ok := limitValue(strings.ToLower(f[3]))
		if ok {
			found.put(strings.ToLower(f[1]), strings.ToLower(f[2]), limit{value, true, source, applies == maybe, file, n})
		}
	}
	return false
}

func limitValue(s string) (int64, bool) {
	if s == "-" || s == "unlimited" || s == "infinity" {
		return -1, true
	}
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '-' && r != '+' })
	if end >= 0 {
		s = s[:end]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func (s limitSet) put(typ, item string, l limit) {
	var keys []string
	switch {
	case item == "maxlogins" || item == "maxsyslogins":
		keys = []string{"logins"}
	case typ == "soft" || typ == "hard":
		keys = []string{item + "-" + typ}
	case typ == "-":
		keys = []string{item + "-soft", item + "-hard"}
	}
	if (l.source == fromAll || l.source == fromAllGroup) && item != "maxlogins" {
		return // the % domains are for maxlogins alone
	}
	for _, k := range keys {
		if old, ok := s[k]; !ok || old.source >= l.source {
			s[k] = l
		}
	}
}

// domain tells whether the first field means the user, and how closely.
func (c *probe) domain(d string) (tri, int) {
	if c.env.User.Name == d {
		return yes, fromUser
	}
	if low, high, ok := strings.Cut(strings.TrimLeft(d, "@%"), ":"); ok {
		return c.idRange(d[0], low, high)
	}
	switch {
	case d == "*":
		return yes, fromDefault
	case d == "%":
		return yes, fromAll
	case strings.HasPrefix(d, "@"):
		return c.inGroup(d[1:]), fromGroup
	case strings.HasPrefix(d, "%"):
		return c.inGroup(d[1:]), fromAllGroup
	}
	return no, fromNowhere
}

// idRange is "min:max", "min:" or ":one" of uids, or with a sign of gids.
func (c *probe) idRange(sign byte, low, high string) (tri, int) {
	lo, errLow := strconv.ParseUint(low, 10, 32)
	hi, errHigh := strconv.ParseUint(high, 10, 32)
	if low != "" && errLow != nil || high != "" && errHigh != nil || low == "" && high == "" {
		return no, fromNowhere
	}
	id, source := uint64(c.env.User.UID), fromUser
	switch {
	case sign == '@' && low == "":
		return c.inGID(uint32(hi)), fromGroup
	case sign == '%' && low == "":
		return c.inGID(uint32(hi)), fromAllGroup
	case sign == '%':
		return no, fromNowhere
	case sign == '@':
		id, source = uint64(c.env.User.GID), fromGroup
	}
	if low == "" {
		return truth(id == hi), source
	}
	return truth(id >= lo && (high == "" || id <= hi)), source
}

// needs are limits under which no session can work, in the unit of limits.conf.
// A user process of sshd must fork a shell: nproc counts both.
var needs = []struct {
	item  string
	least int64
}{{"nproc", 2}, {"nofile", 10}, {"as", 20_000}, {"data", 100}, {"stack", 100}, {"cpu", 1}}

// highestFiles is fs.nr_open as the kernel sets it; more cannot be granted
// unless the system raises that first (pam_limits fails then, except Debian's).
const highestFiles = 1 << 20

// judge says what the limits mean for a login as the first one after a boot.
func (c *probe) judge(found limitSet) outcome {
	o := outcome{codes: set(success)}
	if l, ok := found["logins"]; ok && l.value == 0 && c.env.User.UID != 0 {
		o = outcome{codes: set(permDenied), id: "pam-limits-logins", path: l.path, line: l.line, text: "this line of pam_limits allows no login at all"}
		if l.open {
			o.codes |= set(success)
		}
	}
	for _, kind := range []string{"-soft", "-hard"} {
		l, ok := found["nofile"+kind]
		_, err := c.v.Stat("/etc/debian_version")
		if ok && err != nil && (l.value > highestFiles || l.value == -1) && o.codes == set(success) {
			o = outcome{
				codes: set(success, permDenied), id: "pam-limits-nofile", path: l.path, line: l.line,
				text: "more open files than the kernel's fs.nr_open cannot be granted, and pam_limits may refuse the login for it",
			}
		}
	}
	if c.env.User.UID != 0 {
		o.beyond = tooLow(found)
	}
	return o
}

// tooLow finds a limit that ends the session rather than the login.
func tooLow(found limitSet) *Reason {
	for _, need := range needs {
		for _, kind := range []string{"-soft", "-hard"} {
			l, ok := found[need.item+kind]
			if !ok || l.value < 0 || l.value >= need.least {
				continue
			}
			answer := offline.Unknown
			if need.item == "nproc" && !l.open {
				answer = offline.Denied
			}
			return &Reason{
				ID: "pam-limits-" + need.item, Answer: answer, Path: l.path, Line: l.line,
				Text: fmt.Sprintf("with %s limited to %d, no session can run", need.item, l.value),
			}
		}
	}
	return nil
}
