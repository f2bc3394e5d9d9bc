package pam

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// parseAt is where the lines of a file belong.
type parseAt struct {
	service      string // empty: the first field of every line names it
	only         phase  // an include takes the lines of one phase; empty: all
	depth, level int    // of includes, of substacks
}

// parse adds the lines of a file; false when libpam would give up on it
// (pam_handlers.c _pam_parse_conf_file).
func (l *loader) parse(p, text string, at parseAt) bool {
	lines, complete := assemble(text)
	for _, ln := range lines {
		if len(ln.text) >= maxLine {
			l.doubt(p, fmt.Sprintf("line %d is longer than %d bytes, which libpam cuts or refuses depending on its version", ln.number, maxLine))
		}
		if ln.gap {
			l.doubt(p, fmt.Sprintf("the blank line inside line %d ends it or not, depending on libpam's version", ln.number))
		}
		if strings.ContainsRune(ln.text, 0) {
			l.doubt(p, fmt.Sprintf("line %d holds a NUL byte", ln.number))
		}
		if len(l.out.conf)+len(l.out.other) > maxHandlers {
			l.doubt(p, fmt.Sprintf("the stack has more than %d lines", maxHandlers))
			return true
		}
		if !l.parseLine(p, ln, at) {
			return false
		}
	}
	return complete
}

// parseLine reads one line; false makes libpam give up.
func (l *loader) parseLine(p string, ln line, at parseAt) bool {
	service, rest := at.service, ln.text
	if service == "" {
		service, rest, _ = token(rest)
	}
	other := strings.EqualFold(service, "other")
	if !other && !strings.EqualFold(service, l.service) {
		return true
	}
	at.service = service
	h := handler{level: at.level, path: p, line: ln.number}
	typ, rest, ok := token(rest)
	typ = strings.ToLower(strings.TrimPrefix(typ, "-"))
	if l.debian && typ == "@include" {
		return l.includeAll(h, rest, at, other)
	}
	switch {
	case !ok || typ != "auth" && typ != "password" && typ != string(phaseAccount) && typ != string(phaseSession):
		// Such a line goes to the phase of the include, else to auth.
		if at.only == l.phase {
			h.kind, h.why, h.on = kindMustFail, fmt.Sprintf("the line has no valid type: %q", typ), filled(actBad)
			l.add(h, other)
		}
		return true
	case typ != string(l.phase) || at.only != "" && at.only != l.phase:
		return true
	}
	return l.parseEntry(h, rest, at, other)
}

// parseEntry reads control, module and arguments of a line of our phase.
func (l *loader) parseEntry(h handler, rest string, at parseAt, other bool) bool {
	word, rest, ok := token(rest)
	lower := strings.ToLower(word)
	switch {
	case !ok:
		h.kind, h.why, h.on = kindMustFail, "the line has no control field", filled(actBad)
		l.add(h, other)
		return true
	case lower == "include" || lower == "substack":
		l.include(h, rest, at, other, lower == "substack")
		return true
	}
	var known bool
	if h.on, known = keywordControl(word); !known {
		var err error
		if h.on, err = parseControl(word); err != nil {
			h.why = fmt.Sprintf("%v: %q", err, word)
		}
	}
	if h.module, rest, ok = token(rest); !ok {
		h.kind, h.why = kindMustFail, "the line names no module"
	}
	h.args = tokens(rest)
	l.add(h, other)
	return true
}

func (l *loader) add(h handler, other bool) {
	if other {
		l.out.other = append(l.out.other, h)
		return
	}
	l.out.conf = append(l.out.conf, h)
}

// include takes in the lines of our phase from another file. One that cannot be
// read becomes an entry that always fails.
func (l *loader) include(h handler, rest string, at parseAt, other, substack bool) {
	name, _, _ := token(rest)
	next := parseAt{service: at.service, only: l.phase, depth: at.depth + 1, level: at.level}
	if substack {
		mark := h
		mark.kind, mark.module = kindSubstack, name
		l.add(mark, other)
		next.level++
	}
	if why := l.includeFile(name, next); why != "" {
		h.kind, h.why, h.on = kindMustFail, why, filled(actBad)
		l.add(h, other)
	}
}

// includeAll is Debian's @include. A file that cannot be read leaves libpam
// with an entry that has no type, at which it gives up.
func (l *loader) includeAll(h handler, rest string, at parseAt, other bool) bool {
	name, _, _ := token(rest)
	next := parseAt{service: at.service, only: at.only, depth: at.depth + 1, level: at.level}
	why := l.includeFile(name, next)
	if why == "" {
		return true
	}
	if at.only == "" {
		l.fail(h.path, "libpam gives up on the configuration: "+why)
		l.out.fatal.Line = h.line
		return false
	}
	h.kind, h.why, h.on = kindMustFail, why, filled(actBad)
	l.add(h, other)
	return true
}

// includeFile says why a file cannot be included; empty when it was.
func (l *loader) includeFile(name string, next parseAt) string {
	if name == "" || next.depth >= maxLevel || next.level >= maxLevel {
		return fmt.Sprintf("the include of %q names no file or is nested too deeply", name)
	}
	p, text, err := l.open(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.doubt(p, err.Error())
		}
		return fmt.Sprintf("the included file %q cannot be read", name)
	}
	if !l.parse(p, text, next) {
		return fmt.Sprintf("libpam gives up on the included file %q", name)
	}
	return ""
}
