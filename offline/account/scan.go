package account

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxLine bounds one line. A group of 60,000 members with long names stays below.
	maxLine = 4 << 20
	// maxLines bounds the entries of one file, and maxProblems what is reported of a file of rubbish.
	maxLines    = 1 << 18
	maxProblems = 1000
	// maxMembers bounds the memberships of all groups together.
	maxMembers = 1 << 20
	// maxFields is more than any line has.
	maxFields = 12

	noID = 1<<32 - 1 // (uid_t)-1: "leave unchanged" to chown, no account
)

// entry is one line that names somebody.
type entry struct {
	file   string
	line   int
	fields []string
}

// scan feeds the lines of a file to add. glibc skips leading white space, empty lines and # lines (nss_files).
func (db *DB) scan(file string, b []byte, add func(e entry)) {
	if b == nil {
		db.absent[file] = true
		return
	}
	for n := 1; len(b) > 0; n++ {
		if n > maxLines {
			db.report(entry{file: file, line: n}, true, fmt.Sprintf("the file has more than %d lines; the rest was not read", maxLines))
			return
		}
		raw, rest, _ := bytes.Cut(b, []byte("\n"))
		b = rest
		line := bytes.TrimLeft(raw, " \t\r\v\f")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		e := entry{file: file, line: n, fields: strings.SplitN(string(line[:min(len(line), maxLine)]), ":", maxFields)}
		if db.sane(e, raw, line) {
			add(e)
		}
	}
}

// sane deals with what is wrong or special in lines of any of the files.
func (db *DB) sane(e entry, raw, line []byte) bool {
	name := e.fields[0]
	switch {
	case len(line) > maxLine:
		db.report(e, true, "the line is too long")
		return false
	case bytes.IndexByte(line, 0) >= 0:
		db.report(e, true, "the line holds a NUL byte")
		return false
	case name == "" || name[0] == '+' || name[0] == '-':
		if name != "" {
			db.nis = true
			db.report(e, false, "a NIS line, which needs the network")
			return false
		}
		db.report(e, true, "the name is empty")
		return false
	}
	if len(line) < len(raw) {
		db.report(e, false, "blanks in front of the name, which glibc ignores and other programs may not")
	}
	if bytes.HasSuffix(line, []byte("\r")) {
		db.report(e, false, "the line ends in a carriage return, which becomes part of the last field")
	}
	return true
}

func (db *DB) report(e entry, fatal bool, text string) {
	p := Problem{File: e.file, Line: e.line, Text: text, Fatal: fatal}
	if len(e.fields) > 0 {
		p.Name = e.fields[0]
	}
	if len(db.problems) < maxProblems {
		db.problems = append(db.problems, p)
	}
	key := e.file + "\x00" + p.Name
	if _, known := db.broken[key]; fatal && p.Name != "" && !known && !db.known(e.file, p.Name) {
		db.broken[key] = p
	}
}

// known reports whether a valid line with the name came before, so that a later broken one does not matter.
func (db *DB) known(file, name string) bool {
	index := map[string]map[string]int{"passwd": db.userByName, "shadow": db.shadowByName, "group": db.groupByName}[file]
	_, ok := index[name]
	return ok
}

// fresh reports whether the entry is the first of its name; a later one is reported and not used.
func (db *DB) fresh(e entry) bool {
	if _, broken := db.broken[e.file+"\x00"+e.fields[0]]; broken {
		db.report(e, false, "the name stood on a broken line before")
		return false
	}
	if db.known(e.file, e.fields[0]) {
		db.report(e, false, "the name is used twice; the first line counts")
		return false
	}
	return true
}

func (db *DB) wantFields(e entry, want int) bool {
	if len(e.fields) == want {
		return true
	}
	db.report(e, true, fmt.Sprintf("%d fields instead of %d", len(e.fields), want))
	return false
}

// id parses a uid or gid. glibc's strtoul would take signs and blanks, wrap "-1" and clamp large numbers; whoever is named
// on such a line is not the user that somebody meant, so it is refused.
func id(s string) (uint32, error) {
	if s == "" {
		return 0, fmt.Errorf("is empty")
	}
	if len(s) > 20 || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("is not a number: %.40q", s)
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == noID {
		return 0, fmt.Errorf("is out of range: %s", s)
	}
	return uint32(n), nil
}

func (db *DB) addUser(e entry) {
	f := e.fields
	if !db.wantFields(e, 7) {
		return
	}
	uid, err := id(f[2])
	if err != nil {
		db.report(e, true, "the uid "+err.Error())
		return
	}
	gid, err := id(f[3])
	if err != nil {
		db.report(e, true, "the gid "+err.Error())
		return
	}
	if !db.fresh(e) {
		return
	}
	i := len(db.users)
	db.users = append(db.users, User{Name: f[0], Password: f[1], UID: uid, GID: gid, GECOS: f[4], Home: f[5], Shell: f[6], Line: e.line})
	db.userByName[f[0]] = i
	db.primary[gid] = append(db.primary[gid], i)
	if first, taken := db.userByUID[uid]; taken {
		db.report(e, false, fmt.Sprintf("uid %d also belongs to %.64q", uid, db.users[first].Name))
		return
	}
	db.userByUID[uid] = i
}

func (db *DB) addGroup(e entry) {
	f := e.fields
	if !db.wantFields(e, 4) {
		return
	}
	gid, err := id(f[2])
	if err != nil {
		db.report(e, true, "the gid "+err.Error())
		return
	}
	if !db.fresh(e) {
		return
	}
	members, ok := db.members(e, f[3])
	if !ok {
		return
	}
	i := len(db.groups)
	g := Group{Name: f[0], Password: f[1], GID: gid, Members: members, Line: e.line}
	db.groups = append(db.groups, g)
	db.groupByName[g.Name] = i
	if _, taken := db.groupByGID[gid]; !taken {
		db.groupByGID[gid] = i
	}
	for _, m := range g.Members {
		if of := db.memberOf[m]; len(of) == 0 || of[len(of)-1] != i {
			db.memberOf[m] = append(of, i)
		}
	}
}

// members splits a member list; glibc skips blanks in front of a name and drops empty ones (files-parse.c parse_list).
func (db *DB) members(e entry, list string) (names []string, ok bool) {
	if db.memberships += strings.Count(list, ",") + 1; db.memberships > maxMembers {
		db.report(e, true, fmt.Sprintf("the groups have more than %d members", maxMembers))
		return nil, false
	}
	for m := range strings.SplitSeq(list, ",") {
		if m = strings.TrimLeft(m, " \t\r\v\f"); m != "" {
			names = append(names, m)
		}
	}
	return names, true
}

// addGShadow only checks: nothing in gshadow decides whether somebody may log in.
func (db *DB) addGShadow(e entry) { db.wantFields(e, 4) }
