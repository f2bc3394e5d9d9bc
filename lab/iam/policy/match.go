package policy

import "strings"

// In an expanded pattern * and ? are wildcards. The same characters out of a variable
// stand as runes of the private use area, which no ARN and no tag of ours has.
const (
	literalStar  = '\ue000'
	literalQuest = '\ue001'
)

var literal = strings.NewReplacer("*", string(literalStar), "?", string(literalQuest))

// match tells whether the text is as the pattern says: * is any characters, also
// none, and ? is one.
func match(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, retry := -1, 0
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, retry = i, j
			i++
		case i < len(p) && (p[i] == '?' || plain(p[i]) == t[j]):
			i++
			j++
		case star >= 0:
			retry++
			i, j = star+1, retry
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

func plain(r rune) rune {
	switch r {
	case literalStar:
		return '*'
	case literalQuest:
		return '?'
	}
	return r
}

// same compares without wildcards.
func same(pattern, text string) bool {
	return strings.Map(plain, pattern) == text
}

// matchARN compares ARNs part by part, so that a wildcard does not reach over a colon
// of the first five. A pattern that is only "*" matches all.
func matchARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	for len(want) < 6 { // an incomplete ARN is completed with wildcards
		want = append(want, "*")
	}
	if len(got) != len(want) {
		return false
	}
	for i := range want {
		if !match(want[i], got[i]) {
			return false
		}
	}
	return true
}
