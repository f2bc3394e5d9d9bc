package tcpwrap

import (
	"bytes"
	"strings"
)

// maxLine is the buffer of libwrap for one logical line (hosts_access.c BUFLEN).
const maxLine = 2048

// rule is one logical line: "daemons : clients : options".
type rule struct {
	line       int // where it begins
	daemons    string
	clients    string
	options    string
	hasOptions bool
}

// parse reads the lines that libwrap takes for rules; a line without a colon is
// none. A line without newline at its end, a comment too, or one too long for
// the buffer ends the reading: broken is its number, else 0.
func parse(data []byte) (rules []rule, broken int) {
	lines := reader{rest: data}
	for {
		line, number, ok := lines.next()
		if !ok {
			return rules, 0
		}
		if !strings.HasSuffix(line, "\n") {
			return rules, number
		}
		if line[0] == '#' || strings.Trim(line, " \t\r\n") == "" {
			continue
		}
		r := rule{line: number}
		var found bool
		if r.daemons, r.clients, found = splitAt(line, ':'); !found {
			continue
		}
		r.clients, r.options, r.hasOptions = splitAt(r.clients, ':')
		rules = append(rules, r)
	}
}

// reader joins lines at backslash-newline as misc.c xgets does, with its bound
// and its blindness behind a NUL.
type reader struct {
	rest   []byte
	number int
}

func (r *reader) next() (line string, number int, ok bool) {
	var joined []byte
	number = r.number + 1
	for len(r.rest) > 0 && len(joined) < maxLine-1 {
		n := bytes.IndexByte(r.rest, '\n') + 1
		if n == 0 {
			n = len(r.rest)
		}
		n = min(n, maxLine-1-len(joined))
		chunk := r.rest[:n]
		r.rest = r.rest[n:]
		if chunk[n-1] == '\n' {
			r.number++
		}
		if i := bytes.IndexByte(chunk, 0); i >= 0 {
			chunk = chunk[:i]
		}
		switch {
		case bytes.HasSuffix(chunk, []byte("\\\n")):
			joined = append(joined, chunk[:len(chunk)-2]...)
		case bytes.HasSuffix(chunk, []byte("\n")):
			return string(append(joined, chunk...)), number, true
		default:
			joined = append(joined, chunk...)
		}
	}
	return string(joined), number, len(joined) > 0
}

// splitAt cuts at the first delimiter outside brackets, which hold IPv6
// addresses (misc.c split_at).
func splitAt(s string, delimiter byte) (before, after string, found bool) {
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '[':
			depth++
		case s[i] == ']':
			depth--
		case depth == 0 && s[i] == delimiter:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
