package conf

import "strings"

// execWord is one word of a command line, with the place that its text comes from.
type execWord struct {
	text   string
	path   string
	line   int
	origin string
}

// splitExec cuts an ExecStart= value into words as systemd does
// (systemd.service(5), "COMMAND LINES"): quotes group, a backslash escapes, a
// variable as a word of its own becomes as many words as it holds, and ${X}
// stays within its word.
func splitExec(a assignment, env []variable, instance string) []execWord {
	var out []execWord
	for _, raw := range rawWords(a.value) {
		if raw == ";" {
			return out // a second command: only one runs at a time
		}
		if name, ok := strings.CutPrefix(raw, "$"); ok && isName(name) {
			out = append(out, variableWords(name, env)...)
			continue
		}
		text := specifiers.Replace(strings.NewReplacer("%%", "%%", "%i", instance, "%I", instance).Replace(unquote(raw)))
		out = append(out, execWord{text: expandBraces(text, env), path: a.path, line: a.line, origin: FromCommandLine})
	}
	return out
}

// specifiers are those of the system's manager that people mistake for sshd's
// tokens (systemd.unit(5)).
var specifiers = strings.NewReplacer("%%", "%", "%u", "root", "%U", "0", "%h", "/root")

// rawWords cuts at white space outside quotes and keeps quotes in place.
func rawWords(s string) []string {
	var out []string
	var quote byte
	start := -1
	for i := 0; i < len(s); i++ {
		c := s[i]
		blank := quote == 0 && (c == ' ' || c == '\t' || c == '\n')
		switch {
		case blank && start >= 0:
			out = append(out, s[start:i])
			start = -1
			continue
		case blank:
			continue
		case start < 0:
			start = i
		}
		switch {
		case c == '\\':
			i++
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	if start >= 0 {
		out = append(out, s[start:])
	}
	return out
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && s[i] != '_' {
			return false
		}
	}
	return s != ""
}

func lookupVariable(name string, env []variable) (variable, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if env[i].name == name {
			return env[i], true
		}
	}
	return variable{}, false
}

func variableWords(name string, env []variable) []execWord {
	v, ok := lookupVariable(name, env)
	if !ok {
		return nil
	}
	origin := FromCommandLine
	if name == "CRYPTO_POLICY" {
		origin = FromCryptoPolicy
	}
	var out []execWord
	for _, raw := range rawWords(v.value) {
		out = append(out, execWord{text: unquote(raw), path: v.path, line: v.line, origin: origin})
	}
	return out
}

// expandBraces puts variables in the place of ${X}; two dollar signs are one.
func expandBraces(s string, env []variable) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, rest, closed := strings.Cut(after, "}")
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			s = after[1:]
		case strings.HasPrefix(after, "{") && closed:
			v, _ := lookupVariable(name[1:], env)
			b.WriteString(v.value)
			s = rest
		default:
			b.WriteByte('$')
			s = after
		}
	}
}
