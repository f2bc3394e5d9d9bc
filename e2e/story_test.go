package e2e

import (
	"testing"
)

// mostCalls is how many calls one rescue may take, of whoever runs regain. The
// helper's own are not among them.
const mostCalls = 60

// TestCalls counts over the wire. On a busy machine a wait may take a look more,
// which says nothing of regain: the best of three counts.
func TestCalls(t *testing.T) {
	l := newLab(t, "--speed", "10")
	for try := 1; ; try++ {
		n, by := counted(t, l)
		t.Logf("%d calls: %v", n, by)
		if n <= mostCalls {
			return
		}
		if try == 3 {
			t.Fatalf("more than %d calls, three times", mostCalls)
		}
	}
}

// counted are the calls of one rescue.
func counted(t *testing.T, l *lab) (n int, by map[string]int) {
	t.Helper()
	p := begin(t, l)
	before := len(l.calls())
	end := p.l.watch(p.asked(), undisturbed)
	if end.code != 0 {
		t.Fatalf("it ended with %d: %s", end.code, tail(end.stdout))
	}
	by = map[string]int{}
	for _, c := range l.calls()[before:] {
		if c.operator() && c.name() != "s3:GetObject" { // by a presigned link: the helper
			n++
			by[c.name()]++
		}
	}
	p.judge(t, end.run, end)
	return n, by
}
