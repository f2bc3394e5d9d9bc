package ssm

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCut holds the limits that SSM documents against outputs around them.
func TestCut(t *testing.T) {
	for _, limit := range []struct {
		id   string
		most int
	}{{"ssm.command.stdout", 24000}, {"ssm.command.stderr", 8000}} {
		for _, n := range []int{0, 1, limit.most - 1, limit.most, limit.most + 1, 3 * limit.most} {
			text := strings.Repeat("x", n)
			got := cut(text, limit.id)
			if len(got) > limit.most || n < limit.most && got != text || n >= limit.most && !strings.HasSuffix(got, "x--output truncated--") {
				t.Errorf("%s: %d bytes become %d", limit.id, n, len(got))
			}
		}
	}
}

func TestPluginOutput(t *testing.T) {
	long, short := strings.Repeat("x", 5000), "short"
	for name, tt := range map[string]struct {
		stdout, stderr string
		parts          []string // in this order
	}{
		"nothing":     {"", "", nil},
		"both short":  {short, short, []string{"short\n----------ERROR-------\nshort"}},
		"long output": {long, short, []string{"x\n---Output truncated---\n----------ERROR-------\nshort"}},
		"long error":  {short, long, []string{"short\n----------ERROR-------\nx", "x\n---Error truncated----"}},
		"both long":   {long, long, []string{"x\n---Output truncated---\n----------ERROR-------\nx", "x\n---Error truncated----"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := pluginOutput(tt.stdout, tt.stderr)
			rest := got
			for _, part := range tt.parts {
				i := strings.Index(rest, part)
				if i < 0 {
					t.Fatalf("%q is missing in %q", part, rest)
				}
				rest = rest[i+len(part):]
			}
			if len(got) > 2500 {
				t.Errorf("%d bytes", len(got))
			}
		})
	}
}

func FuzzOutput(f *testing.F) {
	f.Add("", "")
	f.Add(strings.Repeat("ä", 2000), strings.Repeat("€", 30))
	f.Add(strings.Repeat("ä", 1240), "")
	f.Fuzz(func(t *testing.T, stdout, stderr string) {
		got := pluginOutput(stdout, stderr)
		if len(got) > 2500 {
			t.Errorf("%d bytes", len(got))
		}
		if utf8.ValidString(stdout) && utf8.ValidString(stderr) && !utf8.ValidString(got) {
			t.Errorf("a character is torn: %q", got)
		}
	})
}
