package linuxroot

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// look adds what the user's home and shell say.
func (s *signals) look(v *offline.Volume, c *candidate) {
	s.lookAtKeys(v, c)
	if c.score&byAdmin == 0 {
		return
	}
	home, err := v.Stat(c.Home)
	if shell, shellErr := v.Stat(shellOf(c)); shellErr != nil || shell.Kind != offline.Regular {
		c.score &^= byAdmin
		c.notes = append(c.notes, "its shell is missing")
	} else if errors.Is(err, offline.ErrAbsentVolume) {
		c.notes = append(c.notes, "its home "+offline.ErrAbsentVolume.Error())
	} else if err != nil || home.Kind != offline.Dir {
		c.score &^= byAdmin
		c.notes = append(c.notes, "its home is missing")
	}
}

// shellOf is the program of a login: an empty field means /bin/sh (passwd(5)).
func shellOf(c *candidate) string {
	if c.Shell == "" {
		return "/bin/sh"
	}
	return c.Shell
}

// lookAtKeys reads the comments of the keys that log in as the user. Keys with
// a forced command do not, as in root's file.
func (s *signals) lookAtKeys(v *offline.Volume, c *candidate) {
	for _, file := range s.keyFiles(c.User) {
		data, err := v.ReadFile(file, maxKeyFile)
		if errors.Is(err, offline.ErrAbsentVolume) {
			c.notes = append(c.notes, "its keys could not be looked at: "+file+" "+offline.ErrAbsentVolume.Error())
			return
		}
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				c.notes = append(c.notes, describe(file, err))
			}
			continue
		}
		s.countKeys(c, file, sshkey.Parse(data))
	}
}

func (s *signals) countKeys(c *candidate, file string, keys sshkey.File) {
	own := slices.DeleteFunc(slices.Clone(keys.Lines), func(l sshkey.Line) bool { return l.Key == nil || forcedCommand(l) })
	if len(own) == 0 {
		return
	}
	named := slices.ContainsFunc(own, func(l sshkey.Line) bool {
		return s.facts.KeyName != "" && strings.TrimSpace(string(l.Comment)) == s.facts.KeyName
	})
	if named {
		c.score |= byKeys
		c.add(byKeyName, "a key in %q has the comment %q, the instance's key pair", file, s.facts.KeyName)
		return
	}
	if c.score&byKeys == 0 {
		c.add(byKeys, "has keys in %q", file)
	}
}
