package sshd

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/pam"
	"github.com/seed-77750964/regain/offline/sshd/conf"
)

// pam asks the account and session stacks (auth-pam.c), once for each service.
func (j *judge) pam() error {
	if !j.usesPAM() {
		return j.nologin()
	}
	service := j.world.First("pamservicename").Text
	if service == "" {
		service = "sshd"
	}
	results, ok := j.asked[service]
	if !ok {
		env := pam.NewEnv(j.s.accounts, j.user, j.s.names, j.s.options.Now)
		env.Service, env.SELinux = service, j.s.selinux.Mode
		results = []pam.Result{j.s.stacks.Account(env), j.s.stacks.Session(env)}
		if j.asked == nil {
			j.asked = map[string][]pam.Result{}
		}
		j.asked[service] = results
	}
	answer := offline.Accepted
	for _, result := range results {
		if result.Answer != offline.Accepted {
			answer = result.Answer
		}
		for _, r := range result.Reasons {
			reason := Reason{"linux/" + r.ID, r.Answer, r.Text, r.Path, r.Line}
			if r.Answer == offline.Accepted {
				j.notes = append(j.notes, reason)
			} else {
				j.reasons = append(j.reasons, reason)
			}
		}
	}
	if answer == offline.Accepted {
		j.agree("linux/pam", path.Join("/etc/pam.d", service), 0, "lets the account in and opens a session")
	}
	return nil
}

// nologin is sshd's own look at the file, without PAM (session.c do_nologin).
func (j *judge) nologin() error {
	if j.user.UID != 0 && exists(j.s.v, "/etc/nologin") {
		j.refuse("linux/nologin-file", "/etc/nologin", 0, "exists: only root may log in")
	}
	return nil
}

// session is what begins once everything is granted: a login is of use only
// when it gives a shell.
func (j *judge) session() error {
	if v := j.world.First("maxsessions"); v.Text == "0" {
		j.refuseBy("linux/max-sessions", v, "MaxSessions 0 allows no session")
	}
	if v := j.world.First("forcecommand"); v.Text != "" && !strings.EqualFold(v.Text, "none") {
		j.refuseBy("linux/force-command", v, "ForceCommand runs %q in place of a shell", v.Text)
	}
	if v := j.world.First("permittty"); v.Text == "no" {
		j.note("linux/no-terminal", v.Path, v.Line, "PermitTTY is no: commands run, but without a terminal")
	}
	if j.found.limits {
		j.note("linux/no-terminal", j.found.path, j.found.line, "the key's line allows no terminal")
	}
	if info, err := j.s.v.Stat(j.user.Home); err != nil && gone(err) || err == nil && info.Kind != offline.Dir {
		j.note("linux/home-missing", j.user.Home, 0, "the home directory does not exist: the session begins in /")
	}
	return j.chroot()
}

// chroot is ChrootDirectory: every component must be root's and closed to
// others' writing (session.c safely_chroot), and the shell must be inside.
func (j *judge) chroot() error {
	v := j.chrooted()
	if v.Text == "" {
		return nil
	}
	dir, err := conf.ExpandToken(v.Text, j.user.Name, j.user.Home, j.user.UID)
	if err != nil || !strings.HasPrefix(dir, "/") {
		j.refuseBy("linux/chroot-directory", v, "ChrootDirectory %q is not an absolute path", v.Text)
		return nil
	}
	why, at, err := j.unsafeChroot(dir)
	switch {
	case errors.Is(err, offline.ErrAbsentVolume):
		j.doubt("linux/chroot-directory", v.Path, v.Line, "%v", err)
		return nil
	case err != nil:
		return err
	case why != "":
		j.refuseBy("linux/chroot-directory", v, "%s %s", printable(at), why)
		return nil
	}
	real, err := j.s.v.Realpath(dir)
	if err != nil {
		return err
	}
	shell := path.Join(real, j.shellPath())
	info, err := j.s.v.Stat(shell)
	switch {
	case real == "/" && err == nil && info.Kind == offline.Regular:
		return j.usableShell(shell)
	case errors.Is(err, offline.ErrAbsentVolume) || err == nil:
		j.doubt("linux/chroot-directory", v.Path, v.Line, "sessions are locked into %q, whose shell may or may not run", dir)
	case gone(err):
		j.refuseBy("linux/chroot-directory", v, "sessions are locked into %q, which holds no shell %q", dir, j.shellPath())
	default:
		return err
	}
	return nil
}

// unsafeChroot names the first component that sshd refuses.
func (j *judge) unsafeChroot(dir string) (why, at string, err error) {
	at = "/"
	for _, name := range strings.Split(path.Clean(dir), "/") {
		at = path.Join(at, name)
		info, err := j.s.v.Stat(at)
		switch {
		case err != nil && gone(err):
			return "does not exist", at, nil
		case err != nil:
			return "", at, err
		case info.UID != 0 || info.Mode&0o022 != 0:
			return fmt.Sprintf("belongs to uid %d with mode %04o; sessions are locked only into root's directories", info.UID, info.Mode), at, nil
		case info.Kind != offline.Dir:
			return "is not a directory", at, nil
		}
	}
	return "", at, nil
}
