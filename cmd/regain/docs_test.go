package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-77750964/regain/controller"
)

// section is the text of docs/regain.md below a heading, up to the next one of
// the same level.
func section(t *testing.T, heading string) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/regain.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/regain.md has no %q", heading)
	}
	marks, _, _ := strings.Cut(heading, " ")
	if end := regexp.MustCompile(`(?m)^#{1,` + fmt.Sprint(len(marks)) + `} `).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	return rest
}

// firstCells are the code words in the first column of the text's tables.
func firstCells(text string) []string {
	var cells []string
	for _, m := range regexp.MustCompile("(?m)^\\| *`([^`]+)`").FindAllStringSubmatch(text, -1) {
		cells = append(cells, m[1])
	}
	return cells
}

// walk calls f for every command that people see.
func walk(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "completion" {
			walk(c, f)
		}
	}
}

func tree() *cobra.Command { return (&program{}).commands() }

func flagNames(set *pflag.FlagSet) []string {
	var names []string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}

func TestDocsNameEveryFlag(t *testing.T) {
	var commands []string
	walk(tree(), func(c *cobra.Command) {
		if !c.HasParent() {
			return
		}
		commands = append(commands, c.Name())
		if diff := cmp.Diff(flagNames(c.Flags()), firstCells(section(t, "### "+c.Name()))); diff != "" {
			t.Errorf("%s: the program's flags (-) and those of docs/regain.md (+):\n%s", c.Name(), diff)
		}
	})
	slices.Sort(commands)
	text, _, _ := strings.Cut(section(t, "## Commands"), "\n### ")
	if diff := cmp.Diff(slices.Concat(commands, flagNames(tree().PersistentFlags())), firstCells(text)); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryExitCode(t *testing.T) {
	var codes []string
	for _, c := range []int{exitDone, exitFailed, exitUsage, exitNotHome, exitFindings, exitInterrupted} {
		codes = append(codes, fmt.Sprint(c))
	}
	if diff := cmp.Diff(codes, firstCells(section(t, "## Exit codes"))); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryTag(t *testing.T) {
	tags := []string{
		controller.TagRun, controller.TagOwner, controller.TagSince, controller.TagRecord, controller.TagAsk, controller.TagRole, controller.TagKept,
	}
	if diff := cmp.Diff(tags, firstCells(section(t, "## What a run leaves"))); diff != "" {
		t.Error(diff)
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	walk(tree(), func(c *cobra.Command) {
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s lacks help", c.CommandPath())
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > width+1 {
				t.Errorf("%s: too wide: %q", c.CommandPath(), line)
			}
		}
	})
}
