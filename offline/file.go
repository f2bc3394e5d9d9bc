// Package offline is the only door to a foreign tree: a volume that is not
// booted, read and edited through file descriptors that the kernel confines to
// it. It holds the Volume, the Change (one file before and after, as data), the
// durable writer, the undo journal's entries, and the plain types of the wire
// format between controller and agent.
//
// It executes nothing, dials nothing, asks nothing about the host's users, and
// does not log. What files mean is the business of the packages below it in
// the tree: offline/sshd, offline/linuxroot and their neighbours.
package offline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"time"
)

// Kind tells what a name in the tree is.
type Kind string

// The kinds of file. Everything that is neither regular file, directory nor
// symbolic link is special: a device, FIFO or socket, never opened.
const (
	Regular Kind = "file"
	Dir     Kind = "dir"
	Symlink Kind = "symlink"
	Special Kind = "special"
)

// Info is what lstat(2) tells of a file, as far as a login depends on it.
type Info struct {
	Kind  Kind
	Mode  uint32 // permission bits with setuid, setgid and sticky: 07777
	UID   uint32
	GID   uint32
	Size  int64 // bytes
	Nlink uint64
	Dev   uint64 // device of the filesystem, as the helper's kernel numbers it
	Ino   uint64
	Mtime time.Time
}

// File is one file of the tree, whole: content and everything about it that
// decides a login or must survive an edit.
type File struct {
	Kind  Kind              `json:"kind"`
	Data  []byte            `json:"data,omitempty"` // a symlink's target, a file's content
	Mode  uint32            `json:"mode"`
	UID   uint32            `json:"uid"`
	GID   uint32            `json:"gid"`
	Label string            `json:"label,omitempty"`  // security.selinux, without the closing NUL
	Xattr map[string][]byte `json:"xattrs,omitempty"` // POSIX ACLs and user.*; on NTFS descriptor, attributes and streams
	Flags uint32            `json:"flags,omitempty"`  // inode flags FlagImmutable and FlagAppend
	Size  int64             `json:"size,omitempty"`   // of a content that is left out
}

// The inode flags that stop even root from editing (ioctl_iflags(2)).
const (
	FlagImmutable uint32 = 0x10
	FlagAppend    uint32 = 0x20
)

// The extended attributes with which POSIX ACLs and SELinux labels are stored
// (acl(5), selinux(8)).
const (
	XattrACL        = "system.posix_acl_access"
	XattrDefaultACL = "system.posix_acl_default"
	XattrLabel      = "security.selinux"
)

// Clone returns a copy that shares nothing with f. A nil File stays nil.
func (f *File) Clone() *File {
	if f == nil {
		return nil
	}
	c := *f
	c.Data = bytes.Clone(f.Data)
	c.Xattr = maps.Clone(f.Xattr)
	return &c
}

// Equal tells whether two files are the same in content and attributes. Inode
// flags do not count: the writer lifts them for the moment of the edit.
func (f *File) Equal(g *File) bool {
	if f == nil || g == nil {
		return f == g
	}
	return f.sameAttributes(g) && f.Size == g.Size && bytes.Equal(f.Data, g.Data)
}

// Shows tells whether f is what want asks for. It is Equal, but a label counts
// only where one is wanted: a helper whose own SELinux policy is loaded labels
// what it writes on a system without labels too, and lets nobody take that off.
func (f *File) Shows(want *File) bool {
	if f == nil || want == nil || want.Label != "" {
		return f.Equal(want)
	}
	bare := *f
	bare.Label = ""
	return bare.Equal(want)
}

func (f *File) sameAttributes(g *File) bool {
	return f.Kind == g.Kind && f.Mode == g.Mode && f.UID == g.UID && f.GID == g.GID && f.Label == g.Label &&
		maps.EqualFunc(f.Xattr, g.Xattr, bytes.Equal)
}

// SHA256 is the hex digest of the content; empty for a directory.
func (f *File) SHA256() string {
	if f.Kind == Dir {
		return ""
	}
	sum := sha256.Sum256(f.Data)
	return hex.EncodeToString(sum[:])
}

// either tells whether something is what it was or what it is to be.
func either[T comparable](now, a, b T) bool { return now == a || now == b }

func eitherXattrs(now, b, a *File) bool {
	for _, f := range []*File{now, b, a} {
		for name := range f.Xattr {
			is := now.Xattr[name]
			if !bytes.Equal(is, b.Xattr[name]) && !bytes.Equal(is, a.Xattr[name]) {
				return false
			}
		}
	}
	return true
}
