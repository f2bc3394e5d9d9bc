package conf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrToken means a percent sign with a letter that sshd does not know there: it
// then drops the connection.
var ErrToken = errors.New("unknown token")

// ExpandToken replaces %h, %u, %U and %% (sshd: misc.c percent_expand, auth.c
// expand_authorized_keys).
func ExpandToken(s, user, home string, uid uint32) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", fmt.Errorf("cannot expand %q: %w at its end", s, ErrToken)
		}
		switch s[i] {
		case '%':
			b.WriteByte('%')
		case 'h':
			b.WriteString(home)
		case 'u':
			b.WriteString(user)
		case 'U':
			b.WriteString(strconv.FormatUint(uint64(uid), 10))
		default:
			return "", fmt.Errorf("cannot expand %q: %w %%%c", s, ErrToken, s[i])
		}
	}
	return b.String(), nil
}

// KeyPath is one place where sshd looks for a user's keys.
type KeyPath struct {
	Path string
	Glob bool  // may hold wildcards that name several files (10.0 and later)
	From Value // the line it comes from
}

// AuthorizedKeysPaths lists where sshd looks for a user's keys, in order: tokens
// expanded, relative paths below the home, none left out.
func (e *Effective) AuthorizedKeysPaths(user, home string, uid uint32) ([]string, error) {
	list, err := e.KeyPaths(user, home, uid)
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = k.Path
	}
	return out, err
}

// KeyPaths is AuthorizedKeysPaths with the origin of each path.
func (e *Effective) KeyPaths(user, home string, uid uint32) ([]KeyPath, error) {
	v := e.First("authorizedkeysfile")
	var out []KeyPath
	for _, arg := range v.Args {
		if isNone(arg) {
			continue
		}
		p, err := ExpandToken(arg, user, home, uid)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(p, "/") {
			p = home + "/" + p
		}
		out = append(out, KeyPath{Path: p, From: v, Glob: e.config.options.Version.AtLeast(10, 0) && strings.ContainsAny(p, `*?[\`)})
	}
	return out, nil
}
