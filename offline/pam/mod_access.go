package pam

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

const maxAccessRules = 5000

// accessRules is how the lines of access.conf are to be read.
type accessRules struct {
	*probe
	fieldSep, listSep string
	groupsInBrackets  bool
}

// access is pam_access (pam_access.c login_access): the first line that matches
// user and origin decides; none is a permission. The origin is not known.
func access(c *probe) outcome {
	a := accessRules{c, c.value("fieldsep", ":"), c.value("listsep", ", \t"), c.flag("nodefgroup")}
	files := []string{c.value("accessfile", "")}
	if files[0] == "" {
		files = append([]string{c.configFile("access.conf")}, c.confGlob("access.d")...)
	} else if _, err := c.v.Stat(files[0]); err != nil {
		return outcome{codes: set(abort), text: fmt.Sprintf("the access file %q is missing", files[0]), path: files[0]}
	}
	var open *outcome // the first line that may decide
	for _, file := range files {
		data, err := c.v.ReadFile(file, offline.MaxConfig)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return outcome{codes: set(success, permDenied), text: err.Error(), path: file}
		}
		o, decided := a.file(file, string(data), open)
		if decided {
			return *o
		}
		open = o
	}
	if open != nil {
		open.codes |= set(success)
		return *open
	}
	return outcome{codes: set(success)}
}

// file looks for the first matching line; open carries a line that may match
// on to the next file.
func (a accessRules) file(file, text string, open *outcome) (o *outcome, decided bool) {
	n := 0
	for l := range strings.Lines(text) {
		n++
		sign, match := a.line(l)
		if match == no || n > maxAccessRules {
			continue
		}
		codes := set(permDenied)
		if sign == '+' {
			codes = set(success)
		}
		if open == nil {
			open = &outcome{id: "pam-access", path: file, line: n, text: "this line of pam_access refuses the login"}
			if match == maybe {
				open.text = "whether this line of pam_access applies depends on where the login comes from, or on a group or netgroup that the files do not show"
			}
		}
		open.codes |= codes
		if match == yes {
			return open, true
		}
	}
	return open, false
}

// line parses one rule. One without a newline at its end is passed over, as
// the module does.
func (a accessRules) line(l string) (sign byte, match tri) {
	body, whole := strings.CutSuffix(l, "\n")
	body = strings.TrimRight(body, " \t\v\f\r")
	if !whole || body == "" || body[0] == '#' {
		return 0, no
	}
	perm, rest := cutAny(body, a.fieldSep)
	users, rest := cutAny(rest, a.fieldSep)
	if perm == "" || users == "" || rest == "" || perm[0] != '+' && perm[0] != '-' {
		return 0, no
	}
	match = a.list(a.split(users), a.user)
	if match != no {
		match = match.and(a.list(a.split(rest), a.origin))
	}
	return body[0], match
}

// cutAny is strtok: delimiters at the beginning are passed over.
func cutAny(s, delimiters string) (word, rest string) {
	s = strings.TrimLeft(s, delimiters)
	i := strings.IndexAny(s, delimiters)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

func (a accessRules) split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(a.listSep, r) })
}

// list matches one of the words before EXCEPT and none of those after it.
func (a accessRules) list(words []string, matches func(string) tri) tri {
	result := no
	for i, w := range words {
		if strings.EqualFold(w, "EXCEPT") {
			if result == no {
				return no
			}
			return result.and(a.list(words[i+1:], matches).not())
		}
		result = result.or(matches(w))
	}
	return result
}

func (a accessRules) user(word string) tri {
	name := a.env.User.Name
	bare := strings.TrimLeft(word, "@")
	switch at := strings.IndexByte(bare, '@'); {
	case strings.HasPrefix(word, "(") && strings.HasSuffix(word, ")"):
		if len(word) < 3 {
			return no
		}
		return a.inGroup(word[1 : len(word)-1])
	case at >= 0: // user@host, the host being this machine's own name
		user, host := word[:len(word)-len(bare)+at], bare[at+1:]
		return a.user(user).and(maybe.or(truth(strings.EqualFold(host, "ALL"))))
	case strings.HasPrefix(word, "@"):
		return maybe // a netgroup
	case strings.EqualFold(word, "ALL") || strings.EqualFold(word, name):
		return yes
	case a.groupsInBrackets:
		return no
	}
	return a.inGroup(word)
}

// localOrigin are words of access.conf that name terminals and services, which
// the address of a network login never equals.
var localOrigin = regexp.MustCompile(`(?i)^(local|none|tty[a-z]{0,3}\d*|console|vc/\d+|pts/\d+|:\d+(\.\d+)?|crond?|atd?|systemd-user)$`)

func (a accessRules) origin(word string) tri {
	switch {
	case strings.EqualFold(word, "ALL"):
		return yes
	case localOrigin.MatchString(word):
		return no
	}
	return maybe
}
