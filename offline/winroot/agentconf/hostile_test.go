package agentconf

import (
	"errors"
	"strings"
	"testing"
)

// TestHostileFiles reads files made to cost time, memory or stack: each comes back. At
// MaxSize each of them took less than half a second.
func TestHostileFiles(t *testing.T) {
	for _, piece := range []string{
		"[", "{", "{a: ", "{\"a\":", "- ", "? ", "! ", "&a ", "*a ", "a: b\n", "\"", "'", "|\n", "#\n", "# ", "\t", "\r", " ", "\n", "a", "\\u", "a:\n ",
		"<a>", "<a ", "<a a='", "<!--", "<![CDATA[", "&#1;", "<a/>", "<powershell>", "</powershell>", "<script></script>", "sysprep ", "--- ", "---\n", "...\n",
		"data: x\n", "data: x, ", "\u0085", "\xff", "é", "%TAG ! x\n", "- task: sysprep\n", "[],", "{},", "{\"password\":1},", "<Plugin>",
	} {
		for _, head := range []string{"", "{\"x\": [", "x: |\n ", "<Ec2ConfigurationSettings><Plugins>", "config:\n- tasks:\n  "} {
			file := []byte(head + strings.Repeat(piece, maxUserData/32/len(piece)))
			for name, edit := range editors {
				if got, err := edit(file, true); err == nil && got.Already {
					t.Errorf("%s: %q asks for a password", name, piece)
				}
			}
			_, _ = AgentTasks(file) // most are no settings; all come back
			for _, agent := range []Agent{EC2Config, EC2LaunchV1, EC2LaunchV2} {
				Mask(agent, file)
				ReadUserData(agent, true, file)
			}
		}
	}
}

func TestTooLarge(t *testing.T) {
	nested := map[string]string{"ec2config": strings.Repeat("<a>", maxDepth+1), "agentconfig": strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)}
	for name, in := range nested {
		var r *Refusal
		if _, err := editors[name]([]byte(in), true); !errors.As(err, &r) || r.Code != TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, edit := range editors {
		if _, err := edit(make([]byte, MaxSize+1), true); err == nil || !strings.Contains(err.Error(), "larger than any such file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
