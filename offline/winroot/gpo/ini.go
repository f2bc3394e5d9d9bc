package gpo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxINI bounds gpt.ini and scripts.ini. Windows reads no more of a value than 32 KiB either.
const maxINI = 64 << 10

// An ini is an INI file seen as Windows sees it, and as bytes: what is not ASCII, and none of our business, keeps its place
// in text as one byte 0xFF a unit. So positions in text are positions in the file, and whatever is not changed stays.
type ini struct {
	raw   []byte
	mark  int // the length of the byte order mark
	width int // of a unit: 2 in UTF-16LE, else 1
	text  string
	lines []line
}

// A line is where it begins, where its text ends, and where the next one begins.
type line struct{ from, to, next int }

// parse refuses encodings in which Windows would read something else than we do.
func parse(b []byte) (ini, error) {
	f := ini{raw: b, width: 1}
	switch {
	case len(b) > maxINI:
		return ini{}, fmt.Errorf("%d bytes are more than the limit of %d", len(b), maxINI)
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		f.mark, f.width = 2, 2
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}), bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		return ini{}, errors.New("a byte order mark other than that of UTF-16LE, which Windows does not read in an INI file")
	}
	body := b[f.mark:]
	if len(body)%f.width != 0 {
		return ini{}, errors.New("half a character at its end")
	}
	f.text = narrow(body, f.width)
	switch {
	case strings.ContainsRune(f.text, 0):
		return ini{}, errors.New("zero bytes")
	case strings.Count(f.text, "\r") != strings.Count(f.text, "\r\n"):
		return ini{}, errors.New("a carriage return that ends no line")
	}
	f.lines = split(f.text)
	return f, nil
}

func split(text string) []line {
	var lines []line
	for from := 0; from < len(text); {
		l := line{from: from, to: len(text), next: len(text)}
		if n := strings.IndexByte(text[from:], '\n'); n >= 0 {
			l.next = from + n + 1
			l.to = from + len(strings.TrimSuffix(text[from:from+n], "\r"))
		}
		lines = append(lines, l)
		from = l.next
	}
	return lines
}

func narrow(body []byte, width int) string {
	text := make([]byte, 0, len(body)/width)
	for i := 0; i < len(body); i += width {
		c := body[i]
		if c >= 0x80 || width == 2 && body[i+1] != 0 {
			c = 0xFF
		}
		text = append(text, c)
	}
	return string(text)
}

// splice is the file with ASCII in place of the units between from and to.
func (f ini) splice(from, to int, ascii string) []byte {
	b := bytes.Clone(f.raw[:f.mark+from*f.width])
	for i := range len(ascii) {
		b = append(b, ascii[i])
		if f.width == 2 {
			b = append(b, 0)
		}
	}
	return append(b, f.raw[f.mark+to*f.width:]...)
}

// lineEnd is what the file's first line ends in.
func (f ini) lineEnd() string {
	if len(f.lines) > 0 {
		if first := f.lines[0]; first.next > first.to {
			return f.text[first.to:first.next]
		}
	}
	return "\r\n"
}

func (f ini) at(i int) string { return strings.TrimSpace(f.text[f.lines[i].from:f.lines[i].to]) }

// section finds the first section of that name, which is the one that Windows reads: its header, and the line behind its end.
func (f ini) section(name string) (header, end int, ok bool) {
	for i := range f.lines {
		title, isHeader := f.header(i)
		switch {
		case isHeader && ok:
			return header, i, true
		case isHeader && strings.EqualFold(title, name):
			header, ok = i, true
		}
	}
	return header, len(f.lines), ok
}

func (f ini) header(i int) (title string, ok bool) {
	rest, ok := strings.CutPrefix(f.at(i), "[")
	if !ok {
		return "", false
	}
	title, _, ok = strings.Cut(rest, "]")
	return strings.TrimSpace(title), ok
}

// pair splits a line. Comments and headers are none.
func (f ini) pair(i int) (key, value string, ok bool) {
	s := f.at(i)
	if strings.HasPrefix(s, ";") || strings.HasPrefix(s, "[") {
		return "", "", false
	}
	key, value, ok = strings.Cut(s, "=")
	return strings.TrimSpace(key), strings.TrimSpace(value), ok
}

// lookup finds a key, the first of its name as Windows does, within a section.
func (f ini) lookup(section, key string) (at int, value string, ok bool) {
	header, end, ok := f.section(section)
	if !ok {
		return 0, "", false
	}
	for i := header + 1; i < end; i++ {
		if k, v, ok := f.pair(i); ok && strings.EqualFold(k, key) {
			return i, v, true
		}
	}
	return 0, "", false
}

// set gives a key a value, in its place or at its section's end, and makes the section at the end of the file.
func (f ini) set(section, key, value string) []byte {
	if at, old, ok := f.lookup(section, key); ok {
		l := f.lines[at]
		from := l.from + strings.IndexByte(f.text[l.from:l.to], '=') + 1
		from += strings.Index(f.text[from:l.to], old)
		return f.splice(from, from+len(old), value)
	}
	if header, end, ok := f.section(section); ok {
		return f.insert(f.lastOf(header, end)+1, key+"="+value)
	}
	return f.insert(len(f.lines), "["+section+"]", key+"="+value)
}

// lastOf is the last line of a section that is not blank.
func (f ini) lastOf(header, end int) int {
	last := header
	for i := header + 1; i < end; i++ {
		if f.at(i) != "" {
			last = i
		}
	}
	return last
}

// insert puts lines before the one numbered at. A file whose last line has no end keeps that.
func (f ini) insert(at int, lines ...string) []byte {
	end := f.lineEnd()
	text := strings.Join(lines, end)
	switch {
	case at < len(f.lines):
		return f.splice(f.lines[at].from, f.lines[at].from, text+end)
	case len(f.lines) > 0 && !f.ended():
		return f.splice(len(f.text), len(f.text), end+text)
	}
	return f.splice(len(f.text), len(f.text), text+end)
}

// ended says whether the file's last line has an end.
func (f ini) ended() bool { return strings.HasSuffix(f.text, "\n") }
