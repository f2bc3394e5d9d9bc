package ec2

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// A query is what a describing call asks for.
type query struct {
	ids     []string
	filters []filter
	most    int // 0: all
	after   string
}

// A filter wants one of its values, which may be patterns, at a path of an item.
type filter struct {
	name, path string
	values     []string
}

// A listing is how one kind of resource is described.
type listing struct {
	ids, set string            // the parameter that names some, and the element of the answer
	kind     kind              // whose ids they are, if any's
	chosen   map[string]string // other parameters that choose some, and where their values stand
	ignored  []string          // parameters that change nothing here
	filters  map[string]string // where what a filter looks at stands, beside tags
	rows     func(e *EC2, a *account, now time.Time) []row
}

// A row is one resource. What is shown may be nothing, for one that is known and not
// described.
type row struct {
	id   string
	show func() item
}

// rows are resources of the account by their ids, and how each is shown.
func rows[T any](of func(*account) map[string]T, show func(*EC2, *account, T, time.Time) item) func(*EC2, *account, time.Time) []row {
	return func(e *EC2, a *account, now time.Time) []row {
		all, some := []row{}, of(a)
		for _, id := range keys(some) {
			all = append(all, row{id, func() item { return show(e, a, some[id], now) }})
		}
		return all
	}
}

// describe carries out a describing call: it reads ids, filters and page, and shows
// what they choose.
func (l listing) describe(e *EC2, _ context.Context, r *request) (any, error) {
	q := l.query(r)
	if err := r.end(); err != nil {
		return nil, err
	}
	var found []item
	var next string
	err := e.look(func(a *account, now time.Time) (err error) {
		found, next, err = l.choose(e, a, q, now)
		return err
	})
	return item{{l.set, found}, {"nextToken?", next}}, err
}

// query reads ids, filters and the page.
func (l listing) query(r *request) query {
	r.Ignore(l.ignored...)
	q := query{most: r.Int("MaxResults", 0)}
	if l.ids != "" {
		q.ids = r.Strings(l.ids)
	}
	for _, f := range r.List("Filter") {
		name := f.Require("Name")
		path, ok := l.filters[name]
		if name != "" && !ok && name != "tag-key" && !strings.HasPrefix(name, "tag:") {
			r.Fail(wire.Faultf("InvalidParameterValue", "The filter '%s' is invalid", name))
		}
		q.filters = append(q.filters, filter{name, path, f.Strings("Value")})
	}
	for param, path := range l.chosen {
		if values := r.Strings(param); len(values) > 0 {
			q.filters = append(q.filters, filter{param, path, values})
		}
	}
	if token := r.String("NextToken"); token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		after, ok := strings.CutPrefix(string(text), "after ")
		if err != nil || !ok {
			r.Fail(wire.Faultf("InvalidParameterValue", "Unable to parse pagination token"))
		}
		q.after = after
	}
	switch {
	case q.most < 0 || q.most > 1000:
		r.Fail(wire.Faultf("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value less than or equal to 1000.", q.most))
	case q.most > 0 && len(q.ids) > 0 && r.action != "DescribeImages":
		r.Fail(wire.Faultf("InvalidParameterCombination", "The parameter %sSet cannot be used with the parameter maxResults", strings.ToLower(l.ids[:1])+l.ids[1:]))
	case q.most > 0 && q.most < 5:
		r.Fail(wire.Faultf("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 5.", q.most))
	}
	return q
}

// choose are the resources that a query names, a page of them, and the token of the
// next page.
func (l listing) choose(e *EC2, a *account, q query, now time.Time) (found []item, next string, err error) {
	for _, id := range q.ids {
		if err := checkID(id, l.kind); err != nil {
			return nil, "", err
		}
	}
	lost, last := slices.Clone(q.ids), ""
	for _, row := range l.rows(e, a, now) {
		if len(q.ids) > 0 && !slices.Contains(q.ids, row.id) || e.veil.hides(e, a, row.id, now) {
			continue
		}
		lost = slices.DeleteFunc(lost, func(id string) bool { return id == row.id })
		show := sync.OnceValue(row.show) // tags are quicker to look at
		if row.id <= q.after || !q.matches(a.Tags[row.id], show) || show() == nil {
			continue
		}
		if q.most > 0 && len(found) == q.most {
			next = base64.RawURLEncoding.EncodeToString([]byte("after " + last))
			continue // the rest is looked at for what is lost
		}
		found, last = append(found, show()), row.id
	}
	if len(lost) > 0 {
		return nil, "", l.kind.lost(lost...)
	}
	return found, next, nil
}

// matches: every filter has a value that fits one of the resource's.
func (q query) matches(tags map[string]string, show func() item) bool {
	for _, f := range q.filters {
		var have []string
		key, isTag := strings.CutPrefix(f.name, "tag:")
		switch value, ok := tags[key]; {
		case isTag && ok:
			have = one(value)
		case f.name == "tag-key":
			have = keys(tags)
		case !isTag:
			have = show().texts(f.path)
		}
		fits := func(v string) bool {
			return slices.ContainsFunc(f.values, func(pattern string) bool { return wildcard(pattern, v) })
		}
		if !slices.ContainsFunc(have, fits) {
			return false
		}
	}
	return true
}

// wildcard matches the patterns of filters: * is any text, ? any character, \
// takes the next one literally.
func wildcard(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(t) {
		escaped := i+1 < len(p) && p[i] == '\\'
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case escaped && p[i+1] == t[j]:
			i, j = i+2, j+1
		case i < len(p) && !escaped && (p[i] == '?' || p[i] == t[j]):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}

func one(s string) []string { return []string{s} }
