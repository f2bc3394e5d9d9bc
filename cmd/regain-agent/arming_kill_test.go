package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// killedBefore runs the program and has strace kill it when one of its threads is
// about to make that call for the n-th time; ntfs-3g is not touched. It is false
// when the program ended before.
func killedBefore(t *testing.T, name string, n int, args ...string) bool {
	t.Helper()
	trace := []string{"-f", "-b", "execve", "-o", os.DevNull, "-e", "trace=" + name, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", name, n), "regain-agent"}
	cmd := exec.CommandContext(t.Context(), "strace", append(trace, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != -1 { // strace dies as the program did
		t.Fatalf("%s %d: %v\n%s", name, n, err, out)
	}
	return err != nil
}

// everything is a sum of each file of a volume, and each directory.
func everything(t *testing.T, img *testdisk.NTFSImage) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := img.View(func(root string) error {
		return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				all[strings.TrimPrefix(path, root)] = "directory"
				return err
			}
			data, err := os.ReadFile(path)
			all[strings.TrimPrefix(path, root)] = fmt.Sprintf("%x", sha256.Sum256(data))
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func copied(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-r", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestArmingKilledBeforeEachWrite kills the whole program between any two of its
// writes, to the journal and to the volume. Undo leaves the volume as it was, and a
// second run leaves it armed; both at once, while ntfs-3g still lets go of it.
func TestArmingKilledBeforeEachWrite(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit", "strace", "openssl")
	calls := []string{"mkdirat", "write", "pwrite64", "ftruncate", "fsetxattr", "unlinkat", "fsync", "umount2"}
	for name, tt := range map[string]struct {
		agents   []windows.Agent
		fallback bool
		stride   int // tries each of so many calls
		least    int
	}{
		"edits":   {[]windows.Agent{{Kind: windows.EC2LaunchV1}}, false, 2, 6},
		"removal": {[]windows.Agent{{Kind: windows.EC2LaunchV2}}, false, 1, 6},
		"script":  {nil, true, 4, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			img := plantWindows(t, "base.raw", tt.agents...)
			k := &kills{t: t, img: &testdisk.NTFSImage{Path: "w.raw", Offset: img.Offset}, was: everything(t, img), rescue: []string{"rescue", "--image", "w.raw", "--state-dir", "state"}}
			if tt.fallback {
				newRSA(t, "rsa.pem", 2048)
				k.rescue = append(k.rescue, "--windows-fallback", "rsa.pem")
			}
			count := 0
			for _, call := range calls {
				for n := 1; k.survives(call, n); n += tt.stride {
					count++
				}
			}
			t.Logf("%d kills", count)
			if count < tt.least {
				t.Errorf("fewer than %d", tt.least)
			}
		})
	}
}

type kills struct {
	t      *testing.T
	img    *testdisk.NTFSImage
	was    map[string]string
	rescue []string
}

// survives kills a rescue there, and looks at both ways on from it.
func (k *kills) survives(name string, n int) bool {
	k.t.Helper()
	k.restore("base.raw", "")
	if !killedBefore(k.t, name, n, append(k.rescue, "--run", "first")...) {
		return false
	}
	copied(k.t, "w.raw", "killed.raw")
	_ = os.RemoveAll("killed-state")
	if _, err := os.Stat("state"); err == nil {
		copied(k.t, "state", "killed-state")
	}
	code, stdout, stderr := call(0, "undo", "--image", "w.raw", "--state-dir", "state", "--run", "first", "--json")
	if code != exitDone && !strings.Contains(stdout, `"unknown-run"`) { // it had not begun
		k.t.Errorf("%s %d: undo: exit code %d\n%s", name, n, code, stderr)
	}
	if is := everything(k.t, k.img); !maps.Equal(k.was, is) {
		k.t.Errorf("%s %d: undo left another volume", name, n)
	}
	k.restore("killed.raw", "killed-state")
	if code, _, stderr := call(0, append(k.rescue, "--run", "second")...); code != exitDone && code != exitFindings { // a script of a first run that was done is not armed twice
		k.t.Errorf("%s %d: the second run: exit code %d\n%s", name, n, code, stderr)
	}
	wantCode(k.t, exitDone, "diagnose", "--image", "w.raw")
	return true
}

func (k *kills) restore(image, state string) {
	k.t.Helper()
	_ = os.RemoveAll("state")
	copied(k.t, image, "w.raw")
	if _, err := os.Stat(state); err == nil {
		copied(k.t, state, "state")
	}
}
