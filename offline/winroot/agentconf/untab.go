package agentconf

import (
	"bytes"
	"errors"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tabWidths are what a tab is taken for, in columns: what editors have them stand for.
var tabWidths = []int{2, 4, 8}

// tabbedLine is a line that is indented with a tab, as one sample of AWS's documents is.
var tabbedLine = regexp.MustCompile(`(?m)^([ -]*\t[ \t-]*)[^\r\n\x{85}\x{2028}\x{2029}]*`)

// Untab is an agent-config.yml with spaces in place of the tabs that indent its
// lines, where YAML allows none, and the numbers of those lines. All tabs become
// equally wide. Where several widths give the file different meanings, or a tab
// stands in a text of several lines, it refuses with TabUnclear.
func Untab(data []byte) (after []byte, lines []int, err error) {
	t, err := decode(agentConfig, data)
	if err != nil {
		return nil, nil, err
	}
	unclear := func(why string) error {
		return &Refusal{
			File: agentConfig, Code: TabUnclear, Why: "indented with tabs, which YAML does not allow, and " + why,
			Hint: "the agent may not read the file either; put spaces in place of the tabs",
		}
	}
	var meaning *yaml.Node
	for _, width := range tabWidths {
		spaced := t.untab(width, "")
		d, err := readDocument(agentConfig, spaced)
		if err != nil {
			continue // too narrow or too wide, or something else is wrong
		}
		// A comment at the end of a line means nothing but within a text.
		commented, err := readDocument(agentConfig, t.untab(width, " #"))
		switch {
		case err != nil || !equalNodes(d.top, commented.top):
			return nil, nil, unclear("one of them stands in a text")
		case meaning == nil:
			meaning, after = d.top, spaced
		case !equalNodes(meaning, d.top):
			return nil, nil, unclear("what it means depends on how wide they are")
		}
	}
	if meaning == nil {
		return nil, nil, unclear("not readable with spaces either")
	}
	for _, at := range tabbedLine.FindAllStringIndex(t.s, -1) {
		lines = append(lines, t.line(at[0]))
	}
	return after, lines, nil
}

// untab is the file with tabs of a width, and a text at the end of each line that had one.
func (t text) untab(width int, end string) []byte {
	wide := strings.Repeat(" ", width)
	after, done, from := bytes.Clone(t.raw[:t.skip]), 0, t.skip
	keep := func(to int) {
		size := t.rawSize(t.s[done:to])
		after = append(after, t.raw[from:from+size]...)
		done, from = to, from+size
	}
	for _, m := range tabbedLine.FindAllStringSubmatchIndex(t.s, -1) {
		keep(m[0])
		after = append(after, t.encode(strings.ReplaceAll(t.s[m[2]:m[3]], "\t", wide))...)
		done, from = m[3], from+t.rawSize(t.s[m[2]:m[3]])
		keep(m[1])
		after = append(after, t.encode(end)...)
	}
	keep(len(t.s))
	return after
}

// maskTabbed masks a file that can be read with spaces in place of its tabs, and
// shows it with the tabs.
func maskTabbed(data []byte, err error) string {
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != TabIndent {
		return unshown
	}
	spaced, _, err := Untab(data)
	if err != nil {
		return unshown
	}
	t, err := decode(agentConfig, data)
	if err != nil {
		return unshown
	}
	was, lines := strings.Split(t.s, "\n"), strings.Split(Mask(EC2LaunchV2, spaced), "\n")
	if len(was) != len(lines) {
		return unshown
	}
	for i, line := range was {
		if m := tabbedLine.FindStringSubmatch(line); m != nil {
			if rest := strings.TrimLeft(lines[i], " -"); !strings.HasPrefix(rest, masked) {
				lines[i] = m[1] + rest
			}
		}
	}
	return strings.Join(lines, "\n")
}
