package main

import (
	"slices"
	"testing"

	"github.com/seed-77750964/regain/internal/examples"
)

// TestDocsShowCommandsThatParse: every call of regain in the documents names
// commands and flags that there are, and as many arguments as they take.
func TestDocsShowCommandsThatParse(t *testing.T) {
	found, err := examples.Find("../..", "regain")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Concat(found, functions(t)) {
		cmd, args, err := tree().Find(e.Words)
		if err == nil && !cmd.HasParent() {
			continue // the program is named, and not called
		}
		if err == nil {
			err = cmd.ParseFlags(args)
		}
		if err == nil && (len(e.Words) > 1 || cmd.HasFlags()) && cmd.Flags().NArg() > 0 {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
}

// functions are what two functions of docs/acceptance/lib.sh make of their arguments.
func functions(t *testing.T) []examples.Example {
	t.Helper()
	var all []examples.Example
	for name, first := range map[string][]string{"reset": {"reset", "i-0123456789abcdef0"}, "password": {"password", "i-0123456789abcdef0", "--key"}} {
		found, err := examples.Find("../..", name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			if e.File == "windows-acceptance.md" && len(e.Words) > 1 {
				e.Words = slices.Concat(first, e.Words[2:])
				all = append(all, e)
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d calls of lib.sh's functions", len(all))
	}
	return all
}
