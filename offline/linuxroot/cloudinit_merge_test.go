package linuxroot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	values, err := parseYAML([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return values
}

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct {
		sources []string // strongest first
		want    string
	}{
		"the first has it":      {[]string{"a: 1", "a: 2", "a: 3"}, "a: 1"},
		"each adds its own":     {[]string{"a: 1", "b: 2"}, "{a: 1, b: 2}"},
		"lists stay whole":      {[]string{"users: [x]", "users: [y, z]"}, "users: [x]"},
		"mappings go deep":      {[]string{"m: {a: {x: 1}}", "m: {a: {x: 2, y: 3}, b: 4}"}, "m: {a: {x: 1, y: 3}, b: 4}"},
		"null counts as had":    {[]string{"a: null", "a: 2"}, "a: null"},
		"a mapping wins":        {[]string{"a: text", "a: {b: c}"}, "a: {b: c}"},
		"append on demand":      {[]string{"users: [x]", "users: [y]\nmerge_how: list(append)+dict(recurse_list)"}, "users: [x, y]"},
		"prepend on demand":     {[]string{"users: [x]", "users: [y]\nmerge_type: dict(recurse_list)+list(prepend)"}, "users: [y, x]"},
		"replace on demand":     {[]string{"users: [x]", "users: [y]\nmerge_how: dict(replace)+list()+str()"}, "users: [y]"},
		"strings join":          {[]string{"a: one", "a: two\nmerge_how: dict(recurse_str)+str(append)"}, "a: onetwo"},
		"delete on demand":      {[]string{"{a: 1, b: 2}", "a: null\nmerge_how: dict(allow_delete)"}, "b: 2"},
		"no merger for maps":    {[]string{"a: 1", "b: 2\nmerge_how: list(append)"}, "a: 1"},
		"how as a list":         {[]string{"u: [x]", "u: [y]\nmerge_how: [{name: list, settings: [append]}, {name: dict, settings: [recurse_list]}]"}, "u: [x, y]"},
		"how as pairs":          {[]string{"u: [x]", "u: [y]\nmerge_how: [[list, append], [dict, recurse_list]]"}, "u: [x, y]"},
		"how without sense":     {[]string{"a: 1", "{a: 2, b: 3, merge_how: 7}"}, "{a: 1, b: 3}"},
		"list by position":      {[]string{"u: [1, 2, 3]", "u: [9]\nmerge_how: dict(recurse_list)+list(replace)"}, "u: [9, 2, 3]"},
		"deep by position":      {[]string{"u: [{a: 1}]", "u: [{a: 2, b: 3}]\nmerge_how: dict(recurse_list)+list(recurse_dict)"}, "u: [{a: 1, b: 3}]"},
		"list against a scalar": {[]string{"u: [1]", "u: text\nmerge_how: dict(recurse_str)+list()"}, "u: text"},
		"nothing":               {nil, "{}"},
		"an empty one":          {[]string{"", "a: 1"}, "a: 1"},
	} {
		var sources []map[string]any
		for _, text := range c.sources {
			sources = append(sources, mustYAML(t, text))
		}
		if diff := cmp.Diff(mustYAML(t, c.want), mergeConfigs(sources...)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestMergeLeavesItsSources(t *testing.T) {
	key := rapid.SampledFrom([]string{"a", "b", "c"})
	leaf := rapid.OneOf(rapid.Just[any]("x"), rapid.Just[any](int64(1)), rapid.Just[any]([]any{"l"}), rapid.Just[any](nil))
	inner := rapid.MapOfN(key, leaf, 0, 3)
	document := rapid.MapOfN(key, rapid.OneOf(leaf, rapid.Custom(func(t *rapid.T) any { return inner.Draw(t, "inner") })), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := document.Draw(t, "a"), document.Draw(t, "b")
		before := cmp.Diff(a, b)
		merged := mergeConfigs(a, b)
		if cmp.Diff(a, b) != before {
			t.Fatalf("a source was changed: %v %v", a, b)
		}
		for k := range merged {
			_, inA := a[k]
			_, inB := b[k]
			if !inA && !inB {
				t.Fatalf("%q comes from nowhere", k)
			}
		}
		if len(merged) < max(len(a), len(b)) {
			t.Fatalf("lost something: %v + %v = %v", a, b, merged)
		}
		if diff := cmp.Diff(merged, mergeConfigs(merged, b)); diff != "" {
			t.Fatalf("merging twice differs: %s", diff)
		}
	})
}

func TestYAMLValues(t *testing.T) {
	for text, want := range map[string]any{
		"yes": true, "Yes": true, "YES": true, "yEs": "yEs", "on": true, "Off": false, "n": "n", "y": "y", "true": true, "FALSE": false,
		"'yes'": "yes", `"no"`: "no", "~": nil, "": nil, "null": nil, "Null": nil, "'null'": "null",
		"7": int64(7), "'7'": "7", "-3": int64(-3), "1.5": "1.5", "text": "text", "2024-01-01": "2024-01-01",
		"!!str yes": "yes", "|\n  yes\n": "yes\n", ">-\n  a\n  b\n": "a b",
		"[a, [b], {c: d}]": []any{"a", []any{"b"}, map[string]any{"c": "d"}},
		"{1: a, yes: b}":   map[string]any{"1": "a", "yes": "b"},
		"{a: 1, a: 2}":     map[string]any{"a": int64(2)},
	} {
		if diff := cmp.Diff(map[string]any{"v": want}, mustYAML(t, "v: "+text)); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", text, diff)
		}
	}
}

func TestYAMLMergeKeys(t *testing.T) {
	got := mustYAML(t, "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\none:\n  <<: *b\n  x: own\ntwo:\n  <<: [*m, *b]\n")
	want := map[string]any{"x": "own", "y": int64(2)}
	if diff := cmp.Diff(want, got["one"]); diff != "" {
		t.Errorf("one: %s", diff)
	}
	want = map[string]any{"x": int64(1), "y": int64(3), "z": int64(4)}
	if diff := cmp.Diff(want, got["two"]); diff != "" {
		t.Errorf("two: %s", diff)
	}
}

func TestCloudUsers(t *testing.T) {
	for text, want := range map[string]string{ // the default user, then everyone
		"users: [default]":     "sys: sys",
		"users: [default, a]":  "sys: sys a",
		"users: [a]":           ": a",
		"users: []":            ":",
		"users: default":       "sys: sys",
		"users: 'a,default,a'": "sys: a sys",
		"users: {b: yes, a: {gecos: x}, c: false}": ": a b",
		"users: {default: {gecos: x}}":             "sys: sys",
		"users: [{gecos: x}]":                      "sys: sys",
		"users: [[a, b], c]":                       ": a b c",
		"user: u":                                  "u: u",
		"user: u\nusers: [a]":                      "u: a u",
		"user: {name: u, shell: /bin/sh}":          "u: u",
		"user: {shell: /bin/zsh}":                  "sys: sys",
		"user: ''":                                 ":",
		"user: [u]":                                ":",
		"users: 7":                                 ":",
		"a: b":                                     ":",
	} {
		name, users := cloudUsers(mustYAML(t, text), "sys")
		if got := strings.TrimSpace(name + ": " + strings.Join(users, " ")); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
