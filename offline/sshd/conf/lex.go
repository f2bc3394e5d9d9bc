package conf

import "strings"

const blank = " \t\r\n"

// cursor walks a line as strdelim does (sshd: misc.c): words end at white space
// or at one equals sign, and a double quote anywhere opens a quoted rest of the word.
type cursor struct {
	rest string
	end  bool // strdelim's NULL: there is no rest, not even an empty one
}

func (c *cursor) next(equals bool) (string, bool) {
	if c.end {
		return "", false
	}
	stops := blank + `"`
	if equals {
		stops += "="
	}
	s := c.rest
	i := strings.IndexAny(s, stops)
	if i < 0 {
		c.end, c.rest = true, ""
		return s, true
	}
	if s[i] == '"' {
		return c.quoted(s[:i], s[i+1:])
	}
	c.rest = strings.TrimLeft(s[i+1:], blank)
	if equals && s[i] != '=' && strings.HasPrefix(c.rest, "=") {
		c.rest = strings.TrimLeft(c.rest[1:], blank)
	}
	return s[:i], true
}

func (c *cursor) quoted(before, after string) (string, bool) {
	j := strings.IndexByte(after, '"')
	if j < 0 {
		c.end, c.rest = true, ""
		return "", false
	}
	c.rest = strings.TrimLeft(after[j+1:], blank)
	return before + after[:j], true
}

// splitArguments is sshd's argv_split, used for the configuration since 8.7:
// single and double quotes, backslash before quotes and backslash, and a comment
// from a number sign that begins a word. False means unbalanced quotes.
func splitArguments(s string, escapedSpace bool) ([]string, bool) {
	var out []string
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t':
			continue
		case '#':
			return out, true
		}
		word, next, ok := argument(s, i, escapedSpace)
		if !ok {
			return nil, false
		}
		out = append(out, word)
		i = next
	}
	return out, true
}

func argument(s string, i int, escapedSpace bool) (word string, next int, ok bool) {
	var b strings.Builder
	var quote byte
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\':
			if i+1 < len(s) && escapable(s[i+1], quote, escapedSpace) {
				i++
			}
			b.WriteByte(s[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), i, true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), i, quote == 0
}

func escapable(c, quote byte, escapedSpace bool) bool {
	return c == '\'' || c == '"' || c == '\\' || c == ' ' && quote == 0 && escapedSpace
}

// splitLegacy gives the words as sshd before 8.7 took them one by one.
func splitLegacy(c cursor, equals bool) []string {
	var out []string
	for {
		word, ok := c.next(equals)
		if !ok || word == "" {
			return out
		}
		out = append(out, word)
	}
}

// loadLines gives a file's lines as sshd's load_server_config keeps them: a NUL
// byte swallows the rest of its line with the line end, so the next line is
// glued on; before 8.7 everything from a number sign was cut, quoted or not.
func loadLines(data []byte, cutComments bool) []string {
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if i := strings.IndexByte(line, 0); i >= 0 {
			line = line[:i]
		}
		if i := strings.IndexByte(line, '#'); i >= 0 && cutComments {
			line = line[:i] + "\n"
		}
		b.WriteString(strings.TrimLeft(line, " \t\r"))
	}
	return strings.Split(b.String(), "\n")
}

// trimEnd drops white space at the end, but never the first byte (sshd:
// servconf.c process_server_config_line_depth).
func trimEnd(line string) string {
	for n := len(line) - 1; n > 0; n-- {
		if !strings.ContainsRune(blank+"\f", rune(line[n])) {
			return line[:n+1]
		}
		line = line[:n]
	}
	return line
}
