package sshd

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// OffenceKind says what is wrong with a component of a key file's path.
type OffenceKind string

// The kinds of offence. The first four are sshd's StrictModes, the last two the
// kernel's permissions for the user, under whose uid sshd opens the file.
const (
	WrongOwner    OffenceKind = "owner"          // neither root nor the user
	GroupWritable OffenceKind = "group-writable" // the group's write bit
	WorldWritable OffenceKind = "world-writable" // everybody's write bit
	NotRegular    OffenceKind = "not-regular"    // a directory, FIFO, device or socket in place of the file
	Unsearchable  OffenceKind = "unsearchable"   // a directory that the user cannot pass
	Unreadable    OffenceKind = "unreadable"     // a file that the user cannot read
)

// Offence is one thing that is wrong with one component of a key file's path.
type Offence struct {
	Path   string // canonical
	Kind   OffenceKind
	Info   offline.Info
	ACL    bool           // the component has a POSIX ACL: its group bits are the ACL's mask
	Answer offline.Answer // Denied; Unknown where it depends on a name service
	Text   string
}

// Modes is sshd's StrictModes for one user.
type Modes struct {
	User          account.User
	DB            *account.DB
	PrivateGroups bool     // Debian and its kin let a user's own group write (patch user-group-modes)
	OtherSources  []string // name services besides the files, which may add members to a group
}

// Check walks the canonical path as sshd does (misc.c safe_path): the file, then
// every directory above it, up to the canonical home directory or the root. All
// offending components are returned, the file first. Of a file that is not there
// the existing directories are judged. err is not nil when the path cannot be
// resolved for another reason than that the file or a directory is missing.
func (m Modes) Check(v *offline.Volume, p string) ([]Offence, error) {
	canonical, exists, err := nearest(v, p)
	if err != nil {
		return nil, err
	}
	home, err := v.Realpath(m.User.Home)
	if err != nil {
		home = "" // then sshd walks up to the root
	}
	var found []Offence
	if exists {
		offences, err := m.file(v, canonical)
		if err != nil {
			return nil, err
		}
		found = offences
		canonical = path.Dir(canonical)
	}
	for dir := canonical; ; dir = path.Dir(dir) {
		offences, err := m.component(v, dir)
		if err != nil {
			return nil, err
		}
		found = append(found, offences...)
		if dir == home || dir == "/" {
			return found, nil
		}
	}
}

func (m Modes) file(v *offline.Volume, canonical string) ([]Offence, error) {
	info, err := v.Lstat(canonical)
	if err != nil {
		return nil, err
	}
	if info.Kind != offline.Regular {
		text := fmt.Sprintf("is a %s where sshd wants a regular file", kindName(info.Kind))
		return []Offence{{Path: canonical, Kind: NotRegular, Info: info, Answer: offline.Denied, Text: text}}, nil
	}
	return m.component(v, canonical)
}

// component is Debian's secure_permissions, which without private groups is
// upstream's rule.
func (m Modes) component(v *offline.Volume, canonical string) ([]Offence, error) {
	info, err := v.Lstat(canonical)
	if err != nil {
		return nil, err
	}
	var found []Offence
	offend := func(kind OffenceKind, answer offline.Answer, text string) {
		found = append(found, Offence{canonical, kind, info, hasACL(v, canonical), answer, text})
	}
	if info.UID != 0 && info.UID != m.User.UID {
		offend(WrongOwner, offline.Denied, fmt.Sprintf("belongs to uid %d, sshd wants root or %q (uid %d)", info.UID, m.User.Name, m.User.UID))
	}
	if info.Mode&0o002 != 0 {
		offend(WorldWritable, offline.Denied, fmt.Sprintf("has mode %04o, everybody may write", info.Mode))
	}
	if info.Mode&0o020 != 0 {
		if answer, why := m.groupWrite(info); answer != offline.Accepted {
			offend(GroupWritable, answer, fmt.Sprintf("has mode %04o, group %d may write%s", info.Mode, info.GID, why))
		}
	}
	return found, nil
}

// groupWrite judges a group's write bit: harmless on Debian when nobody but the
// user has the group as primary one, and its member list is empty or just the
// file's owner.
func (m Modes) groupWrite(info offline.Info) (answer offline.Answer, why string) {
	if !m.PrivateGroups {
		return offline.Denied, ""
	}
	group, err := m.DB.GroupByGID(info.GID)
	if err != nil {
		return m.unlessElsewhere(", which has no name")
	}
	members := 0
	for _, u := range m.DB.Users() {
		if u.GID != info.GID {
			continue
		}
		members++
		if u.UID != m.User.UID {
			return offline.Denied, fmt.Sprintf(" and is the primary group of %q", u.Name)
		}
	}
	owner, err := m.DB.UserByUID(info.UID)
	if err != nil {
		return m.unlessElsewhere(fmt.Sprintf(", and the owner, uid %d, has no name", info.UID))
	}
	if len(group.Members) > 0 {
		members++
		if group.Members[0] != owner.Name || len(group.Members) > 1 {
			return offline.Denied, fmt.Sprintf(" and has the members %q", group.Members)
		}
	}
	if members == 0 {
		return m.unlessElsewhere(" and has no members")
	}
	if len(m.OtherSources) > 0 {
		return offline.Unknown, fmt.Sprintf(", and %v may know other members", m.OtherSources)
	}
	return offline.Accepted, ""
}

func (m Modes) unlessElsewhere(why string) (offline.Answer, string) {
	if len(m.OtherSources) > 0 {
		return offline.Unknown, why + " in the files"
	}
	return offline.Denied, why
}

// nearest is the canonical path of p when it exists, else that of the nearest
// directory above it that does.
func nearest(v *offline.Volume, p string) (canonical string, exists bool, err error) {
	for exists = true; ; p, exists = path.Dir(p), false {
		canonical, err = v.Realpath(p)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || p == "/" {
			return canonical, exists, err
		}
	}
}

func hasACL(v *offline.Volume, canonical string) bool {
	value, err := v.Xattr(canonical, offline.XattrACL)
	return err == nil && len(value) > 0
}

func kindName(k offline.Kind) string {
	switch k {
	case offline.Dir:
		return "directory"
	case offline.Special:
		return "device, FIFO or socket"
	}
	return string(k)
}
