package conf

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitArguments(t *testing.T) {
	tests := []struct {
		in   string
		want []string
		ok   bool
	}{
		{`a b`, []string{"a", "b"}, true},
		{"\ta  b\t", []string{"a", "b"}, true},
		{`"a b" c`, []string{"a b", "c"}, true},
		{`a"b c"d`, []string{"ab cd"}, true},
		{`'a "b"'`, []string{`a "b"`}, true},
		{`a\"b`, []string{`a"b`}, true},
		{`a\ b`, []string{"a b"}, true},
		{`a\xb`, []string{`a\xb`}, true},
		{`a # b`, []string{"a"}, true},
		{`a#b`, []string{"a#b"}, true},
		{`""`, []string{""}, true},
		{`"a`, nil, false},
		{`a 'b`, nil, false},
		{``, nil, true},
	}
	for _, tt := range tests {
		got, ok := splitArguments(tt.in, true)
		if !slices.Equal(got, tt.want) || ok != tt.ok {
			t.Errorf("%q: got %q %v, want %q %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
	if got, _ := splitArguments(`a\ b`, false); !slices.Equal(got, []string{`a\`, "b"}) {
		t.Errorf("before 8.9 a backslash does not keep a space: %q", got)
	}
}

func TestCursor(t *testing.T) {
	tests := []struct{ in, first, rest string }{
		{"Port 22", "Port", "22"},
		{"Port=22", "Port", "22"},
		{"Port = 22", "Port", "22"},
		{"Port\t= \t22", "Port", "22"},
		{"Port==22", "Port", "=22"},
		{`Po"rt 2"2`, "Port 2", "2"},
		{"Port", "Port", ""},
	}
	for _, tt := range tests {
		c := cursor{rest: tt.in}
		if got, ok := c.next(true); got != tt.first || c.rest != tt.rest || !ok {
			t.Errorf("%q: got %q %q", tt.in, got, c.rest)
		}
	}
	c := cursor{rest: `"open`}
	if _, ok := c.next(true); ok {
		t.Error("an open quote gave a word")
	}
}

func TestLoadLines(t *testing.T) {
	tests := []struct {
		in     string
		cut    bool
		joined string
	}{
		{"  a\n\tb\n", false, "a|b|"},
		{"a\x00junk\nb\n", false, "ab|"},
		{"a \"#x\"\n", false, "a \"#x\"|"},
		{"a \"#x\"\nb", true, "a \"|b"},
		{"\r\n", false, "|"},
	}
	for _, tt := range tests {
		if got := strings.Join(loadLines([]byte(tt.in), tt.cut), "|"); got != tt.joined {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.joined)
		}
	}
}

func TestTrimEnd(t *testing.T) {
	for in, want := range map[string]string{"a \t\r\f": "a", "  ": " ", "": "", "\f": "\f", "a b": "a b"} {
		if got := trimEnd(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "90": 90, "2m": 120, "1h30m": 5400, "1W": 604800, "1d2": 86402} {
		if got, err := seconds(in); err != nil || got != want {
			t.Errorf("%q: got %d %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "m", "1y", "-1", "99999999999", "2147483648", "1h-1"} {
		if got, err := seconds(in); err == nil {
			t.Errorf("%q: got %d, want an error", in, got)
		}
	}
}

func TestScaled(t *testing.T) {
	for in, want := range map[string]int64{"1": 1, "1K": 1024, "1.5k": 1536, "2G": 2 << 30, "0": 0} {
		if got, err := scaled(in); err != nil || got != want {
			t.Errorf("%q: got %d %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"1Q", "1KB", "1.2.3", "9E9E", "99E"} {
		if got, err := scaled(in); err == nil {
			t.Errorf("%q: got %d, want an error", in, got)
		}
	}
}
