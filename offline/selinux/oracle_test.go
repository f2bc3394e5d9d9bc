package selinux_test

import (
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/selinux"
)

// TestLookupAgreesWithLibselinux compares every label with the one that
// matchpathcon finds in the same files.
func TestLookupAgreesWithLibselinux(t *testing.T) {
	tool, err := exec.LookPath("matchpathcon")
	if err != nil {
		cannotRun(t, "package selinux-utils", err)
	}
	root := t.TempDir()
	specs := installPolicy(t, debianPolicy(t), root)
	c, problems, err := selinux.LoadContexts(open(t, root).Volume, "default")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines, %d problems", len(specs), len(problems))
	paths := samplePaths(specs, rand.New(rand.NewPCG(1, 2)))
	compared, differ := 0, 0
	for kind, mode := range map[offline.Kind]string{offline.Regular: "file", offline.Dir: "dir", offline.Symlink: "lnk_file"} {
		for p, want := range matchpathcon(t, tool, filepath.Join(root, "etc/selinux/default"), mode, paths) {
			compared++
			if got, _ := c.Lookup(p, kind); got != want {
				if differ++; differ < 20 {
					t.Errorf("%s %q: we say %q, libselinux %q", kind, p, got, want)
				}
			}
		}
	}
	t.Logf("%d labels compared, %d differ; %d patterns could not be used", compared, differ, len(c.Problems()))
	if compared < 2000 || len(c.Problems()) > 0 {
		t.Errorf("%d labels compared, problems %v", compared, c.Problems())
	}
}

// matchpathcon asks for all paths at once; empty means that there is no label.
func matchpathcon(t *testing.T, tool, policy, mode string, paths []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for len(paths) > 0 {
		n := min(500, len(paths))
		out, err := exec.Command(tool, append([]string{"-P", policy, "-m", mode}, paths[:n]...)...).Output()
		if err != nil && len(out) == 0 {
			t.Fatalf("matchpathcon: %v", err)
		}
		for line := range strings.SplitSeq(strings.TrimRight(string(out), "\n"), "\n") {
			p, label, _ := strings.Cut(line, "\t")
			found[p] = strings.TrimPrefix(label, "<<none>>")
		}
		paths = paths[n:]
	}
	return found
}

// samplePaths are paths made from the specs themselves, near misses of them,
// and the places in which a rescue writes.
func samplePaths(specs []string, rnd *rand.Rand) []string {
	seen := map[string]bool{}
	paths := []string{}
	add := func(p string) {
		p = "/" + strings.Trim(p, "/")
		for strings.Contains(p, "//") {
			p = strings.ReplaceAll(p, "//", "/")
		}
		if !seen[p] && !strings.ContainsAny(p, "\t\n\\") {
			seen[p] = true
			paths = append(paths, p)
		}
	}
	for _, home := range []string{"/home/u", "/root", "/var/home/u", "/data/home/u", "/data/home/deep/u", "/export/home/u", "/srv/u", "/usr/home/u"} {
		for _, name := range []string{"", "/.ssh", "/.ssh/authorized_keys", "/.ssh/authorized_keys2", "/.bashrc", "/x/.ssh/y", "/.ssh/a/b"} {
			add(home + name)
		}
	}
	for _, p := range []string{"/", "/etc/ssh/regain.d/u", "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/00-x.conf", "/srv/keys/u", "/etc/motd", "/etc/shadow", "/etc/passwd"} {
		add(p)
	}
	for i, line := range specs {
		fields := strings.Fields(line)
		if len(fields) < 2 || i%9 != 0 {
			continue
		}
		re, err := syntax.Parse(fields[0], syntax.Perl)
		if err != nil {
			continue
		}
		p := sample(re, rnd)
		add(p)
		if i%2 == 0 {
			add(p + "x")
			add(filepath.Dir(p))
		}
	}
	return paths
}

// sample is a string that the expression matches.
func sample(re *syntax.Regexp, rnd *rand.Rand) string {
	var out strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(sampleClass(re.Rune, rnd))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return string(rune("ab/.7"[rnd.IntN(5)]))
	case syntax.OpCapture, syntax.OpConcat:
		for _, s := range re.Sub {
			out.WriteString(sample(s, rnd))
		}
	case syntax.OpAlternate:
		return sample(re.Sub[rnd.IntN(len(re.Sub))], rnd)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		low, high := 0, 3
		switch re.Op {
		case syntax.OpPlus:
			low = 1
		case syntax.OpQuest:
			high = 2
		case syntax.OpRepeat:
			low, high = re.Min, re.Min+2
		}
		for range low + rnd.IntN(high-low) {
			out.WriteString(sample(re.Sub[0], rnd))
		}
	}
	return out.String()
}

func sampleClass(ranges []rune, rnd *rand.Rand) rune {
	for _, c := range "mxa3-_." {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= c && c <= ranges[i+1] && rnd.IntN(3) > 0 {
				return c
			}
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1] > ' ' {
			return max(ranges[i], '!')
		}
	}
	return 'q'
}
