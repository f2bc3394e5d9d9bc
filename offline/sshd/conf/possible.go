package conf

import (
	"slices"
	"strings"
)

// Alternative is one value that a keyword may have.
type Alternative struct {
	Value   Value
	Values  []Value // all of them, for accumulating keywords
	Because string  // the conditions it depends on; empty for the value when none of them holds
	Path    string  // where the first of them stands
	Line    int
}

// The bounds of what is tried: all combinations of up to maxUndecided conditions,
// 64 worlds; beyond, each of the first maxAlone alone, for every one costs a walk
// over the whole configuration.
const (
	maxUndecided = 6
	maxAlone     = 128
)

// Possible lists the values that a keyword may have, the likeliest (no undecided
// condition holds) first. One alternative means that it is certain.
func (e *Effective) Possible(name string) []Alternative {
	name = canonical(name)
	out := []Alternative{e.alternative(name, nil)}
	for _, w := range combinations(e.guards[name]) {
		a := e.with(choose(w)).alternative(name, w)
		if !slices.ContainsFunc(out, func(o Alternative) bool { return sameValues(o.Values, a.Values) }) {
			out = append(out, a)
		}
	}
	return out
}

func (e *Effective) alternative(name string, holding []*criteria) Alternative {
	a := Alternative{Value: e.First(name), Values: e.All(name)}
	for i, m := range holding {
		if i == 0 {
			a.Path, a.Line = m.path, m.line
		} else {
			a.Because += " and "
		}
		a.Because += m.text
	}
	return a
}

func sameValues(a, b []Value) bool {
	return slices.EqualFunc(a, b, func(x, y Value) bool { return x.Text == y.Text && slices.Equal(x.Args, y.Args) })
}

// combinations gives every non-empty set of the conditions; beyond maxUndecided
// only single ones, and all together.
func combinations(list []*criteria) [][]*criteria {
	var out [][]*criteria
	if len(list) > maxUndecided {
		for _, m := range list[:min(len(list), maxAlone)] {
			out = append(out, []*criteria{m})
		}
		return append(out, list)
	}
	for set := 1; set < 1<<len(list); set++ {
		var one []*criteria
		for i, m := range list {
			if set&(1<<i) != 0 {
				one = append(one, m)
			}
		}
		out = append(out, one)
	}
	return out
}

func choose(holding []*criteria) map[string]bool {
	out := map[string]bool{}
	for _, m := range holding {
		out[m.text] = true
	}
	return out
}

// World is one consistent way in which the undecided conditions may turn out.
type World struct {
	*Effective
	Because string // the conditions that hold in it; empty when none does
}

// Worlds lists what this connection may meet, for questions that ask several
// keywords at once; the first world is the one where no undecided condition
// holds. Not complete means that there are more combinations than were tried.
func (e *Effective) Worlds() (worlds []World, complete bool) {
	worlds = []World{{Effective: e}}
	for _, w := range combinations(e.unknown) {
		texts := make([]string, len(w))
		for i, m := range w {
			texts[i] = m.text
		}
		worlds = append(worlds, World{e.with(choose(w)), strings.Join(texts, " and ")})
	}
	return worlds, len(e.unknown) <= maxUndecided
}
