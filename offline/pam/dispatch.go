package pam

// impression is libpam's running judgement of a stack.
type impression int8

const (
	undefined impression = 0
	positive  impression = 1
	negative  impression = -1
)

// judgement is an impression with the code that goes with it.
type judgement struct {
	imp    impression
	status code
}

// state is where libpam may stand before an entry of the stack. Modules whose
// code is uncertain make it several.
type state struct {
	now   judgement
	prev  int // level of the entry before
	saved [maxLevel + 1]judgement
}

// maxStates bounds the states before one entry; beyond it everything is possible.
const maxStates = 1000

// simulate follows pam_dispatch.c through all states that the codes allow and
// returns the codes that the whole stack may end with. codes is asked for the
// entries that are reached.
func simulate(stack []handler, codes func(i int) codeSet) codeSet {
	if len(stack) == 0 {
		return set(mustFail)
	}
	start := state{now: judgement{undefined, mustFail}}
	start.saved[0] = start.now
	before := make([]map[state]bool, len(stack)+1)
	reach := func(i int, s state) {
		if before[i] == nil {
			before[i] = map[state]bool{}
		}
		before[i][s] = true
	}
	reach(0, start)
	for i, h := range stack {
		if len(before[i]) > maxStates {
			return anyCode
		}
		for s := range before[i] {
			if s.prev < h.level {
				s.saved[h.level] = s.now
			}
			s.prev = h.level
			if h.kind == kindSubstack {
				reach(i+1, s)
				continue
			}
			codes(i).each(func(c code) { reach(step(stack, i, s, c)) })
		}
		before[i] = nil
	}
	var out codeSet
	for s := range before[len(stack)] {
		out |= set(s.now.end())
	}
	return out
}

// end is the code for the application: success needs a module that said so.
func (j judgement) end() code {
	if j.status == success && j.imp != positive {
		return mustFail
	}
	return j.status
}

// step applies the action for one code and says which entry comes next.
func step(stack []handler, i int, s state, c code) (int, state) {
	level, act := stack[i].level, stack[i].on[c]
	switch act {
	case actIgnore:
	case actReset:
		s.now = s.saved[level]
	case actOK, actDone:
		if s.now.imp == undefined || s.now == (judgement{positive, success}) {
			s.now = judgement{positive, c}
		}
		if act == actDone && s.now.imp == positive {
			return afterLevel(stack, i, level), s
		}
	case actBad, actDie:
		if s.now.imp != negative {
			if c == ignore {
				c = mustFail
			}
			s.now = judgement{negative, c}
		}
		if act == actDie {
			return afterLevel(stack, i, level), s
		}
	default:
		next, ok := jump(stack, i, level, int(act))
		if !ok {
			s.now = judgement{negative, mustFail}
		}
		return next, s
	}
	return i + 1, s
}

// afterLevel leaves the substack, or the whole stack, in which entry i stands.
func afterLevel(stack []handler, i, level int) int {
	for i+1 < len(stack) && stack[i+1].level >= level {
		i++
	}
	return i + 1
}

// jump skips n entries of the same level, a substack with all it holds counting
// as one. Too long a jump fails the stack.
func jump(stack []handler, i, level, n int) (int, bool) {
	for ; n > 0 && i+1 < len(stack) && stack[i+1].level >= level; n-- {
		i++
		for i+1 < len(stack) && stack[i+1].level > level {
			i++
		}
	}
	return i + 1, n == 0
}
