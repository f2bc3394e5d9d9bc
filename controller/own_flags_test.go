package controller

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

// TestOwnFlags: whatever the agent says names, for the operator of regain, only
// flags that regain reset has, as docs/regain.md lists them.
func TestOwnFlags(t *testing.T) {
	page, err := os.ReadFile("../docs/regain.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reset, _ := strings.Cut(string(page), "\n### reset\n")
	reset, _, _ = strings.Cut(reset, "\n### ")
	known := map[string]bool{
		"--root": true, "--device": true, // named together with regain-agent, see below
		"--hibernate": true, "--partscan": true, "--assemble": true, "--readwrite": true, // of other programs
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(--[a-z0-9-]+)`").FindAllStringSubmatch(reset, -1) {
		known[m[1]] = true
	}
	flag := regexp.MustCompile(`(?:^|[ (])(--[a-z][a-z0-9-]+)`)
	seen := 0
	for _, text := range agentTexts(t) {
		said := ownFlags.Replace(text)
		for _, m := range flag.FindAllStringSubmatch(said, -1) {
			seen++
			if !known[m[1]] || (m[1] == "--root" || m[1] == "--device") && !strings.Contains(said, "regain-agent with "+m[1]) {
				t.Errorf("the operator of regain reads of %s, which regain reset has not: %q", m[1], said)
			}
		}
		if strings.Contains(said, "regain-agent") && !strings.Contains(said, elsewhere) {
			t.Errorf("the operator of regain reads of the agent, and not where to use it: %q", said)
		}
	}
	if seen < 10 {
		t.Errorf("only %d flags are named: were the texts found?", seen)
	}
}

// agentTexts are the literals that come to the operator in the agent's reports.
// Errors of usage do not: regain composes the agent's command line, and names a
// volume in it.
func agentTexts(t *testing.T) (texts []string) {
	t.Helper()
	read := func(file string) {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(text, "instead of --root") {
					texts = append(texts, text)
				}
			}
			return true
		})
	}
	read("../agent/open.go")
	read("../agent/keys.go")
	for _, dir := range []string{"../rescue", "../agent/key", "../offline/winroot"} {
		err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") && file != "../agent/key/store.go" {
				read(file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// TestReportsInOwnWords: of a rescue and of an undo.
func TestReportsInOwnWords(t *testing.T) {
	report := offline.Report{Schema: offline.Schema, Command: "undo", Outcome: offline.Failed,
		Findings: []offline.Finding{{ID: "windows/agent-none", Hint: "use the start-up script with an RSA key of yours (--windows-fallback)"}},
		Error:    &offline.Problem{Code: "drift", Message: "without --windows-fallback", Hint: "put it back by hand; then a rescue with another --state-dir begins anew"}}
	data, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseReport(string(data))
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		r.Findings[0].Hint:              "use the start-up script with an RSA key of yours (--public-key)",
		r.Error.Message:                 "without --public-key",
		r.Error.Hint:                    "put it back by hand; then regain resume goes on",
		undone(string(data), 1).Error(): "the agent says: without --public-key (put it back by hand; then regain resume goes on)",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
