package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A moment is when something is killed: at the n-th occurrence of an event of a
// step, on the way out or home.
type moment struct{ step, way, event string }

func (m moment) String() string { return m.way + "-" + m.step + "-" + m.event }

// moments are those of an undisturbed run, so that no step can be forgotten.
func moments(t *testing.T, l *lab) []moment {
	t.Helper()
	id := l.patient(lockedDisk(t, "lost-key"))
	r, events := l.follow(append(reset(id, "--state-dir", t.TempDir()), "--backup", "snapshot"), func(int, event) bool { return false })
	if r.code != 0 {
		t.Fatalf("an undisturbed reset ended with %d\n%s", r.code, r.stderr)
	}
	var list []moment
	seen := map[moment]bool{}
	for _, e := range events {
		if m := (moment{e.Step, e.Way, e.Event}); !seen[m] && e.Step != "" && e.Event != "waits" {
			seen[m] = true
			list = append(list, m)
		}
	}
	if len(list) < 40 {
		t.Fatalf("only %d moments: %v", len(list), list)
	}
	return list
}

// ways are what a person does when regain was killed.
var ways = []struct {
	name string
	args func(id, run, state, elsewhere string) []string
}{
	{"resume", func(_, run, state, _ string) []string { return []string{"resume", run, "--state-dir", state} }},
	{"rollback", func(_, run, state, _ string) []string { return []string{"rollback", run, "--state-dir", state} }},
	{"elsewhere", func(id, _, _, elsewhere string) []string {
		return []string{"resume", id, "--take-over", "--state-dir", elsewhere}
	}},
}

// kill -9 of regain at each step of a real run, and then resume, rollback, or
// resume on another machine: the instance lets in with the new key, or is as it
// was, and nothing of the run is left.
func TestRegainIsKilled(t *testing.T) {
	l := newLab(t, "--speed", "50")
	for n, m := range moments(t, l) {
		w := ways[n%len(ways)]
		t.Run(m.String()+"/"+w.name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, l)
			r, events := l.follow(append(reset(p.id, "--state-dir", p.state), "--backup", "snapshot"), func(_ int, e event) bool {
				return moment{e.Step, e.Way, e.Event} == m
			})
			if r.code != -1 {
				t.Fatalf("it was not killed, but ended with %d: %s", r.code, r.stderr)
			}
			p.goOn(t, w.args(p.id, events[0].Run, p.state, t.TempDir()), events[0].Run)
		})
	}
}

// patient is an instance that is worked on, and how it was.
type patient struct {
	l                 *lab
	id, state, before string
}

func begin(t *testing.T, l *lab) patient {
	id := l.patient(lockedDisk(t, "lost-key"))
	return patient{l, id, filepath.Join(t.TempDir(), "state"), l.description(id)}
}

// goOn takes the run up and judges the end.
func (p patient) goOn(t *testing.T, args []string, run string) {
	t.Helper()
	if args[0] == "resume" {
		args = append(args, "--agent", filepath.Join(programs, "regain-agent"))
	}
	r := p.l.run(nil, "regain", args...)
	gone := r.code != 0 && (strings.Contains(r.stderr, "no run") || strings.Contains(r.stderr, "home"))
	if r.code != 0 && !gone {
		t.Fatalf("regain %q ended with %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	p.judge(t, run, fmt.Sprintf("after %q:\n%s%s", args, r.stdout, r.stderr))
}

// judge is the promise: you are back in, or the instance is as it was.
func (p patient) judge(t *testing.T, run, said string) {
	t.Helper()
	if diff := cmp.Diff(p.before, p.l.description(p.id)); diff != "" {
		t.Fatalf("the instance is not as it was:\n%s\n%s", diff, said)
	}
	p.l.must(0, "regain-lab", "leftovers", "--state", p.l.state, "--run", run)
	key := filepath.Join(t.TempDir(), "key")
	if r := p.l.run(nil, "regain", "key", p.id, "--out", key); r.code == 0 {
		r := p.l.login(p.id, "admin", key)
		rescued := r.code == 0
		if claimed := strings.Contains(said, "RESCUED"); claimed && !rescued {
			t.Errorf("it says rescued, but: %+v", r)
		}
	} else if strings.Contains(said, "RESCUED") {
		t.Errorf("it says rescued, and there is no key: %s", r.stderr)
	}
	if r := p.l.login(p.id, "admin", newKey(t)); !strings.Contains(r.stderr, "Permission denied") {
		t.Errorf("its sshd does not answer as it did: %+v", r)
	}
}
