package conf

import (
	"fmt"
	"strings"
)

// entry is one line of a file that says something, parsed.
type entry struct {
	keyword *keyword // nil for obsolete keywords and lines with errors
	value   Value
	match   *criteria // a Match line
	files   []*file   // an Include line, in the order of reading
	inMatch bool      // the keyword may stand in a Match block
	name    string    // the keyword as written
	problem *Problem
}

// file is one configuration file. The same file can be included twice and is
// then shared.
type file struct {
	path    string
	origin  string
	entries []entry
}

// parseLine reads one line as sshd's process_server_config_line_depth does. False
// means that the line says nothing.
func (l *loader) parseLine(line, path string, n int, origin string) (entry, bool) {
	line = trimEnd(line)
	c := cursor{rest: line}
	name, ok := c.next(true)
	if ok && name == "" {
		name, ok = c.next(true)
	}
	if line == "" || !ok || name == "" || name[0] == '#' {
		return entry{}, false
	}
	e := entry{name: name, value: Value{Path: path, Line: n, Origin: origin}}
	if err := l.parseKeyword(&e, c); err != nil {
		e.keyword, e.match = nil, nil
		e.problem = &Problem{Path: path, Line: n, Text: fmt.Sprintf("%q: %v", name, err), Fatal: fatalRead(err), Unknown: !fatalRead(err)}
	}
	return e, true
}

func (l *loader) parseKeyword(e *entry, c cursor) error {
	f, known := lookup(e.name, l.version)
	modern := l.version.AtLeast(8, 7)
	if !known {
		return fmt.Errorf("not a keyword of this sshd")
	}
	if modern && c.rest == "" {
		return errMissing
	}
	e.inMatch = f.match
	a := &arguments{rest: c.rest, version: l.version, world: l.world}
	if modern {
		var ok bool
		if a.words, ok = splitArguments(c.rest, l.version.AtLeast(8, 9)); !ok {
			return fmt.Errorf("unbalanced quotes")
		}
	} else {
		a.words = splitLegacy(c, asciiLower(e.name) != "setenv")
	}
	switch {
	case f.obsolete:
		return nil
	case f.doubt && f.keyword == nil:
		e.problem = &Problem{Path: e.value.Path, Line: e.value.Line, Unknown: true,
			Text: fmt.Sprintf("%q: this sshd may know the keyword, regain does not", e.name)}
		return nil
	case f.keyword.name == "match":
		return l.parseMatchLine(e, a)
	case f.keyword.name == "include":
		return l.parseInclude(e, a)
	}
	if f.doubt {
		e.problem = &Problem{Path: e.value.Path, Line: e.value.Line, Unknown: true,
			Text: fmt.Sprintf("%q: known only to sshds with a vendor's patch", e.name)}
	}
	return parseSetting(e, f.keyword, a)
}

func parseSetting(e *entry, k *keyword, a *arguments) error {
	args, err := k.parse(a)
	if err != nil {
		return err
	}
	if len(a.words) > 0 {
		return errExtra
	}
	e.keyword = k
	e.value.Args, e.value.Text = args, strings.Join(args, " ")
	return nil
}

func (l *loader) parseMatchLine(e *entry, a *arguments) error {
	list, err := parseMatch(a.rest, a.words, l.version)
	if err != nil {
		return err
	}
	for i, c := range list {
		if c.name != "localport" {
			continue
		}
		n, err := a.portNumber(c.arg)
		if err != nil {
			return err
		}
		list[i].arg = fmt.Sprint(n)
	}
	e.match = &criteria{list: list, path: e.value.Path, line: e.value.Line, text: "Match " + strings.TrimSpace(a.rest)}
	return nil
}

func (l *loader) parseInclude(e *entry, a *arguments) error {
	if e.value.Origin == FromCommandLine {
		return fmt.Errorf("cannot stand on the command line")
	}
	if len(a.words) == 0 {
		return errMissing
	}
	for _, w := range a.words {
		if w == "" {
			return errMissing
		}
		if !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "~") {
			w = configDir + "/" + w
		}
		files, err := l.include(w)
		if err != nil {
			return err
		}
		e.files = append(e.files, files...)
	}
	return nil
}
