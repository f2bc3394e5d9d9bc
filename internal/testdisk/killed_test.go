package testdisk

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledProcess runs this binary again, has it start an sshd on a mounted
// image, kills it with no chance to clean up, and looks for what is left.
func TestKilledProcess(t *testing.T) {
	Need(t, "mmdebstrap", "ssh-keygen")
	if image := os.Getenv("TESTDISK_ABANDON"); image != "" {
		abandon(t, image)
	}
	img, err := NewImage(t.Context(), filepath.Join(t.TempDir(), "disk"), Bookworm, Small, GPTHome)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKilledProcess$")
	child.Env = append(os.Environ(), "TESTDISK_ABANDON="+img.Path, "TMPDIR="+t.TempDir())
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ready, _ := bufio.NewReader(stdout).ReadString('\n')
	if ready != "listening\n" || len(processesWith(t, img.Path)) == 0 {
		t.Errorf("the child said %q, and no sshd has the mark of this test", ready)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed, as wanted
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if len(processesWith(t, img.Path)) == 0 && len(loopsOf(t, img.Path)) == 0 {
			return
		}
	}
	t.Errorf("left behind: processes %v, loop devices %v", processesWith(t, img.Path), loopsOf(t, img.Path))
}

func abandon(t *testing.T, image string) {
	img := &Image{Path: image, Layout: GPTHome}
	if _, err := img.Sshd(t.Context(), "-o", "PidFile="+image); err != nil { // the path marks its command line
		fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
	fmt.Println("listening")
	select {}
}

// processesWith are the other processes with the text in their command line.
func processesWith(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		line, _ := os.ReadFile(f) // a process may end meanwhile
		if bytes.Contains(line, []byte(text)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found
}
