// Package winroot says what a Windows on a volume that is not booted is, which
// program gives its administrator a new password at the next start, and what must
// change on the volume for that program to do so: EC2Config, EC2Launch v1,
// EC2Launch v2, or a start-up script of ours where none of them can.
//
// It reads through an offline.Volume and decides. It applies nothing, and it does
// not know the instance: key pair, metadata service and user data are what it is
// told of them, or not known. What the bytes of hives, settings and tasks mean is
// the business of offline/regf and of the packages below this one.
package winroot

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// ErrNotWindows means that the volume is not the system volume of a Windows.
var ErrNotWindows = errors.New("no Windows on this volume")

// StartupScript is, beside the agents of agentconf, our own script in the local
// policy.
const StartupScript agentconf.Agent = "startup-script"

// A System is a Windows as its volume shows it.
type System struct {
	Product
	// Agents are those of which something is on the volume, in the order in which
	// they are preferred.
	Agents []Agent
	// Findings are what speaks against any edit, and what is worth knowing.
	Findings []offline.Finding

	v                *offline.Volume
	system, software *hive
}

// Detect looks at the volume, which must be one of offline.OpenNTFS. It is
// ErrNotWindows where there is no Windows. What cannot be read is a finding.
// The System reads through the volume later, too: close it before the volume. Once
// a change is applied it is out of date.
func Detect(v *offline.Volume) (*System, error) {
	for _, name := range []string{softwareHive, systemHive} {
		_, err := v.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, offline.ErrNotDir):
			return nil, fmt.Errorf("%s: %w", name, ErrNotWindows)
		case err != nil:
			return nil, fmt.Errorf("cannot recognise Windows: %w", err)
		}
	}
	s := &System{v: v}
	s.software = s.openHive(softwareHive)
	s.system = s.openHive(systemHive)
	s.readProduct()
	s.checkState()
	s.findAgents()
	for _, h := range []*hive{s.software, s.system} {
		if h.err != nil {
			s.find("windows/hive-unreadable", h.path, h.err.Error())
		}
	}
	return s, nil
}

// Close closes what the System holds open.
func (s *System) Close() error { return errors.Join(s.software.close(), s.system.close()) }

// find adds a finding of the system.
func (s *System) find(id, path, evidence string) {
	s.Findings = append(s.Findings, finding(id, path, evidence))
}

// exists is the canonical path of a regular file; empty where it is not, or cannot
// be looked at, which is a finding.
func (s *System) exists(path string) string {
	canonical, err := s.v.Realpath(path)
	if err == nil {
		var info offline.Info
		if info, err = s.v.Lstat(canonical); err == nil && info.Kind != offline.Regular {
			err = fmt.Errorf("%q: %w", canonical, offline.ErrNotRegular)
		}
	}
	switch {
	case err == nil:
		return canonical
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, offline.ErrNotDir):
		s.unreadable(path, err)
	}
	return ""
}

// unreadable is the finding for a path that cannot be looked at, once.
func (s *System) unreadable(path string, err error) {
	f := unreadable(path, err)
	for _, g := range s.Findings {
		if g.ID == f.ID && g.Evidence == f.Evidence {
			return
		}
	}
	s.Findings = append(s.Findings, f)
}

func unreadable(path string, err error) offline.Finding {
	id := "windows/unreadable"
	switch {
	case errors.Is(err, offline.ErrAmbiguous):
		id = "windows/path-ambiguous"
	case errors.Is(err, offline.ErrReparse):
		id = "windows/reparse-point"
	case errors.Is(err, offline.ErrLinked):
		id = "windows/hard-link"
	}
	text := err.Error()
	if _, cause, ok := strings.Cut(text, fmt.Sprintf("%q: ", path)); ok { // of one fact, one finding
		text = cause
	}
	return finding(id, path, text)
}
