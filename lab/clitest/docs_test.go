package clitest

import (
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-77750964/regain/internal/examples"
	"github.com/seed-77750964/regain/internal/testdisk"
)

// TestAWSCommandsInDocs has the AWS CLI look at the calls of it that the documents
// show: with a skeleton for an answer it checks all parameters, and calls nobody.
func TestAWSCommandsInDocs(t *testing.T) {
	testdisk.Need(t, "aws")
	found, err := examples.Find("../..", "aws")
	if err != nil {
		t.Fatal(err)
	}
	script, err := examples.Script("../../docs/acceptance/lib.sh", "aws")
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]examples.Example{} // of the same call with the same flags, one
	for _, e := range append(found, script...) {
		if callable(e.Words) {
			calls[strings.Join(append(e.Words[:2:2], flags(e.Words)...), " ")] = e
		}
	}
	if len(calls) < 30 {
		t.Fatalf("%d calls", len(calls))
	}
	var group sync.WaitGroup
	turns := make(chan struct{}, runtime.NumCPU())
	for _, e := range calls {
		group.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			cmd := exec.CommandContext(t.Context(), "aws", append(plausible(e.Words), "--generate-cli-skeleton", "output")...)
			cmd.Env = append(cmd.Environ(), "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true")
			if out, err := cmd.CombinedOutput(); err != nil && refused(string(out)) {
				t.Errorf("%s: %v\n%s", e, err, out)
			}
		})
	}
	group.Wait()
}

// refused tells whether the CLI finds fault with more than values, which here are
// placeholders: the skeleton of an answer is filled with such, too.
func refused(out string) bool {
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line != "" && line != "Parameter validation failed:" && !strings.HasPrefix(line, "Invalid length for parameter") &&
			!strings.HasPrefix(line, "Invalid value for parameter") {
			return true
		}
	}
	return out == ""
}

// callable leaves out what names a call and does not show one, and what the CLI
// does by several calls of its own.
func callable(words []string) bool {
	return len(words) > 2 && words[1] != "wait" && words[0] != "sso" && words[0] != "cloudformation"
}

func flags(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasPrefix(w, "--") })
}

var (
	expanded    = regexp.MustCompile(`\$\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|\$[A-Za-z0-9_]+`)
	placeholder = regexp.MustCompile(`^[A-Z]+$`)
)

// plausible puts something in place of what the shell, or the reader, would.
func plausible(words []string) []string {
	var out []string
	for _, w := range words {
		switch {
		case w == "$@" || w == "${backup[@]}":
			continue
		case strings.HasPrefix(w, "file://"):
			w = `{"commands":["x"]}`
		case placeholder.MatchString(w):
			w = "x"
		}
		out = append(out, expanded.ReplaceAllString(strings.ReplaceAll(w, "$tags", "Tags=[{Key=a,Value=b}]"), "x"))
	}
	return out
}
