package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A lab is a running regain-lab: the account that the tests work on.
type lab struct {
	t      testing.TB
	state  string // its directory
	listen string
	args   []string
	env    []string // of who works in the account
	cmd    *exec.Cmd
	log    *transcript

	secrets *secrets
}

// with is the lab for a test that runs beside others: a failure is that test's.
func (l *lab) with(t testing.TB) *lab {
	other := *l
	other.t, other.cmd = t, nil
	return &other
}

// transcript collects what a process says, for a test that fails.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newLab starts a lab with fast clocks. It ends with the test.
func newLab(t testing.TB, args ...string) *lab {
	t.Helper()
	need(t)
	l := &lab{t: t, state: filepath.Join(t.TempDir(), "lab"), listen: "127.0.0.1:0", args: args, log: &transcript{}, secrets: &secrets{}}
	t.Cleanup(func() {
		l.end(syscall.SIGTERM)
		if found := holding(t, l.secrets.list, l.state); len(found) > 0 {
			t.Errorf("private keys lie in %q", found)
		}
		if left := remains(t, l.state); len(left) > 0 {
			t.Errorf("the lab has left on this host: %q", left)
		}
		if t.Failed() {
			t.Logf("the lab said:\n%s", l.log)
		}
	})
	l.start()
	l.env = l.exports()
	return l
}

var listening = regexp.MustCompile(`listening on http://([0-9.:]+),`)

// start returns when the lab answers. A lab that is started again has the address
// that it had.
func (l *lab) start() {
	l.t.Helper()
	args := append([]string{"serve", "--state", l.state, "--listen", l.listen}, l.args...)
	l.cmd = exec.Command(filepath.Join(programs, "regain-lab"), args...)
	l.cmd.Env, l.cmd.WaitDelay = bareEnv(l.t), 10*time.Second
	said := &transcript{}
	l.cmd.Stdout, l.cmd.Stderr = io.MultiWriter(l.log, said), io.MultiWriter(l.log, said)
	if err := l.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if m := listening.FindStringSubmatch(said.String()); m != nil {
			l.listen = m[1]
			return
		}
	}
	l.t.Fatalf("the lab does not answer: %s", said)
}

// end ends the lab's process, and waits for that.
func (l *lab) end(sig syscall.Signal) {
	if l.cmd == nil {
		return
	}
	_ = l.cmd.Process.Signal(sig) // it may have ended
	done := make(chan struct{})
	go func() { _ = l.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		l.t.Errorf("the lab does not end")
		_ = l.cmd.Process.Kill()
		<-done
	}
	l.cmd = nil
}

var export = regexp.MustCompile(`(?m)^export ([A-Z_]+)='?([^'\n]*)'?$`)

// exports are what regain-lab env wants a shell to know.
func (l *lab) exports() []string {
	l.t.Helper()
	r := l.run(nil, "regain-lab", "env", "--state", l.state)
	var env []string
	for _, m := range export.FindAllStringSubmatch(r.stdout, -1) {
		env = append(env, m[1]+"="+m[2])
	}
	if len(env) < 4 {
		l.t.Fatalf("regain-lab env says %q %q", r.stdout, r.stderr)
	}
	return env
}

// bareEnv is an environment without anybody's AWS configuration.
func bareEnv(t testing.TB) []string {
	return []string{"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir(), "LANG=C", "AWS_CONFIG_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"}
}

// result is what a program said.
type result struct {
	code           int
	stdout, stderr string
}

// run runs a program under test, or one of the system, in the account.
func (l *lab) run(extra []string, name string, args ...string) result {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return l.wait(l.command(ctx, extra, name, args...))
}

func (l *lab) command(ctx context.Context, extra []string, name string, args ...string) *exec.Cmd {
	if path := filepath.Join(programs, name); strings.HasPrefix(name, "regain") {
		name = path
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(append(bareEnv(l.t), l.env...), extra...)
	return cmd
}

func (l *lab) wait(cmd *exec.Cmd) result {
	l.t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	switch e := cmd.Run(); {
	case e == nil:
	case errors.As(e, new(*exec.ExitError)):
	default:
		l.t.Fatalf("cannot run %s: %v", cmd.Path, e)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

// must runs a program and wants an exit code.
func (l *lab) must(code int, name string, args ...string) string {
	l.t.Helper()
	r := l.run(nil, name, args...)
	if r.code != code {
		l.t.Fatalf("%s %q ended with %d, want %d\nstdout: %s\nstderr: %s", name, args, r.code, code, r.stdout, r.stderr)
	}
	return r.stdout
}

// patient makes an instance from a disk image, and returns when its sshd answers.
func (l *lab) patient(image string, flags ...string) string {
	l.t.Helper()
	args := append([]string{"create-instance", "--state", l.state, "--image", image}, flags...)
	id := regexp.MustCompile(`i-[0-9a-f]{17}`).FindString(l.must(0, "regain-lab", args...))
	if id == "" {
		l.t.Fatal("create-instance names no instance")
	}
	if !slices.Contains(flags, "--stopped") {
		l.awaitSSH(id)
	}
	return id
}

// reset is the command line of a reset that asks nobody.
func reset(id string, flags ...string) []string {
	return append([]string{"reset", id, "--yes", "--accept-ip-change", "--agent", filepath.Join(programs, "regain-agent")}, flags...)
}

// aws is somebody else's client of the account. Debian's does not read
// AWS_ENDPOINT_URL yet.
func (l *lab) aws(args ...string) string {
	l.t.Helper()
	return l.must(0, "/usr/bin/aws", append([]string{"--endpoint-url", "http://" + l.listen}, args...)...)
}

// login tries to log in.
func (l *lab) login(id, user, key string) result {
	l.t.Helper()
	return l.run(nil, "ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", user+"@"+l.address(id), "echo", "in:", "$(id -un)")
}
