package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// start is sshd's first pass: it gathers the global settings and every
// complaint, and then checks what sshd checks before it looks at host keys.
func (c *Config) start() {
	c.global = settings{}
	seen := map[string]bool{}
	w := &walker{version: c.options.Version, decide: func(*criteria) bool { return false }}
	w.visit = func(e *entry, active bool, _ []*criteria) {
		p := e.problem
		switch {
		case p != nil:
		case !active && !e.inMatch:
			p = e.refuse("is not allowed in a Match block")
		case e.late(c.global, active, c.options.Version) != nil:
			p = e.late(c.global, active, c.options.Version)
		case e.keyword != nil && active:
			p = c.takeGlobal(e)
		}
		if key := fmt.Sprint(e.value.Path, ":", e.value.Line); p != nil && !seen[key] {
			seen[key] = true
			c.Problems = append(c.Problems, *p)
		}
	}
	w.all(c)
	if w.stopped != nil {
		c.Problems = append(c.Problems, *w.stopped)
		c.stopped = w.stopped
	}
	c.checkListen()
	c.Problems = append(c.Problems, c.sensible(c.global)...)
}

// late is what sshd refuses only in the light of other lines. Between 8.7 and 9.4
// AuthenticationMethods any is refused after any other setting of it, also in a
// block that is not active; a Subsystem needs its command only in an active one.
func (e *entry) late(s settings, active bool, v Version) *Problem {
	switch {
	case e.keyword == nil:
	case e.keyword.name == "authenticationmethods" && e.value.Text == "any" &&
		len(s["authenticationmethods"]) > 0 && v.AtLeast(8, 7) && !v.AtLeast(9, 5):
		return e.refuse(`"any" must stand alone`)
	case e.keyword.name == "subsystem" && active && len(e.value.Args) < 2:
		return e.refuse("%v", errCommand)
	case strings.HasSuffix(e.keyword.name, "command") && strings.HasPrefix(e.keyword.name, "authorized") &&
		active && len(s[e.keyword.name]) == 0 && !absoluteOrNone(e.value.Text):
		return e.refuse("%v", errRelative) // before 8.7 only the first active one was looked at
	}
	return nil
}

func (e *entry) refuse(format string, args ...any) *Problem {
	return &Problem{Path: e.value.Path, Line: e.value.Line, Text: fmt.Sprintf("%q: ", e.name) + fmt.Sprintf(format, args...), Fatal: true}
}

// takeGlobal applies a line that is active at the start. Some complaints depend
// on the lines before it.
func (c *Config) takeGlobal(e *entry) *Problem {
	old := c.global[e.keyword.name]
	early := !c.options.Version.AtLeast(9, 5)
	switch {
	case e.keyword.name == "port" && len(c.options.Ports) > 0 && e.value.Origin != FromCommandLine:
		return nil // ports of the command line stand alone
	case e.keyword.name == "port" && len(old) >= 256:
		return e.refuse("too many ports")
	case e.keyword.name == "subsystem" && early && slices.ContainsFunc(old, func(v Value) bool { return v.Args[0] == e.value.Args[0] }):
		return e.refuse("subsystem %q is already defined", e.value.Args[0])
	}
	if e.keyword.name == "persourcemaxstartups" && early {
		delete(c.global, e.keyword.name) // the last one stood then
	}
	c.global.take(e.keyword, e.value)
	return nil
}

// checkListen refuses addresses that the address family cannot hold; names need
// a resolver, which offline has not.
func (c *Config) checkListen() {
	family := cmp.Or(c.global.text("addressfamily"), "any")
	for _, v := range c.global["listenaddress"] {
		p := Problem{Path: v.Path, Line: v.Line}
		ip, numeric := parseAddress(v.Args[0])
		switch {
		case numeric && (family == "inet" && ip.Is6() || family == "inet6" && ip.Is4()):
			p.Text, p.Fatal = fmt.Sprintf("ListenAddress %q does not fit AddressFamily %s", v.Args[0], family), true
		case !numeric && v.Args[0] != "localhost":
			p.Text, p.Unknown = fmt.Sprintf("ListenAddress %q is a name that must resolve when sshd starts", v.Args[0]), true
		default:
			continue
		}
		c.Problems = append(c.Problems, p)
	}
}

func (s settings) text(name string) string {
	if len(s[name]) == 0 {
		return ""
	}
	return s[name][0].Text
}

// sensible is what sshd checks once all is read: lists of algorithms that come
// out empty, commands without their user, methods that cannot succeed.
func (c *Config) sensible(s settings) []Problem {
	out := c.unassembled(s)
	add := func(name, text string) {
		p := Problem{Text: text, Fatal: true}
		if len(s[name]) > 0 {
			p.Path, p.Line = s[name][0].Path, s[name][0].Line
		}
		out = append(out, p)
	}
	for _, name := range []string{"authorizedkeyscommand", "authorizedprincipalscommand"} {
		if text := s.text(name); text != "" && !isNone(text) && s.text(name+"user") == "" {
			add(name, fmt.Sprintf("%q is set without %q", name, name+"user"))
		}
	}
	if !c.satisfiable(s) {
		add("authenticationmethods", "no list of AuthenticationMethods has all its methods enabled")
	}
	return out
}

var algorithmKeywords = map[string]*algorithmSet{
	"ciphers": cipherSet, "macs": macSet, "kexalgorithms": kexSet,
	"hostkeyalgorithms": keySet, "hostbasedacceptedalgorithms": keySet,
	"pubkeyacceptedalgorithms": keySet, "casignaturealgorithms": caSet,
}

// unassembled are the lists of algorithms that come out empty or cannot be made.
func (c *Config) unassembled(s settings) []Problem {
	var out []Problem
	for name, set := range algorithmKeywords {
		if _, err := set.assemble(s.text(name), c.options.Version); err != nil {
			v := s[name][0]
			out = append(out, Problem{Path: v.Path, Line: v.Line, Text: fmt.Sprintf("%q: %v", name, err), Fatal: true})
		}
	}
	slices.SortFunc(out, compareProblems)
	return out
}

func compareProblems(a, b Problem) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), strings.Compare(a.Text, b.Text))
}
