// Mustrun reads the output of `go test -json` and says which tests of a list did
// not run and pass, and which tests were skipped without leave. A test that can
// skip itself needs someone who notices. It imports nothing else of this module.
//
//	go run ./internal/mustrun testdata/mustrun.txt results.json
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const module = "github.com/seed-77750964/regain"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mustrun LIST RESULTS")
		os.Exit(2)
	}
	if err := mustrun(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mustrun:", err)
		os.Exit(1)
	}
}

func mustrun(listPath, resultsPath string, out io.Writer) error {
	text, err := os.ReadFile(listPath)
	if err != nil {
		return fmt.Errorf("cannot read the list: %w", err)
	}
	list, err := parseList(string(text))
	if err != nil {
		return err
	}
	f, err := os.Open(resultsPath)
	if err != nil {
		return fmt.Errorf("cannot read the results: %w", err)
	}
	defer f.Close()
	results, err := readResults(f)
	if err != nil {
		return err
	}
	if complaints := list.check(results); len(complaints) > 0 {
		return errors.New(strings.Join(complaints, "\n"))
	}
	fmt.Fprintf(out, "must-run: all %d listed tests ran and passed\n", len(list.must))
	return nil
}

// A test is a package, relative to the module ("." is its root), and a name.
type test struct{ pkg, name string }

func (t test) String() string { return t.pkg + " " + t.name }

type list struct{ must, maySkip []test }

// parseList reads lines of the forms "must PKG TEST" and "may-skip PKG TEST why".
func parseList(text string) (list, error) {
	var l list
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		switch f := strings.Fields(line); {
		case f[0] == "must" && len(f) == 3:
			l.must = append(l.must, test{f[1], f[2]})
		case f[0] == "may-skip" && len(f) > 3:
			l.maySkip = append(l.maySkip, test{f[1], f[2]})
		default:
			return list{}, fmt.Errorf("cannot read the list: line %q is neither \"must PKG TEST\" nor \"may-skip PKG TEST why\"", line)
		}
	}
	return l, nil
}

// readResults keeps the last word on each test: pass, fail or skip.
func readResults(r io.Reader) (map[test]string, error) {
	results := map[test]string{}
	for dec := json.NewDecoder(r); ; {
		var event struct{ Action, Package, Test string }
		switch err := dec.Decode(&event); {
		case errors.Is(err, io.EOF):
			return results, nil
		case err != nil:
			return nil, fmt.Errorf("cannot read the results: %w", err)
		}
		if event.Test == "" || !slices.Contains([]string{"pass", "fail", "skip"}, event.Action) {
			continue
		}
		pkg := strings.TrimPrefix(strings.TrimPrefix(event.Package, module), "/")
		if pkg == "" {
			pkg = "."
		}
		results[test{pkg, event.Test}] = event.Action
	}
}

func (l list) check(results map[test]string) []string {
	var complaints []string
	for _, t := range l.must {
		switch action := results[t]; action {
		case "pass":
		case "":
			complaints = append(complaints, fmt.Sprintf("%s must run, and was not there", t))
		default:
			complaints = append(complaints, fmt.Sprintf("%s must run and pass: %s", t, action))
		}
	}
	for t, action := range results {
		if action == "skip" && !l.allows(t) {
			complaints = append(complaints, fmt.Sprintf("%s was skipped, and is not on the list of those that may", t))
		}
	}
	slices.Sort(complaints)
	return complaints
}

// allows says whether t, or the test whose subtest it is, may skip. A fuzz target
// may: it skips inputs that say nothing.
func (l list) allows(t test) bool {
	return strings.HasPrefix(t.name, "Fuzz") || slices.ContainsFunc(l.maySkip, func(s test) bool {
		return s.pkg == t.pkg && (s.name == t.name || strings.HasPrefix(t.name, s.name+"/"))
	})
}
