package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-77750964/regain/offline"
)

// width is where prose is wrapped: it fits a serial console. Commands, paths
// and diffs keep their lines, so that they can be copied.
const width = 80

// page collects plain text. Whatever goes through it is escaped.
type page struct{ b strings.Builder }

func (p *page) String() string { return p.b.String() }

func (p *page) line(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		p.b.WriteString(offline.Printable(line) + "\n")
	}
}

// raw writes a line of a diff.
func (p *page) raw(line string) { p.line("%s", strings.TrimRight(line, "\n")) }

func (p *page) section(title string) { p.b.WriteString("\n" + title + "\n") }

func (p *page) field(name, text string) { p.wrapped("  "+offline.Printable(name)+": ", text) }

func (p *page) list(items []string) {
	for _, item := range items {
		p.wrapped("    - ", item)
	}
}

func (p *page) copied(lines []string) {
	for _, line := range lines {
		p.line("  %s", line)
	}
}

// wrapped breaks text at blanks. The lines that follow stand two columns
// further in than the first one's text would, or four from the margin.
func (p *page) wrapped(prefix, text string) {
	indent := strings.Repeat(" ", len(prefix)-len(strings.TrimLeft(prefix, " "))+2)
	line := prefix
	empty := true
	for _, word := range strings.Split(offline.Printable(text), " ") {
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
