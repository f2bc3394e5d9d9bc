package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-77750964/regain/offline"
)

// width is where prose is wrapped. Commands keep their lines, so that they can
// be copied.
const width = 80

// page collects plain text. Whatever goes through it is escaped: names and tags
// are somebody else's, and reports tell of a foreign volume.
type page struct {
	b     strings.Builder
	given given // what commands to copy need, too
}

func (p *page) String() string { return p.b.String() }

func (p *page) line(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		p.b.WriteString(offline.Printable(line) + "\n")
	}
}

func (p *page) section(title string) { p.b.WriteString("\n" + title + "\n") }

func (p *page) field(name, text string) {
	if text != "" {
		p.wrapped("  "+offline.Printable(name)+": ", text)
	}
}

// copied are commands to copy, for the account, region and journals that were given.
func (p *page) copied(lines ...string) {
	for _, line := range lines {
		commands := strings.Split(line, " && ")
		for i, command := range commands {
			commands[i] = p.given.complete(command)
		}
		p.line("  %s", strings.Join(commands, " && "))
	}
}

// wrapped breaks text at blanks. The lines that follow stand two columns
// further in than the first.
func (p *page) wrapped(prefix, text string) {
	indent := strings.Repeat(" ", len(prefix)-len(strings.TrimLeft(prefix, " "))+2)
	line, empty := prefix, true
	for word := range strings.SplitSeq(offline.Printable(text), " ") {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			p.b.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	p.b.WriteString(line + "\n")
}
