package conf

import "fmt"

// The bounds of a walk. The depth is sshd's SERVCONF_MAX_DEPTH; the number of
// lines is ours, against files that include each other again and again.
const (
	maxDepth = 16
	maxSteps = 1 << 16
)

// walker reads the entries in sshd's order with sshd's idea of what is active
// (sshd: servconf.c parse_server_config_depth). One walk is one of its passes:
// at the start without a connection, or for one.
type walker struct {
	version Version
	conn    *Connection // nil: the pass at sshd's start
	decide  func(*criteria) bool
	visit   func(e *entry, active bool, guards []*criteria)
	steps   int
	stopped *Problem
}

// scope is what a file knows of the Match blocks around it.
type scope struct {
	active  bool
	outside bool        // no Match yet on the way here, in the pass for a connection
	blocked bool        // included from a block that is not active: nothing can match
	guards  []*criteria // the undecided conditions that hold us here
}

func (w *walker) file(f *file, s scope, depth int) {
	if depth > maxDepth {
		w.stopped = &Problem{Path: f.path, Text: fmt.Sprintf("includes are nested more than %d deep", maxDepth), Fatal: true}
		return
	}
	outer := s.guards
	for i := range f.entries {
		if w.steps++; w.steps > maxSteps && w.stopped == nil {
			w.stopped = &Problem{Path: f.path, Text: "too many included lines to evaluate", Unknown: true}
		}
		if w.stopped != nil {
			return
		}
		e := &f.entries[i]
		switch {
		case e.match != nil:
			w.visit(e, s.active, s.guards)
			s.active, s.guards = w.enter(e.match, s.blocked, outer)
			s.outside = false
		case e.files != nil:
			w.visit(e, s.active, s.guards)
			inner := scope{active: s.active, outside: s.outside, guards: s.guards}
			inner.blocked = !s.outside && !s.active
			for _, g := range e.files {
				w.file(g, inner, depth+1)
			}
		default:
			w.visit(e, s.active, s.guards)
		}
	}
}

// enter evaluates a Match line. Guards are the conditions of the files around,
// and this one when it is undecided.
func (w *walker) enter(m *criteria, blocked bool, outer []*criteria) (bool, []*criteria) {
	if blocked {
		return false, outer
	}
	switch m.holds(w.conn, w.version) {
	case Yes:
		return true, outer
	case No:
		return false, outer
	}
	guards := append(outer[:len(outer):len(outer)], m)
	return w.decide(m), guards
}

// all walks the command line and the files.
func (w *walker) all(c *Config) {
	if c.stopped != nil {
		w.stopped = c.stopped
		return
	}
	if w.conn == nil {
		for i := range c.command {
			w.visit(&c.command[i], true, nil)
		}
	}
	if c.main != nil {
		w.file(c.main, scope{active: w.conn == nil, outside: w.conn != nil}, 0)
	}
}
