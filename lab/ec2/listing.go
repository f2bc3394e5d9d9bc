package ec2

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// A query is what a describing call asks for.
type query struct {
	ids     []string
	filters []filter
	most    int // 0: all
	after   string
}

type filter struct {
	name   string
	values []string
}

// query reads ids, filters and the page.
func (r *request) query(ids string) query {
	q := query{most: r.Int("MaxResults", 0)}
	if ids != "" {
		q.ids = r.Strings(ids)
	}
	for _, f := range r.List("Filter") {
		q.filters = append(q.filters, filter{f.Require("Name"), f.Strings("Value")})
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
		r.Fail(wire.Faultf("InvalidParameterCombination", "The parameter %sSet cannot be used with the parameter maxResults", strings.ToLower(ids[:1])+ids[1:]))
	case q.most > 0 && q.most < 5:
		r.Fail(wire.Faultf("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 5.", q.most))
	}
	return q
}

// A listing is how one kind of resource is described.
type listing[T any] struct {
	all    func(*account) []T // sorted by id
	id     func(T) string
	kind   kind                                  // whose ids they are, if any's
	fields map[string]func(*account, T) []string // filters, beside tags
	shows  func(T) bool                          // nil: all
}

// only is a listing that shows some, and still knows the ids of all.
func (l listing[T]) only(shows func(T) bool) listing[T] {
	l.shows = shows
	return l
}

// listed is the answer of a describing call: a page of a set.
type listed[I any] struct {
	set   string
	items []I
	next  string
}

// MarshalXML writes the set by its own name.
func (l listed[I]) MarshalXML(x *xml.Encoder, start xml.StartElement) error {
	type items struct {
		Items []I `xml:"item"`
	}
	named := func(name string) xml.StartElement { return xml.StartElement{Name: xml.Name{Local: name}} }
	err := errors.Join(x.EncodeToken(start), x.EncodeElement(items{l.items}, named(l.set)))
	if l.next != "" {
		err = errors.Join(err, x.EncodeElement(l.next, named("nextToken")))
	}
	return errors.Join(err, x.EncodeToken(start.End()))
}

// describe is a describing call: it reads ids, filters and page, and shows what
// they choose.
func describe[T, I any](e *EC2, r *request, ids, set string, l listing[T], item func(*account, T, time.Time) I) (any, error) {
	q := r.query(ids)
	if err := r.end(); err != nil {
		return nil, err
	}
	answer := listed[I]{set: set}
	return &answer, e.look(func(a *account, now time.Time) error {
		found, next, err := choose(e, a, q, l, now)
		for _, x := range found {
			answer.items = append(answer.items, item(a, x, now))
		}
		answer.next = next
		return err
	})
}

// choose are the resources that a query names, a page of them, and the token of
// the next page.
func choose[T any](e *EC2, a *account, q query, l listing[T], now time.Time) ([]T, string, error) {
	for _, f := range q.filters {
		if l.fields[f.name] == nil && f.name != "tag-key" && !strings.HasPrefix(f.name, "tag:") {
			return nil, "", wire.Faultf("InvalidParameterValue", "The filter '%s' is invalid", f.name)
		}
	}
	for _, id := range q.ids {
		if err := checkID(id, l.kind.prefix); err != nil {
			return nil, "", err
		}
	}
	var found []T
	var seen []string
	for _, x := range l.all(a) {
		id := l.id(x)
		named := slices.Contains(q.ids, id)
		if len(q.ids) > 0 && !named || e.veil.hides(e, a, id, now) {
			continue
		}
		if seen = append(seen, id); (l.shows == nil || l.shows(x)) && matches(a, x, l, q.filters) {
			found = append(found, x)
		}
	}
	lost := slices.DeleteFunc(slices.Clone(q.ids), func(id string) bool { return slices.Contains(seen, id) })
	if len(lost) > 0 {
		return nil, "", l.kind.lost(lost...)
	}
	page, next := page(found, l.id, q)
	return page, next, nil
}

func page[T any](found []T, id func(T) string, q query) ([]T, string) {
	if q.after != "" {
		found = slices.DeleteFunc(found, func(x T) bool { return id(x) <= q.after })
	}
	if q.most == 0 || len(found) <= q.most {
		return found, ""
	}
	found = found[:q.most]
	return found, base64.RawURLEncoding.EncodeToString([]byte("after " + id(found[q.most-1])))
}

// matches: every filter has a value that fits one of the resource's.
func matches[T any](a *account, x T, l listing[T], filters []filter) bool {
	for _, f := range filters {
		var have []string
		key, isTag := strings.CutPrefix(f.name, "tag:")
		switch {
		case isTag:
			if v, ok := a.Tags[l.id(x)][key]; ok {
				have = one(v)
			}
		case f.name == "tag-key":
			have = keys(a.Tags[l.id(x)])
		default:
			have = l.fields[f.name](a, x)
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
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// The veil hides what was made a moment ago from those who describe it: EC2 is
// consistent in the end.
type veil struct {
	mu    sync.Mutex
	looks map[string]int
}

// hides counts a look at a resource and tells whether it does not show yet.
func (v *veil) hides(e *EC2, a *account, id string, now time.Time) bool {
	born, ok := a.Born[id]
	if !ok || e.visible(born, now) {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looks[id]++
	return v.looks[id] <= rules.LimitOf("consistency.ec2.describes")
}

// visible: the window in which EC2 may not know a resource is over.
func (e *EC2) visible(born, now time.Time) bool {
	return !now.Before(born.Add(e.Pace.Of("consistency.ec2.create")))
}

// born remembers what a call has made, with its tags.
func (a *account) born(now time.Time, tags map[string]string, ids ...string) {
	for _, id := range ids {
		a.Born[id] = now
		if len(tags) > 0 {
			a.Tags[id] = maps.Clone(tags)
		}
	}
}

func one(s string) []string { return []string{s} }

func itoa(n int) string  { return strconv.Itoa(n) }
func btoa(b bool) string { return strconv.FormatBool(b) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
