package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// StartProblems lists everything that keeps this sshd from starting on the
// booted machine, and what about that is open: the unit, the configuration, host
// keys, privilege separation and the programs.
func (c *Config) StartProblems(v *offline.Volume, inv Invocation, db *account.DB) []Problem {
	out := slices.Clone(inv.Problems)
	out = append(out, c.Problems...)
	out = append(out, programs(v, c, inv)...)
	out = append(out, c.separation(v, db)...)
	out = append(out, c.hostKeyProblems(v, inv, db)...)
	return append(out, c.commandProblems(v)...)
}

func programs(v *offline.Volume, c *Config, inv Invocation) []Problem {
	binary := inv.Binary
	if !strings.HasPrefix(binary, "/") {
		binary = Binaries[0]
	}
	out := executable(v, binary, "sshd itself")
	version := c.options.Version
	if version.Known() && version.AtLeast(9, 8) {
		out = append(out, c.helper(v, "sshd-session", "sshdsessionpath")...)
	}
	if version.Known() && version.AtLeast(10, 0) {
		out = append(out, c.helper(v, "sshd-auth", "sshdauthpath")...)
	}
	return out
}

// helper looks for one of the programs that sshd hands a connection to: where
// the configuration or sshd's own binary says, else in the usual places.
func (c *Config) helper(v *offline.Volume, name, keyword string) []Problem {
	if p := c.global.text(keyword); p != "" {
		return executable(v, p, name)
	}
	var built []string
	for _, dir := range sessionDirs {
		if c.options.Version.hasPath(dir+"/"+name) == Yes {
			built = append(built, dir+"/"+name)
		}
	}
	if len(built) == 1 {
		return executable(v, built[0], name)
	}
	for _, dir := range sessionDirs {
		if len(executable(v, dir+"/"+name, name)) == 0 {
			return nil
		}
	}
	return executable(v, sessionDirs[0]+"/"+name, name)
}

func executable(v *offline.Volume, p, what string) []Problem {
	info, err := v.Stat(p)
	switch {
	case errors.Is(err, offline.ErrAbsentVolume):
		return []Problem{{Path: p, Text: what + " " + err.Error(), Unknown: true}}
	case errors.Is(err, fs.ErrNotExist):
		return []Problem{{Path: p, Text: what + " is missing", Fatal: true}}
	case err != nil:
		return []Problem{{Path: p, Text: what + ": " + err.Error(), Fatal: true}}
	case info.Kind != offline.Regular || info.Mode&0o111 == 0:
		return []Problem{{Path: p, Text: what + " is not an executable file", Fatal: true}}
	}
	return nil
}

// separationDirs are the privilege separation directories that distributions
// build in; those below /run are made at boot.
var separationDirs = []string{"/run/sshd", "/var/run/sshd", "/var/empty/sshd", "/usr/share/empty.sshd", "/var/lib/empty", "/var/lib/sshd", "/var/chroot/ssh", "/var/empty"}

// separation checks the user sshd and the directory it is locked into (sshd:
// sshd.c main).
func (c *Config) separation(v *offline.Volume, db *account.DB) []Problem {
	var out []Problem
	if _, err := db.User("sshd"); err != nil {
		out = append(out, Problem{Path: "/etc/passwd", Text: "the user sshd for privilege separation: " + err.Error(), Fatal: true})
	}
	dir, certain := c.separationDir(v)
	if dir == "" || strings.HasPrefix(dir, "/run/") || strings.HasPrefix(dir, "/var/run/") {
		return out
	}
	info, err := v.Stat(dir)
	p := Problem{Path: dir, Fatal: certain, Unknown: !certain}
	switch {
	case errors.Is(err, offline.ErrAbsentVolume):
		p.Text, p.Fatal, p.Unknown = err.Error(), false, true
	case err != nil || info.Kind != offline.Dir:
		p.Text = "the directory for privilege separation is missing"
	case info.UID != 0 || info.Mode&0o022 != 0:
		p.Text = fmt.Sprintf("the directory for privilege separation must be root's and closed to others' writing, it is %d's with mode %04o", info.UID, info.Mode)
	default:
		return out
	}
	return append(out, p)
}

// separationDir is what sshd's binary names; without the binary, the vendor's
// habit, which is not certain.
func (c *Config) separationDir(v *offline.Volume) (dir string, certain bool) {
	if c.options.Version.vocabulary != nil {
		for _, d := range separationDirs {
			if c.options.Version.hasPath(d) == Yes {
				return d, true
			}
		}
		return "", false
	}
	habit := map[Vendor][]string{
		Debian: {"/run/sshd"}, RedHat: {"/usr/share/empty.sshd", "/var/empty/sshd"},
		SUSE: {"/var/lib/empty"}, Alpine: {"/var/empty"}, Arch: {"/usr/share/empty.sshd", "/var/empty"},
	}[c.options.Version.Vendor]
	for _, d := range habit {
		if _, err := v.Stat(d); err == nil {
			return d, false
		}
	}
	if len(habit) > 0 {
		return habit[0], false
	}
	return "", false
}

// hostKeyProblems says why no host key can be loaded. GSSAPI key exchange and an
// agent can do without (sshd: sshd.c main).
func (c *Config) hostKeyProblems(v *offline.Volume, inv Invocation, db *account.DB) []Problem {
	var out []Problem
	var open, missing bool
	for _, k := range c.HostKeys(v, db) {
		if k.Loadable == Yes {
			return nil
		}
		open = open || k.Loadable == Maybe
		missing = missing || k.Missing || strings.HasSuffix(k.Text, errNotPrivate.Error())
		out = append(out, Problem{Path: k.Path, Text: "host key: " + k.Text})
	}
	agent := c.global.text("hostkeyagent")
	p := Problem{Path: c.Path, Text: "no host key can be loaded", Fatal: true}
	switch {
	case c.global.text("gssapikeyexchange") == "yes":
		return out
	case open || agent != "" && agent != "none":
		p.Fatal, p.Unknown = false, true
	case missing && inv.KeyGen != "":
		p.Fatal, p.Unknown = false, true
		p.Text += "; " + inv.KeyGen + " should make them before sshd starts"
	}
	return append(out, p)
}

// commandProblems are warnings: sshd starts, and every lookup by the command fails.
func (c *Config) commandProblems(v *offline.Volume) []Problem {
	var out []Problem
	for _, name := range []string{"authorizedkeyscommand", "authorizedprincipalscommand"} {
		value := (&Effective{config: c}).First(name)
		words, ok := splitArguments(value.Text, true)
		if isNone(value.Text) || !ok || len(words) == 0 {
			continue
		}
		for _, p := range executable(v, path.Clean(words[0]), fmt.Sprintf("the program of %q", name)) {
			out = append(out, Problem{Path: value.Path, Line: value.Line, Text: p.Path + ": " + p.Text})
		}
	}
	return out
}
