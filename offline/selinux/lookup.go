package selinux

import (
	"regexp"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Lookup is the label that the policy gives to a path, as libselinux finds it
// (label_file.c lookup_common): substitutions first; exact specs before regular
// expressions; later ones before earlier ones. found is false when nothing
// matches or the match says <<none>>. An empty kind matches every type field.
func (c *Contexts) Lookup(p string, kind offline.Kind) (label string, found bool) {
	if c == nil || p == "" {
		return "", false
	}
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	p = c.substitute(p)
	sp := c.lookupExact(p, kind)
	if sp == nil {
		sp = c.lookupPattern(p, kind)
	}
	if sp == nil || sp.label == noLabel {
		return "", false
	}
	return sp.label, true
}

// substitute applies one local substitution, then one of the distribution's.
func (c *Contexts) substitute(p string) string {
	return substituteOnce(c.distSubs, substituteOnce(c.subs, p))
}

func substituteOnce(subs []sub, p string) string {
	for _, s := range subs {
		rest, ok := strings.CutPrefix(p, s.from)
		switch {
		case !ok || rest != "" && rest[0] != '/':
			continue
		case s.to == "/" && rest != "":
			return rest
		}
		return s.to + rest
	}
	return p
}

func (c *Contexts) lookupExact(p string, kind offline.Kind) *spec {
	for i := len(c.exact) - 1; i >= 0; i-- {
		sp := &c.exact[i]
		rest, ok := strings.CutPrefix(p, sp.stem)
		if ok && sp.fits(kind) && rest == unescape(sp.pattern) {
			return sp
		}
	}
	return nil
}

func unescape(pattern string) string {
	if strings.IndexByte(pattern, '\\') < 0 {
		return pattern
	}
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		out.WriteByte(pattern[i])
	}
	return out.String()
}

// lookupPattern walks the specs with the path's stem and those without a stem,
// both from the end, the later one first.
func (c *Contexts) lookupPattern(p string, kind offline.Kind) *spec {
	stem := p[:stemLength(p)]
	with, without := c.stems[stem], c.stems[""]
	if stem == "" {
		with = nil
	}
	for len(with)+len(without) > 0 {
		var i int
		if len(without) == 0 || len(with) > 0 && with[len(with)-1] > without[len(without)-1] {
			i, with = with[len(with)-1], with[:len(with)-1]
		} else {
			i, without = without[len(without)-1], without[:len(without)-1]
		}
		if sp := &c.patterns[i]; sp.fits(kind) && c.matches(i, strings.TrimPrefix(p, sp.stem)) {
			return sp
		}
	}
	return nil
}

func (c *Contexts) matches(i int, rest string) bool {
	re, done := c.compiled[i]
	if !done {
		if !strings.HasPrefix(rest, c.patterns[i].prefix) {
			return false
		}
		re = c.compile(i)
	}
	return re != nil && re.MatchString(rest)
}

// compile makes the expression as libselinux does: anchored without a group,
// and with the dot matching a newline (regex.c, PCRE2_DOTALL). One that cannot
// be compiled matches nothing.
func (c *Contexts) compile(i int) *regexp.Regexp {
	sp := &c.patterns[i]
	if len(c.compiled) >= maxCompiled {
		c.problem(sp.file, sp.line, "too many regular expressions are needed: this one is passed over")
		return nil
	}
	re, err := regexp.Compile("(?s)^" + sp.pattern + "$")
	if err != nil {
		c.problem(sp.file, sp.line, "cannot compile the regular expression: "+err.Error())
	}
	c.compiled[i] = re
	return re
}
