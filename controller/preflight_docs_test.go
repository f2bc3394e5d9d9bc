package controller

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var updateRisks = flag.Bool("update-risks", false, "write the table of docs/preflight.md anew")

// docs/preflight.md has a row for each check, and no other.
func TestRisksAreDocumented(t *testing.T) {
	const path = "../docs/preflight.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(data), tableHead)
	if !ok {
		t.Fatalf("%s has no table that begins with %q", path, tableHead)
	}
	want := before + tableHead + tableRows()
	if *updateRisks {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(data) != want {
		t.Errorf("%s is not what the code says: run go test ./controller -run Documented -update-risks", path)
	}
}

const tableHead = "| id | because | then | what to do |\n|---|---|---|---|\n"

func tableRows() string {
	var rows strings.Builder
	for _, c := range checks {
		then := "refused"
		switch {
		case c.late:
			then = "noted, and taken back without `" + c.flag + "` if need be"
		case c.note && c.flag != "":
			then = "done with `" + c.flag + "`"
		case c.note:
			then = "noted"
		case c.flag != "":
			then = "refused without `" + c.flag + "`"
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", c.id, c.title, then, c.instead)
	}
	return rows.String()
}

// The catalogue is in one shape: what users see of it depends on that.
func TestCatalogue(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, c := range checks {
		switch {
		case !kebab.MatchString(c.id) || seen[c.id]:
			t.Errorf("the id %q is taken, or not in kebab case", c.id)
		case c.look == nil || c.title == "" || c.instead == "":
			t.Errorf("%s has no title, does not look, or leaves one at a loss", c.id)
		case strings.HasSuffix(c.instead, ".") || strings.HasSuffix(c.title, "."):
			t.Errorf("%s ends in a full stop", c.id)
		case (c.flag == "") != (c.usage == ""):
			t.Errorf("%s has a flag without usage, or usage without a flag", c.id)
		case strings.Contains(c.title+c.instead, "|"):
			t.Errorf("%s breaks the table", c.id)
		}
		seen[c.id] = true
	}
}

// What is met while looking for a place is told by a check of that name.
func TestTroublesAreTold(t *testing.T) {
	call := regexp.MustCompile(`s\.trouble\("([a-z-]+)"`)
	var met [][]string
	for _, file := range []string{"place.go", "place_helper.go", "preflight_account.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		met = append(met, call.FindAllStringSubmatch(string(source), -1)...)
	}
	if len(met) == 0 {
		t.Fatal("no trouble is met any more")
	}
	for _, m := range met {
		s := &situation{was: &Original{}}
		s.trouble(m[1], "met")
		if len(s.risks()) == 0 {
			t.Errorf("nothing tells of %s", m[1])
		}
	}
}
