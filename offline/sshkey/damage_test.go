package sshkey

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGlued(t *testing.T) {
	ed, rsaText, p := text(t, "ed25519"), text(t, "rsa"), text(t, "p256")
	for _, c := range []struct {
		name, line string
		want       []int
	}{
		{"one key", ed + " me@host", nil},
		{"glued to a comment", ed + " me@host" + rsaText + " you", []int{len(ed) + 8}},
		{"glued to the base64 text", ed + rsaText, []int{len(ed)}},
		{"glued to padding", rsaText + ed + " c", []int{len(rsaText)}},
		{"three", ed + " a" + rsaText + " b" + p, []int{len(ed) + 2, len(ed) + 4 + len(rsaText)}},
		{"joined by a blank", ed + " me@host " + p, []int{len(ed) + 9}},
		{"options between", ed + ` me@host from="10.0.0.1" ` + p, nil},
		{"options glued", ed + ` me@hostfrom="10.0.0.1" ` + p, nil},
		{"flag glued", ed + ` me@hostno-pty ` + p, nil},
		{"first key has options", `command="x" ` + ed + " me" + p, []int{12 + len(ed) + 3}},
		{"comment line", "# old " + ed, nil},
		{"tail does not parse", ed + " me@host" + p[:len(p)-9], nil},
		{"key type in the comment", ed + " my ssh-ed25519 key", nil},
		{"junk in front", "hello" + ed, []int{5}},
		{"nul", ed + "\x00" + p, nil},
	} {
		l := Parse([]byte(c.line)).Lines[0]
		if got := l.Glued(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if len(c.want) > 0 && l.Kind == Key && l.Problem != problemGlued {
			t.Errorf("%s: problem %q", c.name, l.Problem)
		}
	}
}

// What is quadratic takes hours. The bound leaves room for the race detector, on a
// machine that is busy with other tests.
func TestHostileLinesAreFast(t *testing.T) {
	ed := text(t, "ed25519")
	start := time.Now()
	for _, s := range []string{"ssh-rsa AAAA ", "ssh-", "sk-ecdsa-", "\"", "\\\"", ",", "from=\"a,", ed + " ", "no-pty,", "e", "\x00", "expiry-time=\"20300101\","} {
		b := []byte(strings.Repeat(s, (1<<20)/len(s)))
		Parse(b).Match(newKey(t, "ed25519"), MatchContext{})
		Parse(append([]byte(ed+" "), b...)).Match(newKey(t, "ed25519"), MatchContext{})
		Parse(append(b, " "+ed...)).Match(newKey(t, "ed25519"), MatchContext{})
	}
	if d := time.Since(start); d > 4*time.Minute {
		t.Errorf("hostile lines took %v", d)
	} else {
		t.Logf("36 lines of 1 MB in %v", d)
	}
}
