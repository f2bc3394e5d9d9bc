package policy

import (
	"slices"
	"strings"
)

// Context are the condition keys of a request, by any case of their names.
type Context map[string][]string

// A Request is one question.
type Request struct {
	Action   string // ec2:StopInstances
	Resource string // an ARN, or *
	Context  Context
}

// A Decision is the answer of a set of policies.
type Decision int

// The decisions, in the words of SimulatePrincipalPolicy.
const (
	ImplicitDeny Decision = iota
	Allowed
	ExplicitDeny
)

func (d Decision) String() string {
	return [...]string{"implicitDeny", "allowed", "explicitDeny"}[d]
}

// A Result is a decision with what led to it.
type Result struct {
	Decision Decision
	Matched  []int    // the policies, by their index, that have a statement which decided
	Missing  []string // condition keys that were asked for and not there; sorted
}

// Evaluate answers a request from identity policies.
func Evaluate(policies []*Document, r Request) Result {
	var result Result
	e := evaluation{Request: r, keys: lowerKeys(r.Context)}
	matched := map[string][]int{}
	for i, d := range policies {
		for _, s := range d.Statement {
			if e.aboutAction(s) && e.aboutResource(s) && e.conditions(s) {
				matched[s.Effect] = append(matched[s.Effect], i)
			}
		}
	}
	switch {
	case len(matched["Deny"]) > 0:
		result.Decision, result.Matched = ExplicitDeny, matched["Deny"]
	case len(matched["Allow"]) > 0:
		result.Decision, result.Matched = Allowed, matched["Allow"]
	}
	result.Matched = slices.Compact(result.Matched)
	slices.Sort(e.missing)
	result.Missing = slices.Compact(e.missing)
	return result
}

// An evaluation is a request with its keys in lower case, and what it has missed.
type evaluation struct {
	Request
	keys    Context
	missing []string
}

func lowerKeys(c Context) Context {
	lower := Context{}
	for key, values := range c {
		lower[strings.ToLower(key)] = values
	}
	return lower
}

func (e *evaluation) aboutAction(s Statement) bool {
	is := func(pattern string) bool { return match(strings.ToLower(pattern), strings.ToLower(e.Action)) }
	if len(s.NotAction) > 0 {
		return !slices.ContainsFunc(s.NotAction, is)
	}
	return slices.ContainsFunc(s.Action, is)
}

func (e *evaluation) aboutResource(s Statement) bool {
	is := func(pattern string) bool {
		pattern, ok := e.expand(s, pattern)
		return ok && matchARN(pattern, e.Resource)
	}
	if len(s.NotResource) > 0 {
		return !slices.ContainsFunc(s.NotResource, is)
	}
	return slices.ContainsFunc(s.Resource, is)
}

// expand puts the values of policy variables in. What it puts in matches literally;
// a variable without one value matches nothing.
func (e *evaluation) expand(s Statement, pattern string) (string, bool) {
	if !s.hasVariables {
		return pattern, true
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "${")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", false
		}
		value, ok := e.variable(name)
		if !ok {
			return "", false
		}
		out.WriteString(literal.Replace(value))
		pattern = after
	}
}

func (e *evaluation) variable(name string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	values := e.keys[strings.ToLower(strings.TrimSpace(name))]
	if len(values) == 1 {
		return values[0], true
	}
	fallback = strings.TrimSpace(fallback)
	if hasFallback && len(values) == 0 && len(fallback) >= 2 {
		return strings.Trim(fallback, "'"), true
	}
	if len(values) == 0 {
		e.missing = append(e.missing, strings.TrimSpace(name))
	}
	return "", false
}

// Trusts tells whether a trust policy lets a principal do the action: an ARN of this
// account, or a service.
func (d *Document) Trusts(action string, principals []string, context Context) bool {
	e := evaluation{Request: Request{Action: action, Context: context}, keys: lowerKeys(context)}
	allowed := false
	for _, s := range d.Statement {
		if !e.aboutAction(s) || !s.names(principals) || !e.conditions(s) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s Statement) names(principals []string) bool {
	for _, named := range s.Principal {
		for _, name := range named {
			if name == "*" || slices.Contains(principals, name) {
				return true
			}
		}
	}
	return false
}
