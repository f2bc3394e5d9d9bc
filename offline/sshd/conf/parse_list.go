package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// algorithms takes one list of names from a set.
func algorithms(s *algorithmSet) parser {
	return func(a *arguments) ([]string, error) {
		arg, err := a.one()
		if err != nil {
			return nil, err
		}
		if err := s.check(arg, a.version); err != nil {
			return nil, fmt.Errorf("%w in %q", err, arg)
		}
		return []string{arg}, nil
	}
}

func users(a *arguments) ([]string, error) {
	return a.all(func(s string) error {
		if s == "" {
			return errMissing
		}
		_, err := MatchUser("", "", "", s, a.version)
		return err
	})
}

func names(a *arguments) ([]string, error) { return a.all(notEmpty) }

func environmentNames(a *arguments) ([]string, error) {
	return a.all(func(s string) error {
		if s == "" || strings.Contains(s, "=") {
			return errValue
		}
		return nil
	})
}

// environment is SetEnv; the first setting of a variable stands.
func environment(a *arguments) ([]string, error) {
	list, err := a.all(func(s string) error {
		if !strings.Contains(s, "=") {
			return errValue
		}
		return nil
	})
	var out []string
	for _, s := range list {
		name, _, _ := strings.Cut(s, "=")
		if !slices.ContainsFunc(out, func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
			out = append(out, s)
		}
	}
	return out, err
}

func filenames(a *arguments) ([]string, error) {
	list, err := a.all(notEmpty)
	for i := range list {
		if err == nil {
			list[i], err = a.tilde(list[i])
		}
	}
	return list, err
}

// methods sshd knows for AuthenticationMethods (sshd: auth2.c authmethods).
var methods = []string{"none", "publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic", "gssapi-keyex"}

func methodLists(a *arguments) ([]string, error) {
	if len(a.words) == 0 {
		return nil, errMissing
	}
	if slices.Contains(a.words, "any") && len(a.words) > 1 {
		return nil, errors.New(`"any" must stand alone`)
	}
	return a.all(func(s string) error {
		if s == "any" {
			return nil
		}
		for m := range strings.SplitSeq(s, ",") {
			m, _, _ = strings.Cut(m, ":")
			if !slices.Contains(methods, m) {
				return fmt.Errorf("unknown method %q", m)
			}
		}
		return nil
	})
}

// permit is PermitOpen and PermitListen; bare says that a port alone will do.
func permit(bare bool) parser {
	return func(a *arguments) ([]string, error) {
		first, err := a.one()
		if err != nil {
			return nil, err
		}
		if first == "any" || first == "none" {
			return permitRest(a, first, bare)
		}
		a.words = append([]string{first}, a.words...)
		return permitRest(a, "", bare)
	}
}

// permitRest: since 9.5 a word may follow any or none; before, it was garbage.
func permitRest(a *arguments, first string, bare bool) ([]string, error) {
	var out []string
	if first != "" {
		out = append(out, first)
		if !a.version.AtLeast(9, 5) {
			return out, nil
		}
	}
	for {
		w, ok := a.next()
		if !ok || w == "" && !a.version.AtLeast(9, 5) {
			return out, nil
		}
		if w == "any" || w == "none" {
			return nil, errors.New("any and none must stand alone")
		}
		if bare && !strings.Contains(w, ":") {
			w = "*:" + w
		}
		_, p, ok := hostPort(w)
		if !ok || p == "" {
			return nil, errors.New("bad host and port")
		}
		if n, err := a.portNumber(p); p != "*" && (err != nil || n == 0) {
			return nil, errors.New("bad port")
		}
		out = append(out, w)
	}
}

// hostPort is sshd's hpdelim: host[:port] with brackets around IPv6; a slash is
// no separator here.
func hostPort(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, ']')
		if i < 0 {
			return "", "", false
		}
		host, s = s[:i+1], s[i+1:]
		if s == "" {
			return host, "", true
		}
		port, ok = strings.CutPrefix(s, ":")
		return host, port, ok
	}
	i := strings.IndexAny(s, ":/")
	if i < 0 {
		return s, "", true
	}
	return s[:i], s[i+1:], s[i] == ':'
}

func logVerbose(a *arguments) ([]string, error) {
	if i := slices.IndexFunc(a.words, isNone); i >= 0 && len(a.words) > 1 {
		return nil, errors.New(`"none" must stand alone`)
	}
	return a.all(notEmpty)
}

func channelTimeouts(a *arguments) ([]string, error) {
	if i := slices.IndexFunc(a.words, isNone); i >= 0 && len(a.words) > 1 {
		return nil, errors.New(`"none" must stand alone`)
	}
	return a.all(func(s string) error {
		if isNone(s) {
			return nil
		}
		pattern, interval, ok := strings.Cut(s, "=")
		if !ok || pattern == "" {
			return errValue
		}
		_, err := seconds(interval)
		return err
	})
}

func isNone(s string) bool { return strings.EqualFold(s, "none") }

func pubkeyOptions(a *arguments) ([]string, error) {
	touch, verify := false, false
	for {
		w, ok := a.next()
		switch {
		case !ok:
			return pubkeyOptionNames(touch, verify), nil
		case isNone(w):
		case strings.EqualFold(w, "touch-required"):
			touch = true
		case strings.EqualFold(w, "verify-required"):
			verify = true
		default:
			return nil, errValue
		}
	}
}

func pubkeyOptionNames(touch, verify bool) []string {
	var out []string
	if touch {
		out = append(out, "touch-required")
	}
	if verify {
		out = append(out, "verify-required")
	}
	if out == nil {
		return []string{"none"}
	}
	return out
}
