package policy

import (
	"fmt"
	"slices"
	"strings"
)

// An operator is a condition operator with its prefix and suffix taken apart.
type operator struct {
	test     func(want, got string) bool
	negated  bool
	null     bool
	ifExists bool
	set      string // ForAllValues, ForAnyValue or empty
}

var tests = map[string]func(want, got string) bool{
	"StringEquals":           same,
	"StringEqualsIgnoreCase": func(want, got string) bool { return strings.EqualFold(strings.Map(plain, want), got) },
	"StringLike":             match,
	"ArnEquals":              matchARN,
	"ArnLike":                matchARN,
	"Bool":                   strings.EqualFold,
}

func operatorNamed(name string) (operator, error) {
	var o operator
	base := name
	for _, set := range []string{"ForAllValues", "ForAnyValue"} {
		if rest, ok := strings.CutPrefix(base, set+":"); ok {
			o.set, base = set, rest
		}
	}
	base, o.ifExists = strings.CutSuffix(base, "IfExists")
	if base == "Null" && !o.ifExists && o.set == "" {
		o.null = true
		return o, nil
	}
	positive := strings.Replace(strings.Replace(base, "StringNot", "String", 1), "ArnNot", "Arn", 1)
	o.negated = positive != base
	o.test = tests[positive]
	if o.test == nil {
		return o, fmt.Errorf("condition operator %q is unknown", name)
	}
	return o, nil
}

// conditions tells whether all conditions of a statement hold.
func (e *evaluation) conditions(s Statement) bool {
	holds := true
	for name, keys := range s.Condition {
		o, err := operatorNamed(name)
		if err != nil {
			return false // Parse has refused it
		}
		for key, wants := range keys {
			holds = e.condition(s, o, key, wants) && holds // all are asked, so that all that is missing is named
		}
	}
	return holds
}

func (e *evaluation) condition(s Statement, o operator, key string, wants []string) bool {
	values := e.keys[strings.ToLower(key)]
	if o.null {
		return slices.ContainsFunc(wants, func(want string) bool { return strings.EqualFold(want, "true") == (len(values) == 0) })
	}
	if len(values) == 0 {
		e.missing = append(e.missing, key)
		return o.ifExists || o.set == "ForAllValues" || o.negated && o.set == ""
	}
	matches := func(value string) bool {
		return slices.ContainsFunc(wants, func(want string) bool {
			want, ok := e.expand(s, want)
			return ok && o.test(want, value)
		})
	}
	holds := func(value string) bool { return matches(value) != o.negated }
	switch {
	case o.set == "ForAllValues":
		return !slices.ContainsFunc(values, func(value string) bool { return !holds(value) })
	case o.set == "ForAnyValue":
		return slices.ContainsFunc(values, holds)
	case o.negated: // none may match
		return !slices.ContainsFunc(values, matches)
	}
	return slices.ContainsFunc(values, matches)
}
