package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSetup: each template goes to stdout or to a file, with the command that deploys
// it; of the one that each region needs, also with how further regions go on.
func TestSetup(t *testing.T) {
	setup := func(args ...string) (out, said string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		p := &program{stdout: &stdout, stderr: &stderr, env: func(string) string { return "" }, width: func() int { return 80 }}
		if code := p.run(t.Context(), append([]string{"setup"}, args...)); code != exitDone {
			t.Fatalf("%v: code %d: %s", args, code, &stderr)
		}
		return stdout.String(), stderr.String()
	}
	for which, name := range templates {
		shipped, err := os.ReadFile("../../packaging/cloudformation/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "out.yaml")
		printed, _ := setup(which)
		nothing, said := setup(which, "--out", file)
		written, err := os.ReadFile(file)
		if err != nil || printed != string(shipped) || string(written) != string(shipped) || nothing != "" {
			t.Errorf("%s: what is printed or written is not what is shipped: %v", which, err)
		}
		if !strings.Contains(said, "--stack-name "+name+" --template-file "+file) {
			t.Errorf("%s: how to deploy it: %s", which, said)
		}
		further := regexp.MustCompile(`--parameter-overrides (\w+)=exists`).FindStringSubmatch(said)
		if (further != nil) != (which == "account") || further != nil && !strings.Contains(string(shipped), "\n  "+further[1]+":\n") {
			t.Errorf("%s: further regions: %s", which, said)
		}
	}
}
