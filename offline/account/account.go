// Package account reads passwd, shadow, group, gshadow and nsswitch.conf from bytes, strictly: a malformed line is
// reported with its number and never becomes a guess, above all never uid 0. It answers who exists, who belongs to a group,
// and whether an account is locked, expired or aged out. It does no I/O, asks no name service and imports no os/user: the
// machine it runs on and its users do not matter.
package account

import (
	"errors"
	"fmt"
)

// User is a line of passwd. Texts are bytes as found, in any encoding.
type User struct {
	Name     string
	Password string // "x" when it stands in shadow
	UID, GID uint32
	GECOS    string
	Home     string
	Shell    string // empty means /bin/sh to login programs
	Line     int    // from 1
}

// Group is a line of group. Several lines may share a gid.
type Group struct {
	Name     string
	Password string
	GID      uint32
	Members  []string
	Line     int
}

// Shadow is a line of shadow. Days count from 1970-01-01; -1 means that the field is empty.
type Shadow struct {
	Name, Password                               string
	LastChange, Min, Max, Warn, Inactive, Expire int64
	Line                                         int
}

// Problem is something a person should know about a line. Fatal problems cost the line: whoever it names cannot be used.
type Problem struct {
	File  string // "passwd", "shadow", "group" or "gshadow"
	Line  int    // from 1; 0 for the whole file
	Name  string // the name in the first field, if there is one
	Text  string
	Fatal bool
}

// String returns the problem as "file:line: text".
func (p Problem) String() string { return fmt.Sprintf("/etc/%s:%d: %s", p.File, p.Line, p.Text) }

// Errors that lookups wrap.
var (
	// ErrNotFound means that no line has the name. With other sources than files in nsswitch.conf, the name may still
	// exist on the running machine.
	ErrNotFound = errors.New("no such entry")
	// ErrMalformed means that the first line with the name is broken. The wrapped text names file and line.
	ErrMalformed = errors.New("malformed line")
	// ErrAbsent means that the file itself is missing.
	ErrAbsent = errors.New("file is absent")
)

// DB is the content of the four files, indexed once. It is safe for concurrent reading.
type DB struct {
	users    []User
	groups   []Group
	shadows  []Shadow
	problems []Problem

	userByName   map[string]int // index into users
	userByUID    map[uint32]int
	groupByName  map[string]int
	groupByGID   map[uint32]int
	shadowByName map[string]int
	memberOf     map[string][]int // groups that list the name, in file order
	primary      map[uint32][]int // users by primary gid, in file order
	broken       map[string]Problem
	absent       map[string]bool
	nis          bool
	memberships  int // counted against maxMembers
}

// Parse reads the files; nil means that a file is absent, which is not the same as empty. It never fails: look at Problems
// and at the errors of lookups.
func Parse(passwd, shadow, group, gshadow []byte) *DB {
	db := &DB{
		userByName: map[string]int{}, userByUID: map[uint32]int{}, groupByName: map[string]int{}, groupByGID: map[uint32]int{},
		shadowByName: map[string]int{}, memberOf: map[string][]int{}, primary: map[uint32][]int{},
		broken: map[string]Problem{}, absent: map[string]bool{},
	}
	db.scan("passwd", passwd, db.addUser)
	db.scan("shadow", shadow, db.addShadow)
	db.scan("group", group, db.addGroup)
	db.scan("gshadow", gshadow, db.addGShadow)
	return db
}

// Users returns the valid users in file order, duplicates of a name included only once.
func (db *DB) Users() []User { return db.users }

// AllGroups returns the valid groups in file order.
func (db *DB) AllGroups() []Group { return db.groups }

// Problems returns what is wrong with the files, in the order passwd, shadow, group, gshadow.
func (db *DB) Problems() []Problem { return db.problems }

// ProblemsOf returns the problems of lines with the given name in any of the files.
func (db *DB) ProblemsOf(name string) []Problem {
	var found []Problem
	for _, p := range db.problems {
		if p.Name == name {
			found = append(found, p)
		}
	}
	return found
}

// NIS reports whether passwd or group has a line that begins with + or -, which draws in or hides names of a NIS map on a
// machine whose nsswitch.conf says compat.
func (db *DB) NIS() bool { return db.nis }

// User returns the first user of the name (glibc: nss_files takes the first). A broken first line is an error that wraps
// ErrMalformed even if a good one follows; a repeated name is a Problem and no error.
func (db *DB) User(name string) (User, error) {
	i, ok := db.userByName[name]
	if err := db.lookup("passwd", "user", name, ok); err != nil {
		return User{}, err
	}
	return db.users[i], nil
}

// UserByUID returns the first user with the uid.
func (db *DB) UserByUID(uid uint32) (User, error) {
	i, ok := db.userByUID[uid]
	if !ok {
		return User{}, fmt.Errorf("cannot find uid %d in /etc/passwd: %w", uid, ErrNotFound)
	}
	return db.users[i], nil
}

// Shadow returns the first shadow line of the name, under the same rules as User.
func (db *DB) Shadow(name string) (Shadow, error) {
	i, ok := db.shadowByName[name]
	if err := db.lookup("shadow", "shadow entry of", name, ok); err != nil {
		return Shadow{}, err
	}
	return db.shadows[i], nil
}

// Group returns the first group of the name, under the same rules as User.
func (db *DB) Group(name string) (Group, error) {
	i, ok := db.groupByName[name]
	if err := db.lookup("group", "group", name, ok); err != nil {
		return Group{}, err
	}
	return db.groups[i], nil
}

// GroupByGID returns the first group with the gid.
func (db *DB) GroupByGID(gid uint32) (Group, error) {
	i, ok := db.groupByGID[gid]
	if !ok {
		return Group{}, fmt.Errorf("cannot find gid %d in /etc/group: %w", gid, ErrNotFound)
	}
	return db.groups[i], nil
}

func (db *DB) lookup(file, noun, name string, found bool) error {
	if p, broken := db.broken[file+"\x00"+name]; broken {
		return fmt.Errorf("cannot read %s %q: %s: %w", noun, name, p, ErrMalformed)
	}
	if db.absent[file] {
		return fmt.Errorf("cannot find %s %q: /etc/%s: %w", noun, name, file, ErrAbsent)
	}
	if !found {
		return fmt.Errorf("cannot find %s %q in /etc/%s: %w", noun, name, file, ErrNotFound)
	}
	return nil
}
