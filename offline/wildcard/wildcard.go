// Package wildcard matches the patterns that sshd and libwrap share: a star for
// any bytes, a question mark for one. It works on bytes, knows no classes and no
// escapes, and imports nothing of ours.
package wildcard

import "strings"

// Match tells whether s matches the pattern, case counting. It goes back to the
// last star alone, so that no pattern takes more than len(pattern) * len(s)
// steps (OpenSSH: match.c match_pattern; libwrap: hosts_access.c
// match_pattern_ylo).
func Match(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
