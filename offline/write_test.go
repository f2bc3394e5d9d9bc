package offline_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
)

// In the child, the test binary applies one change and kills itself at a step.
const (
	childEnv  = "REGAIN_TEST_KILL_AT"
	childNTFS = "REGAIN_TEST_KILL_NTFS" // set: the directory is NTFS
)

func TestMain(m *testing.M) {
	if at := os.Getenv(childEnv); at != "" {
		applyAndDie(at)
	}
	os.Exit(m.Run())
}

func applyAndDie(at string) {
	n, _ := strconv.Atoi(at)
	var c offline.Change
	data, err := os.ReadFile(os.Args[2])
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	fd, err2 := syscall.Open(os.Args[1], syscall.O_DIRECTORY, 0)
	open := offline.OpenVolume
	if os.Getenv(childNTFS) != "" {
		open = offline.OpenNTFS
	}
	v, err3 := open(fd)
	if err := errors.Join(err, err2, err3); err != nil {
		panic(err)
	}
	v.OnStep = func(string) {
		if n--; n < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if err := v.Apply(c); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// dieAt applies c in a child that is killed at step n; false when it ended before.
func dieAt(t *testing.T, dir string, c offline.Change, n int) bool {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "change.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], dir, file)
	cmd.Env = append(os.Environ(), childEnv+"="+strconv.Itoa(n))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child: %v\n%s", err, out)
	}
	return true
}

func keyFile(content string, mode uint32) *offline.File {
	return &offline.File{
		Kind: offline.Regular, Data: []byte(content), Mode: mode, UID: 1000, GID: 1001,
		Label: "system_u:object_r:ssh_home_t:s0", Xattr: map[string][]byte{"user.note": []byte("kept")},
	}
}

func dirFile(mode uint32) *offline.File {
	return &offline.File{Kind: offline.Dir, Mode: mode, UID: 1000, GID: 1001}
}

var crashCases = map[string]offline.Change{
	"create":     {Path: "/keys", After: keyFile("new\n", 0o600)},
	"edit":       {Path: "/keys", Before: keyFile("old\n", 0o644), After: keyFile("old\nnew\n", 0o600)},
	"shorten":    {Path: "/keys", Before: keyFile("old\nnew\n", 0o600), After: keyFile("new\n", 0o600)},
	"attributes": {Path: "/keys", Before: keyFile("old\n", 0o666), After: &offline.File{Kind: offline.Regular, Data: []byte("old\n"), Mode: 0o600, UID: 7, GID: 8}},
	"remove":     {Path: "/keys", Before: keyFile("old\n", 0o600)},
	"mkdir":      {Path: "/dir", After: dirFile(0o700)},
	"chmod dir":  {Path: "/dir", Before: dirFile(0o777), After: dirFile(0o755)},
	"rmdir":      {Path: "/dir", Before: dirFile(0o755)},
	"flags":      {Path: "/keys", Before: flagged(keyFile("old\n", 0o644)), After: flagged(keyFile("old\nnew\n", 0o600))},
	"unlock dir": {Path: "/dir", Before: flagged(dirFile(0o755)), After: dirFile(0o755)},
}

func flagged(f *offline.File) *offline.File {
	f.Flags = offline.FlagImmutable
	return f
}

// putBefore brings the tree into the state that c expects.
func putBefore(t *testing.T, v *offline.Volume, c offline.Change) {
	t.Helper()
	if c.Before != nil {
		if err := v.Apply(offline.Change{Path: c.Path, After: c.Before}); err != nil {
			t.Fatal(err)
		}
	}
}

func wantFile(t *testing.T, v *offline.Volume, path string, want *offline.File) {
	t.Helper()
	got, err := v.Snapshot(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not as it should be (-want +got):\n%s", path, diff)
	}
}

// Killed at any step, the file is the old or the new one; applying again
// finishes, and the inverse restores, flags included; nothing is left beside it.
func TestKilledAtEveryStep(t *testing.T) {
	for name, c := range crashCases {
		t.Run(name, func(t *testing.T) {
			steps := 0
			for n := 0; ; n++ {
				done := !crashOnce(t, c, n, c.After) // finish
				crashOnce(t, c, n, c.Before)         // take back
				if done {
					break
				}
				steps++
			}
			if steps == 0 {
				t.Error("no step was cut off")
			}
		})
	}
}

func crashOnce(t *testing.T, c offline.Change, n int, goal *offline.File) bool {
	t.Helper()
	dir := t.TempDir()
	v := openTree(t, dir)
	putBefore(t, v, c)
	t.Cleanup(func() { // an immutable file would outlive the test
		for _, p := range []string{"/keys", "/dir"} {
			if f, _ := v.Snapshot(p, 1<<20); f != nil && f.Flags != 0 {
				free := f.Clone()
				free.Flags = 0
				if err := v.Apply(offline.Change{Path: p, Before: f, After: free}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	killed := dieAt(t, dir, c, n)
	oldOrNew(t, v, c)
	towards := c
	if goal == c.Before {
		towards = c.Invert()
	}
	for range 2 { // twice: the second finds nothing to do
		if err := v.Apply(towards); err != nil {
			t.Fatalf("after a kill at step %d: %v", n, err)
		}
	}
	wantFile(t, v, c.Path, goal)
	for _, e := range must(os.ReadDir(dir)) {
		if offline.IsTemp(e.Name()) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
	return killed
}

func oldOrNew(t *testing.T, v *offline.Volume, c offline.Change) {
	t.Helper()
	now, err := v.Snapshot(c.Path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	content := func(f *offline.File) string {
		if f == nil {
			return "absent"
		}
		return string(f.Kind) + " " + string(f.Data)
	}
	if got := content(now); got != content(c.Before) && got != content(c.After) {
		t.Errorf("neither old nor new: %q", got)
	}
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

func TestApplyRefusesDrift(t *testing.T) {
	c := offline.Change{Path: "/keys", Before: keyFile("old\n", 0o644), After: keyFile("old\nnew\n", 0o600)}
	strangers := map[string]*offline.File{
		"other content": keyFile("other\n", 0o644),
		"other mode":    keyFile("old\n", 0o640),
		"other label":   {Kind: offline.Regular, Data: []byte("old\n"), Mode: 0o644, UID: 1000, GID: 1001, Label: "a:b:c"},
		"a directory":   dirFile(0o755),
		"gone":          nil,
	}
	for name, stranger := range strangers {
		t.Run(name, func(t *testing.T) {
			v := openTree(t, t.TempDir())
			putBefore(t, v, offline.Change{Path: "/keys", Before: stranger})
			for _, c := range []offline.Change{c, c.Invert()} {
				if err := v.Apply(c); !errors.Is(err, offline.ErrDrift) {
					t.Errorf("Apply = %v, want drift", err)
				}
				wantFile(t, v, "/keys", stranger)
			}
		})
	}
}

func TestPreviewReadsAsIfApplied(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{"home/u/old": "x", "etc/f": "1"})
	v := openTree(t, dir)
	changes := []offline.Change{
		{Path: "/home/u/.ssh", After: dirFile(0o700)},
		{Path: "/home/u/.ssh/authorized_keys", After: keyFile("key\n", 0o600)},
		{Path: "/home/u/old", Before: must(v.Snapshot("/home/u/old", 10))},
	}
	p := v.Preview(changes)
	if names := must(p.ReadDir("/home/u")); !cmp.Equal(names, []string{".ssh"}) {
		t.Errorf("ReadDir = %q", names)
	}
	if got, err := p.ReadFile("/home/u/.ssh/authorized_keys", 100); err != nil || string(got) != "key\n" {
		t.Errorf("ReadFile = %q, %v", got, err)
	}
	if info, err := p.Stat("/home/u/.ssh"); err != nil || info.Mode != 0o700 || info.UID != 1000 {
		t.Errorf("Stat = %+v, %v", info, err)
	}
	if err := p.Apply(changes[0]); err == nil {
		t.Error("a preview was written to")
	}
	if _, err := os.Stat(filepath.Join(dir, "home/u/.ssh")); err == nil {
		t.Error("the preview reached the disk")
	}
}
