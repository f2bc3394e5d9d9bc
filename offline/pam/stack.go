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

// phase is a management group as far as a login by key runs it.
type phase string

const (
	phaseAccount phase = "account"
	phaseSession phase = "session"
)

const (
	maxLevel    = 16  // Linux-PAM: PAM_SUBSTACK_MAX_LEVEL
	maxHandlers = 300 // packaged stacks have about thirty
	maxReads    = 500
)

// configDirs are searched in this order: the administrator's, then those of
// distributions that ship their defaults below /usr.
var configDirs = []string{"/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d", "/usr/etc/pam.d"}

type handlerKind int

const (
	kindModule   handlerKind = iota
	kindMustFail             // a line that libpam cannot use
	kindSubstack             // marks the place where a substack begins
)

// handler is one entry of a stack.
type handler struct {
	kind   handlerKind
	level  int // of substacks
	on     control
	module string
	args   []string
	why    string // why it must fail
	path   string
	line   int
}

// stacks are the lists for the service and for "other", which steps in where
// the service has none.
type stacks struct {
	conf, other []handler
	fatal       *Reason  // libpam gives up on the configuration
	doubts      []Reason // what libpam versions read differently, or we could not read
}

func (s stacks) active() []handler {
	if len(s.conf) > 0 {
		return s.conf
	}
	return s.other
}

// loader reads the files of one service, for one phase.
type loader struct {
	v       *offline.Volume
	service string
	phase   phase
	debian  bool // libpam knows @include
	reads   int
	out     stacks
}

func load(v *offline.Volume, service string, p phase) stacks {
	_, err := v.Stat("/etc/debian_version")
	l := &loader{v: v, service: service, phase: p, debian: err == nil}
	if slices.ContainsFunc(configDirs[:2], l.isDir) {
		l.loadDirs()
	} else {
		l.loadFlat()
	}
	return l.out
}

func (l *loader) isDir(p string) bool {
	info, err := l.v.Stat(p)
	return err == nil && info.Kind == offline.Dir
}

func (l *loader) loadDirs() {
	read := false
	for _, name := range []string{l.service, "other"} {
		p, text, err := l.open(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			l.doubt(p, err.Error())
			continue
		}
		if !l.parse(p, text, parseAt{service: name}) {
			l.fail(p, "libpam gives up on this file, and with it on the whole configuration")
			return
		}
		read = true
	}
	if !read && len(l.out.doubts) == 0 {
		l.fail(path.Join(configDirs[0], l.service), "there is no configuration for this service and none for \"other\"")
	}
}

// loadFlat reads the single file that stands in where no directory does.
func (l *loader) loadFlat() {
	const flat = "/etc/pam.conf"
	text, err := l.v.ReadFile(flat, offline.MaxConfig)
	if err != nil {
		l.fail(flat, "there is no PAM configuration: "+err.Error())
	} else if !l.parse(flat, string(text), parseAt{}) {
		l.fail(flat, "libpam gives up on this file")
	}
}

// fail keeps the first cause, which is the innermost.
func (l *loader) fail(p, text string) {
	if l.out.fatal != nil {
		return
	}
	l.out.fatal = &Reason{"pam-config", offline.Denied, text, p, 0}
}

func (l *loader) doubt(p, text string) {
	if len(l.out.doubts) < 20 {
		l.out.doubts = append(l.out.doubts, Reason{"pam-config", offline.Unknown, text, p, 0})
	}
}

// open finds a configuration file by name or absolute path.
func (l *loader) open(name string) (p, text string, err error) {
	if l.reads++; l.reads > maxReads {
		return name, "", fmt.Errorf("cannot read %q: more than %d files are included", name, maxReads)
	}
	candidates := []string{name}
	if !strings.HasPrefix(name, "/") {
		candidates = nil
		for _, dir := range configDirs {
			candidates = append(candidates, path.Join(dir, name))
		}
	}
	for _, p := range candidates {
		data, err := l.v.ReadFile(p, offline.MaxConfig)
		if err == nil {
			return p, string(data), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return p, "", err
		}
	}
	return candidates[0], "", fmt.Errorf("cannot find %q: %w", name, fs.ErrNotExist)
}
