package runs_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller/flow"
	"github.com/seed-77750964/regain/controller/runs"
)

// The test binary is also the other process, when this names what it does.
const other = "REGAIN_TEST_OTHER"

func TestMain(m *testing.M) {
	switch what, dir, _ := strings.Cut(os.Getenv(other), " "); what {
	case "":
		os.Exit(m.Run())
	case "hold":
		holdUntilKilled(runs.Dir(dir))
	case "fill":
		fill(runs.Dir(dir))
	}
}

// holdUntilKilled says that it holds the journal, and waits.
func holdUntilKilled(d runs.Dir) {
	_, err := d.Open(run)
	fmt.Println("held", err)
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
}

// begin starts the other process; its first line is given.
func begin(t *testing.T, what string, d runs.Dir) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), other+"="+what+" "+string(d))
	in, err := cmd.StdinPipe() // closed at the end, also if this test dies
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

// TestBusy wants the second process refused, with the name of the first, until
// that is killed.
func TestBusy(t *testing.T) {
	d, _, want := written(t, 2)
	cmd, said := begin(t, "hold", d)
	if said != "held <nil>" {
		t.Fatal(said)
	}
	_, err := d.Open(run)
	host, _ := os.Hostname()
	if named := fmt.Sprintf("process %d on %s", cmd.Process.Pid, host); !errors.Is(err, runs.ErrBusy) || !strings.Contains(err.Error(), named) {
		t.Errorf("got %v, want it to name %s", err, named)
	}
	if got, err := d.Peek(run); err != nil || !cmp.Equal(got, want) {
		t.Errorf("peeking meanwhile: %v, %v", got, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := entries(t, d); !cmp.Equal(got, want) {
		t.Errorf("after the kill: %v", got)
	}
}

func TestBusyInOneProcess(t *testing.T) {
	d, _, _ := written(t, 1)
	j, err := d.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := d.Open(run); !errors.Is(err, runs.ErrBusy) {
		t.Errorf("got %v", err)
	}
}

// fill appends until the file may not grow, then lets it grow again.
func fill(d runs.Dir) {
	j, err := d.Open(run)
	if err != nil {
		fmt.Println(err)
		return
	}
	var wide syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &wide); err != nil {
		fmt.Println(err)
		return
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: wide.Max}); err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	for ; err == nil && n < 100; n++ {
		err = j.Append(entry(n, flow.Did))
	}
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &wide)
	again := j.Append(entry(n-1, flow.Did))
	got, failed := j.Entries()
	fmt.Println(err != nil, again, failed, len(got) == n, j.Close())
}

// TestAppendFails wants a write that was cut short to leave no trace.
func TestAppendFails(t *testing.T) {
	d, _, _ := written(t, 0)
	if _, said := begin(t, "fill", d); said != "true <nil> <nil> true <nil>" {
		t.Errorf("the other process says %q", said)
	}
	for i, e := range entries(t, d) {
		if !cmp.Equal(e, entry(i, flow.Did)) {
			t.Errorf("entry %d is %v", i, e)
		}
	}
}
