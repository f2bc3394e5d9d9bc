package rescue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/journal"
	"github.com/seed-77750964/regain/rescue/source"
)

// In a child, the test binary rescues (or undoes) and kills itself at a step.
const killEnv = "REGAIN_TEST_KILL_AT"

func TestMain(m *testing.M) {
	if at := os.Getenv(killEnv); at != "" {
		runAndDie(at, os.Args[1:])
	}
	os.Exit(m.Run())
}

func runAndDie(at string, args []string) {
	n, err := strconv.Atoi(at)
	if err != nil {
		panic(err)
	}
	what, path, state, pub, run := args[0], args[1], args[2], args[3], args[4]
	key, given := sshkey.Public{}, rescue.Request{Allow: windowsConsents}
	want := source.Request{Image: path, Write: true}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		want = source.Request{Root: path, Write: true}
		if key, err = sshkey.ParsePublicInput([]byte(pub)); err != nil {
			panic(err)
		}
	} else if pub != "" {
		given.Fallback = fallbackKey(pub)
	}
	dir, err := journal.Open(state)
	src, err2 := source.Finder{}.Open(context.Background(), want)
	if err := errors.Join(err, err2); err != nil {
		panic(err)
	}
	p, err := rescue.Open(src)
	if err != nil {
		panic(err)
	}
	die := func(string) {
		if n--; n < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	r := rescue.Request{Run: run, Now: time.Now(), Keys: givenKey{key}, State: dir, OnStep: die, Progress: die, Allow: given.Allow, Fallback: given.Fallback}
	if what == "undo" {
		_, err = p.Undo(context.Background(), r)
	} else {
		_, err = p.Rescue(context.Background(), r)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(0)
}

// killed runs a child that dies at step n; false when it ended before.
func (b *bench) killed(what, path, state, run string, n int) bool {
	b.t.Helper()
	key := b.modulus
	if b.private != "" {
		key = b.pub.String()
	}
	cmd := exec.Command(os.Args[0], what, path, state, key, run)
	cmd.Env = append(os.Environ(), killEnv+"="+strconv.Itoa(n))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		b.t.Fatalf("child: %v\n%s", err, out)
	}
	return true
}

// brokenTree is a tree in which a rescue has something of everything to do: a
// directory to create, a file to edit, owners and modes to repair.
func brokenTree(t *testing.T) string {
	t.Helper()
	return brokenTreeAt(t, filepath.Join(t.TempDir(), "tree"))
}

func brokenTreeAt(t *testing.T, dir string) string {
	t.Helper()
	if _, err := testdisk.NewTree(t.Context(), dir, testdisk.Bookworm); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home/admin")
	for _, err := range []error{
		os.Chmod(home, 0o777),
		os.Chown(filepath.Join(home, ".ssh"), 7, 7),
		os.WriteFile(filepath.Join(home, ".ssh/authorized_keys"), []byte("# no newline"), 0o666),
		os.Chown(filepath.Join(home, ".ssh/authorized_keys"), 7, 7),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestKilledRescue kills a rescue at each of its steps, and the undo that
// follows at each of its. Whenever: the key file is the old or the new one; a
// second run finishes; undo brings back all that was.
func TestKilledRescue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	steps := 0
	for n := 0; ; n++ {
		dir, state := brokenTree(t), filepath.Join(t.TempDir(), "state")
		was := walkDir(t, dir)
		killed := b.killed("rescue", dir, state, "first", n)
		b.wantOldOrNew(dir)
		b.finishAndUndo(dir, state, was, n)
		if !killed {
			break
		}
		steps++
	}
	if steps < 15 {
		t.Errorf("only %d steps were cut off", steps)
	}
}

func (b *bench) wantOldOrNew(dir string) {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "home/admin/.ssh/authorized_keys"))
	if err != nil {
		b.t.Fatal(err)
	}
	if got := string(data); got != "# no newline" && !(strings.HasPrefix(got, "# no newline\n# regain run ") && strings.HasSuffix(got, b.pub.String()+"\n")) {
		b.t.Errorf("neither old nor new: %q", got)
	}
}

// finishAndUndo runs again after a crash, and takes it all back, crashing there too.
func (b *bench) finishAndUndo(dir, state string, was map[string]string, n int) {
	b.t.Helper()
	again := b.inState(state)
	report, err := again.rescue(dir, func(r *rescue.Request) { r.Run = "second" })
	if err != nil || report.Verdicts[0].After != offline.Accepted {
		b.t.Fatalf("kill at step %d: the second run: %v %+v", n, err, report)
	}
	run := "second"
	if report.Outcome == offline.Unchanged {
		run = "first" // it was killed after all was done
	}
	b.killed("undo", dir, state, run, n)
	for range 2 {
		if _, err := again.undo(dir, run); err != nil {
			b.t.Fatalf("kill at step %d: undo: %v", n, err)
		}
	}
	wantSame(b.t, was, walkDir(b.t, dir))
	for p := range walkDir(b.t, dir) {
		if offline.IsTemp(filepath.Base(p)) {
			b.t.Errorf("left behind: %s", p)
		}
	}
}

func (b *bench) inState(path string) *bench {
	b.t.Helper()
	state, err := journal.Open(path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { state.Close() })
	c := *b
	c.state = state
	return &c
}

// TestInterruptIsTakenBack: a context that ends in the midst of the writes
// leaves the tree as it was.
func TestInterruptIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for n := range 8 {
		dir := brokenTree(t)
		was := walkDir(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		left := n
		r := b.request()
		r.OnStep = func(string) {
			if left--; left < 0 {
				cancel()
			}
		}
		p := b.open(dir, true)
		report, err := p.Rescue(ctx, r)
		cancel()
		if cerr := p.Close(); cerr != nil {
			t.Error(cerr)
		}
		if !errors.Is(err, context.Canceled) || report.Outcome != offline.Failed {
			t.Errorf("interrupt at step %d: %s, %v", n, report.Outcome, err)
		}
		wantSame(t, was, walkDir(t, dir))
	}
}

// TestExpiryOfAKeyThatIsIn: the line of a key that is in already is not
// touched, and whoever asked for an expiry is told.
func TestExpiryOfAKeyThatIsIn(t *testing.T) {
	b := newBench(t)
	dir := brokenTree(t)
	b.wantRescued(dir)
	is := walkDir(t, dir)
	report, err := b.rescue(dir, func(r *rescue.Request) { r.Expires = time.Hour })
	if err != nil || report.Outcome != offline.Unchanged || !strings.Contains(strings.Join(report.Warnings, "\n"), "expires no sooner") {
		t.Errorf("%s, %v, warnings %q", report.Outcome, err, report.Warnings)
	}
	wantSame(t, is, walkDir(t, dir))
}

// TestUndoRefusesDrift: what somebody has changed since is left alone, and so
// is everything else.
func TestUndoRefusesDrift(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"a key was added": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "home/admin/.ssh/authorized_keys"), []byte("ssh-ed25519 AAAA other\n"), 0o600)
		},
		"a mode was set": func(dir string) error { return os.Chmod(filepath.Join(dir, "home/admin"), 0o711) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			dir := brokenTree(t)
			report := b.wantRescued(dir)
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			drifted := walkDir(t, dir)
			var refusal *rescue.Refusal
			if _, err := b.undo(dir, report.Run); !errors.As(err, &refusal) || refusal.Code != "drift" {
				t.Errorf("undo: %v", err)
			}
			wantSame(t, drifted, walkDir(t, dir))
		})
	}
}

// TestUndoOfNothing: an unknown run, and a run of another volume.
func TestUndoOfNothing(t *testing.T) {
	b := newBench(t)
	one, other := brokenTree(t), brokenTree(t)
	report := b.wantRescued(one)
	for run, code := range map[string]string{"never": "unknown-run", report.Run: "other-volume"} {
		var refusal *rescue.Refusal
		if _, err := b.undo(other, run); !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("undo of %s: %v", run, fmt.Sprint(err))
		}
	}
}
