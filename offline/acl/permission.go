package acl

import (
	"slices"

	"github.com/seed-77750964/regain/offline"
)

// Permits tells whether a process of a user who is not root may access the file
// in all the wanted ways: the mode of info, and list, the raw attribute, nil when
// there is none. gids are all groups of the process, the primary one included.
// An invalid list permits nothing, since the kernel fails on it.
//
// As Linux decides it (namei.c acl_permission_check): the owner by the mode
// alone; a list is not even read when the mode's group digit, which shows its
// mask, is zero.
func Permits(info offline.Info, list []byte, uid uint32, gids []uint32, want Perm) bool {
	a, err := Decode(list)
	switch {
	case err != nil:
		return false
	case info.UID == uid:
		return contains(info.Mode>>6, want)
	case len(a) > 0 && info.Mode&0o070 != 0:
		return a.permits(info, uid, gids, want)
	case slices.Contains(gids, info.GID):
		return contains(info.Mode>>3, want)
	}
	return contains(info.Mode, want)
}

func contains(bits uint32, want Perm) bool { return Perm(bits&7)&want == want }

// permits walks the list as posix_acl.c posix_acl_permission does: a named user
// is decided by that entry; of the groups, one that gives everything wanted is
// enough, and one that does not shuts out the entry for others.
func (a ACL) permits(info offline.Info, uid uint32, gids []uint32, want Perm) bool {
	inGroup := false
	for _, e := range a {
		switch e.Tag {
		case User:
			if e.ID == uid {
				return a.Effective(e)&want == want
			}
		case GroupObj, Group:
			id := e.ID
			if e.Tag == GroupObj {
				id = info.GID
			}
			if !slices.Contains(gids, id) {
				continue
			}
			if e.Perm&want == want { // the kernel chooses the entry before it applies the mask
				return a.Effective(e)&want == want
			}
			inGroup = true
		case Other:
			return !inGroup && e.Perm&want == want
		}
	}
	return false
}

// GrantsWrite lists the entries that let somebody write who is neither the
// owner nor root.
func GrantsWrite(a ACL, owner uint32) []Entry {
	var out []Entry
	for _, e := range a {
		trusted := e.Tag == UserObj || e.Tag == Mask || e.Tag == User && (e.ID == owner || e.ID == 0)
		if !trusted && a.Effective(e)&Write != 0 {
			out = append(out, e)
		}
	}
	return out
}

// StripGroupWrite is the list and mode that chmod go-w would leave: write goes
// from the mask, or from the group where there is no mask, and from others.
func StripGroupWrite(a ACL, mode uint32) (ACL, uint32) {
	out := slices.Clone(a)
	_, masked := a.Mask()
	for i, e := range out {
		if e.Tag == Mask || e.Tag == Other || e.Tag == GroupObj && !masked {
			out[i].Perm &^= Write
		}
	}
	return out, mode &^ 0o022
}
