package pam

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

// randomStack has levels as libpam builds them: a substack's mark before its
// entries, which stand one level deeper.
func randomStack(rnd *rand.Rand, level int) []handler {
	var out []handler
	for range 1 + rnd.IntN(4) {
		if level < 3 && rnd.IntN(4) == 0 {
			out = append(out, handler{kind: kindSubstack, level: level})
			out = append(out, randomStack(rnd, level+1)...)
			continue
		}
		h := handler{level: level}
		for c := range h.on {
			h.on[c] = []action{actOK, actDone, actBad, actDie, actReset, actIgnore, 1, 2}[rnd.IntN(8)]
		}
		out = append(out, h)
	}
	return out
}

// TestSimulateIsTheUnion holds the walk through all states at once against the
// walks with every single choice of codes.
func TestSimulateIsTheUnion(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	choices := []code{success, ignore, authErr, newAuthtokReqd, userUnknown}
	for range 500 {
		stack := randomStack(rnd, 0)
		sets := make([]codeSet, len(stack))
		var open []int
		for i := range sets {
			sets[i] = set(choices[rnd.IntN(len(choices))])
			if len(open) < 4 && rnd.IntN(3) == 0 {
				sets[i] = set(choices...)
				open = append(open, i)
			}
		}
		var union codeSet
		single := append([]codeSet{}, sets...)
		var try func(k int)
		try = func(k int) {
			if k == len(open) {
				union |= simulate(stack, func(i int) codeSet { return single[i] })
				return
			}
			for _, c := range choices {
				single[open[k]] = set(c)
				try(k + 1)
			}
		}
		try(0)
		if got := simulate(stack, func(i int) codeSet { return sets[i] }); got != union {
			t.Fatalf("stack %+v, codes %v: %s, one by one %s", stack, sets, names(got), names(union))
		}
	}
}

// TestReduceKeepsTheAnswer compares whole sets of codes with the reduced ones.
func TestReduceKeepsTheAnswer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	answer := func(s codeSet) offline.Answer {
		switch {
		case s == set(success):
			return offline.Accepted
		case !s.has(success):
			return offline.Denied
		}
		return offline.Unknown
	}
	for range 2000 {
		stack := randomStack(rnd, 2) // few levels, so that no bound of states is met
		sets := make([]codeSet, len(stack))
		for i := range sets {
			sets[i] = set(success)
			if rnd.IntN(2) == 0 {
				sets[i] = set(success, ignore, authErr, permDenied, userUnknown, sessionErr, acctExpired)
			}
		}
		whole := answer(simulate(stack, func(i int) codeSet { return sets[i] }))
		reduced := answer(simulate(stack, func(i int) codeSet { return sets[i].reduce(stack[i].on) }))
		if whole != reduced {
			t.Fatalf("stack %+v: %s, reduced %s", stack, whole, reduced)
		}
	}
}

// TestAnswersFollowTheTruth evaluates random stacks of modules that we know and
// modules that we do not: whatever the unknown ones do in truth, a sure answer
// must come true.
func TestAnswersFollowTheTruth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	sure := 0
	for range 1500 {
		stack := randomStack(rnd, 0)
		outcomes := make([]*outcome, len(stack))
		truth := make([]codeSet, len(stack))
		for i := range stack {
			codes := set([]code{success, ignore, authErr}[rnd.IntN(3)])
			if rnd.IntN(3) == 0 {
				codes = set(success, ignore, authErr, permDenied)
			}
			outcomes[i] = &outcome{codes: codes, text: "x"}
			for truth[i] == 0 {
				truth[i] = codes & (1 << rnd.IntN(numCodes))
			}
		}
		r := run{stack: stack, outcomes: outcomes, phase: phaseAccount}
		got := r.result()
		if (got.Answer == offline.Accepted) != (len(got.Reasons) == 0) {
			t.Fatalf("%+v", got)
		}
		if got.Answer == offline.Unknown {
			continue
		}
		sure++
		end := simulate(stack, func(i int) codeSet { return truth[i] })
		if end.has(success) != (got.Answer == offline.Accepted) {
			t.Fatalf("we say %s, in truth %s", got.Answer, names(end))
		}
	}
	t.Logf("%d sure answers", sure)
}

func TestJumpTooFar(t *testing.T) {
	far := handler{on: filled(9)}
	good := handler{on: filled(actOK)}
	for name, stack := range map[string][]handler{
		"at the end":    {good, far},
		"over the end":  {good, far, good},
		"of a substack": {good, {kind: kindSubstack}, {level: 1, on: filled(1)}, good},
	} {
		if got := simulate(stack, func(int) codeSet { return set(success) }); got != set(mustFail) {
			t.Errorf("%s: %s", name, names(got))
		}
	}
	if got := simulate(nil, nil); got != set(mustFail) {
		t.Errorf("an empty stack: %s", names(got))
	}
}
