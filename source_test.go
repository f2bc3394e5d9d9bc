package regain_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A source is one Go file of the module, parsed.
type source struct {
	path  string // slashed, relative to the root
	text  []byte
	lines int
	file  *ast.File
	fset  *token.FileSet
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// callsSystem says whether the file imports what differs between systems.
func (s source) callsSystem() bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool {
		return i.Path.Value == `"syscall"` || strings.HasPrefix(i.Path.Value, `"golang.org/x/sys/`)
	})
}

// isSupport says whether the file only serves tests: it is neither code nor test.
func (s source) isSupport() bool {
	return strings.HasPrefix(s.path, "internal/") || strings.HasPrefix(s.path, "bench/")
}

func readSources(t *testing.T) []source {
	t.Helper()
	var sources []source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch base := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (base == "testdata" || base == "bin" || len(base) > 1 && strings.HasPrefix(base, ".")):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(base) != ".go":
			return nil
		}
		s := source{path: filepath.ToSlash(name), fset: token.NewFileSet()}
		if s.text, err = os.ReadFile(name); err != nil {
			return err
		}
		s.lines = bytes.Count(s.text, []byte("\n"))
		s.file, err = parser.ParseFile(s.fset, name, s.text, parser.ParseComments|parser.SkipObjectResolution)
		sources = append(sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

const (
	maxFile        = 400
	medianFile     = 140
	maxFunction    = 100
	p90Function    = 40
	medianFunction = 12
	minTestRatio   = 0.7
)

// TestBudgets keeps files and functions at a size that one can read. The medians
// and the ninth decile are those of good Go programs, the files' a little higher for
// the many that hold a table of what a foreign format knows; they are of the code, the
// limits of single files and functions are of the tests too.
func TestBudgets(t *testing.T) {
	var files, functions []int
	var code, tests int
	for _, s := range readSources(t) {
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, more than %d: split it by topic", s.path, s.lines, maxFile)
		}
		lengths := functionLengths(t, s)
		if s.isSupport() {
			continue
		}
		if s.isTest() {
			tests += s.lines
			continue
		}
		code += s.lines
		files = append(files, s.lines)
		functions = append(functions, lengths...)
	}
	wantQuantile(t, "lines of a file", files, 0.5, medianFile)
	wantQuantile(t, "lines of a function", functions, 0.5, medianFunction)
	wantQuantile(t, "lines of a function", functions, 0.9, p90Function)
	if ratio := float64(tests) / float64(code); ratio < minTestRatio {
		t.Errorf("%d lines of tests for %d of code are %.2f, want at least %v", tests, code, ratio, minTestRatio)
	}
}

func functionLengths(t *testing.T, s source) []int {
	var lengths []int
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if n > maxFunction {
				t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, maxFunction)
			}
			lengths = append(lengths, n)
		}
	}
	return lengths
}

func wantQuantile(t *testing.T, what string, values []int, q float64, most int) {
	t.Helper()
	slices.Sort(values)
	if got := values[int(q*float64(len(values)-1))]; got > most {
		t.Errorf("%s: the quantile %v is %d, want at most %d", what, q, got, most)
	}
}

// TestFileNames knows that the go tool reads some endings as build constraints:
// code about Windows in launch_windows.go would vanish on Linux without a word.
// They are for files that make system calls. A _linux_test.go is fine anywhere: it
// runs where all tests run.
func TestFileNames(t *testing.T) {
	constraint := regexp.MustCompile(`_(aix|android|darwin|dragonfly|freebsd|illumos|ios|js|linux|netbsd|openbsd|plan9|solaris|wasip1|windows|` +
		`386|amd64|arm|arm64|loong64|mips|mips64|mips64le|mipsle|ppc64|ppc64le|riscv64|s390x|wasm)(_test)?\.go$`)
	for _, s := range readSources(t) {
		if constraint.MatchString(s.path) && !s.callsSystem() && !strings.HasSuffix(s.path, "_linux_test.go") {
			t.Errorf("%s: the ending is a build constraint, but the file makes no system calls: name it by its topic", s.path)
		}
		for _, group := range s.file.Comments {
			if text := group.List[0].Text; strings.HasPrefix(text, "//go:build") && !strings.Contains(text, "linux") {
				t.Errorf("%s: %s: tests are chosen by environment, not by build tag", s.path, text)
			}
		}
	}
}

// TestNothingLeftOver finds notes to oneself. They belong into issues.
func TestNothingLeftOver(t *testing.T) {
	note := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	for _, s := range readSources(t) {
		for i, line := range bytes.Split(s.text, []byte("\n")) {
			if note.Match(line) {
				t.Errorf("%s:%d: %s", s.path, i+1, bytes.TrimSpace(line))
			}
		}
	}
}
