package conf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// maxMatches bounds what one pattern may name.
const maxMatches = 4096

// Glob lists what a pattern names on the volume, sorted by bytes, as the glob(3)
// does that OpenSSH brings along: no match is an empty list, a name that begins
// with a dot must be asked for, a link counts even when it leads nowhere.
func Glob(v *offline.Volume, pattern string) ([]string, error) {
	g := &globber{volume: v}
	if strings.HasPrefix(pattern, "/") {
		g.walk("/", strings.Split(strings.TrimLeft(pattern, "/"), "/"))
	}
	if len(g.found) > maxMatches {
		return nil, fmt.Errorf("cannot expand %q: %w of %d names", pattern, offline.ErrTooLarge, maxMatches)
	}
	slices.Sort(g.found)
	return g.found, nil
}

type globber struct {
	volume *offline.Volume
	found  []string
	steps  int
}

func (g *globber) walk(dir string, segments []string) {
	if g.steps++; g.steps > 16*maxMatches || len(g.found) > maxMatches {
		return
	}
	if len(segments) == 0 {
		if _, err := g.volume.Lstat(dir); err == nil {
			g.found = append(g.found, dir)
		}
		return
	}
	prefix := dir
	if !strings.HasSuffix(dir, "/") {
		prefix += "/"
	}
	segment := segments[0]
	if plain, ok := literal(segment); ok {
		g.walk(prefix+plain, segments[1:])
		return
	}
	names, err := g.volume.ReadDir(dir)
	if err != nil {
		return // glob(3) passes over what it cannot list
	}
	for _, name := range names {
		if (name[0] != '.' || segment[0] == '.') && globMatch(name, segment) {
			g.walk(prefix+name, segments[1:])
		}
	}
}

// literal gives a segment without wildcards, its backslashes taken away.
func literal(segment string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		switch c := segment[i]; {
		case c == '*' || c == '?' || c == '[' && setEnd(segment, i) > 0:
			return "", false
		case c == '\\' && i+1 < len(segment):
			i++
			b.WriteByte(segment[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// setEnd is the index of the bracket that closes the set which opens at i; 0
// when none does and the bracket is an ordinary character.
func setEnd(p string, i int) int {
	j := i + 1
	if j < len(p) && p[j] == '!' {
		j++
	}
	if j >= len(p) {
		return 0
	}
	k := strings.IndexByte(p[j+1:], ']')
	if k < 0 {
		return 0
	}
	return j + 1 + k
}

// globMatch matches a name against one segment, linearly.
func globMatch(name, p string) bool {
	starP, starN := -1, 0
	i, j := 0, 0
	for {
		if j < len(p) && p[j] == '*' {
			starP, starN = j+1, i
			j++
			continue
		}
		if i == len(name) && j == len(p) {
			return true
		}
		if width := globOne(name[i:], p[j:]); width > 0 {
			i, j = i+1, j+width
			continue
		}
		if starP < 0 || starN >= len(name) {
			return false
		}
		starN++
		i, j = starN, starP
	}
}

// globOne matches the first byte of name and returns how much of the pattern
// that took; 0 is no match.
func globOne(name, p string) int {
	if name == "" || p == "" {
		return 0
	}
	switch end := setEnd(p, 0); {
	case p[0] == '?':
		return 1
	case p[0] == '[' && end > 0:
		set, negated := strings.CutPrefix(p[1:end], "!")
		if inSet(name[0], set) != negated {
			return end + 1
		}
	case p[0] == '\\' && len(p) > 1:
		if p[1] == name[0] {
			return 2
		}
	case p[0] == name[0]:
		return 1
	}
	return 0
}

func inSet(c byte, set string) bool {
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= c && c <= set[i+2] {
				return true
			}
			i += 2
			continue
		}
		if set[i] == c {
			return true
		}
	}
	return false
}
