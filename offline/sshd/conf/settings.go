package conf

import (
	"slices"
	"strings"
)

// settings are the values one pass over the configuration leaves, by keyword.
type settings map[string][]Value

// take applies one line.
func (s settings) take(k *keyword, v Value) {
	old := s[k.name]
	switch k.combine {
	case accumulate:
		s[k.name] = append(s[k.name], split(k, v)...)
	case lastWins:
		s[k.name] = []Value{v}
	case byName:
		if !slices.ContainsFunc(old, func(o Value) bool { return o.Args[0] == v.Args[0] }) {
			s[k.name] = append(old, v)
		}
	case byPart:
		s.parts(k, v)
	default:
		s.first(k, v)
	}
}

// first keeps the first value. A line without arguments sets nothing; a time
// given as none is assigned whatever stood before (sshd: sUnusedConnectionTimeout).
func (s settings) first(k *keyword, v Value) {
	if len(v.Args) == 0 {
		return
	}
	if len(s[k.name]) == 0 || k.name == "unusedconnectiontimeout" && v.Text == "0" {
		s[k.name] = []Value{v}
	}
}

// split gives each argument of a list its own value; ListenAddress is one
// argument in several words.
func split(k *keyword, v Value) []Value {
	if k.name == "listenaddress" {
		return []Value{v}
	}
	out := make([]Value, len(v.Args))
	for i, arg := range v.Args {
		out[i] = v
		out[i].Args, out[i].Text = []string{arg}, arg
	}
	return out
}

// parts merges what earlier lines left unset: PerSourcePenalties by the name
// before the colon, RekeyLimit by position.
func (s settings) parts(k *keyword, v Value) {
	if len(s[k.name]) == 0 {
		s[k.name] = []Value{v}
		return
	}
	merged := s[k.name][0]
	merged.Args = slices.Clone(merged.Args)
	if k.name == "rekeylimit" {
		if len(merged.Args) == 1 && len(v.Args) == 2 {
			merged.Args = append(merged.Args, v.Args[1])
		}
	} else {
		for _, arg := range v.Args {
			if !slices.ContainsFunc(merged.Args, func(o string) bool { return sameSwitch(o, arg) }) {
				merged.Args = append(merged.Args, arg)
			}
		}
	}
	merged.Text = strings.Join(merged.Args, " ")
	s[k.name] = []Value{merged}
}

func sameSwitch(a, b string) bool {
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return a == b || (a == "yes" || a == "no") && (b == "yes" || b == "no")
}
