package sshd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/selinux"
	"github.com/seed-77750964/regain/offline/sshd/conf"
	"github.com/seed-77750964/regain/offline/tcpwrap"
)

// sessionBinaries are what serves a connection since OpenSSH 9.8, by
// distribution; libwrap is linked there.
var sessionBinaries = []string{
	"/usr/lib/openssh/sshd-session", "/usr/libexec/openssh/sshd-session", "/usr/lib/ssh/sshd-session",
	"/usr/libexec/sshd-session", "/usr/libexec/ssh/sshd-session",
}

func findProgram(v *offline.Volume) program {
	p := program{invocation: conf.FindInvocation(v)}
	p.version, p.err = conf.DetectVersion(v)
	for _, path := range conf.Binaries {
		if info, err := v.Stat(path); err == nil && info.Kind == offline.Regular {
			p.path = path
			break
		}
	}
	p.wrapped = wrapped(v, p.path)
	return p
}

// wrapped tells whether sshd asks libwrap.
func wrapped(v *offline.Volume, binary string) conf.Tri {
	answer := conf.Maybe
	for _, path := range append([]string{binary}, sessionBinaries...) {
		linked, err := tcpwrap.Linked(v, path)
		switch {
		case err != nil:
			continue
		case linked:
			return conf.Yes
		}
		answer = conf.No
	}
	return answer
}

// start gathers what keeps sshd from starting, or the whole system from letting
// it work.
func (s *System) start() {
	if s.options.Stops != "" {
		s.refuse(Reason{ID: "linux/boot-stops", Text: s.options.Stops})
	}
	if s.program.path == "" {
		s.refuse(Reason{ID: "linux/sshd-missing", Text: "there is no sshd in " + strings.Join(conf.Binaries, ", ")})
	} else if s.program.err != nil {
		s.doubt(Reason{ID: "linux/sshd-version", Path: s.program.path, Text: s.program.err.Error()})
	}
	for _, p := range s.config.StartProblems(s.v, s.program.invocation, s.accounts) {
		s.problem("linux/sshd-start", p)
	}
	if s.selinux.Mode == selinux.Enforcing && !s.selinux.Labelled && !s.selinux.AutoRelabel {
		s.refuse(Reason{ID: "linux/selinux-unlabelled", Path: "/etc/passwd", Text: "has no SELinux label, and SELinux is enforcing (" + s.selinux.Because + ")"})
	}
	if len(s.common) == 0 {
		s.common = append(s.common, s.started())
	}
}

func (s *System) started() Reason {
	text := "starts at boot"
	if raw := s.program.version.Raw; raw != "" {
		text += fmt.Sprintf(" and runs %q", raw)
	}
	return Reason{ID: "linux/sshd-starts", Answer: offline.Accepted, Path: s.program.invocation.Path, Text: text}
}

func (s *System) problem(id string, p conf.Problem) {
	r := Reason{ID: id, Text: p.Text, Path: p.Path, Line: p.Line}
	switch {
	case p.Unknown:
		s.doubt(r)
	case p.Fatal:
		s.refuse(r)
	default:
		s.remark(r)
	}
}

func (s *System) refuse(r Reason) {
	r.Answer = offline.Denied
	s.common = append(s.common, r)
}

func (s *System) doubt(r Reason) {
	r.Answer = offline.Unknown
	s.common = append(s.common, r)
}

// remark is what a person should know although the login does not hang on it.
func (s *System) remark(r Reason) {
	r.Answer = offline.Accepted
	s.notes = append(s.notes, r)
}

// connect gathers what stands between a client and the authentication.
func (s *System) connect() {
	if s.program.wrapped != conf.No {
		s.wrappers()
	}
	if ports := s.ports(); !slices.Contains(ports, "22") {
		s.remark(Reason{ID: "linux/ssh-port", Text: "sshd listens on port " + strings.Join(ports, ", ")})
	}
	for _, v := range s.config.Evaluate(conf.Connection{}).All("listenaddress") {
		s.remark(Reason{ID: "linux/listen-address", Path: v.Path, Line: v.Line, Text: fmt.Sprintf("sshd listens on %q only", v.Text)})
	}
}

func (s *System) wrappers() {
	result := tcpwrap.Evaluate(s.v, "sshd")
	r := Reason{ID: "linux/tcp-wrappers", Path: result.Path, Line: result.Line, Text: result.Text}
	switch {
	case result.Answer == offline.Accepted && result.Path != "":
		s.remark(r)
	case result.Answer == offline.Accepted:
	case result.Answer == offline.Denied && s.program.wrapped == conf.Yes:
		s.refuse(r)
	default:
		s.doubt(r)
	}
}

// ports are where clients must connect to: the socket unit's, else sshd's own.
func (s *System) ports() []string {
	var ports []string
	for _, listen := range s.program.invocation.Listen {
		port := listen[strings.LastIndexByte(listen, ':')+1:]
		if strings.Trim(port, "0123456789") == "" && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	if len(ports) > 0 {
		return ports
	}
	for _, v := range s.config.Evaluate(conf.Connection{}).All("port") {
		ports = append(ports, v.Text)
	}
	return ports
}

// readShells lists /etc/shells, which names what counts as a shell.
func readShells(v *offline.Volume) []string {
	data, err := v.ReadFile("/etc/shells", offline.MaxConfig)
	if err != nil {
		return nil // then only the shells known everywhere count
	}
	var shells []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
			shells = append(shells, line)
		}
	}
	return shells
}
