package conf

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// arguments are the words of one line, taken one by one by the keyword's parser.
type arguments struct {
	words   []string
	rest    string // everything after the keyword, quotes and all
	version Version
	world   *world
}

// world is what parsing asks of the machine besides the configuration.
type world struct {
	port func(service string) (int, bool) // getservbyname(3) for tcp
	home func(user string) (string, bool) // getpwnam(3); "" means root
	cwd  string                           // sshd's working directory: / under any init
}

var (
	errMissing = errors.New("an argument is missing")
	errExtra   = errors.New("extra arguments at the end of the line")
	errValue   = errors.New("sshd does not take this value")
)

func (a *arguments) next() (string, bool) {
	if len(a.words) == 0 {
		return "", false
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w, true
}

// one is the next word, which must be there and not be empty.
func (a *arguments) one() (string, error) {
	if w, ok := a.next(); ok && w != "" {
		return w, nil
	}
	return "", errMissing
}

// all takes every word that is left; none at all is refused from the release in
// which sshd began to (sshd: servconf.c "no %s specified").
func (a *arguments) all(check func(string) error) ([]string, error) {
	if len(a.words) == 0 && a.version.AtLeast(9, 5) {
		return nil, errMissing
	}
	var out []string
	for {
		w, ok := a.next()
		if !ok {
			return out, nil
		}
		if err := check(w); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
}

func notEmpty(s string) error {
	if s == "" {
		return errMissing
	}
	return nil
}

// portNumber is sshd's a2port: a number or a service of /etc/services.
func (a *arguments) portNumber(s string) (int, error) {
	if n, err := strtonum(s, 0, 65535); err == nil {
		return int(n), nil
	}
	if n, ok := a.world.port(s); ok {
		return n, nil
	}
	return 0, fmt.Errorf("bad port %q", s)
}

// file is sshd's derelativise_path: none stays, a tilde becomes a home, a
// relative path is below the working directory.
func (a *arguments) file(s string) (string, error) {
	if strings.EqualFold(s, "none") {
		return "none", nil
	}
	s, err := a.tilde(s)
	if err != nil || strings.HasPrefix(s, "/") {
		return s, err
	}
	return strings.TrimSuffix(a.world.cwd, "/") + "/" + s, nil
}

// tilde expands ~, ~/x and ~user/x with the homes of the volume's accounts.
func (a *arguments) tilde(s string) (string, error) {
	if !strings.HasPrefix(s, "~") {
		return s, nil
	}
	user, below, _ := strings.Cut(s[1:], "/")
	home, ok := a.world.home(user)
	if !ok {
		return "", fmt.Errorf("no such user %q", user)
	}
	below = strings.TrimLeft(below, "/")
	if below == "" && path.Clean(home) != home {
		return home, nil
	}
	return strings.TrimSuffix(home, "/") + "/" + below, nil
}
