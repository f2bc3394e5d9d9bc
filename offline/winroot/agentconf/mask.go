package agentconf

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The words that stand in place of what is not shown. They do not tell its length.
const (
	masked   = "[masked]"
	unshown  = "[not shown: the file cannot be read, and may hold a password]\n"
	maxMasks = 256
)

// Mask is a settings file as a person may see it, in UTF-8: the values that may be
// passwords or scripts, and comments, which may be either of them commented out, give
// way to a fixed word.
// Of a file that the package cannot read nothing is shown.
func Mask(agent Agent, data []byte) string {
	if agent == EC2Config {
		t, err := decode(configXML, data)
		if err != nil {
			return unshown
		}
		if _, err := readPlugins(t); err != nil {
			return unshown
		}
		return maskXML(t.s)
	}
	d, err := readDocument(agentConfig, data) // JSON is YAML
	if err != nil {
		return maskTabbed(data, err)
	}
	m := masker{document: d}
	m.visit(d.top, 0, false, false)
	if m.unsure || len(m.spans) > maxMasks {
		return unshown
	}
	if json.Valid([]byte(m.s)) { // what looks like a comment is within a string
		return m.text()
	}
	return comment.ReplaceAllString(m.text(), "$1#"+masked)
}

const secretWords = `(?i)passw|pwd|secret|credential`

var (
	secretKey = regexp.MustCompile(secretWords + `|^content$|^arguments$|^data$`)
	shownKey  = regexp.MustCompile(`(?i)type$`) // adminPasswordType, password.type
	comment   = regexp.MustCompile(`(?m)(^|\s)#[^\n\r]*`)
	secretXML = regexp.MustCompile(secretWords)
)

// A masker gathers the places of secret values.
type masker struct {
	document
	spans  [][2]int
	unsure bool // a key is not the first of its line: where its value ends is not known
}

// visit takes a node below a key at the given indentation of a block.
func (m *masker) visit(n *yaml.Node, indent int, flow, secret bool) {
	flow = flow || n.Style&yaml.FlowStyle != 0
	switch {
	case len(m.spans) > maxMasks:
	case n.Kind == yaml.ScalarNode && secret && n.Value != "":
		at := m.at(n)
		m.spans = append(m.spans, [2]int{at, m.end(at, indent, flow)})
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			m.visit(item, indent, flow, secret)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if !flow {
				indent = key.Column - 1
				m.unsure = m.unsure || !plainStart.MatchString(m.s[m.lineStart(key.Line):m.at(key)])
			}
			hide := (secret || secretKey.MatchString(key.Value)) && !shownKey.MatchString(key.Value)
			m.visit(key, indent, flow, secret && key.Kind != yaml.ScalarNode)
			m.visit(value, indent, flow, hide)
		}
	}
}

var (
	tag        = regexp.MustCompile(`^!\S*(?:\s+(?:#[^\r\n]*)?)+`)
	doubled    = regexp.MustCompile(`^"(?:[^"\\]|(?s:\\.))*"?`)
	singled    = regexp.MustCompile(`^'(?:[^']|'')*'?`)
	flowEnd    = regexp.MustCompile(`[,\]}]|\s#`)
	plainStart = regexp.MustCompile(`^[ -]*$`)
)

// end is behind the scalar that begins at a place: its closing quote, the next sign
// of a list in brackets, or the last line that stands deeper than its key. It may
// take a comment with it; it takes no less than the value.
func (m *masker) end(at, indent int, flow bool) int {
	rest := m.s[at:]
	skip := len(tag.FindString(rest))
	rest, at = rest[skip:], at+skip
	switch {
	case strings.HasPrefix(rest, `"`):
		return at + len(doubled.FindString(rest))
	case strings.HasPrefix(rest, "'"):
		return at + len(singled.FindString(rest))
	case flow:
		if found := flowEnd.FindStringIndex(rest); found != nil {
			return at + found[0]
		}
		return len(m.s)
	}
	next, _ := slices.BinarySearchFunc(m.lines, at, func(line []int, at int) int { return line[0] - at })
	for ; next+1 < len(m.lines); next++ {
		start, stop := m.lines[next][1], m.lines[next+1][0]
		line := m.s[start:stop]
		if body := strings.TrimLeft(line, " "); body != "" && len(line)-len(body) <= indent {
			break
		}
	}
	return at + len(strings.TrimRight(m.s[at:m.lines[next][0]], " \t\r\n"))
}

// text is the document with its secrets masked.
func (m *masker) text() string {
	var b strings.Builder
	shown := 0
	for _, span := range m.spans { // in the order of the text
		if span[0] >= shown {
			b.WriteString(m.s[shown:span[0]])
			b.WriteString(masked)
		}
		shown = max(shown, span[1])
	}
	b.WriteString(m.s[shown:])
	return b.String()
}
