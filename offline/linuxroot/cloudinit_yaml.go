package linuxroot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a foreign YAML document: nodes after aliases are resolved, depth, and
// the characters that can begin a node, which bound the parser's memory to some
// 30 MiB before it starts.
const (
	maxYAMLNodes = 1 << 16
	maxYAMLDepth = 64
	maxYAMLMarks = 1 << 17
)

var (
	errYAMLSize  = errors.New("more values than the limit, aliases resolved")
	errYAMLDepth = errors.New("nested too deeply")
)

// parseYAML reads a document whose top is a mapping, as PyYAML reads it for
// cloud-init: YAML 1.1 words for booleans, the last of repeated keys counts.
// An empty document is an empty mapping.
func parseYAML(data []byte) (map[string]any, error) {
	marks := 0
	for _, c := range data {
		if strings.IndexByte(",\n:-[{?", c) >= 0 {
			marks++
		}
	}
	if marks > maxYAMLMarks {
		return nil, errYAMLSize
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if doc.Kind == 0 {
		return map[string]any{}, nil
	}
	c := yamlReader{left: maxYAMLNodes}
	value, err := c.value(&doc, 0)
	if err != nil {
		return nil, err
	}
	switch top := value.(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return top, nil
	}
	return nil, fmt.Errorf("the top is not a mapping")
}

// yamlReader turns nodes into nil, bool, int64, string, []any and map[string]any.
type yamlReader struct{ left int }

func (c *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	if c.left--; c.left < 0 {
		return nil, errYAMLSize
	}
	if depth > maxYAMLDepth {
		return nil, errYAMLDepth
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return c.value(n.Content[0], depth+1)
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		return c.list(n, depth)
	case yaml.MappingNode:
		return c.mapping(n, depth)
	}
	return scalar(n), nil
}

func (c *yamlReader) list(n *yaml.Node, depth int) (any, error) {
	out := make([]any, 0, len(n.Content))
	for _, item := range n.Content {
		value, err := c.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	return out, nil
}

func (c *yamlReader) mapping(n *yaml.Node, depth int) (any, error) {
	out := map[string]any{}
	var merged []any
	for i := 0; i+1 < len(n.Content); i += 2 {
		value, err := c.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if key := n.Content[i]; key.Tag == "!!merge" {
			merged = append(merged, value)
		} else if key.Kind == yaml.ScalarNode {
			out[key.Value] = value
		} // a key that is itself a list or mapping names nothing that cloud-init knows
	}
	for _, m := range merged {
		addMissing(out, m)
	}
	return out, nil
}

// addMissing is the merge key <<: its values stand behind the mapping's own.
func addMissing(out map[string]any, m any) {
	switch m := m.(type) {
	case map[string]any:
		for k, value := range m {
			if _, has := out[k]; !has {
				out[k] = value
			}
		}
	case []any:
		for _, one := range m {
			if _, nested := one.(map[string]any); nested {
				addMissing(out, one)
			}
		}
	}
}

// scalar resolves plain words as YAML 1.1 does; quoted ones are strings.
func scalar(n *yaml.Node) any {
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if !plain || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0 {
		return n.Value
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return nil
	}
	if b, ok := word(n.Value); ok {
		return b
	}
	if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && n.Tag == "!!int" {
		return i
	}
	return n.Value
}

// word reads the boolean words of YAML 1.1, in the three spellings that PyYAML takes.
func word(s string) (value, ok bool) {
	low := strings.ToLower(s)
	if s != low && s != strings.ToUpper(s) && s != strings.ToUpper(low[:1])+low[1:] {
		return false, false
	}
	switch low {
	case "yes", "true", "on":
		return true, true
	case "no", "false", "off":
		return false, true
	}
	return false, false
}
