package wildcard_test

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline/wildcard"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"**", "ab", true}, {"?", "", false}, {"a?c", "abc", true},
		{"a*c", "abcbc", true}, {"a*b?", "abbb", true}, {"*.example.org", "x.example.org", true}, {"A", "a", false},
		{"[ab]", "a", false}, {`\*`, "*", false}, {"a*", "b", false}, {"?", "é", false},
	} {
		if got := wildcard.Match(c.pattern, c.s); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

// path.Match is the oracle where it means the same: no slash, no class, no escape.
func TestMatchAgreesWithPathMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,12}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,12}`).Draw(t, "s")
		want, err := path.Match(pattern, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := wildcard.Match(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v", pattern, s, got)
		}
	})
}

// A pattern made to be slow is not.
func TestManyStars(t *testing.T) {
	if wildcard.Match(strings.Repeat("a*", 2000)+"b", strings.Repeat("a", 4000)) {
		t.Error("matched")
	}
}
