package selinux

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// The bounds on what a volume may make us hold. The largest policies in the
// field have about 7,000 specs in half a megabyte.
const (
	maxSpecFile = 4 << 20 // bytes
	maxSpecs    = 20_000
	maxSubs     = 1_000
	maxCompiled = 2_000
	maxProblems = 50
)

// Problem is a line of a policy file that cannot be used, and is passed over.
type Problem struct {
	Path string
	Line int
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Text) }

// Contexts are the file contexts of one policy. Regular expressions are
// compiled when a path first needs them. Not safe for concurrent use. A nil
// Contexts knows no path.
type Contexts struct {
	exact    []spec           // file order
	stems    map[string][]int // indices into patterns, by stem; "" for those without
	patterns []spec           // file order
	subs     []sub            // .subs, in the order of trial
	distSubs []sub            // .subs_dist
	compiled map[int]*regexp.Regexp
	problems []Problem
}

// sub says: paths below from are labelled as those below to.
type sub struct{ from, to string }

// specPath is a file contexts file of a policy; suffix is "", ".local" and so on.
func specPath(policy, suffix string) string {
	return path.Join("/etc/selinux", policy, "contexts/files/file_contexts"+suffix)
}

// LoadContexts reads the file contexts of a policy: the main file, homedirs and
// local, and the substitutions (libselinux: label_file.c). Lines that cannot be
// used are problems, not errors; a missing or unreadable main file is an error.
func LoadContexts(v *offline.Volume, policy string) (*Contexts, []Problem, error) {
	c := &Contexts{stems: map[string][]int{}, compiled: map[int]*regexp.Regexp{}}
	for _, suffix := range []string{"", ".homedirs", ".local"} {
		err := c.loadSpecs(v, specPath(policy, suffix))
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, c.problems, fmt.Errorf("cannot load file contexts: %w", err)
		}
	}
	var err error
	if c.subs, err = loadSubs(v, specPath(policy, ".subs")); err != nil {
		return nil, c.problems, err
	}
	if c.distSubs, err = loadSubs(v, specPath(policy, ".subs_dist")); err != nil {
		return nil, c.problems, err
	}
	return c, c.problems, nil
}

// Problems are the lines passed over so far: those that LoadContexts told of,
// and patterns that failed to compile when a path first needed them.
func (c *Contexts) Problems() []Problem {
	if c == nil {
		return nil
	}
	return c.problems
}

func (c *Contexts) loadSpecs(v *offline.Volume, p string) error {
	data, err := v.ReadFile(p, maxSpecFile)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		n++
		sp, err := parseSpec(line)
		switch {
		case err != nil:
			c.problem(p, n, err.Error())
			continue
		case sp == nil:
			continue
		case len(c.exact)+len(c.patterns) == maxSpecs:
			c.problem(p, n, fmt.Sprintf("more than %d specs: the rest is not read", maxSpecs))
			return nil
		}
		sp.file, sp.line = p, n
		c.add(*sp)
	}
	return nil
}

func (c *Contexts) add(sp spec) {
	if sp.exact {
		c.exact = append(c.exact, sp)
		return
	}
	c.stems[sp.stem] = append(c.stems[sp.stem], len(c.patterns))
	c.patterns = append(c.patterns, sp)
}

func (c *Contexts) problem(p string, line int, text string) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, Problem{p, line, text})
	}
}

// loadSubs reads substitutions in the order in which libselinux tries them: it
// puts each line before the ones above it (label_file.c selabel_subs_init).
func loadSubs(v *offline.Volume, p string) ([]sub, error) {
	data, err := v.ReadFile(p, offline.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot load substitutions: %w", err)
	}
	var subs []sub
	for line := range strings.SplitSeq(string(data), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") || len(subs) == maxSubs {
			continue
		}
		subs = append([]sub{{fields[0], fields[1]}}, subs...)
	}
	return subs, nil
}
