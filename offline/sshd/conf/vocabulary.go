package conf

import (
	"slices"
	"strings"
)

// vocabulary is what a binary's strings tell of it.
type vocabulary struct {
	reversed  []string // runs of word bytes that end in NUL, each backwards, sorted
	libraries []string
	paths     []string
}

func newVocabulary(words map[string]bool, libraries, paths []string) *vocabulary {
	b := &vocabulary{libraries: libraries, paths: paths}
	for w := range words {
		b.reversed = append(b.reversed, reverse(w))
	}
	slices.Sort(b.reversed)
	return b
}

// word tells whether the binary holds the word as a string of its own or as the
// end of a longer one: linkers merge strings that way.
func (b *vocabulary) word(w string) bool {
	w = reverse(w)
	i, _ := slices.BinarySearch(b.reversed, w)
	return i < len(b.reversed) && strings.HasPrefix(b.reversed[i], w)
}

func (b *vocabulary) library(prefix string) bool {
	return slices.ContainsFunc(b.libraries, func(l string) bool { return strings.HasPrefix(l, prefix) })
}

func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
