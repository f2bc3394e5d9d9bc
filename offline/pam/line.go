package pam

import "strings"

// maxLine is the buffer into which older libpam reads a line with its
// continuations (pam_handlers.c); newer ones take any length.
const maxLine = 1024

// line is a line with its continuations joined and its comment gone.
type line struct {
	text   string
	number int  // of its first physical line
	gap    bool // a blank or comment line inside, where libpam 1.6 and later end it
}

// assemble joins lines as libpam's _pam_assemble_line does: a comment ends the
// line even where a backslash follows; blank lines inside a continuation are
// passed over, as libpam did before 1.6. complete is false when the last line continues into nothing,
// which makes libpam give up the file.
func assemble(text string) (lines []line, complete bool) {
	var current strings.Builder
	open, gap, start, n := false, false, 0, 0
	for physical := range strings.SplitSeq(text, "\n") {
		n++
		s := strings.TrimLeft(physical, " \t")
		if s == "" || s[0] == '#' {
			gap = open
			continue
		}
		if !open {
			start = n
		}
		cut, _, comment := strings.Cut(s, "#")
		if body, continued := strings.CutSuffix(strings.TrimRight(s, " \t"), `\`); continued && !comment {
			current.WriteString(body + " ")
			open = true
			continue
		}
		current.WriteString(cut)
		lines = append(lines, line{current.String(), start, gap})
		current.Reset()
		open, gap = false, false
	}
	return lines, !open
}

// token takes the first word from s: up to white space, or what stands in
// square brackets, where \] means ]. ok is false when only white space is left.
func token(s string) (word, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t\n")
	if s == "" {
		return "", "", false
	}
	if s[0] != '[' {
		i := strings.IndexAny(s, " \t\n")
		if i < 0 {
			return s, "", true
		}
		return s[:i], s[i+1:], true
	}
	var out strings.Builder
	i := 1
	for ; i < len(s) && s[i] != ']'; i++ {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == ']' {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String(), s[min(i+1, len(s)):], true
}

func tokens(s string) []string {
	var all []string
	for word, rest, ok := token(s); ok; word, rest, ok = token(rest) {
		all = append(all, word)
	}
	return all
}
