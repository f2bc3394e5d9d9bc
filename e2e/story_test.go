package e2e

import (
	"testing"
)

// mostCalls is how many calls one rescue may take, of whoever runs regain. The
// helper's own are not among them.
const mostCalls = 60

func TestCalls(t *testing.T) {
	l := newLab(t, "--speed", "10")
	p := begin(t, l)
	before := len(l.calls())
	end := p.l.watch(p.asked(), undisturbed)
	if end.code != 0 {
		t.Fatalf("it ended with %d: %s", end.code, tail(end.stdout))
	}
	n, by := 0, map[string]int{}
	for _, c := range l.calls()[before:] {
		if c.operator() && c.name() != "s3:GetObject" { // by a presigned link: the helper
			n++
			by[c.name()]++
		}
	}
	if n > mostCalls {
		t.Errorf("%d calls: %v", n, by)
	}
	t.Logf("%d calls: %v", n, by)
	p.judge(t, end.run, end)
}
