package pam

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// refuse is pam_deny.
func refuse(c *probe) outcome {
	codes := set(authErr)
	if c.phase == phaseSession {
		codes = set(sessionErr)
	}
	return outcome{codes: codes, id: "pam-deny", text: "pam_deny refuses everybody who comes this far"}
}

func debugAccount(c *probe) outcome { return debugCode(c.value("acct", "success")) }
func debugSession(c *probe) outcome { return debugCode(c.value("open_session", "success")) }

// debugCode is what pam_debug makes of a name: one that it does not know is a success.
func debugCode(name string) outcome {
	i := slices.Index(codeNames[:numCodes], name)
	return outcome{codes: set(code(max(i, 0)))}
}

// nologin is pam_nologin. Its file in /run does not survive a boot.
func nologin(c *probe) outcome {
	none := ignore
	if c.flag("successok") {
		none = success
	}
	file := c.value("file", "/etc/nologin")
	if strings.HasPrefix(file, "/run/") || strings.HasPrefix(file, "/var/run/") {
		return outcome{codes: set(none)}
	}
	info, err := c.v.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, offline.ErrNotDir):
		return outcome{codes: set(none)}
	case err != nil:
		return outcome{codes: set(none, authErr), text: fmt.Sprintf("cannot look for %s: %v", file, err), path: file}
	case info.Kind == offline.Regular && c.env.User.UID == 0:
		return outcome{codes: set(none)}
	}
	return outcome{codes: set(authErr), id: "pam-nologin", text: fmt.Sprintf("%s exists, so only root may log in", file), path: file}
}

// shells is pam_shells: the login shell must be listed.
func shells(c *probe) outcome {
	const file = "/etc/shells"
	shell := c.env.User.Shell
	if shell == "" {
		shell = "/bin/sh"
	}
	o := outcome{codes: set(authErr), path: file, text: fmt.Sprintf("the shell %q is not listed in %s", shell, file)}
	info, err := c.v.Stat(file)
	if err != nil {
		if _, vendor := c.v.Stat("/usr/etc/shells"); vendor == nil {
			o.codes = set(success, authErr)
		}
		o.text = fmt.Sprintf("cannot read %s, where shells must be listed", file)
		return o
	}
	if info.Kind != offline.Regular || info.Mode&0o002 != 0 {
		o.text = fmt.Sprintf("%s is world-writable or no regular file", file)
		return o
	}
	data, err := c.v.ReadFile(file, offline.MaxConfig)
	if err != nil {
		o.codes, o.text = set(success, authErr), err.Error()
		return o
	}
	if slices.Contains(strings.Split(string(data), "\n"), shell) {
		return outcome{codes: set(success)}
	}
	return o
}

// localuser is pam_localuser: the name begins a line of passwd.
func localuser(c *probe) outcome {
	file := c.value("file", "/etc/passwd")
	data, err := c.v.ReadFile(file, offline.MaxAccount)
	if err != nil {
		return outcome{codes: set(serviceErr, permDenied), text: fmt.Sprintf("cannot read %s", file), path: file}
	}
	prefix := []byte(c.env.User.Name + ":")
	for l := range bytes.SplitSeq(data, []byte("\n")) {
		if bytes.HasPrefix(l, prefix) {
			return outcome{codes: set(success)}
		}
	}
	return outcome{codes: set(permDenied), path: file, text: fmt.Sprintf("%q is no user of %s", c.env.User.Name, file)}
}

// securetty is pam_securetty, which only ever refuses root.
func securetty(c *probe) outcome {
	if c.env.User.UID != 0 {
		return outcome{codes: set(success)}
	}
	return outcome{codes: set(success, authErr, ignore), text: "pam_securetty decides on root by the terminal"}
}

// usertype is pam_usertype, with the numbers of login.defs.
func usertype(c *probe) outcome {
	uid := uint64(c.env.User.UID)
	if c.flag("use_uid") {
		uid = 0 // of sshd
	}
	uidMin := c.loginDefs("UID_MIN", 1000)
	low, high := c.loginDefs("SYS_UID_MIN", 101), c.loginDefs("SYS_UID_MAX", uidMin-1)
	system := uid <= 99 || uid == 65534 || uid >= low && uid <= high
	op := ""
	for _, a := range c.args {
		if a == "issystem" || a == "isregular" {
			op = a
		}
	}
	if op == "" {
		return outcome{codes: set(serviceErr), text: "pam_usertype is told neither issystem nor isregular"}
	}
	return outcome{
		codes: truth(system == (op == "issystem")).decide(success, authErr),
		text:  fmt.Sprintf("uid %d does not fit %q", uid, op),
	}
}

func (c *probe) loginDefs(key string, otherwise uint64) uint64 {
	data, err := c.v.ReadFile("/etc/login.defs", offline.MaxConfig)
	if err != nil {
		return otherwise
	}
	for l := range strings.SplitSeq(string(data), "\n") {
		l, _, _ = strings.Cut(l, "#")
		if f := strings.Fields(l); len(f) == 2 && f[0] == key {
			if n, err := strconv.ParseUint(f[1], 10, 32); err == nil {
				return n
			}
			return otherwise
		}
	}
	return otherwise
}

// tally2 is pam_tally2: without a record of failures there is nothing to hold
// against the user.
func tally2(c *probe) outcome {
	file := c.value("file", "/var/log/tallylog")
	info, err := c.v.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Kind == offline.Regular && info.Size == 0 {
		return outcome{codes: set(success, ignore)}
	}
	return outcome{codes: anyCode, text: "pam_tally2 keeps failed logins in " + file, path: file}
}

func loginuid(c *probe) outcome {
	if c.flag("require_auditd") {
		return outcome{codes: set(success, ignore, sessionErr), text: "pam_loginuid demands a running auditd"}
	}
	return outcome{codes: set(success, ignore)}
}

func mkhomedir(c *probe) outcome {
	info, err := c.v.Stat(c.env.User.Home)
	if err == nil && info.Kind == offline.Dir {
		return outcome{codes: set(success)}
	}
	return outcome{codes: set(success, permDenied), text: fmt.Sprintf("the home %q must be created at the login", c.env.User.Home)}
}

// namespace is pam_namespace, which does nothing without a line in its files.
func namespace(c *probe) outcome {
	for _, file := range append([]string{c.configFile("namespace.conf")}, c.confGlob("namespace.d")...) {
		data, err := c.v.ReadFile(file, offline.MaxConfig)
		if err != nil {
			return outcome{codes: set(success, sessionErr), text: err.Error(), path: file}
		}
		n := 0
		for l := range strings.SplitSeq(string(data), "\n") {
			n++
			if l, _, _ = strings.Cut(l, "#"); strings.TrimSpace(l) != "" {
				return outcome{codes: set(success, sessionErr), text: "directories are given to each user anew", path: file, line: n}
			}
		}
	}
	return outcome{codes: set(success)}
}

// systemdHomeAccount is pam_systemd_home for a user of /etc/passwd.
func systemdHomeAccount(c *probe) outcome {
	if _, err := c.v.Stat(path.Join("/var/lib/systemd/home", c.env.User.Name+".identity")); err == nil {
		return outcome{codes: anyCode, text: "the home is kept by systemd-homed"}
	}
	return outcome{codes: set(userUnknown)}
}

// remote is a module of SSSD, Samba, LDAP or Kerberos, asked about a local user.
func remote(c *probe) outcome {
	return outcome{codes: set(success, ignore, userUnknown, authinfoUnavail, permDenied)}
}

// sepermit is pam_sepermit: who is listed may come only while SELinux enforces.
func sepermit(c *probe) outcome {
	file := c.value("conf", c.configFile("sepermit.conf"))
	data, err := c.v.ReadFile(file, offline.MaxConfig)
	if err != nil {
		return outcome{codes: set(serviceErr), text: "cannot read " + file, path: file}
	}
	match := no
	exclusive := false
	for l := range strings.SplitSeq(string(data), "\n") {
		f := strings.FieldsFunc(l, func(r rune) bool { return r == ':' || r == ' ' || r == '\t' })
		if strings.HasPrefix(l, "#") || len(f) == 0 {
			continue
		}
		this := truth(f[0] == c.env.User.Name)
		if group, ok := strings.CutPrefix(f[0], "@"); ok {
			this = c.inGroup(group)
		} else if strings.HasPrefix(f[0], "%") {
			this = maybe
		}
		match = match.or(this)
		exclusive = exclusive || this != no && len(f) > 1
	}
	if match == no {
		return outcome{codes: set(ignore)}
	}
	enforcing := c.env.SELinux == "enforcing"
	codes := truth(enforcing).decide(success, authErr)
	if match == maybe || exclusive || c.env.SELinux == "" {
		codes = set(success, authErr, ignore)
	}
	return outcome{codes: codes, path: file, text: "pam_sepermit admits this user only while SELinux enforces"}
}
