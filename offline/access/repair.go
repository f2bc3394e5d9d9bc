package access

import (
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/acl"
	"github.com/seed-77750964/regain/offline/selinux"
	"github.com/seed-77750964/regain/offline/sshd"
)

// systemDirs are directories that belong to root, to which nobody else may
// write and which everybody may pass, on any system: to put them right takes
// nothing away from anybody.
var systemDirs = []string{"/", "/home", "/etc", "/etc/ssh", "/var", "/usr"}

// owner is whose a component of a key file's path is to be.
type owner struct {
	uid, gid uint32
	home     string          // canonical: what lies here is the user's; empty: there is none
	named    string          // the home as passwd names it
	shared   map[uint32]bool // the uids of other accounts with the same home
}

// ownerOf is the user, with the home that passwd names, existing or not. A home
// of "/" is nobody's own.
func (dc *Decider) ownerOf(u account.User) owner {
	own := owner{uid: u.UID, gid: u.GID}
	home, err := dc.v.ResolveMissing(u.Home)
	if err != nil || u.Home == "" || home == "/" {
		return own
	}
	own.home, own.named, own.shared = home, path.Clean(u.Home), map[uint32]bool{}
	for _, other := range dc.system.Accounts().Users() {
		if at := path.Clean(other.Home); other.UID != u.UID && (at == own.named || at == home) {
			own.shared[other.UID] = true
		}
	}
	return own
}

// names tells whether a path, as sshd_config has it, is one in the user's home:
// whatever is a link on the way below it is the user's.
func (o owner) names(configured string) bool {
	return o.home != "" && strings.HasPrefix(path.Clean(configured), o.named+"/")
}

// owns tells whether the canonical path is the user's home or lies below it.
func (o owner) owns(canonical string) bool {
	return o.home != "" && (canonical == o.home || len(canonical) > len(o.home) && canonical[:len(o.home)+1] == o.home+"/")
}

// mend repairs one offence, and nothing but that. It reports false where that
// is not regain's to change: what is not a file or directory, a file of somebody
// else that has other names or holds more than keys, what belongs to another
// account with the same home, and directories outside the home that are not
// standard ones.
func (d *draft) mend(o sshd.Offence, own owner) (bool, error) {
	f, err := d.file(o.Path)
	if err != nil || f == nil || o.Kind == sshd.NotRegular {
		return false, err
	}
	system := slices.Contains(systemDirs, o.Path)
	mine, standard := own.owns(o.Path) && !system, system || o.Path == fallbackDir || isFallback(o.Path)
	alien := f.Kind == offline.Regular && f.UID != own.uid && (d.linked(o.Path) || f.firstJunk() > 0)
	if !mine && !standard || alien || mine && own.shared[f.UID] {
		return false, nil
	}
	if !mine {
		own.uid, own.gid = 0, 0
	}
	switch o.Kind {
	case sshd.WrongOwner:
		f.own(own.uid, own.gid)
		return true, d.set(o.Path, f.File, "owner")
	case sshd.GroupWritable, sshd.WorldWritable:
		f.stripWrite()
		return true, d.set(o.Path, f.File, "nobody else may write")
	}
	if mine {
		f.own(own.uid, own.gid)
		f.Mode |= 0o400
		if f.Kind == offline.Dir {
			f.Mode |= 0o700
		}
		return true, d.set(o.Path, f.File, "within the user's reach")
	}
	if f.Kind == offline.Regular {
		f.Mode |= 0o044
		return true, d.set(o.Path, f.File, "everybody may read")
	}
	f.Mode |= 0o011
	return true, d.set(o.Path, f.File, "everybody may pass")
}

func (d *draft) linked(canonical string) bool {
	info, err := d.v.Lstat(canonical)
	return err == nil && info.Nlink > 1
}

// own gives the file to somebody. chown(2) takes setuid and setgid off; the
// plan says so.
func (f *editable) own(uid, gid uint32) {
	if f.UID == uid {
		return
	}
	f.UID, f.GID = uid, gid
	f.Mode &^= 0o6000
}

// stripWrite takes the write bits of group and others; where an ACL's mask is
// what the group bits show, the ACL's own rights to write.
func (f *editable) stripWrite() {
	list, err := acl.Decode(f.Xattr[offline.XattrACL])
	if len(f.Xattr[offline.XattrACL]) == 0 || err != nil {
		f.Mode &^= 0o022
		return
	}
	list, f.Mode = acl.StripGroupWrite(list, f.Mode)
	f.Xattr[offline.XattrACL] = list.Encode()
}

// mendLabel replaces the label of an ssh directory or key file that keeps an
// enforcing sshd out, and no other.
func (d *draft) mendLabel(canonical string, own owner) error {
	s := d.labels.state
	if !s.Installed || s.Mode == selinux.Disabled {
		return nil
	}
	for _, p := range []string{path.Dir(canonical), canonical} {
		if p == own.home || !own.owns(p) && p != fallbackDir && path.Dir(p) != fallbackDir {
			continue
		}
		f, err := d.file(p)
		if err != nil || f == nil {
			return err
		}
		if selinux.ReadableBySSHD(selinux.Type(f.Label)) == offline.Accepted {
			continue
		}
		label, err := d.labels.want(d.v.Preview(d.changes), p, f.Kind)
		if err != nil {
			return err
		}
		if f.Label = label; label != "" {
			if err := d.set(p, f.File, "label "+selinux.Type(label)); err != nil {
				return err
			}
		}
	}
	return nil
}
