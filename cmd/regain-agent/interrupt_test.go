package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// An interrupt may come at any step. Either the run ends well all the same, or
// the tree is as it was; a kill may leave something, which the next run takes
// back first. Never is there a third end.
func TestAnEndAtEachStep(t *testing.T) {
	testdisk.Need(t)
	for _, step := range []string{"looking", "storing", "writing", "verifying"} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
			t.Run(step+"/"+signal.String(), func(t *testing.T) { endAt(t, step, signal) })
		}
	}
}

func endAt(t *testing.T, step string, signal syscall.Signal) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "patient")
	if _, err := testdisk.NewTree(context.Background(), tree, testdisk.Bookworm); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(tree, "home/admin/.ssh/authorized_keys")
	before := read(t, keys)
	args := []string{"rescue", "--root", tree, "--store", "file:" + filepath.Join(dir, "key"), "--state-dir", filepath.Join(dir, "state")}
	code := signalAt(t, step, signal, args)
	switch changed := read(t, keys) != before; {
	case code == exitDone && changed && signal != syscall.SIGKILL:
	case code == exitInterrupted && !changed && signal != syscall.SIGKILL:
		if _, err := os.Stat(filepath.Join(dir, "key")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the private key of a run that was taken back is still there: %v", err)
		}
	case code == -1 && signal == syscall.SIGKILL, code == exitDone && signal == syscall.SIGKILL:
	default:
		t.Errorf("exit code %d, changed %v", code, changed)
	}
	args[4] += "-of-the-next-run"
	if code, stdout, stderr := call(os.Geteuid(), args...); code != exitDone {
		t.Errorf("the next run ends with %d\n%s%s", code, stdout, stderr)
	}
}

// signalAt runs the program, signals it when it tells of the step, and returns
// the exit code, -1 if the signal killed it.
func signalAt(t *testing.T, step string, signal syscall.Signal, args []string) int {
	t.Helper()
	cmd := exec.Command("regain-agent", args...) // from the directory that testscript.Main made
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "regain-agent: "+step) {
			if err := cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
