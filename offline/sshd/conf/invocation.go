package conf

import (
	"fmt"
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// The init systems that start sshd.
const (
	Systemd = "systemd"
	OpenRC  = "openrc"
	SysV    = "sysv"
	Upstart = "upstart"
)

// Invocation is how the machine starts sshd at boot.
type Invocation struct {
	Init    string // one of the constants above; empty: nothing starts it
	Unit    string // the unit or script that runs it: "ssh.service"
	Path    string // its file
	DropIns []string

	Binary      string // the program that runs
	File        string // -f
	Ports       []string
	HostKeys    []string
	CommandLine []Setting // -o and the flags that mean the same
	Inetd       bool      // -i: one process for each connection, started by a socket

	Enabled   bool     // started at boot
	EnabledBy []string // the links that do it
	Masked    bool
	Socket    string   // the socket unit that listens, when one is enabled
	Listen    []string // its ListenStream= values; sshd's own Port then does not matter. Empty where a generator makes them from it

	// KeyGen names what makes missing host keys before sshd starts; empty when
	// nothing does.
	KeyGen string

	// Problems are what keeps the unit from starting sshd, apart from sshd's own
	// configuration.
	Problems []Problem
}

// Options are what Load needs to read the configuration as this sshd does.
func (i Invocation) Options(v Version) Options {
	return Options{Version: v, CommandLine: i.CommandLine, File: i.File, Ports: i.Ports, HostKeys: i.HostKeys}
}

// FindInvocation works out what starts sshd at boot. No sshd at all gives an
// Invocation with an empty Init and a Problem that says so.
func FindInvocation(v *offline.Volume) Invocation {
	for _, find := range []func(*offline.Volume) (Invocation, bool){systemd, openRC, upstart, sysV} {
		if i, ok := find(v); ok {
			i.KeyGen = keyGenerator(v, i)
			return i
		}
	}
	return Invocation{Problems: []Problem{{Text: "no unit or init script starts sshd", Fatal: true}}}
}

// serviceNames in the order of trust: the one that exists as a real file is the
// distribution's, the other an alias.
var serviceNames = []string{"ssh", "sshd"}

func systemd(v *offline.Volume) (Invocation, bool) {
	if !anyExists(v, "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/etc/systemd/system") {
		return Invocation{}, false
	}
	var best Invocation
	for _, base := range serviceNames {
		i, ok := systemdNamed(v, base)
		if ok && (best.Init == "" || i.Enabled && !best.Enabled || best.Masked && !i.Masked && !best.Enabled) {
			best = i
		}
	}
	return best, best.Init != ""
}

// systemdNamed looks at NAME.service, and at NAME.socket with the unit it starts.
func systemdNamed(v *offline.Volume, base string) (Invocation, bool) {
	service, socket := loadUnit(v, base+".service"), loadUnit(v, base+".socket")
	if service.Path == "" && socket.Path == "" || isAlias(v, service) && socket.Path == "" {
		return Invocation{}, false
	}
	i := Invocation{Init: Systemd}
	listening := len(socket.EnabledBy) > 0 && socket.Path != "" && !socket.Masked
	unit := service
	if listening && strings.EqualFold(socket.last("Socket", "Accept"), "yes") {
		unit = loadUnit(v, base+"@.service")
	} else if other := socket.last("Socket", "Service"); listening && other != "" {
		unit = loadUnit(v, other)
	}
	i.fromUnit(v, unit)
	if listening {
		i.Socket, i.Enabled = socket.Path, !unit.Masked
		i.EnabledBy = append(i.EnabledBy, socket.EnabledBy...)
		i.Listen = listens(v, socket)
		i.Problems = append(i.Problems, unmet(v, socket)...)
	}
	if !i.Enabled && !i.Masked {
		i.Problems = append(i.Problems, Problem{Path: unit.Path, Text: unit.Name + " is not enabled: nothing starts it at boot", Fatal: true})
	}
	return i, true
}

// generatorDirs in the order in which the first file of a name wins
// (systemd.generator(7)).
var generatorDirs = []string{"/etc/systemd/system-generators", "/usr/local/lib/systemd/system-generators", "/usr/lib/systemd/system-generators", "/lib/systemd/system-generators"}

// listens are the addresses of a socket unit. Since Ubuntu 24.04 a generator puts
// sshd's own Port and ListenAddress in their place at boot; where nothing but the
// packaged unit says another thing, they decide, and nothing is returned.
func listens(v *offline.Volume, socket Unit) []string {
	var out []string
	packaged := socket.Name == "ssh.socket"
	for _, a := range socket.all("Socket", "ListenStream") {
		packaged = packaged && a.path == socket.Path
		out = append(out, a.value)
	}
	for _, dir := range generatorDirs {
		p := dir + "/sshd-socket-generator"
		if _, err := v.Lstat(p); err != nil {
			continue
		}
		if packaged && !isMask(v, p) {
			return nil
		}
		break
	}
	return out
}

// isAlias tells a link to a unit of another name, as Alias= makes them.
func isAlias(v *offline.Volume, u Unit) bool {
	target, err := v.Readlink(u.Path)
	return u.Path != "" && err == nil && !u.Masked && path.Base(target) != u.Name
}

func (i *Invocation) fromUnit(v *offline.Volume, u Unit) {
	i.Unit, i.Path, i.DropIns, i.Masked = u.Name, u.Path, u.DropIns, u.Masked
	i.EnabledBy = u.EnabledBy
	i.Enabled = len(u.EnabledBy) > 0 && !u.Masked
	if u.Masked {
		i.Problems = append(i.Problems, Problem{Path: u.Path, Text: u.Name + " is masked", Fatal: true})
		return
	}
	if u.Path == "" {
		i.Problems = append(i.Problems, Problem{Text: u.Name + " does not exist", Fatal: true})
		return
	}
	i.Problems = append(i.Problems, unmet(v, u)...)
	env, missing := u.environment(v)
	i.Problems = append(i.Problems, missing...)
	starts := u.all("Service", "ExecStart")
	switch {
	case len(starts) == 0:
		i.Problems = append(i.Problems, Problem{Path: u.Path, Text: u.Name + " has no ExecStart=", Fatal: true})
		return
	case len(starts) > 1 && u.last("Service", "Type") != "oneshot":
		i.Problems = append(i.Problems, Problem{Path: starts[1].path, Line: starts[1].line, Text: u.Name + " has more than one ExecStart= and is refused", Fatal: true})
	}
	words := splitExec(starts[0], env, "")
	if len(words) == 0 {
		return
	}
	i.Binary = strings.TrimLeft(words[0].text, "@-:+!|")
	if i.Binary != "" && !strings.HasSuffix(i.Binary, "/sshd") && i.Binary != "sshd" {
		i.Problems = append(i.Problems, Problem{Path: starts[0].path, Line: starts[0].line, Unknown: true,
			Text: fmt.Sprintf("%s runs %q, not sshd itself", u.Name, i.Binary)})
		return
	}
	if strings.HasPrefix(words[0].text, "@") && len(words) > 1 {
		words = words[1:] // the second word is only argv[0]
	}
	i.takeArguments(words[1:])
}

// unmet lists the unit's conditions on paths that do not hold
// (systemd.unit(5)); those on anything else depend on the running machine.
func unmet(v *offline.Volume, u Unit) []Problem {
	var out []Problem
	var triggers, met int
	for _, key := range []string{"ConditionPathExists", "AssertPathExists"} {
		for _, a := range u.all("Unit", key) {
			value, trigger := strings.CutPrefix(a.value, "|")
			value, negated := strings.CutPrefix(strings.TrimSpace(value), "!")
			_, err := v.Stat(value)
			holds := (err == nil) != negated
			switch {
			case trigger:
				triggers++
				if holds {
					met++
				}
			case !holds:
				out = append(out, Problem{Path: a.path, Line: a.line, Text: fmt.Sprintf("%s is not started: %s=%s does not hold", u.Name, key, a.value), Fatal: true})
			}
		}
	}
	if triggers > 0 && met == 0 {
		out = append(out, Problem{Path: u.Path, Text: u.Name + " is not started: none of its alternative conditions holds", Fatal: true})
	}
	return out
}

func anyExists(v *offline.Volume, paths ...string) bool {
	for _, p := range paths {
		if _, err := v.Stat(p); err == nil {
			return true
		}
	}
	return false
}
