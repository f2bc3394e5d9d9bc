package sshd

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshd/conf"
)

// usesPAM tells whether sshd leaves the account to PAM. Where it was built
// without PAM, the keyword does nothing.
func (j *judge) usesPAM() bool {
	return j.world.Bool("usepam") && j.s.program.version.Links("libpam.so") != conf.No
}

// locked is sshd's own look at shadow, without PAM (platform.c
// platform_locked_account).
func (j *judge) locked() error {
	if j.usesPAM() {
		return nil
	}
	state, err := j.s.accounts.State(j.user, j.s.options.Now.Unix()/86400)
	switch {
	case err != nil:
		j.doubt("linux/account-line", "/etc/shadow", 0, "%v", err)
	case state.NoPAM.Refused && state.Locked:
		j.refuse("linux/account-locked", "/etc/shadow", j.shadowLine(), "%s", state.NoPAM.Text)
	case state.NoPAM.Refused:
		j.refuse("linux/account-expired", "/etc/shadow", j.shadowLine(), "%s", state.NoPAM.Text)
	}
	return nil
}

func (j *judge) shadowLine() int {
	entry, err := j.s.accounts.Shadow(j.user.Name)
	if err != nil {
		return 0
	}
	return entry.Line
}

// chrooted is the directory into which sessions are locked; empty: none.
func (j *judge) chrooted() conf.Value {
	v := j.world.First("chrootdirectory")
	if strings.EqualFold(v.Text, "none") {
		return conf.Value{}
	}
	return v
}

// shellPath is the user's shell; an empty field means /bin/sh.
func (j *judge) shellPath() string {
	if j.user.Shell == "" {
		return "/bin/sh"
	}
	return j.user.Shell
}

// shell must be an executable file (auth.c allowed_user); in a chroot sshd does
// not look.
func (j *judge) shell() error {
	if j.chrooted().Text != "" {
		return nil
	}
	shell := j.shellPath()
	info, err := j.s.v.Stat(shell)
	switch {
	case errors.Is(err, offline.ErrAbsentVolume):
		j.doubt("linux/shell-missing", "/etc/passwd", j.user.Line, "the shell %q lies on a filesystem that is not attached", shell)
	case err != nil && gone(err):
		j.refuse("linux/shell-missing", "/etc/passwd", j.user.Line, "the shell %q does not exist", shell)
	case err != nil:
		return err
	case info.Kind != offline.Regular || info.Mode&0o111 == 0:
		j.refuse("linux/shell-not-executable", shell, 0, "the shell is not an executable file (mode %04o)", info.Mode)
	default:
		return j.usableShell(shell)
	}
	return nil
}

// program tells whether the kernel knows how to execute a file (execve(2)): by
// its first bytes. A file that cannot be read passes; sshd does not read it.
func (j *judge) program(canonical string) bool {
	head := make([]byte, 4)
	n, err := j.s.v.ReadAt(canonical, head, 0)
	return err != nil || bytes.HasPrefix(head[:n], []byte("#!")) || bytes.HasPrefix(head[:n], []byte(elf.ELFMAG))
}

// gone covers the ways in which a path leads nowhere.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, offline.ErrNotDir) || errors.Is(err, offline.ErrLoop)
}

// The programs that stand in the place of a shell: those that end a session at
// once or allow only some other thing, and those known to be shells.
var (
	noShells = []string{"nologin", "false", "true", "sync", "halt", "shutdown", "git-shell", "rssh", "scponly", "sftp-server", "passwd", "cat"}
	shells   = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "lksh", "pdksh", "fish", "tcsh", "csh", "rbash", "rzsh", "busybox", "posh", "yash"}
)

// usableShell judges what the session would run.
func (j *judge) usableShell(shell string) error {
	real, err := j.s.v.Realpath(shell)
	if err != nil {
		return err
	}
	offences, err := runnable(j.s.v, j.user, j.gids, shell)
	if err != nil {
		return err
	}
	name := path.Base(shell)
	switch {
	case slices.Contains(noShells, name) || slices.Contains(noShells, path.Base(real)):
		j.refuse("linux/nologin-shell", "/etc/passwd", j.user.Line, "the shell %q ends the session at once or allows no commands", shell)
	case len(offences) > 0:
		j.refuse("linux/shell-not-executable", offences[0].Path, 0, "the shell cannot be run: %s", offences[0].Text)
	case !j.program(real):
		j.refuse("linux/shell-not-executable", real, 0, "the shell is neither a binary nor a script")
	case !slices.Contains(shells, name) && !slices.Contains(shells, path.Base(real)) && !slices.Contains(j.s.shells, shell):
		j.doubt("linux/shell-unusual", "/etc/passwd", j.user.Line, "%q is no known shell and not in /etc/shells", shell)
	}
	return nil
}

// userLists are DenyUsers and AllowUsers, in this order (auth.c allowed_user).
func (j *judge) userLists() error {
	for _, v := range j.world.All("denyusers") {
		switch j.matchUser(v) {
		case conf.Yes:
			j.refuseBy("linux/deny-users", v, "DenyUsers %q names %q", v.Text, j.user.Name)
		case conf.Maybe:
			j.doubt("linux/deny-users", v.Path, v.Line, "DenyUsers %q may name %q: that depends on where the login comes from", v.Text, j.user.Name)
		}
	}
	allowed := j.world.All("allowusers")
	if len(allowed) == 0 {
		return nil
	}
	best, by := conf.No, allowed[0]
	for _, v := range allowed {
		if answer := j.matchUser(v); answer == conf.Yes || answer == conf.Maybe && best == conf.No {
			best, by = answer, v
		}
	}
	switch best {
	case conf.Yes:
		j.agree("linux/allow-users", by.Path, by.Line, "AllowUsers names %q", j.user.Name)
	case conf.Maybe:
		j.doubt("linux/allow-users", by.Path, by.Line, "AllowUsers %q names %q only from some places", by.Text, j.user.Name)
	default:
		j.refuseBy("linux/allow-users", by, "AllowUsers does not name %q", j.user.Name)
	}
	return nil
}

func (j *judge) matchUser(v conf.Value) conf.Tri {
	answer, err := conf.MatchUser(j.user.Name, "", "", v.Text, j.s.program.version)
	if err != nil {
		j.refuseBy("linux/sshd-config", v, "sshd drops the connection at the pattern %q: %v", v.Text, err)
		return conf.No
	}
	return answer
}

// groupLists are DenyGroups and AllowGroups (groupaccess.c ga_match).
func (j *judge) groupLists() error {
	denied, allowed := j.world.All("denygroups"), j.world.All("allowgroups")
	if len(denied)+len(allowed) == 0 {
		return nil
	}
	others := ""
	if sources := j.s.otherSources("group"); len(sources) > 0 {
		others = fmt.Sprintf("; other sources (%q) may know more groups", sources)
	}
	if v, ok := j.inGroup(denied); ok {
		j.refuseBy("linux/deny-groups", v, "DenyGroups %q names a group of %q", v.Text, j.user.Name)
	} else if len(denied) > 0 && others != "" {
		j.doubt("linux/deny-groups", denied[0].Path, denied[0].Line, "DenyGroups names no group of %q in the files%s", j.user.Name, others)
	}
	if v, ok := j.inGroup(allowed); ok {
		j.agree("linux/allow-groups", v.Path, v.Line, "AllowGroups names the group %q of %q", v.Text, j.user.Name)
	} else if len(allowed) > 0 && others != "" {
		j.doubt("linux/allow-groups", allowed[0].Path, allowed[0].Line, "AllowGroups names no group of %q in the files%s", j.user.Name, others)
	} else if len(allowed) > 0 {
		j.refuseBy("linux/allow-groups", allowed[0], "AllowGroups names none of the groups of %q: %q", j.user.Name, j.groups)
	}
	return nil
}

func (j *judge) inGroup(list []conf.Value) (conf.Value, bool) {
	for _, v := range list {
		if slices.ContainsFunc(j.groups, func(g string) bool { return conf.MatchPattern(g, v.Text) }) {
			return v, true
		}
	}
	return conf.Value{}, false
}
