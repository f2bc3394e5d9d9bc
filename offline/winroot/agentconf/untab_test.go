package agentconf

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestUntab(t *testing.T) {
	for name, tt := range map[string]struct {
		in, want string // want of a refusal: a part of its text
		lines    []int  // nil: it refuses
	}{
		"AWS's sample":   {"config:\n- stage: preReady\n\ttasks:\n  - task: x\n", "config:\n- stage: preReady\n  tasks:\n  - task: x\n", []int{3}},
		"four columns":   {"config:\n\t- stage: preReady\n\t  tasks:\n      - task: x\n", "config:\n  - stage: preReady\n    tasks:\n      - task: x\n", []int{2, 3}},
		"eight columns":  {"a:\n        - b: 1\n\t  c: 2\n", "a:\n        - b: 1\n          c: 2\n", []int{3}},
		"no other place": {"a:\tb\n-\tc:\td\n", "not readable", nil},
		"comments":       {"a:\n\t# why\n\tb: c # d\n\t\n", "a:\n  # why\n  b: c # d\n  \n", []int{2, 3, 4}},
		"a script":       {"a:\n\tb: |\n\t\techo\n", "stands in a text", nil},
		"a script beside it": {
			"- a: |\n    echo \tx\n    \techo\n\tb: c\n", "stands in a text", nil,
		},
		"over lines":  {"a: 'x\n\ty\n  z'\nb:\n\tc: d\n", "stands in a text", nil},
		"by width":    {"a:\n  b:\n\tc: d\n", "depends on how wide", nil},
		"both":        {"a:\n\t\tb: c\n\td: e\n", "not readable", nil},
		"not at all":  {"a: [\n\tb\n", "not readable", nil},
		"no tab":      {"a: b\n", "a: b\n", nil},
		"two anchors": {"a: &x y\nb:\n\tc: *x\n", "not readable", nil},
	} {
		for code, encode := range encodings {
			after, lines, err := Untab(encode(tt.in))
			var refusal *Refusal
			switch {
			case errors.As(err, &refusal):
				if refusal.Code != TabUnclear || tt.lines != nil || !strings.Contains(refusal.Why, tt.want) || refusal.Hint == "" {
					t.Errorf("%s, %v: %v", name, code, err)
				}
			case err != nil || !bytes.Equal(after, encode(tt.want)) || !slices.Equal(lines, tt.lines):
				t.Errorf("%s, %v: %q, %v, %v", name, code, after, lines, err)
			}
		}
	}
}

// TestUntabIsBounded: what a tab may grow to is no more than a file may have.
func TestUntabIsBounded(t *testing.T) {
	in := []byte("a:\n" + strings.Repeat("\t", MaxSize-10) + "b: c\n")
	if after, _, err := Untab(in); err == nil {
		t.Errorf("%d bytes", len(after))
	}
}

// FuzzUntab: a file with spaces means the same however the tabs are masked, and
// nothing but what its lines begin with is another.
func FuzzUntab(f *testing.F) {
	for _, in := range []string{"config:\n- stage: preReady\n\ttasks:\n  - task: x\n", "a: |\n  \tb\n", "- \t- \tx: 'y\n\tz'\n"} {
		for _, encode := range encodings {
			f.Add(encode(in))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		after, lines, err := Untab(data)
		if err != nil {
			return
		}
		if _, err := readDocument(agentConfig, after); err != nil {
			t.Fatalf("%v: %q", err, after)
		}
		was, err1 := decode("", data)
		is, err2 := decode("", after)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		old, now := strings.Split(was.s, "\n"), strings.Split(is.s, "\n")
		if len(old) != len(now) {
			t.Fatalf("%q became %q", data, after)
		}
		for i := range old {
			if old[i] != now[i] && (!slices.Contains(lines, i+1) || strings.Trim(old[i], " -\t\r") != strings.Trim(now[i], " -\t\r")) {
				t.Fatalf("line %d: %q became %q", i+1, old[i], now[i])
			}
		}
	})
}
