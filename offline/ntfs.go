package offline

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode"
	"unicode/utf8"
)

// The extended attributes in which a File has what NTFS keeps beside the content,
// by the names that ntfs-3g has for them, whichever driver serves it: the security descriptor, binary and self-relative, and the FILE_ATTRIBUTE_ bits, of
// which a File holds those that can be set (ntfsSettable).
const (
	XattrNTFSDescriptor = "system.ntfs_acl"
	XattrNTFSAttributes = "system.ntfs_attrib"
	xattrNTFSShort      = "system.ntfs_dos_name" // kept so that a removed file gets it back
)

// FILE_ATTRIBUTE_ bits ([MS-FSCC] 2.6).
const (
	ntfsArchive  = 0x20 // set by the driver with each write
	ntfsReparse  = 0x400
	ntfsSettable = 0x3127 // read-only, hidden, system, archive, temporary, offline, not indexed
)

// maxNTFSNames bounds the directories that are compared name by name.
const maxNTFSNames = 1 << 17

// NTFSFile is a new file for a Change on NTFS: SYSTEM and the Administrators may
// do everything with it, and nobody else anything.
func NTFSFile(data []byte) *File {
	f := newNTFS(Regular, 0)
	f.Data = data
	f.Xattr[XattrNTFSAttributes] = []byte{ntfsArchive, 0, 0, 0}
	return f
}

// NTFSDir is a new directory like NTFSFile; what Windows makes in it inherits
// its access.
func NTFSDir() *File { return newNTFS(Dir, aceInherit) }

// ntfsMode is that of every file, which is root's, as ntfs-3g shows them.
const ntfsMode = 0o777

func newNTFS(kind Kind, inherit byte) *File {
	return &File{Kind: kind, Mode: ntfsMode, Xattr: map[string][]byte{
		XattrNTFSDescriptor: adminDescriptor(inherit),
		XattrNTFSAttributes: make([]byte, 4),
	}}
}

// Well-known security identifiers in their binary form ([MS-DTYP] 2.4.2.4).
var (
	sidSystem         = []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}
	sidAdministrators = []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0}
	sidEveryone       = []byte{1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
)

const (
	aceInherit       = 0x03   // by files and directories below
	descriptorPlain  = 0x8004 // self-relative, with a DACL
	descriptorSealed = 0x9004 // besides, nothing is inherited from above
	allAccess        = 0x001f01ff
)

// adminDescriptor is O:BAG:BAD:P(A;…;FA;;;SY)(A;…;FA;;;BA).
func adminDescriptor(inherit byte) []byte {
	return descriptor(descriptorSealed, ace(inherit, sidSystem), ace(inherit, sidAdministrators))
}

// openDescriptors are what ntfs-3g and ntfs3 give a file that they make: everybody
// may do everything. Such a file of ours is not finished.
func openDescriptors() [][]byte {
	everyone := ace(aceInherit, sidEveryone)
	list := acl(everyone)
	le, at, sid := binary.LittleEndian, uint32(20+len(list)), uint32(len(sidAdministrators))
	kernels := le.AppendUint16([]byte{1, 0}, descriptorPlain)
	for _, at := range []uint32{at, at + sid, 0, 20} {
		kernels = le.AppendUint32(kernels, at)
	}
	return [][]byte{descriptor(descriptorPlain, everyone), bytes.Join([][]byte{kernels, list, sidAdministrators, sidAdministrators}, nil)}
}

// isOpen tells whether a file has the descriptor that the driver made.
func (f *File) isOpen() bool {
	return slices.ContainsFunc(openDescriptors(), func(d []byte) bool { return bytes.Equal(d, f.Xattr[XattrNTFSDescriptor]) })
}

// descriptor is owned by the Administrators ([MS-DTYP] 2.4.6).
func descriptor(control uint16, aces ...[]byte) []byte {
	sid := uint32(len(sidAdministrators))
	le := binary.LittleEndian
	d := le.AppendUint16([]byte{1, 0}, control)
	for _, at := range []uint32{20, 20 + sid, 0, 20 + 2*sid} { // owner, group, no SACL, DACL
		d = le.AppendUint32(d, at)
	}
	return bytes.Join([][]byte{d, sidAdministrators, sidAdministrators, acl(aces...)}, nil)
}

func acl(aces ...[]byte) []byte {
	list := bytes.Join(aces, nil)
	le := binary.LittleEndian
	head := le.AppendUint16([]byte{2, 0}, uint16(8+len(list)))
	return append(le.AppendUint32(head, uint32(len(aces))), list...)
}

// ace allows everything ([MS-DTYP] 2.4.4.2).
func ace(flags byte, sid []byte) []byte {
	a := binary.LittleEndian.AppendUint16([]byte{0, flags}, uint16(8+len(sid)))
	return append(binary.LittleEndian.AppendUint32(a, allAccess), sid...)
}

// sameName compares as Windows does on NTFS: by upper case, a UTF-16 unit at a
// time, so that what lies beyond the BMP has no case. Windows takes the table
// from the volume; this is the one of today's Unicode, which holds all of it and
// the few letters that got a capital later. No other letter equals one of ASCII.
func sameName(a, b string) bool {
	for len(a) > 0 && len(b) > 0 {
		r, n := utf8.DecodeRuneInString(a)
		s, m := utf8.DecodeRuneInString(b)
		switch {
		case r == utf8.RuneError && n == 1 || s == utf8.RuneError && m == 1: // no UTF-8: byte by byte
			if a[0] != b[0] {
				return false
			}
			n, m = 1, 1
		case upper(r) != upper(s):
			return false
		}
		a, b = a[n:], b[m:]
	}
	return len(a) == len(b)
}

func upper(r rune) rune {
	u := unicode.ToUpper(r)
	if r > 0xffff || u > 0xffff || r >= utf8.RuneSelf && u < utf8.RuneSelf {
		return r
	}
	return u
}

// ntfsSector is the unit in which a disk, and so an interrupted write, shows old
// or new bytes.
const ntfsSector = 512

// mixed tells whether an interrupted write that turns old into new, or back, can
// have left now: its length is one of theirs or between, and each sector is that
// of the one or of the other. Beyond the end of the shorter one there are zeros,
// or, where the file has yet to be cut, the bytes of the longer one.
func mixed(now, old, next []byte) bool {
	if len(now) < min(len(old), len(next)) || len(now) > max(len(old), len(next)) {
		return false
	}
	for at := 0; at < len(now); at += ntfsSector {
		end := min(at+ntfsSector, len(now))
		if !shows(now[at:end], old, next, at) && !shows(now[at:end], next, old, at) {
			return false
		}
	}
	return true
}

// shows tells whether part, which stands at an offset, is that of one, and
// behind its end zeros or other's.
func shows(part, one, other []byte, at int) bool {
	one, other = one[min(at, len(one)):], other[min(at, len(other)):]
	n := min(len(one), len(part))
	rest := part[n:]
	return bytes.Equal(part[:n], one[:n]) &&
		(len(bytes.Trim(rest, "\x00")) == 0 || bytes.HasPrefix(other[min(n, len(other)):], rest))
}

// underWayNTFS recognises what an attempt of ours that was cut off leaves.
func underWayNTFS(now *File, c Change) bool {
	b, a := c.Before, c.After
	switch {
	case now == nil || b == nil && a == nil:
		return false
	case b == nil:
		return unfinished(now, a)
	case a == nil:
		return unfinished(now, b)
	}
	was, is := archived(b), archived(a)
	now = archived(now)
	return now.Kind == is.Kind && mixed(now.Data, b.Data, a.Data) && eitherXattrs(now, was, is) &&
		either(now.Mode, b.Mode, a.Mode) && either(now.UID, b.UID, a.UID) && either(now.GID, b.GID, a.GID)
}

// unfinished recognises a file that was being created: empty with the driver's
// own descriptor, or dressed and with part of its content.
func unfinished(now, whole *File) bool {
	if now.Kind != whole.Kind {
		return false
	}
	if now.isOpen() && len(now.Data) > 0 {
		return false
	}
	bare := &File{Xattr: map[string][]byte{XattrNTFSAttributes: {ntfsArchive, 0, 0, 0}}}
	if now.isOpen() {
		bare.Xattr[XattrNTFSDescriptor] = now.Xattr[XattrNTFSDescriptor]
	}
	now, whole = archived(now), archived(whole)
	return mixed(now.Data, nil, whole.Data) && eitherXattrs(now, bare, whole)
}

// archived is the file with its archive bit set: the driver sets it with a write.
func archived(f *File) *File {
	g := f.Clone()
	if bits := g.Xattr[XattrNTFSAttributes]; len(bits) == 4 {
		bits = bytes.Clone(bits)
		bits[0] |= ntfsArchive
		g.Xattr[XattrNTFSAttributes] = bits
	}
	return g
}
