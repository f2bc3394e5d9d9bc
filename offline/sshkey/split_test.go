package sshkey

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSplittingGluedLinesBringsBothKeysBack glues keys as an append without a line break does, then splits where Glued
// says: each key must be found again, with its comment, and nothing may be lost.
func TestSplittingGluedLinesBringsBothKeysBack(t *testing.T) {
	kinds := []string{"ed25519", "rsa", "p256", "p384", "p521"}
	comment := rapid.SampledFrom([]string{"", " me@host", " two words", " caf\xe9", " x=y"})
	rapid.Check(t, func(rt *rapid.T) {
		var b []byte
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 2, 4, rapid.ID).Draw(rt, "kinds")
		for _, kind := range chosen {
			b = append(b, text(t, kind)+comment.Draw(rt, "comment")...)
		}
		l := Parse(b).Lines[0]
		offsets := l.Glued()
		if len(offsets) != len(chosen)-1 {
			rt.Fatalf("%q: %d offsets for %d keys", b, len(offsets), len(chosen))
		}
		pieces, from := [][]byte{}, 0
		for _, to := range append(offsets, len(b)) {
			pieces, from = append(pieces, b[from:to]), to
		}
		f := Parse(bytes.Join(pieces, []byte("\n")))
		for i, kind := range chosen {
			if got := f.Match(newKey(t, kind), MatchContext{}); got.Verdict != Accepted || got.Line != i+1 {
				rt.Fatalf("%s is not back in %q", kind, f.Bytes())
			}
		}
		if !bytes.Equal(bytes.ReplaceAll(f.Bytes(), []byte("\n"), nil), b) {
			rt.Fatalf("split lost bytes of %q", b)
		}
	})
}

func TestNamesForPeople(t *testing.T) {
	for got, want := range map[string]string{
		Blank.String() + Comment.String() + Key.String() + Junk.String():     "blankcommentkeyjunk",
		NotFound.String() + "," + Unknown.String() + "," + Accepted.String(): "not found,unknown,accepted",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	key := newKey(t, "rsa")
	key.Comment = []byte("me")
	if s := key.String(); !strings.HasPrefix(s, "ssh-rsa AAAA") || !strings.HasSuffix(s, " me") || key.Bits != 2048 {
		t.Errorf("%s has %d bits", s, key.Bits)
	}
}
