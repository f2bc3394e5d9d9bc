// Package acl reads POSIX access control lists as the kernel stores them in
// the attribute system.posix_acl_access, and decides with them what a user may
// do with a file, as the kernel's permission check would on the running system.
//
// It works on bytes and numbers alone: it opens no file, resolves no name, and
// knows nothing of capabilities, so it does not speak for uid 0.
package acl

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Perm is a set of permissions: Read, Write and Execute, as in a mode's octal digit.
type Perm uint8

// The permissions.
const (
	Execute Perm = 1
	Write   Perm = 2
	Read    Perm = 4
)

func (p Perm) String() string {
	out := []byte("---")
	for i, c := range "rwx" {
		if p&(Read>>i) != 0 {
			out[i] = byte(c)
		}
	}
	return string(out)
}

// Tag says for whom an entry is (Linux: uapi/linux/posix_acl.h).
type Tag uint16

// The tags, in the order in which a valid list holds them.
const (
	UserObj  Tag = 0x01 // the file's owner
	User     Tag = 0x02 // the user with the entry's ID
	GroupObj Tag = 0x04 // the file's group
	Group    Tag = 0x08 // the group with the entry's ID
	Mask     Tag = 0x10 // the most that User, GroupObj and Group give
	Other    Tag = 0x20
)

// Entry is one line of a list. ID counts for User and Group only.
type Entry struct {
	Tag  Tag
	Perm Perm
	ID   uint32
}

// String is the entry as getfacl --numeric prints it.
func (e Entry) String() string {
	names := map[Tag]string{UserObj: "user:", User: "user:", GroupObj: "group:", Group: "group:", Mask: "mask:", Other: "other:"}
	id := ""
	if e.Tag == User || e.Tag == Group {
		id = fmt.Sprint(e.ID)
	}
	return fmt.Sprintf("%s%s:%s", names[e.Tag], id, e.Perm)
}

// ACL is a valid list: owner, users, group, groups, mask, other.
type ACL []Entry

const (
	version    = 2 // the only one that Linux knows (uapi/linux/posix_acl_xattr.h)
	headerSize = 4
	entrySize  = 8
	maxEntries = (1<<16 - headerSize) / entrySize // XATTR_SIZE_MAX
	noID       = 0xffffffff
)

// ErrInvalid means bytes that the kernel would not accept as a list either.
var ErrInvalid = errors.New("invalid access control list")

// Decode reads the attribute's value. An empty value, or one with a header
// alone, is no list: nil without an error.
func Decode(value []byte) (ACL, error) {
	if len(value) == 0 {
		return nil, nil
	}
	if len(value) < headerSize || (len(value)-headerSize)%entrySize != 0 || len(value) > headerSize+maxEntries*entrySize {
		return nil, fmt.Errorf("cannot decode a list of %d bytes: %w", len(value), ErrInvalid)
	}
	if v := binary.LittleEndian.Uint32(value); v != version {
		return nil, fmt.Errorf("cannot decode a list of version %d: %w", v, ErrInvalid)
	}
	var a ACL
	for rest := value[headerSize:]; len(rest) > 0; rest = rest[entrySize:] {
		perm := binary.LittleEndian.Uint16(rest[2:])
		if perm > 7 {
			return nil, fmt.Errorf("cannot decode permission %#x: %w", perm, ErrInvalid)
		}
		a = append(a, Entry{Tag(binary.LittleEndian.Uint16(rest)), Perm(perm), binary.LittleEndian.Uint32(rest[4:])})
	}
	return a, a.check()
}

// check wants the order and completeness that the kernel demands
// (Linux: posix_acl.c posix_acl_valid).
func (a ACL) check() error {
	if len(a) == 0 {
		return nil
	}
	count := map[Tag]int{}
	last := Tag(0)
	for _, e := range a {
		switch e.Tag {
		case UserObj, User, GroupObj, Group, Mask, Other:
		default:
			return fmt.Errorf("cannot decode tag %#x: %w", uint16(e.Tag), ErrInvalid)
		}
		if e.Tag < last {
			return fmt.Errorf("cannot decode a list out of order: %w", ErrInvalid)
		}
		last = e.Tag
		count[e.Tag]++
	}
	named := count[User]+count[Group] > 0
	if count[UserObj] != 1 || count[GroupObj] != 1 || count[Other] != 1 || count[Mask] > 1 || named && count[Mask] == 0 {
		return fmt.Errorf("cannot decode a list that lacks or repeats an entry: %w", ErrInvalid)
	}
	return nil
}

// Encode is the attribute's value for the list; nil for an empty one.
func (a ACL) Encode() []byte {
	if len(a) == 0 {
		return nil
	}
	value := binary.LittleEndian.AppendUint32(nil, version)
	for _, e := range a {
		if e.Tag != User && e.Tag != Group {
			e.ID = noID
		}
		value = binary.LittleEndian.AppendUint16(value, uint16(e.Tag))
		value = binary.LittleEndian.AppendUint16(value, uint16(e.Perm))
		value = binary.LittleEndian.AppendUint32(value, e.ID)
	}
	return value
}

// Mask is the permission of the mask entry; false when there is none.
func (a ACL) Mask() (Perm, bool) {
	for _, e := range a {
		if e.Tag == Mask {
			return e.Perm, true
		}
	}
	return 0, false
}

// Effective is what an entry gives once the mask is applied.
func (a ACL) Effective(e Entry) Perm {
	if mask, ok := a.Mask(); ok && (e.Tag == User || e.Tag == GroupObj || e.Tag == Group) {
		return e.Perm & mask
	}
	return e.Perm
}
