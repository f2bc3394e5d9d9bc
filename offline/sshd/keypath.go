package sshd

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshd/conf"
)

// KeyPath is one file in which sshd looks for a user's keys.
type KeyPath struct {
	Path      string     // as sshd opens it: absolute, tokens replaced
	From      conf.Value // the line that names it
	Glob      bool       // a pattern that names no file now (OpenSSH 10.0 and later)
	Canonical string     // where Path leads, or would once it is made; empty when that cannot be said
	Exists    bool
	Absent    bool // lies on a filesystem that is not attached
	UnderHome bool // Canonical lies below the canonical home directory
	Err       error
	Offences  []Offence // what StrictModes and the kernel have against it
}

// KeyPaths lists the files that sshd reads for a user, in order, with what
// stands in the way of each. Match conditions that cannot be decided count as
// not holding. The user must exist.
func (s *System) KeyPaths(user string) ([]KeyPath, error) {
	u, err := s.accounts.User(user)
	if err != nil {
		return nil, fmt.Errorf("cannot list the key files of %q: %w", user, err)
	}
	j := judge{s: s, user: u, gids: s.accounts.GIDs(u), world: s.config.Evaluate(s.connection(u))}
	return j.keyPaths()
}

// Offences lists what StrictModes, if it is on, and the kernel hold against a
// path as a key file of the user. Components that do not exist offend nobody.
func (s *System) Offences(user, p string) ([]Offence, error) {
	u, err := s.accounts.User(user)
	if err != nil {
		return nil, fmt.Errorf("cannot examine a key file of %q: %w", user, err)
	}
	j := judge{s: s, user: u, gids: s.accounts.GIDs(u), world: s.config.Evaluate(s.connection(u))}
	k, err := j.examine(KeyPath{Path: p})
	if err == nil {
		err = k.Err
	}
	return k.Offences, err
}

func (j *judge) keyPaths() ([]KeyPath, error) {
	named, err := j.world.KeyPaths(j.user.Name, j.user.Home, j.user.UID)
	if err != nil {
		return nil, err
	}
	var out []KeyPath
	for _, n := range named {
		paths := []string{n.Path}
		if n.Glob {
			if paths, err = conf.Glob(j.s.v, n.Path); err != nil {
				return nil, err
			}
			if len(paths) == 0 {
				out = append(out, KeyPath{Path: n.Path, From: n.From, Glob: true})
			}
		}
		for _, p := range paths {
			k, err := j.examine(KeyPath{Path: p, From: n.From})
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
	}
	return out, nil
}

// examine fills in what the volume says of a path.
func (j *judge) examine(k KeyPath) (KeyPath, error) {
	var err error
	k.Canonical, err = j.s.v.Realpath(k.Path)
	k.Exists = err == nil
	switch {
	case err == nil:
	case errors.Is(err, offline.ErrAbsentVolume):
		k.Absent = true
		return k, nil
	case errors.Is(err, fs.ErrNotExist):
		if k.Canonical, err = j.s.v.ResolveMissing(k.Path); err != nil {
			k.Err = err
			return k, nil
		}
	case gone(err):
		k.Err = err
		return k, nil
	default:
		return k, err
	}
	home, err := j.s.v.Realpath(j.user.Home)
	k.UnderHome = err == nil && home != "/" && strings.HasPrefix(k.Canonical, home+"/")
	k.Offences, err = j.offences(k)
	return k, err
}

func (j *judge) offences(k KeyPath) ([]Offence, error) {
	var found []Offence
	if j.world.Bool("strictmodes") {
		offences, err := j.modes().Check(j.s.v, k.Path)
		if err != nil {
			return nil, err
		}
		found = offences
	}
	offences, err := Reach(j.s.v, j.user, j.gids, k.Path)
	if err != nil && !gone(err) {
		return nil, err
	}
	return append(found, offences...), nil
}

func (j *judge) modes() Modes {
	return Modes{
		User: j.user, DB: j.s.accounts, OtherSources: j.s.otherSources("group"),
		PrivateGroups: j.s.program.version.Vendor == conf.Debian,
	}
}
