package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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

	"github.com/seed-77750964/regain/internal/testdisk"
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
	l := &lab{t: t, state: filepath.Join(t.TempDir(), "lab"), listen: freeAddress(t), args: args, log: &transcript{}}
	t.Cleanup(func() {
		l.end(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the lab said:\n%s", l.log)
		}
	})
	l.start()
	l.env = l.exports()
	return l
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start returns when the lab answers.
func (l *lab) start() {
	l.t.Helper()
	args := append([]string{"serve", "--state", l.state, "--listen", l.listen}, l.args...)
	l.cmd = exec.Command(filepath.Join(programs, "regain-lab"), args...)
	l.cmd.Env = bareEnv(l.t)
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	said := &transcript{}
	l.cmd.Stderr = io.MultiWriter(l.log, said)
	if err := l.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go io.Copy(l.log, out)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", l.listen); err == nil {
			conn.Close()
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
	l.cmd.Process.Signal(sig)
	done := make(chan struct{})
	go func() { l.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		l.t.Errorf("the lab does not end")
		l.cmd.Process.Kill()
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

// awaitSSH waits until an instance runs and something answers at its port 22.
func (l *lab) awaitSSH(id string) {
	l.t.Helper()
	said := "it does not run"
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		address := l.address(id)
		if address == "" || address == "None" {
			continue
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "22"), time.Second)
		if err == nil {
			conn.Close()
			return
		}
		said = err.Error()
	}
	l.t.Fatalf("instance %s cannot be reached: %s", id, said)
}

// reset is the command line of a reset that asks nobody.
func reset(id string, flags ...string) []string {
	return append([]string{"reset", id, "--yes", "--accept-ip-change", "--agent", filepath.Join(programs, "regain-agent")}, flags...)
}

// address is where an instance can be reached, by the account.
func (l *lab) address(id string) string {
	l.t.Helper()
	return strings.TrimSpace(l.aws("ec2", "describe-instances", "--instance-ids", id, "--query", "Reservations[0].Instances[0].PublicIpAddress", "--output", "text"))
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
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", user+"@"+l.address(id), "echo", "in:", "$(id -un)")
}

// description is an instance and its volumes as the account tells of them,
// without what a stop and start changes rightly.
func (l *lab) description(id string) string {
	l.t.Helper()
	var d any
	if err := json.Unmarshal([]byte(l.aws("ec2", "describe-instances", "--instance-ids", id, "--output", "json")), &d); err != nil {
		l.t.Fatal(err)
	}
	strip(d, "LaunchTime", "AttachTime", "PublicIpAddress", "PublicDnsName", "PublicIp", "StateTransitionReason", "StateReason", "UsageOperationUpdateTime")
	out, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		l.t.Fatal(err)
	}
	return string(out)
}

func strip(v any, keys ...string) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range keys {
			delete(v, k)
		}
		for _, e := range v {
			strip(e, keys...)
		}
	case []any:
		for _, e := range v {
			strip(e, keys...)
		}
	}
}

// event is what regain --json tells while it works.
type event struct {
	Run, Step, Way, Event, Why, Error string
}

// follow runs regain with --json and calls at for each event as it comes; when
// that returns true, the process is killed as a power cut would.
func (l *lab) follow(args []string, at func(n int, e event) (kill bool)) (result, []event) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := l.command(ctx, nil, "regain", append(args, "--json")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	var events []event
	var text strings.Builder
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		var line struct{ Event *event }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			l.t.Errorf("not JSON: %q", lines.Text())
		}
		if line.Event != nil {
			events = append(events, *line.Event)
			if at(len(events)-1, *line.Event) {
				cmd.Process.Kill()
			}
		}
	}
	cmd.Wait()
	return result{cmd.ProcessState.ExitCode(), text.String(), stderr.String()}, events
}

// disks makes the patients' disks, each once.
var disks struct {
	mu   sync.Mutex
	made map[string]string
}

// lockedDisk is a Debian disk of a user who has lost the key. Labs copy it.
func lockedDisk(t testing.TB, breakages string) string {
	t.Helper()
	disks.mu.Lock()
	defer disks.mu.Unlock()
	if path := disks.made[breakages]; path != "" {
		return path
	}
	broken, err := testdisk.BreakagesNamed(breakages)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(programs, fmt.Sprintf("disk-%d.raw", len(disks.made)))
	if _, err := testdisk.NewImage(context.Background(), path, testdisk.Bookworm, testdisk.Small, testdisk.GPTExt4, broken...); err != nil {
		t.Fatal(err)
	}
	if disks.made == nil {
		disks.made = map[string]string{}
	}
	disks.made[breakages] = path
	return path
}
