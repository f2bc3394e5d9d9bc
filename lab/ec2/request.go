package ec2

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

// A request reads the parameters of a call, or of one structure in it. It
// remembers which were read and the first that could not be, so that a handler
// reads all it knows and asks once, with end, whether that was right.
type request struct {
	prefix string
	*reading
}

type reading struct {
	action string
	values url.Values
	read   map[string]bool
	fault  error
}

// harmless are the parameters that any call may have.
var harmless = []string{"Action", "Version", "AWSAccessKeyId", "DryRun"}

func newRequest(c *wire.Call) *request {
	return &request{reading: &reading{action: c.Action, values: c.Query, read: map[string]bool{}}}
}

// text is a parameter, or empty.
func (r *request) text(name string) string {
	name = r.prefix + name
	r.read[name] = true
	return r.values.Get(name)
}

// need is a parameter that must be there.
func (r *request) need(name string) string {
	v := r.text(name)
	if v == "" {
		r.fail(wire.Faultf("MissingParameter", "The request must contain the parameter %s", r.prefix+name))
	}
	return v
}

// number is a number, or ifNone.
func (r *request) number(name string, ifNone int) int {
	v := r.text(name)
	if v == "" {
		return ifNone
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		r.fail(wire.Faultf("InvalidParameterValue", "Invalid value '%s' for %s. Must be an integer.", v, r.prefix+name))
	}
	return int(n)
}

// flag is a truth value, or false.
func (r *request) flag(name string) bool { return r.flagOr(name, false) }

func (r *request) flagOr(name string, ifNone bool) bool {
	switch v := r.text(name); strings.ToLower(v) {
	case "":
		return ifNone
	case "true":
		return true
	case "false":
		return false
	default:
		r.fail(wire.Faultf("InvalidParameterValue", "Invalid value '%s' for %s. Must be true or false.", v, r.prefix+name))
		return false
	}
}

// has tells whether a parameter, or part of a structure, is there.
func (r *request) has(name string) bool {
	name = r.prefix + name
	for k := range r.values {
		if k == name || strings.HasPrefix(k, name+".") {
			return true
		}
	}
	return false
}

// in reads a structure.
func (r *request) in(name string) *request {
	return &request{prefix: r.prefix + name + ".", reading: r.reading}
}

// each are the structures of a list, in the order of their numbers.
func (r *request) each(name string) []*request {
	var of []*request
	for _, n := range r.numbers(name) {
		of = append(of, r.in(name+"."+n))
	}
	return of
}

// list are the values of a list, in the order of their numbers.
func (r *request) list(name string) []string {
	var of []string
	for _, n := range r.numbers(name) {
		of = append(of, r.text(name+"."+n))
	}
	return of
}

// numbers are the positions that are used in a list.
func (r *request) numbers(name string) []string {
	prefix := r.prefix + name + "."
	at := map[int]string{}
	for k := range r.values {
		rest, ok := strings.CutPrefix(k, prefix)
		if !ok {
			continue
		}
		digits, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			at[int(n)] = digits
		}
	}
	var of []string
	for _, n := range slices.Sorted(maps.Keys(at)) {
		of = append(of, at[n])
	}
	return of
}

// fail keeps the first fault.
func (r *request) fail(err error) {
	if r.fault == nil {
		r.fault = err
	}
}

// end is the fault of the request: a parameter that is missing, malformed or not
// known here. A dry run ends here too.
func (r *request) end() error {
	for _, k := range slices.Sorted(maps.Keys(r.values)) {
		if !r.read[k] && !slices.Contains(harmless, k) {
			r.fail(wire.Faultf("UnsupportedOperation", "The lab does not know the parameter %s of %s.", k, r.action))
		}
	}
	if r.flag("DryRun") && r.fault == nil {
		return &wire.Fault{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: 412}
	}
	return r.fault
}
