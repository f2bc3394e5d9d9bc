package tcpwrap

import (
	"strings"

	"github.com/seed-77750964/regain/offline/wildcard"
)

// truth is an answer about a client of whom nothing is known.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func and(a, b truth) truth { return min(a, b) }
func or(a, b truth) truth  { return max(a, b) }
func not(a truth) truth    { return yes - a }

// matches tells whether the rule is the one that libwrap acts on, if the search
// comes to it.
func (r rule) matches(e *evaluation) truth {
	daemon := listMatch(r.daemons, e.server)
	if daemon == no {
		return no
	}
	return and(daemon, listMatch(r.clients, e.client))
}

// listMatch is hosts_access.c list_match: any of the patterns before EXCEPT, and
// not the list behind it.
func listMatch(list string, match func(string) truth) truth {
	tokens := strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
	parts := [][]string{nil}
	for _, t := range tokens {
		if strings.EqualFold(t, "EXCEPT") {
			parts = append(parts, nil)
			continue
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], t)
	}
	result := no
	for i := len(parts) - 1; i >= 0; i-- {
		any := no
		for _, t := range parts[i] {
			any = or(any, match(t))
		}
		if i == len(parts)-1 {
			result = any
			continue
		}
		result = and(any, not(result))
	}
	return result
}

// server matches "daemon" or "daemon@address" (hosts_access.c server_match).
func (e *evaluation) server(token string) truth {
	name, host, found := splitUser(token)
	matched := daemonMatch(name, e.daemon)
	if found {
		matched = and(matched, e.host(host))
	}
	return matched
}

func daemonMatch(pattern, daemon string) truth {
	matched := false
	switch {
	case strings.Trim(pattern, "0123456789") == "":
		return maybe // Debian matches servers by port number too
	case strings.ContainsAny(pattern, "*?"):
		matched = wildcard.Match(pattern, daemon)
	case strings.HasPrefix(pattern, "."):
		matched = len(daemon) > len(pattern) && strings.EqualFold(daemon[len(daemon)-len(pattern):], pattern)
	default:
		matched = strings.EqualFold(pattern, "ALL") || strings.EqualFold(pattern, "KNOWN") || strings.EqualFold(pattern, daemon)
	}
	if matched {
		return yes
	}
	return no
}

// client matches "host" or "user@host" (hosts_access.c client_match). The user
// is what an ident server would say.
func (e *evaluation) client(token string) truth {
	user, host, found := splitUser(token)
	switch {
	case !found:
		return e.host(token)
	case strings.EqualFold(user, "ALL"):
		return e.host(host)
	}
	return and(maybe, e.host(host))
}

// splitUser cuts at the first @ that is not the first byte.
func splitUser(token string) (user, host string, found bool) {
	before, after, found := splitAt(token[1:], '@')
	return token[:1] + before, after, found
}

// host is hosts_access.c host_match for an unknown host. Only ALL, and a pattern
// of nothing but stars, match everybody: a network of length zero matches all of
// one address family, or nobody, depending on libwrap's patches.
func (e *evaluation) host(token string) truth {
	switch {
	case token == "":
		return no
	case token[0] == '/':
		return e.hostFile(token)
	case strings.EqualFold(token, "ALL"), strings.Trim(token, "*") == "":
		return yes
	}
	return maybe
}

// hostFile matches the patterns in a file, which are not looked up further.
func (e *evaluation) hostFile(path string) truth {
	data, err := e.read(path)
	if err != nil {
		return maybe // an absent file matches nobody, but it may be made at boot
	}
	matched := no
	for t := range strings.FieldsSeq(string(data)) {
		if t[0] == '/' {
			return maybe
		}
		matched = or(matched, e.host(t))
	}
	return matched
}
