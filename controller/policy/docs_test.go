package policy

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of the documentation anew")

const page = "../../docs/permissions.md"

// TestPageHasEveryStatement compares the tables for people with the catalogue.
func TestPageHasEveryStatement(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	want := replaced(t, replaced(t, replaced(t, got, "controller", controllerGrants), "helper", helperGrants), "replace", replaceGrants)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s is not what the catalogue says: go test ./controller/policy -update writes it anew", page)
	}
}

// replaced puts a table between its marks.
func replaced(t *testing.T, text, name string, grants []grant) string {
	t.Helper()
	mark := "<!-- " + name + ": written by go test ./controller/policy -update -->\n"
	before, rest, found := strings.Cut(text, mark)
	_, after, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatalf("the page has no place for the table %s", name)
	}
	return before + mark + table(grants) + "<!-- end -->" + after
}

func table(grants []grant) string {
	var text strings.Builder
	text.WriteString("\n| statement | why | actions | when |\n|---|---|---|---|\n")
	for _, g := range grants {
		actions := slices.Concat(g.actions, g.implied)
		slices.Sort(actions)
		fmt.Fprintf(&text, "| %s | %s | `%s` | %s |\n", g.sid, g.why, strings.Join(actions, "`, `"), features(g))
	}
	return text.String() + "\n"
}

// features names those that a grant is there for: the ones without which it is
// left out, or, where any of several will do, all of them.
func features(g grant) string {
	if g.only == nil {
		return ""
	}
	var needed, enough []string
	all := reflect.TypeFor[Features]()
	for i := range all.NumField() {
		without, alone := All(), Features{}
		reflect.ValueOf(&without).Elem().Field(i).SetBool(false)
		reflect.ValueOf(&alone).Elem().Field(i).SetBool(true)
		if !g.only(without) {
			needed = append(needed, all.Field(i).Name)
		}
		if g.only(alone) {
			enough = append(enough, all.Field(i).Name)
		}
	}
	if len(needed) > 0 {
		return strings.Join(needed, " and ")
	}
	return strings.Join(enough, " or ")
}
