package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
)

// section is the text of docs/cli.md below a heading, up to the next one.
func section(t *testing.T, heading string) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/cli.md has no %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	for i, line := range strings.Split(rest, "\n") {
		if marks, _, ok := strings.Cut(line, " "); ok && strings.Trim(marks, "#") == "" && marks != "" && len(marks) <= len(level) {
			return strings.Join(strings.Split(rest, "\n")[:i], "\n")
		}
	}
	return rest
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
	walk(tree(), func(c *cobra.Command) {
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
		if diff := cmp.Diff(flags, firstCells(section(t, "### "+c.Name()))); diff != "" {
			t.Errorf("%s: the program's flags (-) and those of docs/cli.md (+):\n%s", c.Name(), diff)
		}
	})
	if diff := cmp.Diff(commands, slices.Sorted(slices.Values(firstCells(section(t, "## Commands"))[:len(commands)]))); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryExitCode(t *testing.T) {
	var codes []string
	for _, c := range []int{exitDone, exitFailed, exitUsage, exitLeft, exitFindings, exitInterrupted} {
		codes = append(codes, fmt.Sprint(c))
	}
	if diff := cmp.Diff(codes, firstCells(section(t, "## Exit codes"))); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryRepair(t *testing.T) {
	if diff := cmp.Diff(append([]string{"all", "none"}, agent.Repairs()...), firstCells(section(t, "## Repairs that need consent"))); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryAccept(t *testing.T) {
	if diff := cmp.Diff(agent.Accepts(), firstCells(section(t, "## Findings that can be accepted"))); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryFieldOfTheReport(t *testing.T) {
	if diff := cmp.Diff(fields(reflect.TypeFor[offline.Report](), ""), firstCells(section(t, "## The report"))); diff != "" {
		t.Errorf("the report's fields (-) and those of docs/cli.md (+):\n%s", diff)
	}
}

// fields are the JSON names of a type, in order, those of structs after their own.
func fields(t reflect.Type, prefix string) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		kind, brackets := t.Field(i).Type, ""
		if kind.Kind() == reflect.Slice {
			kind, brackets = kind.Elem(), "[]"
		}
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		names = append(names, prefix+name+brackets)
		if kind.Kind() == reflect.Struct {
			names = append(names, fields(kind, prefix+name+brackets+".")...)
		}
	}
	return names
}
