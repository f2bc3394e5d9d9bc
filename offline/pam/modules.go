package pam

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// check is the model of one function of a module.
type check func(*probe) outcome

// probe is a module's line and the login it judges.
type probe struct {
	*run
	args []string
}

// model is a module: its account and its session function. A nil function is
// one that the module does not have, for which libpam answers module_unknown.
type model struct{ account, session check }

// models are the modules that packaged systems ship. What is not here is unknown.
var models = map[string]model{
	"pam_permit":           {always(success), always(success)},
	"pam_deny":             {refuse, refuse},
	"pam_debug":            {debugAccount, debugSession},
	"pam_warn":             {always(ignore), always(ignore)},
	"pam_echo":             {always(ignore, success), always(ignore, success)},
	"pam_unix":             {unixAccount, always(success)},
	"pam_nologin":          {nologin, nil},
	"pam_access":           {access, access},
	"pam_listfile":         {listfile, listfile},
	"pam_time":             {timeAccount, nil},
	"pam_limits":           {nil, limits},
	"pam_succeed_if":       {succeedIf, succeedIf},
	"pam_localuser":        {localuser, localuser},
	"pam_shells":           {shells, nil},
	"pam_securetty":        {securetty, nil},
	"pam_rootok":           {always(success), nil}, // sshd runs as root
	"pam_usertype":         {usertype, usertype},
	"pam_sepermit":         {sepermit, nil},
	"pam_faillock":         {always(success), nil}, // its auth function did not run
	"pam_tally2":           {tally2, nil},
	"pam_loginuid":         {loginuid, loginuid},
	"pam_mkhomedir":        {nil, mkhomedir},
	"pam_oddjob_mkhomedir": {nil, mkhomedir},
	"pam_namespace":        {nil, namespace},
	"pam_systemd_home":     {systemdHomeAccount, always(success)},

	// Session modules that set something up and let the session through.
	"pam_env":       {always(serviceErr), always(success, ignore)},
	"pam_motd":      {nil, always(success, ignore)},
	"pam_mail":      {nil, always(success, ignore)},
	"pam_lastlog":   {unknownModule, always(success, ignore)},
	"pam_lastlog2":  {nil, always(success, ignore)},
	"pam_wtmpdb":    {nil, always(success, ignore)},
	"pam_selinux":   {nil, always(success)},
	"pam_keyinit":   {nil, always(success, ignore)},
	"pam_umask":     {nil, always(success, ignore)},
	"pam_systemd":   {nil, always(success)},
	"pam_elogind":   {nil, always(success)},
	"pam_tty_audit": {nil, always(success, ignore)},
	"pam_xauth":     {nil, always(success, ignore)},

	// Modules without a part in account or session.
	"pam_cap":       {nil, nil},
	"pam_cracklib":  {nil, nil},
	"pam_pwquality": {nil, nil},
	"pam_pwhistory": {nil, nil},
	"pam_group":     {nil, nil},
	"pam_faildelay": {nil, nil},
	"pam_ftp":       {nil, nil},
	"pam_issue":     {nil, nil},

	// Sources of users elsewhere: what they say of a local user depends on
	// their configuration and on servers.
	"pam_sss":     {remote, remote},
	"pam_winbind": {remote, remote},
	"pam_ldap":    {remote, remote},
	"pam_krb5":    {remote, remote},
}

func always(codes ...code) check {
	return func(*probe) outcome { return outcome{codes: set(codes...)} }
}

// evaluate finds the module's file and asks its model.
func (r *run) evaluate(h handler) outcome {
	if h.kind == kindMustFail {
		return outcome{codes: set(mustFail), id: "pam-config", text: h.why}
	}
	name := moduleName(h.module)
	if why, missing := r.moduleFile(h.module); why != "" {
		o := outcome{codes: set(moduleUnknown), id: "pam-module-missing", text: why}
		if !missing {
			o.codes = anyCode
		}
		return o
	}
	c := &probe{run: r, args: h.args}
	m, known := models[name]
	if !known {
		return unknownModule(c).named(name)
	}
	f := m.account
	if r.phase == phaseSession {
		f = m.session
	}
	if f == nil {
		return outcome{codes: set(moduleUnknown), text: fmt.Sprintf("%s has no %s function", name, r.phase)}
	}
	return f(c).named(name)
}

// named gives an outcome that leaves something open a text of its own.
func (o outcome) named(name string) outcome {
	if o.text == "" && !o.codes.one() {
		o.text = fmt.Sprintf("what %s will answer cannot be told from the files", name)
	}
	return o
}

func unknownModule(*probe) outcome { return outcome{codes: anyCode} }

// moduleFile says why libpam cannot load a module; empty when it can. missing
// is false when we cannot tell.
func (r *run) moduleFile(name string) (why string, missing bool) {
	state, ok := r.modules[name]
	if !ok {
		state.why, state.missing = r.findModule(name)
		if r.modules != nil {
			r.modules[name] = state
		}
	}
	return state.why, state.missing
}

func (r *run) findModule(name string) (why string, missing bool) {
	candidates := []string{name}
	if strings.Contains(name, "$ISA") { // expands to a path that depends on the build
		candidates = []string{strings.Replace(name, "$ISA", ".", 1), strings.Replace(name, "$ISA", "../../lib64/security", 1)}
	}
	if !strings.HasPrefix(name, "/") {
		candidates = nil
		for _, dir := range r.moduleDirs() {
			candidates = append(candidates, path.Join(dir, name))
		}
	}
	var magic [4]byte
	for _, p := range candidates {
		n, err := r.v.ReadAt(p, magic[:], 0)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, offline.ErrNotRegular) || errors.Is(err, offline.ErrNotDir):
			continue
		case err != nil:
			return fmt.Sprintf("cannot look for module %q: %v", name, err), false
		case string(magic[:n]) != "\x7fELF":
			return fmt.Sprintf("the module's file %q is damaged: it is no ELF file", p), true
		}
		return "", false
	}
	return fmt.Sprintf("the module's file %q is missing", name), true
}

// moduleDirs are where distributions keep modules.
func (r *run) moduleDirs() []string {
	dirs := []string{"/usr/lib64/security", "/usr/lib/security", "/lib64/security", "/lib/security"}
	for _, lib := range []string{"/usr/lib", "/lib"} {
		names, err := r.v.ReadDir(lib)
		if err != nil {
			continue
		}
		for _, n := range names {
			if strings.Contains(n, "-linux-gnu") || strings.HasSuffix(n, "-linux-musl") {
				dirs = append(dirs, path.Join(lib, n, "security"))
			}
		}
	}
	return dirs
}

// value is what follows key= in the last such argument.
func (c *probe) value(key, otherwise string) string {
	for _, a := range slices.Backward(c.args) {
		if v, ok := strings.CutPrefix(a, key+"="); ok {
			return v
		}
	}
	return otherwise
}

func (c *probe) flag(name string) bool { return slices.Contains(c.args, name) }

// configFile finds a file of /etc/security, or the distribution's copy.
func (c *probe) configFile(name string) string {
	for _, dir := range []string{"/etc/security", "/usr/lib/pam/security", "/usr/share/security", "/usr/etc/security"} {
		if _, err := c.v.Lstat(path.Join(dir, name)); err == nil {
			return path.Join(dir, name)
		}
	}
	return path.Join("/etc/security", name)
}

// confGlob lists the *.conf files of a directory of /etc/security, in byte order.
func (c *probe) confGlob(dir string) []string {
	names, err := c.v.ReadDir(path.Join("/etc/security", dir))
	if err != nil {
		return nil
	}
	var out []string
	for _, n := range names {
		if strings.HasSuffix(n, ".conf") && !strings.HasPrefix(n, ".") {
			out = append(out, path.Join("/etc/security", dir, n))
		}
	}
	return out
}
