package main

import (
	"testing"

	"github.com/seed-77750964/regain/internal/examples"
)

// TestDocsShowCommandsThatParse: every call of regain-agent in the documents names
// commands and flags that there are.
func TestDocsShowCommandsThatParse(t *testing.T) {
	found, err := examples.Find("../..", "regain-agent")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 5 {
		t.Fatalf("%d examples", len(found))
	}
	for _, e := range found {
		cmd, args, err := tree().Find(e.Words)
		if err == nil && cmd.HasParent() {
			err = cmd.ParseFlags(args)
		}
		if err == nil && cmd.HasParent() {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
}
