package conf

import (
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// scriptVariables are the shell variables whose words the packaged scripts pass
// to sshd, by the file that sets them.
var scriptVariables = []struct{ path, name string }{
	{"/etc/default/ssh", "SSHD_OPTS"},
	{"/etc/conf.d/sshd", "SSHD_OPTS"},
	{"/etc/conf.d/sshd", "command_args"},
	{"/etc/sysconfig/sshd", "OPTIONS"},
	{"/etc/sysconfig/ssh", "SSHD_OPTS"},
}

// fromScript reads what a shell script adds to sshd's command line. The script
// itself is not interpreted.
func (i *Invocation) fromScript(v *offline.Volume, script string) {
	i.Path, i.Unit, i.Binary = script, path.Base(script), "/usr/sbin/sshd"
	for _, s := range scriptVariables {
		data, err := v.ReadFile(s.path, maxUnit)
		if err != nil {
			continue
		}
		env := parseEnvironment(data, s.path)
		i.takeArguments(variableWords(s.name, env))
		if b, ok := lookupVariable("SSHD_BINARY", env); ok {
			i.Binary = b.value
		}
		if f, ok := lookupVariable("SSHD_CONFIG", env); ok && i.File == "" {
			i.File = f.value
		}
	}
}

func openRC(v *offline.Volume) (Invocation, bool) {
	if !anyExists(v, "/sbin/openrc-run", "/usr/bin/openrc-run") || !anyExists(v, "/etc/init.d/sshd") {
		return Invocation{}, false
	}
	i := Invocation{Init: OpenRC}
	i.fromScript(v, "/etc/init.d/sshd")
	for _, level := range []string{"sysinit", "boot", "default"} {
		if p := "/etc/runlevels/" + level + "/sshd"; anyExists(v, p) {
			i.EnabledBy = append(i.EnabledBy, p)
		}
	}
	return i.scriptState(v), true
}

func upstart(v *offline.Volume) (Invocation, bool) {
	for _, name := range serviceNames {
		job := "/etc/init/" + name + ".conf"
		if !anyExists(v, job) || !anyExists(v, "/sbin/upstart-udev-bridge", "/sbin/initctl") {
			continue
		}
		i := Invocation{Init: Upstart, EnabledBy: []string{job}}
		i.fromScript(v, job)
		data, err := v.ReadFile("/etc/init/"+name+".override", maxUnit)
		for line := range strings.Lines(string(data)) {
			if err == nil && strings.TrimSpace(line) == "manual" {
				i.EnabledBy = nil
			}
		}
		return i.scriptState(v), true
	}
	return Invocation{}, false
}

func sysV(v *offline.Volume) (Invocation, bool) {
	for _, name := range serviceNames {
		script := "/etc/init.d/" + name
		if !anyExists(v, script) {
			continue
		}
		i := Invocation{Init: SysV}
		i.fromScript(v, script)
		for _, pattern := range []string{"/etc/rc[2-5].d/S[0-9][0-9]" + name, "/etc/rc.d/rc[2-5].d/S[0-9][0-9]" + name} {
			links, err := Glob(v, pattern)
			if err == nil {
				i.EnabledBy = append(i.EnabledBy, links...)
			}
		}
		return i.scriptState(v), true
	}
	return Invocation{}, false
}

// scriptState fills in what the links of a run level say.
func (i Invocation) scriptState(v *offline.Volume) Invocation {
	i.Enabled = len(i.EnabledBy) > 0
	if !i.Enabled {
		i.Problems = append(i.Problems, Problem{Path: i.Path, Text: i.Unit + " is in no run level: nothing starts it at boot", Fatal: true})
	}
	if p := "/etc/ssh/sshd_not_to_be_run"; anyExists(v, p) {
		i.Problems = append(i.Problems, Problem{Path: p, Text: "the file keeps sshd from being started", Fatal: true})
	}
	return i
}

// keyGenerator finds what makes missing host keys at every start: RHEL's
// sshd-keygen units, SUSE's and Arch's own, OpenRC's and older Red Hat's scripts.
// Debian's makes them only on a first boot.
func keyGenerator(v *offline.Volume, i Invocation) string {
	for _, name := range []string{"sshd-keygen.target", "sshdgenkeys.service", "sshd-keygen@.service"} {
		u := loadUnit(v, name)
		if i.Init == Systemd && u.Path != "" && !u.Masked {
			return u.Path
		}
	}
	for _, p := range []string{"/usr/sbin/sshd-gen-keys-start", "/usr/sbin/sshd-keygen"} {
		if i.Init == Systemd && anyExists(v, p) {
			return p
		}
	}
	if i.Init == OpenRC || i.Init == SysV && anyExists(v, "/etc/rc.d/init.d/sshd", "/etc/rc.d/rc3.d") {
		return i.Path
	}
	return ""
}
