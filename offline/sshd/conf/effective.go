package conf

import (
	"fmt"
	"slices"
	"strings"
)

// Effective is the configuration for one connection, once its Match blocks are
// evaluated. Conditions that depend on something unknown count as not holding
// in First, All and Bool; Possible and Worlds tell what else may be.
type Effective struct {
	config   *Config
	conn     Connection
	match    settings
	unknown  []*criteria            // the undecided conditions met, each once
	guards   map[string][]*criteria // by keyword: the undecided conditions around its lines
	chosen   map[string]bool        // what was assumed of them, by text
	problems []Problem
}

// Evaluate gives the configuration for a connection.
func (c *Config) Evaluate(conn Connection) *Effective {
	e := &Effective{config: c, conn: conn, guards: map[string][]*criteria{}, chosen: map[string]bool{}}
	e.discover()
	e.run()
	return e
}

// discover walks as if every undecided condition held, to see what they guard.
func (e *Effective) discover() {
	seen := map[string]bool{}
	add := func(list []*criteria, m *criteria, keyword string) []*criteria {
		if key := keyword + " " + m.text; !seen[key] {
			seen[key] = true
			return append(list, m)
		}
		return list
	}
	w := &walker{version: e.config.options.Version, conn: &e.conn, decide: func(m *criteria) bool {
		e.unknown = add(e.unknown, m, "")
		return true
	}}
	w.visit = func(x *entry, active bool, guards []*criteria) {
		if !active || x.keyword == nil {
			return
		}
		for _, g := range guards {
			e.guards[x.keyword.name] = add(e.guards[x.keyword.name], g, x.keyword.name)
		}
	}
	w.all(e.config)
}

// run is sshd's pass for the connection with the undecided conditions as chosen.
func (e *Effective) run() {
	e.match = settings{}
	w := &walker{version: e.config.options.Version, conn: &e.conn, decide: func(m *criteria) bool { return e.chosen[m.text] }}
	w.visit = func(x *entry, active bool, _ []*criteria) {
		if p := x.late(e.match, active, e.config.options.Version); p != nil {
			e.problems = append(e.problems, *p)
		} else if active && x.keyword != nil && x.inMatch {
			e.match.take(x.keyword, x.value)
		}
	}
	w.all(e.config)
	if w.stopped != nil {
		e.problems = append(e.problems, *w.stopped)
	}
}

// with is the same connection under other assumptions.
func (e *Effective) with(chosen map[string]bool) *Effective {
	out := *e
	out.chosen, out.problems = chosen, nil
	out.run()
	return &out
}

// Config is the configuration this was evaluated from.
func (e *Effective) Config() *Config { return e.config }

// Connection is what this was evaluated for.
func (e *Effective) Connection() Connection { return e.conn }

// canonicalName is the keyword that a name means in this release.
func (e *Effective) canonicalName(name string) string {
	if strings.EqualFold(name, challenge) && !e.config.options.Version.AtLeast(8, 7) {
		return challenge
	}
	return canonical(name)
}

// All gives every value of a keyword: the one line of an ordinary keyword, each
// item of an accumulating one. A keyword's older names mean the same.
func (e *Effective) All(name string) []Value {
	name = e.canonicalName(name)
	if v := e.match[name]; len(v) > 0 {
		if global := e.config.global[name]; name == "rekeylimit" && len(global) > 0 {
			both := settings{name: v}
			both.parts(&keyword{name: name}, global[0])
			return both[name]
		}
		return v
	}
	if name == "kbdinteractiveauthentication" && !e.config.options.Version.AtLeast(8, 7) && e.config.global.text(challenge) != "no" {
		return e.All(challenge) // the older switch turns it on (sshd: sshd.c main)
	}
	if v := e.config.global[name]; len(v) > 0 {
		return v
	}
	return defaultOf(name, e.config.options.Version)
}

// First is the effective value; the zero Value when nothing is set and sshd has
// no default.
func (e *Effective) First(name string) Value {
	if all := e.All(name); len(all) > 0 {
		return all[0]
	}
	return Value{}
}

// Bool tells whether the value is yes.
func (e *Effective) Bool(name string) bool { return e.First(name).Text == "yes" }

// Algorithms is a list of algorithms with its +, - or ^ and wildcards resolved,
// in sshd's order. The error is what makes sshd refuse the connection.
func (e *Effective) Algorithms(name string) ([]string, error) {
	name = canonical(name)
	set := algorithmKeywords[name]
	if set == nil {
		return nil, fmt.Errorf("cannot list the algorithms of %q: not such a keyword", name)
	}
	v := e.First(name)
	list, err := set.assemble(v.Text, e.config.options.Version)
	if err != nil {
		return nil, fmt.Errorf("cannot assemble %q at %s:%d: %w", name, v.Path, v.Line, err)
	}
	if len(list) == 0 && len(e.match[name]) == 0 && set.pattern && name != "hostkeyalgorithms" {
		// sshd assembles the lists a second time for the connection and takes an
		// empty one for an unset one (sshd: kex.c kex_assemble_names).
		return set.defaults(e.config.options.Version), nil
	}
	return list, nil
}

// Problems are what makes sshd drop this connection although it started.
func (e *Effective) Problems() []Problem {
	merged := settings{}
	for name, v := range e.config.global {
		merged[name] = v
	}
	for name, v := range e.match {
		merged[name] = v
	}
	return append(slices.Clone(e.problems), e.config.unassembled(merged)...)
}

func canonical(name string) string {
	name = strings.ToLower(name)
	for _, s := range spellings {
		if s.name == name {
			return s.is
		}
	}
	return name
}
