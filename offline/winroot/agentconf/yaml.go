package agentconf

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const agentConfig = "agent-config.yml"

// Bounds of a foreign YAML document: values, and the characters that can begin one,
// which bound the parser's memory before it starts.
const (
	maxYAMLNodes = 1 << 16
	maxYAMLMarks = 1 << 17
)

// A document is the one YAML or JSON document of a file.
type document struct {
	text
	file  string
	lines [][]int // where each line ends, and the next begins
	top   *yaml.Node
}

// lineBreak is what ends a line in YAML 1.1.
var lineBreak = regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]")

// readDocument reads a document without anchors, aliases and keys that stand twice.
// Messages of the parser may quote the file and stay here.
func readDocument(file string, data []byte) (document, error) {
	d := document{file: file}
	var err error
	if d.text, err = decode(file, data); err != nil {
		return d, err
	}
	marks := 0
	for i := range len(d.s) {
		if strings.IndexByte(",\n:-[{?", d.s[i]) >= 0 {
			marks++
		}
	}
	if marks > maxYAMLMarks {
		return d, d.refuse(TooLarge, 0, "more values than any such file")
	}
	var top, more yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(asYAML(d.s)))
	if err := decoder.Decode(&top); err != nil {
		return d, d.malformed(err)
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return d, d.refuse(Documents, more.Line, "more than one YAML document")
	case !errors.Is(err, io.EOF):
		return d, d.malformed(err)
	}
	if len(top.Content) != 1 {
		return d, d.refuse(Malformed, 0, "no YAML document")
	}
	d.top, d.lines = top.Content[0], append(lineBreak.FindAllStringIndex(d.s, -1), []int{len(d.s), len(d.s)})
	left := maxYAMLNodes
	return d, d.check(d.top, maxDepth, &left)
}

// jsonEscape finds escapes in JSON, and those first that the YAML parser does not know:
// halves of surrogate pairs and the slash.
var jsonEscape = regexp.MustCompile(`\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|(?s:.))`)

// asYAML is a text for the YAML parser. JSON keeps its length: no value that matters
// has a slash or a character that takes two escapes.
func asYAML(s string) string {
	if !json.Valid([]byte(s)) {
		return s
	}
	return jsonEscape.ReplaceAllStringFunc(s, func(e string) string {
		switch {
		case e == `\/`:
			return "//"
		case len(e) > 2:
			return `\uFFFD`
		}
		return e
	})
}

func (d document) refuse(code Code, line int, why string) error {
	return &Refusal{File: d.file, Code: code, Line: line, Why: why}
}

var yamlLine = regexp.MustCompile(`line (\d+):`)

// malformed tells of a tab, which a person overlooks, before the parser's own error.
func (d document) malformed(err error) error {
	if at := tabbedLine.FindStringIndex(d.s); at != nil && strings.IndexAny(strings.TrimSpace(d.s), "{[") != 0 {
		return &Refusal{
			File: d.file, Code: TabIndent, Line: d.line(at[0]), Why: "indented with a tab, which YAML does not allow",
			Hint: "the agent may not read the file either; put spaces in place of the tab",
		}
	}
	line := 0
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits; too many of them leave the greatest number
	}
	return d.refuse(Malformed, line, "neither YAML nor JSON")
}

// check bounds the document, and refuses what would make one place of the text mean
// several values. Keys are compared without case: who reads the file with which care
// is not known.
func (d document) check(n *yaml.Node, depth int, left *int) error {
	if *left--; *left < 0 || depth == 0 {
		return d.refuse(TooLarge, n.Line, "more values than any such file, or nested too deeply")
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == "!!merge" {
		return d.refuse(HasAlias, n.Line, "anchors, aliases and merge keys are not edited")
	}
	seen := map[string]bool{}
	for i, child := range n.Content {
		if err := d.check(child, depth-1, left); err != nil {
			return err
		}
		if n.Kind != yaml.MappingNode || i%2 != 0 {
			continue
		}
		if low := strings.ToLower(child.Value); child.Kind == yaml.ScalarNode && seen[low] {
			return d.refuse(KeyTwice, child.Line, "a key stands twice")
		} else {
			seen[low] = true
		}
	}
	return nil
}

// at is the place of a node in the text, in lines as YAML counts them.
func (d document) at(n *yaml.Node) int {
	at := d.lineStart(n.Line)
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(d.s[at:])
		at += size
	}
	return at
}

// lineStart is where the line begins, or the end of the text.
func (d document) lineStart(line int) int {
	if line <= 1 {
		return 0
	}
	return d.lines[min(line-2, len(d.lines)-1)][1]
}

// replace puts a word in place of a scalar, inside of its quotes, and reads the
// result again: nothing else may have changed its meaning.
func (d document) replace(n *yaml.Node, word string) (Edit, error) {
	from := d.at(n)
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		from++
	}
	if n.Value == "" || !strings.HasPrefix(d.s[min(from, len(d.s)):], n.Value) {
		return Edit{}, d.refuse(TaskShape, n.Line, "the value is not written as one plain word")
	}
	edit := d.splice(from, from+len(n.Value), word)
	after, err := readDocument(d.file, edit.After)
	if err != nil {
		return Edit{}, err
	}
	was := n.Value
	n.Value = word
	same := equalNodes(d.top, after.top)
	n.Value = was
	if !same {
		return Edit{}, d.refuse(TaskShape, n.Line, "the value cannot be told from what stands around it")
	}
	return edit, nil
}

// equalNodes compares what documents mean, and not their places and comments.
func equalNodes(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, equalNodes)
}

// child is the value of a key, without case; nil if the node is no mapping or has none.
func child(n *yaml.Node, key string) *yaml.Node {
	_, value := entry(n, key)
	return value
}

// entry is a key of a mapping and its value.
func entry(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Kind == yaml.ScalarNode && strings.EqualFold(k.Value, name) {
			return k, n.Content[i+1]
		}
	}
	return nil, nil
}

// items are the entries of a sequence; none of anything else.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// word is the value of a scalar, or "".
func word(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}
