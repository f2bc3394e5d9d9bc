package wire

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Params reads the parameters of a query call. It remembers the first mistake of the
// caller and which parameters were asked for, so that Done can name the others.
type Params struct {
	prefix string
	all    *params
}

type params struct {
	values url.Values
	read   map[string]bool
	err    error
}

// Params are the parameters of a query call.
func (c *Call) Params() *Params {
	return &Params{all: &params{values: c.Query, read: map[string]bool{"Action": true, "Version": true}}}
}

// Has tells whether there is the parameter or one below it.
func (p *Params) Has(name string) bool {
	full := p.prefix + name
	for key := range p.all.values {
		if key == full || strings.HasPrefix(key, full+".") {
			return true
		}
	}
	return false
}

// String is a parameter; empty when it is not there.
func (p *Params) String(name string) string {
	p.all.read[p.prefix+name] = true
	return p.all.values.Get(p.prefix + name)
}

// Require is a parameter that has to be there.
func (p *Params) Require(name string) string {
	value := p.String(name)
	if value == "" {
		p.Fail(Faultf("MissingParameter", "The request must contain the parameter %s", p.prefix+name))
	}
	return value
}

// Bool is a parameter that is true or false; false when it is not there.
func (p *Params) Bool(name string) bool {
	switch value := p.String(name); strings.ToLower(value) {
	case "", "false":
		return false
	case "true":
		return true
	default:
		p.Fail(Faultf("InvalidParameterValue", "Invalid value '%s' for parameter %s: true or false is wanted", value, p.prefix+name))
		return false
	}
}

// Int is a number; missing when it is not there.
func (p *Params) Int(name string, missing int) int {
	value := p.String(name)
	if value == "" {
		return missing
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		p.Fail(Faultf("InvalidParameterValue", "Invalid value '%s' for parameter %s: a number is wanted", value, p.prefix+name))
	}
	return n
}

// Strings is a list of strings, in the order of its indexes.
func (p *Params) Strings(name string) []string {
	var list []string
	for _, item := range p.List(name) {
		list = append(list, item.self())
	}
	return list
}

// List is a list of structures, in the order of its indexes.
func (p *Params) List(name string) []*Params {
	base := p.prefix + name + "."
	byIndex := map[int]string{} // to the prefix of the item
	for key := range p.all.values {
		rest, ok := strings.CutPrefix(key, base)
		if !ok {
			continue
		}
		member, rest := strings.HasPrefix(rest, "member."), strings.TrimPrefix(rest, "member.")
		digits, _, _ := strings.Cut(rest, ".")
		index, err := strconv.Atoi(digits)
		if err != nil {
			continue // Done names it, as nobody reads it
		}
		byIndex[index] = base + digits
		if member {
			byIndex[index] = base + "member." + digits
		}
	}
	var indexes []int
	for index := range byIndex {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	var list []*Params
	for _, index := range indexes {
		list = append(list, &Params{prefix: byIndex[index] + ".", all: p.all})
	}
	return list
}

// Sub is a structure within.
func (p *Params) Sub(name string) *Params { return &Params{prefix: p.prefix + name + ".", all: p.all} }

// Ignore marks parameters, and all below them, as harmless when nobody reads them.
func (p *Params) Ignore(names ...string) {
	for _, name := range names {
		for key := range p.all.values {
			if full := p.prefix + name; key == full || strings.HasPrefix(key, full+".") {
				p.all.read[key] = true
			}
		}
	}
}

// Fail remembers a mistake of the caller, unless there was one before.
func (p *Params) Fail(err error) {
	if p.all.err == nil {
		p.all.err = err
	}
}

// Done is the first mistake, or an UnsupportedOperation that names parameters
// nobody asked for.
func (p *Params) Done() error {
	if p.all.err != nil {
		return p.all.err
	}
	var unread []string
	for key := range p.all.values {
		if !p.all.read[key] {
			unread = append(unread, key)
		}
	}
	if len(unread) == 0 {
		return nil
	}
	slices.Sort(unread)
	return Faultf("UnsupportedOperation", "The lab does not know the parameters %s", strings.Join(unread, ", "))
}

// self is the value of an item of a list of strings.
func (p *Params) self() string {
	key := strings.TrimSuffix(p.prefix, ".")
	p.all.read[key] = true
	return p.all.values.Get(key)
}
