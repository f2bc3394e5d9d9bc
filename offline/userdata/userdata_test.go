package userdata_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/userdata"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

const secret = "hunter2"

var samples = map[string]struct{ data, words string }{
	"nothing":        {"", "none"},
	"blanks":         {" \r\n\t", "none"},
	"plain text":     {"hello " + secret, "none"},
	"cloud-init":     {"#cloud-config\nusers: [" + secret + "]\n", "none"},
	"batch":          {"<script>net user x " + secret + "</script>", "script"},
	"PowerShell":     {"<powershell>\r\n$p = '" + secret + "'\r\n</powershell>", "powershell"},
	"not closed":     {"<powershell>$p = '" + secret + "'", "powershell"},
	"both":           {"<powershell>1</powershell><script>2</script>", "script,powershell"},
	"persist":        {"<powershell>1</powershell><persist>true</persist>", "powershell,persist"},
	"only persist":   {"<persist>true</persist>", "none"},
	"sysprep":        {"<powershell>& $env:windir\\system32\\sysprep\\sysprep.exe /oobe # " + secret + "</powershell>", "powershell,sysprep"},
	"names sysprep":  {"<powershell># before we sysprep this</powershell>", "powershell"},
	"tasks":          {"version: 1.0\ntasks:\n  - task: executeScript\n    inputs:\n      - frequency: always\n        type: powershell\n        content: " + secret + "\n", "tasks"},
	"sysprep task":   {"version: 1.0\ntasks:\n  - task: sysprep\n    inputs:\n      clean: true\n", "tasks,sysprep"},
	"JSON":           {`{"version":"1.0","tasks":[{"task":"enableOpenSsh"}]}`, "tasks"},
	"tags in a task": {"tasks:\n  - task: executeScript\n    inputs:\n      - content: <powershell>1</powershell>\n", "powershell,tasks"},
	"broken tasks":   {"tasks:\n\t- task: executeScript\n", "tasks"},
	"UTF-16":         {"\xff\xfe<\x00s\x00c\x00r\x00i\x00p\x00t\x00>\x00", "script"},
	"packed":         {"PK\x03\x04\x00\x00" + secret, ""},
}

// TestDescribe: the words are what an agent would do, and nothing else of the data.
func TestDescribe(t *testing.T) {
	for name, tt := range samples {
		t.Run(name, func(t *testing.T) {
			got := userdata.Describe([]byte(tt.data))
			if got != tt.words {
				t.Errorf("%q, want %q", got, tt.words)
			}
			if strings.Contains(got, secret) {
				t.Error("the words hold the secret")
			}
			alike(t, tt.data)
		})
	}
}

// alike fails unless each agent does with the stand-in what it does with the data.
func alike(t *testing.T, data string) {
	t.Helper()
	words := userdata.Describe([]byte(data))
	instead, err := userdata.StandIn(words)
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	if (words == "") != (instead == nil) {
		t.Fatalf("the stand-in of %q is %q", words, instead)
	}
	if words == "" {
		return
	}
	if again := userdata.Describe(instead); again != words {
		t.Errorf("the stand-in %q of %q is %q", instead, words, again)
	}
	for _, agent := range []agentconf.Agent{agentconf.EC2Config, agentconf.EC2LaunchV1, agentconf.EC2LaunchV2} {
		for _, handled := range []bool{false, true} {
			was, is := agentconf.ReadUserData(agent, handled, []byte(data)), agentconf.ReadUserData(agent, handled, instead)
			if was.Runs != is.Runs || is.Sysprep != slices.Contains(strings.Split(words, ","), userdata.Sysprep) || was.Sysprep && !is.Sysprep {
				t.Errorf("%s, handled %v: runs %v, sysprep %v of %q; in place of it %v, %v of %q", agent, handled, was.Runs, was.Sysprep, data, is.Runs, is.Sysprep, instead)
			}
		}
	}
}

func FuzzDescribe(f *testing.F) {
	for _, tt := range samples {
		f.Add(tt.data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if len(data) < 16<<10 {
			alike(t, data)
		}
	})
}

// TestStandIn takes words only: user data itself is refused, not passed on.
func TestStandIn(t *testing.T) {
	for _, text := range []string{
		"all", "None", "none,script", "script,,tasks", ",", "<powershell>" + secret + "</powershell>",
		base64.StdEncoding.EncodeToString([]byte("<script>")),
	} {
		if got, err := userdata.StandIn(text); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, word := range userdata.Words() {
		data, err := userdata.StandIn(word)
		if err != nil || data == nil {
			t.Errorf("%s: %q, %v", word, data, err)
		}
	}
	if data, err := userdata.StandIn("tasks, sysprep"); err != nil || userdata.Describe(data) != "tasks,sysprep" {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := userdata.StandIn(""); err != nil || data != nil {
		t.Errorf("%q, %v: not known is not none", data, err)
	}
}
