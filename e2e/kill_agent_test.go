package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// agents are the processes of regain-agent on helpers that have to do with a
// volume, by what they do, rescue or undo, and by the end of their run's name.
func agents(t testing.TB, volume, does, run string) (pids []int) {
	t.Helper()
	for pid, words := range processes(t) {
		of := func(word string) bool { return strings.HasSuffix(word, run) }
		if filepath.Base(words[0]) == "regain-agent" && slices.Contains(words, volume) && slices.Contains(words, does) && slices.ContainsFunc(words, of) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// worked is how far an agent is: how many bytes its journal has on the helper.
func worked(pid int) (size int64) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/var/lib/regain/*.jsonl", pid)) // the pattern is a good one
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			size += info.Size()
		}
	}
	return size
}

// An end is when agents are killed.
type end struct {
	name   string
	rescue func(*patient, context.Context, int) bool // returns when this one is to be killed
	most   int                                       // how many of those that rescue
	undo   int                                       // how many of those that undo
	run    string                                    // what ends the name of the run that those undo
}

func (e end) String() string { return e.name }

// ends are moments in the life of an agent. The work takes half a second here.
func ends() []end {
	all := []end{
		{"each time", after(0), 9, 0, ""},
		{"has stored the key", (*patient).stored, 1, 0, ""},
		{"has begun its journal", writes(0), 1, 0, ""},
		{"writes", writes(3 * time.Millisecond), 1, 0, ""},
		{"writes each time and then undoes", writes(0), 9, 2, ""},
		{"writes each time and then undoes the last", writes(2 * time.Millisecond), 9, 2, "-3"}, // while it is told of the others
	}
	step := 150 * time.Millisecond
	if sweep() {
		step = 20 * time.Millisecond
		for d := time.Millisecond; d < 40*time.Millisecond; d += 2 * time.Millisecond {
			all = append(all, end{"writes since " + d.String(), writes(d), 1, 0, ""})
		}
	}
	for d := time.Duration(0); d < 500*time.Millisecond; d += step {
		all = append(all, end{"works since " + d.String(), after(d), 1, 0, ""})
	}
	return all
}

// after waits from when the volume is there.
func after(d time.Duration) func(*patient, context.Context, int) bool {
	return func(_ *patient, ctx context.Context, _ int) bool {
		select {
		case <-time.After(d):
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// stored waits until the agent has stored the key.
func (p *patient) stored(ctx context.Context, _ int) bool {
	return p.l.await(ctx, func(c call) bool {
		return c.Action == "PutParameter" && strings.Contains(strings.Join(c.Resources, " "), p.id)
	})
}

// writes waits until the agent's journal has begun, before which it changes
// nothing, and then for so long.
func writes(d time.Duration) func(*patient, context.Context, int) bool {
	return func(p *patient, ctx context.Context, pid int) bool {
		for size := worked(pid); worked(pid) == size; {
			if ctx.Err() != nil || syscall.Kill(pid, 0) != nil {
				return false
			}
		}
		return after(d)(p, ctx, pid)
	}
}

// kill -9 of the agent while it waits for the volume: the next attempt rescues.
// While it works: the next attempt takes back what it wrote, and rescues, or after
// three of them the instance comes home as it was.
func TestAgentIsKilled(t *testing.T) {
	l := newLab(t, "--speed", "50")
	t.Run("waits", func(t *testing.T) {
		p := begin(t, l)
		r := p.l.watch(p.reset(), func(e event) syscall.Signal {
			if (moment{"stop", "out", "begins"}).is(e) {
				p.killOne(t)
			}
			return 0
		})
		p.ended(t, r, "rescued")
	})
	sideBySide(t, 8, ends(), end.String, func(t *testing.T, e end) {
		p := begin(t, l)
		r, killed := p.hunted(t, p.reset(), e)
		switch {
		case e.name == "each time" && killed > 2: // one that was quicker than the hunt has done the work
			p.ended(t, r, "taken-back")
		case e.most > 1 && killed > 2:
			p.ended(t, r, r.state) // if the last had written all, it told of it
		default:
			p.ended(t, r, "rescued")
		}
		t.Logf("%d were killed, and it ended %s", killed, r.state)
	})
}

// ended wants an end without anybody's help.
func (p *patient) ended(t *testing.T, r ending, state string) {
	t.Helper()
	if want, ok := map[string]int{"rescued": 0, "taken-back": 1}[state]; !ok || r.code != want || r.state != state {
		t.Errorf("it ended with %d, %q, want %s: %s\n%s", r.code, r.state, state, r.stderr, tail(r.stdout))
	}
	p.judge(t, r.run, r)
}

// killOne kills the agent that waits for the patient's volume, or is just about to.
func (p *patient) killOne(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, pid := range agents(t, p.volume, "rescue", "") {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				return
			}
		}
	}
	t.Error("no agent waits")
}

// hunted runs regain, and kills agents from when the volume is on the helper.
func (p *patient) hunted(t *testing.T, args []string, e end) (r ending, killed int) {
	var attached atomic.Bool
	r = p.l.beside(args, func(e event) syscall.Signal {
		if (moment{"rescue", "out", "begins"}).is(e) {
			attached.Store(true)
		}
		return 0
	}, func(ctx context.Context, _ *os.Process) {
		for !attached.Load() && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		killed = p.hunt(t, ctx, e)
	})
	return r, killed
}

// hunt kills agents as an end says, each once, and returns how many.
func (p *patient) hunt(t testing.TB, ctx context.Context, e end) (killed int) {
	t.Helper()
	seen := map[int]bool{}
	for ctx.Err() == nil {
		for _, pid := range agents(t, p.volume, "rescue", "") {
			if e.most > 0 && !seen[pid] {
				if seen[pid] = true; e.rescue(p, ctx, pid) && syscall.Kill(pid, syscall.SIGKILL) == nil {
					e.most--
					killed++
				}
			}
		}
		for _, pid := range agents(t, p.volume, "undo", e.run) {
			if e.undo > 0 && !seen[pid] {
				if seen[pid] = true; syscall.Kill(pid, syscall.SIGKILL) == nil {
					e.undo--
				}
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return killed
}
