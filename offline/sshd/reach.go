package sshd

import (
	"fmt"
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/acl"
)

// maxLinks is how many symbolic links the kernel follows (path_resolution(7)).
const maxLinks = 40

// Reach lists what keeps the user from opening the file for reading: each
// directory on the way, symbolic links included, that the user cannot search,
// and the file itself. sshd opens key files under the user's uid and groups
// (auth2-pubkey.c, uidswap.c), so what passes StrictModes may still be out of
// reach. For uid 0 nothing is. The path is walked as given. A missing file or a
// loop is an error; what was found on the way to it comes with it.
func Reach(v *offline.Volume, u account.User, gids []uint32, p string) ([]Offence, error) {
	return reach(v, u, gids, p, acl.Read)
}

// runnable is Reach for executing a program.
func runnable(v *offline.Volume, u account.User, gids []uint32, p string) ([]Offence, error) {
	return reach(v, u, gids, p, acl.Execute)
}

func reach(v *offline.Volume, u account.User, gids []uint32, p string, want acl.Perm) ([]Offence, error) {
	w := walker{v: v, user: u, gids: gids, seen: map[string]bool{}}
	file, err := w.walk(p)
	if err != nil {
		return w.found, fmt.Errorf("cannot walk %q: %w", p, err)
	}
	if !w.may(file, want) {
		verb := map[acl.Perm]string{acl.Read: "read", acl.Execute: "execute"}[want]
		w.offend(file, Unreadable, verb)
	}
	return w.found, nil
}

// component is one name with what the kernel knows of it.
type component struct {
	path string // canonical
	info offline.Info
}

type walker struct {
	v     *offline.Volume
	user  account.User
	gids  []uint32
	seen  map[string]bool // directories already judged
	found []Offence
}

// walk resolves p as the kernel would, and judges each directory it searches.
func (w *walker) walk(p string) (component, error) {
	todo := strings.Split(p, "/") // not cleaned: ".." after a link leads above its target
	at, err := w.lstat("/")
	if err != nil {
		return at, err
	}
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		if name == "" || name == "." {
			continue
		}
		if at.info.Kind != offline.Dir {
			return at, fmt.Errorf("%q: %w", at.path, offline.ErrNotDir)
		}
		w.search(at)
		next, err := w.lstat(path.Join(at.path, name))
		if err != nil {
			return next, err
		}
		if next.info.Kind != offline.Symlink {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return next, offline.ErrLoop
		}
		target, err := w.v.Readlink(next.path)
		if err != nil {
			return next, err
		}
		if strings.HasPrefix(target, "/") {
			if at, err = w.lstat("/"); err != nil {
				return at, err
			}
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return at, nil
}

func (w *walker) lstat(canonical string) (component, error) {
	info, err := w.v.Lstat(canonical)
	return component{canonical, info}, err
}

func (w *walker) search(dir component) {
	if w.seen[dir.path] {
		return
	}
	w.seen[dir.path] = true
	if !w.may(dir, acl.Execute) {
		w.offend(dir, Unsearchable, "pass")
	}
}

func (w *walker) may(c component, want acl.Perm) bool {
	if w.user.UID == 0 {
		return want != acl.Execute || c.info.Kind == offline.Dir || c.info.Mode&0o111 != 0
	}
	var list []byte
	var err error
	if c.info.UID != w.user.UID && c.info.Mode&0o070 != 0 { // else the kernel does not look at a list either
		list, err = w.v.Xattr(c.path, offline.XattrACL)
	}
	return err == nil && acl.Permits(c.info, list, w.user.UID, w.gids, want)
}

func (w *walker) offend(c component, kind OffenceKind, verb string) {
	text := fmt.Sprintf("belongs to %d:%d with mode %04o, so %q (uid %d) cannot %s it", c.info.UID, c.info.GID, c.info.Mode, w.user.Name, w.user.UID, verb)
	list := hasACL(w.v, c.path)
	if list {
		text += " (it has a POSIX ACL)"
	}
	w.found = append(w.found, Offence{c.path, kind, c.info, list, offline.Denied, text})
}
