package conf

import "strings"

// assignment is one Key=Value of a unit file.
type assignment struct {
	section, key, value string
	path                string
	line                int
}

// parseUnit reads the syntax of unit files (systemd.syntax(7)): sections,
// assignments, comments, and lines continued by a backslash at their end, with
// comment lines between the parts dropped.
func parseUnit(data []byte, path string) []assignment {
	var out []assignment
	section, logical, start := "", "", 0
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		if trimmed != "" && (trimmed[0] == '#' || trimmed[0] == ';') {
			continue
		}
		if logical == "" {
			start = n
		}
		if part, more := strings.CutSuffix(line, `\`); more {
			logical += part + " "
			continue
		}
		logical = strings.TrimSpace(logical + line)
		if s, ok := sectionName(logical); ok {
			section = s
		} else if key, value, ok := strings.Cut(logical, "="); ok {
			out = append(out, assignment{section, strings.TrimSpace(key), strings.TrimSpace(value), path, start})
		}
		logical = ""
	}
	if key, value, ok := strings.Cut(strings.TrimSpace(logical), "="); ok {
		out = append(out, assignment{section, strings.TrimSpace(key), strings.TrimSpace(value), path, start})
	}
	return out
}

func sectionName(line string) (string, bool) {
	if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
		return line[1 : len(line)-1], true
	}
	return "", false
}

// variable is one line of an environment file or an Environment= setting.
type variable struct {
	name, value string
	path        string
	line        int
}

// parseEnvironment reads a file of shell-like assignments as systemd does for
// EnvironmentFile= (systemd.exec(5)): quotes are taken away, a backslash outside
// single quotes keeps the next byte, or joins the next line.
func parseEnvironment(data []byte, path string) []variable {
	var out []variable
	text := string(data)
	for n := 1; text != ""; n++ {
		var raw string
		start := n
		raw, text, n = environmentLine(text, n)
		raw = strings.TrimSpace(raw)
		if raw == "" || raw[0] == '#' || raw[0] == ';' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(raw, "export "), "=")
		if ok {
			out = append(out, variable{strings.TrimSpace(name), unquote(strings.TrimSpace(value)), path, start})
		}
	}
	return out
}

// environmentLine takes one logical line: quotes may span several, a comment
// never does.
func environmentLine(text string, n int) (line, rest string, last int) {
	var quote byte
	comment := strings.HasPrefix(strings.TrimLeft(text, " \t"), "#") || strings.HasPrefix(strings.TrimLeft(text, " \t"), ";")
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quote != '\'' && !comment && i+1 < len(text):
			i++
			if text[i] == '\n' {
				n++
			}
		case c == '\n' && quote == 0:
			return text[:i], text[i+1:], n
		case c == '\n':
			n++
		case quote == 0 && (c == '"' || c == '\'') && !comment:
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		}
	}
	return text, "", n
}

// unquote takes quotes and backslashes away.
func unquote(s string) string {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			if s[i] != '\n' {
				b.WriteByte(s[i])
			}
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
