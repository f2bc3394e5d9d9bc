package linuxroot

import (
	"slices"
	"strings"
)

// mergeConfigs merges as cloud-init's util.mergemanydict: the first source that
// has a value keeps it, mappings are merged key by key, and a source with
// merge_how (or merge_type) decides how it is added itself.
func mergeConfigs(sources ...map[string]any) map[string]any {
	merged := map[string]any{}
	for _, source := range sources {
		if len(source) == 0 {
			continue
		}
		how, rest := extractMergers(source)
		if value, ok := how.merge(merged, rest).(map[string]any); ok {
			merged = value
		}
	}
	return merged
}

// mergers holds the options of each kind of merger; a kind that is not in it
// leaves the old value as it is.
type mergers map[string][]string

var defaultMergers = mergers{"dict": nil, "list": nil, "str": nil}

// extractMergers takes merge_how or merge_type out of a source.
func extractMergers(source map[string]any) (mergers, map[string]any) {
	rest := map[string]any{}
	for k, value := range source {
		rest[k] = value
	}
	raw, key := rest["merge_how"], "merge_how"
	if raw == nil {
		raw, key = rest["merge_type"], "merge_type"
	}
	delete(rest, key)
	delete(rest, "merge_how")
	found := mergers{}
	switch raw := raw.(type) {
	case string:
		for one := range strings.SplitSeq(raw, "+") {
			found.addText(one)
		}
	case []any:
		for _, one := range raw {
			found.addItem(one)
		}
	}
	if len(found) == 0 {
		return defaultMergers, rest
	}
	return found, rest
}

// addText reads "dict(replace,recurse_list)".
func (m mergers) addText(text string) {
	name, options, ok := strings.Cut(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), "-", "_"), "(")
	options, closed := strings.CutSuffix(options, ")")
	if !ok || !closed {
		return
	}
	var opts []string
	for o := range strings.SplitSeq(options, ",") {
		opts = append(opts, strings.TrimSpace(o))
	}
	m.add(name, opts)
}

// addItem reads {name: dict, settings: [replace]} and [dict, replace].
func (m mergers) addItem(item any) {
	switch item := item.(type) {
	case map[string]any:
		name, _ := item["name"].(string)
		m.add(strings.ReplaceAll(name, "-", "_"), texts(item["settings"]))
	case []any:
		if words := texts(item); len(words) > 0 {
			m.add(words[0], words[1:])
		}
	}
}

// add keeps the first merger of a kind: cloud-init asks them in order.
func (m mergers) add(name string, options []string) {
	name = strings.TrimPrefix(name, "m_")
	if _, has := m[name]; !has && name != "" {
		m[name] = options
	}
}

func (m mergers) has(kind string, options ...string) bool {
	return slices.ContainsFunc(m[kind], func(o string) bool { return slices.Contains(options, o) })
}

// merge adds b to a by the kind of a. Depth is bounded by the YAML reader.
func (m mergers) merge(a, b any) any {
	switch a := a.(type) {
	case map[string]any:
		if _, ok := m["dict"]; ok {
			return m.mergeDict(a, b)
		}
	case []any:
		if _, ok := m["list"]; ok {
			return m.mergeList(a, b)
		}
	case string:
		if options, ok := m["str"]; ok {
			if text, isText := b.(string); isText && slices.Contains(options, "append") {
				return a + text
			}
			return b
		}
	}
	return a
}

func (m mergers) mergeDict(a map[string]any, b any) any {
	from, ok := b.(map[string]any)
	if !ok {
		return a
	}
	out := make(map[string]any, len(a)+len(from))
	for k, value := range a {
		out[k] = value
	}
	for k, value := range from {
		old, has := out[k]
		switch {
		case !has:
			out[k] = value
		case value == nil && m.has("dict", "allow_delete"):
			delete(out, k)
		case m.firstOf("dict", "replace", "no_replace") == "replace":
			out[k] = value
		case m.recurses("dict", value, true):
			out[k] = m.merge(old, value)
		}
	}
	return out
}

// firstOf is the first of the known methods that the options name.
func (m mergers) firstOf(kind string, methods ...string) string {
	for _, method := range methods {
		if slices.Contains(m[kind], method) {
			return method
		}
	}
	return ""
}

// recurses tells whether values of this type are merged below a mapping or list.
func (m mergers) recurses(kind string, value any, dicts bool) bool {
	switch value.(type) {
	case []any:
		return m.has(kind, "recurse_array", "recurse_list")
	case string:
		return m.has(kind, "recurse_str")
	case map[string]any:
		return dicts || m.has(kind, "recurse_dict")
	}
	return false
}

func (m mergers) mergeList(a []any, b any) any {
	method := m.firstOf("list", "append", "prepend", "replace", "no_replace")
	from, ok := b.([]any)
	switch {
	case !ok && (method == "" || method == "replace"):
		return b
	case !ok:
		return a
	case method == "append":
		return slices.Concat(a, from)
	case method == "prepend":
		return slices.Concat(from, a)
	case method == "no_replace":
		return a
	}
	out := slices.Clone(a)
	for i := range min(len(out), len(from)) {
		if m.recurses("list", from[i], false) {
			out[i] = m.merge(out[i], from[i])
		} else {
			out[i] = from[i]
		}
	}
	return out
}

// texts are the strings of a list; anything else in it is left out.
func texts(value any) []string {
	list, _ := value.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
