package conf

import (
	"strings"

	"github.com/seed-77750964/regain/offline/wildcard"
)

// MatchPattern matches s against a pattern with * and ? (sshd: match.c
// match_pattern).
func MatchPattern(s, pattern string) bool { return wildcard.Match(pattern, s) }

// MatchList matches s against a comma-separated list of patterns, each perhaps
// negated with an exclamation mark: 1 for a match, -1 when a negated pattern
// matches, 0 for neither (sshd: match.c match_pattern_list).
func MatchList(s, list string, lower bool) int {
	found := 0
	for list != "" {
		var p string
		p, list, _ = strings.Cut(list, ",")
		p, negated := strings.CutPrefix(p, "!")
		if lower {
			p = asciiLower(p)
		}
		if len(p) >= 1023 { // sshd gives up on longer ones
			return 0
		}
		if MatchPattern(s, p) {
			if negated {
				return -1
			}
			found = 1
		}
	}
	return found
}

// listOfUnknown tells what a list can answer when the string to match is not
// known: yes when some pattern takes everything and nothing is negated, no when
// nothing can match.
func listOfUnknown(list string) Tri {
	positive, negated, all := false, false, false
	for list != "" {
		var p string
		p, list, _ = strings.Cut(list, ",")
		if strings.HasPrefix(p, "!") {
			negated = true
			continue
		}
		positive = true
		all = all || p != "" && strings.Trim(p, "*") == ""
	}
	switch {
	case !positive:
		return No
	case all && !negated:
		return Yes
	}
	return Maybe
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// matchGroups matches any of the groups against a list; a negated match on one
// of them decides against all (sshd: groupaccess.c ga_match_pattern_list).
func matchGroups(groups []string, list string) bool {
	found := false
	for _, g := range groups {
		switch MatchList(g, list, false) {
		case -1:
			return false
		case 1:
			found = true
		}
	}
	return found
}
