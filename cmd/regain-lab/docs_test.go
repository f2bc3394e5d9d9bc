package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// section is the text of docs/lab.md below a heading, up to the next one.
func section(t *testing.T, heading string) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/lab.md has no %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n#")
	return text
}

// firstCells are the code words in the first column of the section's tables.
func firstCells(text string) []string {
	var cells []string
	for _, m := range regexp.MustCompile("(?m)^\\| *`([^`]+)`").FindAllStringSubmatch(text, -1) {
		cells = append(cells, m[1])
	}
	return cells
}

func TestDocsNameEveryFlag(t *testing.T) {
	var commands []string
	walk((&program{}).commands(), func(c *cobra.Command) {
		if !c.HasParent() {
			return
		}
		commands = append(commands, c.Name())
		var flags []string
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" {
				flags = append(flags, "--"+f.Name)
			}
		})
		if c.Name() == "version" {
			return
		}
		if diff := cmp.Diff(flags, firstCells(section(t, "### "+c.Name()))); diff != "" {
			t.Errorf("%s: the program's flags (-) and those of docs/lab.md (+):\n%s", c.Name(), diff)
		}
	})
	if diff := cmp.Diff(commands, firstCells(section(t, "## Commands"))); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryExitCode(t *testing.T) {
	var codes []string
	for _, c := range []int{exitDone, exitFailed, exitUsage, exitFindings} {
		codes = append(codes, fmt.Sprint(c))
	}
	if diff := cmp.Diff(codes, firstCells(section(t, "## Exit codes"))); diff != "" {
		t.Error(diff)
	}
}
