package pam

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// outcome is what we know of one module's answer.
type outcome struct {
	codes codeSet
	id    string // of the reason
	text  string // why the code is not success, or not known
	path  string // of the file that decides; empty: the line of the stack
	line  int
	// beyond is what the module does to a session that it lets through.
	beyond *Reason
}

// run evaluates one stack.
type run struct {
	v        *offline.Volume
	env      Env
	phase    phase
	stack    []handler
	outcomes []*outcome             // of the entries reached so far
	modules  map[string]moduleState // shared with other runs; nil: nothing is remembered
}

// result answers, and finds the entries that the answer hangs on.
func (r *run) result() Result {
	final := simulate(r.stack, r.codes)
	res := Result{Answer: offline.Accepted}
	switch {
	case len(r.stack) == 0:
		text := fmt.Sprintf("the %s stack of %q is empty", r.phase, r.env.Service)
		return Result{offline.Denied, []Reason{{"pam-config", offline.Denied, text, path.Join(configDirs[0], r.env.Service), 0}}}
	case !final.has(success):
		res = Result{offline.Denied, r.blockers()}
	case final != set(success):
		res = Result{offline.Unknown, r.uncertain(final)}
	}
	for i, o := range r.outcomes {
		if o == nil || o.beyond == nil || res.Answer == offline.Denied {
			continue
		}
		reason := *o.beyond
		reason.Text += fmt.Sprintf(" (applied by line %d of %s)", r.stack[i].line, r.stack[i].path)
		res.Reasons = append(res.Reasons, reason)
		res.Answer = worse(res.Answer, reason.Answer)
	}
	return res
}

func worse(a, b offline.Answer) offline.Answer {
	if a == offline.Denied || b == offline.Denied {
		return offline.Denied
	}
	if a == offline.Unknown || b == offline.Unknown {
		return offline.Unknown
	}
	return offline.Accepted
}

// codes asks the model of entry i once.
func (r *run) codes(i int) codeSet {
	if r.outcomes[i] == nil {
		o := r.evaluate(r.stack[i])
		o.codes = o.codes.reduce(r.stack[i].on)
		r.outcomes[i] = &o
	}
	return r.outcomes[i].codes
}

// with simulates once more, some codes replaced.
func (r *run) with(pinned map[int]codeSet) codeSet {
	return simulate(r.stack, func(i int) codeSet {
		if c, ok := pinned[i]; ok {
			return c
		}
		return r.codes(i)
	})
}

// blockers are a smallest set of entries whose consent would open the stack.
// Those that only pass on what others found are left out first: pam_deny, then
// entries whose answer is ignored.
func (r *run) blockers() []Reason {
	agree := r.suspects()
	var order []int
	for i := range agree {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(r.weight(a), r.weight(b)), cmp.Compare(b, a)) })
	if r.with(agree).has(success) {
		for _, i := range order {
			delete(agree, i)
			if !r.with(agree).has(success) {
				agree[i] = set(success)
			}
		}
	}
	var reasons []Reason
	for i := range r.stack {
		if _, blocks := agree[i]; blocks && len(reasons) < maxReasons {
			reasons = append(reasons, r.reason(i, offline.Denied))
		}
	}
	if len(reasons) == 0 {
		h := r.stack[len(r.stack)-1]
		reasons = []Reason{{"pam-config", offline.Denied, "no module of the stack grants anything", h.path, h.line}}
	}
	return reasons
}

// suspects are the reached entries that may answer other than success or
// ignore, each with success in place of its answer. With the known ones
// agreeing, more entries may be reached, so it goes on until no more come.
func (r *run) suspects() map[int]codeSet {
	agree := map[int]codeSet{}
	for known := -1; known < len(agree); {
		known = len(agree)
		r.with(agree)
		for i, o := range r.outcomes {
			if o != nil && o.codes != set(success) && o.codes != set(ignore) {
				agree[i] = set(success)
			}
		}
	}
	return agree
}

// weight orders suspects: the lighter is the less likely culprit.
func (r *run) weight(i int) int {
	o := r.outcomes[i]
	switch {
	case o.id == "pam-deny":
		return 0
	case !o.codes.one():
		return 1
	case r.stack[i].on[o.codes.first()] == actIgnore:
		return 2
	}
	return 3
}

// maxPins bounds the simulations that look for what the answer hangs on.
const maxPins = 300

// maxReasons is more than a person reads.
const maxReasons = 20

// uncertain are the entries whose code changes what the stack may answer.
func (r *run) uncertain(final codeSet) []Reason {
	var reasons, all []Reason
	pins := 0
	for i, o := range r.outcomes {
		if o == nil || o.codes.one() {
			continue
		}
		all = append(all, r.reason(i, offline.Unknown))
		matters := false
		o.codes.each(func(c code) {
			if pins++; !matters && pins < maxPins {
				matters = r.with(map[int]codeSet{i: set(c)}) != final
			}
		})
		if matters {
			reasons = append(reasons, r.reason(i, offline.Unknown))
		}
	}
	if len(reasons) == 0 {
		reasons = all
	}
	return reasons[:min(len(reasons), maxReasons)]
}

func (r *run) reason(i int, answer offline.Answer) Reason {
	h, o := r.stack[i], r.outcomes[i]
	reason := Reason{o.id, answer, o.text, o.path, o.line}
	if reason.ID == "" {
		reason.ID = "pam-" + strings.TrimPrefix(moduleName(h.module), "pam_")
	}
	if reason.Text == "" {
		reason.Text = fmt.Sprintf("%s answers %s", moduleName(h.module), codeNames[o.codes.first()])
	}
	if h.why != "" && h.kind == kindModule {
		reason.Text += "; " + h.why
	}
	if reason.Path == "" {
		reason.Path, reason.Line = h.path, h.line
	} else if reason.Path != h.path {
		reason.Text += fmt.Sprintf(" (asked by line %d of %s)", h.line, h.path)
	}
	return reason
}

// moduleName is a module's file name without directory and ending.
func moduleName(p string) string { return strings.TrimSuffix(path.Base(p), ".so") }
