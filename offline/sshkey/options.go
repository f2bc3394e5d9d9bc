package sshkey

import (
	"bytes"
	"strconv"
	"strings"
)

// Option is one option in front of a key. Name is as written; sshd ignores its case. Value has its quotes removed.
type Option struct {
	Name     string
	Value    []byte
	HasValue bool
}

// Is reports whether the option has the given name in any case.
func (o Option) Is(name string) bool { return strings.EqualFold(o.Name, name) }

// grants is what the options of one line add up to.
type grants struct {
	Grants
	certAuthority bool
	from          *string
	expiry        []Option
	unknown       []string // why it cannot be said offline whether sshd takes the option
	needs         Version  // the first sshd that knows every option on the line
}

// Grants says what a session admitted by a line may do. sshd starts with everything allowed.
type Grants struct {
	HasForced       bool   // command= is set: the login runs Forced and no shell, whatever the user asks for
	Forced          string // the command, quotes removed
	PTY             bool
	PortForwarding  bool
	AgentForwarding bool
	X11Forwarding   bool
	UserRC          bool
	Restricted      bool     // restrict was given
	VerifyRequired  bool     // a security key must verify its user
	Others          []string // permitopen, permitlisten, tunnel, environment, principals as written
}

func defaultGrants() grants {
	return grants{Grants: Grants{PTY: true, PortForwarding: true, AgentForwarding: true, X11Forwarding: true, UserRC: true}}
}

// flagOptions is the order in which auth-options.c sshauthopt_parse tries its flags. Each is a prefix match: what follows
// must then be a comma or a blank.
var flagOptions = []struct {
	name   string
	negate bool // "no-" in front is allowed
	since  Version
	set    func(g *grants, on bool)
}{
	{"restrict", false, Version{7, 2}, func(g *grants, _ bool) {
		g.Restricted = true
		g.PortForwarding, g.AgentForwarding, g.X11Forwarding, g.PTY, g.UserRC = false, false, false, false, false
	}},
	{"cert-authority", false, Version{5, 4}, func(g *grants, _ bool) { g.certAuthority = true }},
	{"port-forwarding", true, Version{7, 2}, func(g *grants, on bool) { g.PortForwarding = on }},
	{"agent-forwarding", true, Version{7, 2}, func(g *grants, on bool) { g.AgentForwarding = on }},
	{"x11-forwarding", true, Version{7, 2}, func(g *grants, on bool) { g.X11Forwarding = on }},
	{"touch-required", true, Version{8, 2}, func(*grants, bool) {}},
	{"verify-required", true, Version{8, 3}, func(g *grants, on bool) { g.VerifyRequired = on }},
	{"pty", true, Version{7, 2}, func(g *grants, on bool) { g.PTY = on }},
	{"user-rc", true, Version{7, 2}, func(g *grants, on bool) { g.UserRC = on }},
}

// valueOptions are the options that take a quoted value; set returns why sshd refuses it, or "".
var valueOptions = []struct {
	name  string
	since Version
	set   func(g *grants, o Option) string
}{
	{"command", Version{}, setCommand},
	{"principals", Version{5, 6}, setPrincipals},
	{"from", Version{}, setFrom},
	{"expiry-time", Version{7, 7}, setExpiry},
	{"environment", Version{}, setEnvironment},
	{"permitopen", Version{}, func(g *grants, o Option) string { return setPermit(g, o, false) }},
	{"permitlisten", Version{7, 8}, func(g *grants, o Option) string { return setPermit(g, o, true) }},
	{"tunnel", Version{}, setTunnel},
}

// parseOptions reads the options at the start of s as sshauthopt_parse does. A non-empty problem means that sshd skips the
// line; the options read so far are returned with it.
func parseOptions(s []byte) (options []Option, g grants, problem string) {
	g = defaultGrants()
	for len(s) > 0 && s[0] != ' ' && s[0] != '\t' {
		o, rest, problem := oneOption(&g, s)
		if o.Name != "" {
			options = append(options, o)
		}
		if problem != "" {
			return options, g, problem
		}
		s = rest
		if len(s) == 0 || s[0] == ' ' || s[0] == '\t' {
			break
		}
		if s[0] != ',' {
			return options, g, "unknown key option " + quote(word(s))
		}
		s = s[1:]
	}
	return options, g, ""
}

// oneOption consumes one option, or nothing when none is recognised; the caller then sees that no comma follows.
func oneOption(g *grants, s []byte) (o Option, rest []byte, problem string) {
	for _, f := range flagOptions {
		name, on := matchFlag(s, f.name, f.negate)
		if name == "" {
			continue
		}
		f.set(g, on)
		since := f.since
		if !on && since == (Version{7, 2}) {
			since = Version{} // the no- forms are as old as the file format
		}
		g.require(since)
		return Option{Name: name}, s[len(name):], ""
	}
	for _, v := range valueOptions {
		if len(s) <= len(v.name) || s[len(v.name)] != '=' || !strings.EqualFold(string(s[:len(v.name)]), v.name) {
			continue
		}
		o = Option{Name: string(s[:len(v.name)]), HasValue: true}
		o.Value, rest, problem = dequote(s[len(v.name)+1:])
		if problem != "" {
			return o, nil, problem + " in option " + v.name
		}
		g.require(v.since)
		return o, rest, v.set(g, o)
	}
	return Option{}, s, ""
}

func matchFlag(s []byte, name string, negate bool) (matched string, on bool) {
	if negate && len(s) >= 3+len(name) && strings.EqualFold(string(s[:3+len(name)]), "no-"+name) {
		return string(s[:3+len(name)]), false
	}
	if len(s) >= len(name) && strings.EqualFold(string(s[:len(name)]), name) {
		return string(s[:len(name)]), true
	}
	return "", false
}

func (g *grants) require(v Version) {
	if g.needs.Before(v) {
		g.needs = v
	}
}

// dequote reads a quoted value; only \" is an escape (misc.c opt_dequote).
func dequote(s []byte) (value, rest []byte, problem string) {
	if len(s) == 0 || s[0] != '"' {
		return nil, nil, "missing start quote"
	}
	value = []byte{}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return value, s[i+1:], ""
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		}
		value = append(value, s[i])
	}
	return nil, nil, "missing end quote"
}

func word(s []byte) string {
	if i := bytes.IndexAny(s, " \t,"); i >= 0 {
		s = s[:i]
	}
	return string(s)
}

func setCommand(g *grants, o Option) string {
	if g.HasForced {
		return "command is given twice"
	}
	g.HasForced, g.Forced = true, string(o.Value)
	return ""
}

func setPrincipals(g *grants, o Option) string {
	for _, other := range g.Others {
		if strings.HasPrefix(other, "principals=") {
			return "principals is given twice"
		}
	}
	g.Others = append(g.Others, "principals="+string(o.Value))
	return ""
}

func setFrom(g *grants, o Option) string {
	if g.from != nil {
		return "from is given twice"
	}
	v := string(o.Value)
	g.from = &v
	return ""
}

func setExpiry(g *grants, o Option) string {
	e, ok := parseExpiry(string(o.Value))
	if !ok {
		return "invalid expiry-time " + quote(string(o.Value))
	}
	if e.utc {
		g.require(Version{9, 1})
	}
	g.expiry = append(g.expiry, o)
	return ""
}

func setEnvironment(g *grants, o Option) string {
	name, _, ok := strings.Cut(string(o.Value), "=")
	if !ok || name == "" {
		return "environment has no name and ="
	}
	for _, c := range []byte(name) {
		if c != '_' && !isAlnum(c) {
			return "environment names a variable with odd characters"
		}
	}
	g.Others = append(g.Others, "environment="+string(o.Value))
	return ""
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// setPermit checks host:port as misc.c hpdelim and a2port do. A port may be a service name, which only the machine knows.
func setPermit(g *grants, o Option, barePort bool) string {
	v := string(o.Value)
	if barePort && !strings.Contains(v, ":") {
		v = "*:" + v
	}
	host, port, ok := splitHostPort(v)
	if !ok || len(host) >= 1025 {
		return o.Name + " names no host and port"
	}
	g.Others = append(g.Others, strings.ToLower(o.Name)+"="+v)
	if port == "*" {
		return ""
	}
	n, err := strtonum(port)
	switch {
	case err == nil && (n < 1 || n > 65535), port == "", err != nil && (strings.ContainsAny(port[:1], "+-0123456789") || strings.ContainsAny(port, " \t")):
		return o.Name + " has an invalid port"
	case err != nil:
		g.unknown = append(g.unknown, o.Name+" uses the service name "+quote(port))
	}
	return ""
}

// strtonum reads a decimal number as the C function does, with blanks and a sign in front.
func strtonum(s string) (int64, error) {
	return strconv.ParseInt(strings.TrimLeft(s, " \t\v\f\r"), 10, 64)
}

func splitHostPort(v string) (host, port string, ok bool) {
	rest := v
	if strings.HasPrefix(v, "[") {
		i := strings.IndexByte(v, ']')
		if i < 0 {
			return "", "", false
		}
		host, rest = v[1:i], v[i+1:]
		if rest == "" || rest[0] != ':' && rest[0] != '/' {
			return "", "", false
		}
		return host, rest[1:], true
	}
	i := strings.IndexAny(rest, ":/")
	if i < 0 {
		return "", "", false
	}
	return rest[:i], rest[i+1:], true
}

// setTunnel checks the device number as misc.c a2tun does for a single number.
func setTunnel(g *grants, o Option) string {
	v := string(o.Value)
	if n, err := strtonum(v); !strings.EqualFold(v, "any") && (err != nil || n < 0 || n > 1<<31-3) {
		return "invalid tunnel device " + quote(v)
	}
	g.Others = append(g.Others, "tunnel="+v)
	return ""
}
