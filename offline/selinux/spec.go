package selinux

import (
	"errors"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// noLabel is the spec that says: leave this file's label alone.
const noLabel = "<<none>>"

const (
	maxPattern = 1024         // bytes of one regular expression; real ones stay below 200
	metaChars  = ".^$?*+|[({" // libselinux: label_file.h spec_hasMetaChars
)

var (
	errFields  = errors.New("fields are missing")
	errKind    = errors.New("unknown file type field")
	errPattern = errors.New("regular expression is longer than the limit")
	errBytes   = errors.New("bytes that are not ASCII")
)

// spec is one line of a file contexts file.
type spec struct {
	stem    string // literal first component, "/usr"; empty when there is none
	pattern string // regular expression of what follows the stem
	kind    byte   // '-', 'd', 'l', 'b', 'c', 'p', 's'; 0 for any
	label   string
	exact   bool   // no unescaped metacharacter
	prefix  string // what every match begins with, after the stem
	file    string
	line    int
}

// parseSpec reads one line: pattern, an optional file type, label. Comments and
// blank lines give nil without an error (libselinux: read_spec_entries).
func parseSpec(line string) (*spec, error) {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return nil, nil
	}
	if strings.ContainsFunc(line, func(r rune) bool { return r > 127 }) {
		return nil, errBytes
	}
	if len(fields) < 2 {
		return nil, errFields
	}
	if len(fields[0]) > maxPattern {
		return nil, errPattern
	}
	sp := &spec{pattern: fields[0], label: fields[1], exact: !hasMeta(fields[0])}
	if len(fields) > 2 {
		kind := fields[1]
		if len(kind) != 2 || kind[0] != '-' || strings.IndexByte("-dlbcps", kind[1]) < 0 {
			return nil, errKind
		}
		sp.kind, sp.label = kind[1], fields[2]
	}
	if n := stemLength(sp.pattern); n > 0 && !strings.ContainsAny(sp.pattern[:n], metaChars) {
		sp.stem, sp.pattern = sp.pattern[:n], sp.pattern[n:]
	}
	sp.prefix = literalPrefix(sp.pattern)
	return sp, nil
}

// stemLength is the length of the first path component with its slash, zero
// when no second component follows.
func stemLength(s string) int {
	if s == "" {
		return 0
	}
	return strings.IndexByte(s[1:], '/') + 1
}

func hasMeta(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' {
			i++
		} else if strings.IndexByte(metaChars, pattern[i]) >= 0 {
			return true
		}
	}
	return false
}

func (sp *spec) fits(kind offline.Kind) bool {
	switch {
	case sp.kind == 0 || kind == "":
		return true
	case kind == offline.Regular:
		return sp.kind == '-'
	case kind == offline.Dir:
		return sp.kind == 'd'
	case kind == offline.Symlink:
		return sp.kind == 'l'
	}
	return strings.IndexByte("bcps", sp.kind) >= 0
}

// literalPrefix is text with which everything that the pattern matches begins:
// a cheap test that spares most patterns the compiler.
func literalPrefix(pattern string) string {
	if topLevelOr(pattern) {
		return ""
	}
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		c, width := pattern[i], 1
		if c == '\\' {
			if i+1 == len(pattern) || isWord(pattern[i+1]) {
				break // a class such as \d
			}
			c, width = pattern[i+1], 2
		} else if strings.IndexByte(metaChars+")]}", c) >= 0 {
			break
		}
		if i+width < len(pattern) && strings.IndexByte("?*{", pattern[i+width]) >= 0 {
			break // may be absent
		}
		out.WriteByte(c)
		i += width - 1
	}
	return out.String()
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// topLevelOr finds an alternative outside every group. libselinux wraps the
// pattern as ^…$ without a group, so such a pattern matches more than it seems.
func topLevelOr(pattern string) bool {
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			i = classEnd(pattern, i)
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth <= 0 {
				return true
			}
		}
	}
	return false
}

// classEnd is the index of the bracket that closes the class opened at i, or
// the last index of the pattern.
func classEnd(pattern string, i int) int {
	i++
	if i < len(pattern) && pattern[i] == '^' {
		i++
	}
	if i < len(pattern) && pattern[i] == ']' {
		i++
	}
	for ; i < len(pattern); i++ {
		if pattern[i] == '\\' {
			i++
		} else if pattern[i] == ']' {
			return i
		}
	}
	return len(pattern)
}
