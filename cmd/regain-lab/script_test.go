package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

func TestMain(m *testing.M) {
	if code, mine := machine.Main(); mine {
		os.Exit(code)
	}
	testscript.Main(m, map[string]func(){"regain-lab": main})
}

// TestScripts runs the program as people do. Each script holds one promise.
func TestScripts(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "aws", "ssh", "ssh-keygen", "losetup", "openssl")
	windows := windowsImage(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Cmds: scriptCommands, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Values[servedKey{}] = &served{}
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_PAGER", "")
			env.Setenv("WINDOWS", windows)
			return nil
		},
	})
}

// served is the lab that a script has started.
type served struct{ cmd *exec.Cmd }

type servedKey struct{}

// Besides testscript's own, scripts know:
//
//	code N PROGRAM …       run it and want this exit code
//	plantdisk FILE KEY     a small Debian disk on which the key's public half may log in
//	serve ARGS…            regain-lab serve on any port, until it is ready
//	signal NAME CODE       send it a signal, and want this exit code
//	enter                  set what regain-lab env prints, and $URL
//	state ID STATE         wait until an instance is in a state
//	id                     keep the last output's first word as $ID
//	keep NAME              keep it under this name
//	managed ID             wait until a helper is registered with Systems Manager
//	command ID SCRIPT      run a script on a helper, and want it to succeed; stdout is its output
//	[!] login KEY HOST …   log in as admin, and run a command there
//	remain DIR N           want this many loop devices, mounts and processes of a lab
//
// and $WINDOWS, an image with a Windows that one can log in to.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"code": exitWith, "plantdisk": plantDisk, "serve": serve, "signal": sendSignal, "enter": enter, "state": awaitState, "login": login,
	"remain": remain, "id": setID, "keep": keep, "managed": managed, "command": runCommand,
}

func exitWith(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func plantDisk(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	key, err := testdisk.NewKey(ctx, ts.Getenv("WORK"), args[1], "ed25519")
	ts.Check(err)
	_, err = testdisk.NewImage(ctx, ts.MkAbs(args[0]), testdisk.Bookworm, testdisk.Small, testdisk.GPTExt4, func(root string) error {
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, "home/admin/.ssh/authorized_keys"), public, 0o600)
	})
	ts.Check(err)
}

func serve(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath(filepath.Join(strings.Split(ts.Getenv("PATH"), ":")[0], "regain-lab"))
	ts.Check(err)
	log, err := os.OpenFile(ts.MkAbs("serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	cmd := exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir, cmd.Stderr = ts.Getenv("WORK"), log
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "TMPDIR=" + ts.Getenv("TMPDIR")}
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it may have ended
	ts.Value(servedKey{}).(*served).cmd = cmd
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "regain-lab: listening on http://127.0.0.1:") {
		ts.Fatalf("the lab is not ready: %q, %v\n%s", line, err, ts.ReadFile("serve.log"))
	}
	ts.Logf("%s", line)
}

func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	cmd := ts.Value(servedKey{}).(*served).cmd
	ts.Check(cmd.Process.Signal(map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt, "KILL": os.Kill}[args[0]]))
	_ = cmd.Wait() // its code is looked at
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("the lab ended with %s, want %s\n%s", got, args[1], ts.ReadFile("serve.log"))
	}
}

// enter does to the script what eval does to a shell.
func enter(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("regain-lab", "env", "--state", args[0]))
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if assignment, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			name, value, _ := strings.Cut(assignment, "=")
			ts.Setenv(name, strings.Trim(value, "'"))
		}
	}
	ts.Setenv("URL", ts.Getenv("AWS_ENDPOINT_URL")) // old CLIs do not know the variable
}

func awaitState(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		err := ts.Exec("aws", "--endpoint-url", ts.Getenv("URL"), "ec2", "describe-instances", "--instance-ids", args[0],
			"--query", "Reservations[].Instances[].[State.Name,PublicIpAddress]", "--output", "text")
		if f := strings.Fields(ts.ReadFile("stdout")); err == nil && len(f) == 2 && f[0] == args[1] {
			ts.Setenv("HOST", f[1])
			return
		}
	}
	ts.Fatalf("%s did not become %s: %s", args[0], args[1], ts.ReadFile("stdout"))
}

func setID(ts *testscript.TestScript, _ bool, _ []string) {
	id, _, _ := strings.Cut(strings.TrimSpace(ts.ReadFile("stdout")), " ")
	ts.Setenv("ID", id)
}

func keep(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// aws runs the AWS CLI on the lab.
func aws(ts *testscript.TestScript, args ...string) (string, error) {
	err := ts.Exec("aws", append([]string{"--endpoint-url", ts.Getenv("URL"), "--output", "text"}, args...)...)
	return strings.TrimSpace(ts.ReadFile("stdout")), err
}

func managed(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		status, err := aws(ts, "ssm", "describe-instance-information", "--filters", "Key=InstanceIds,Values="+args[0],
			"--query", "InstanceInformationList[].PingStatus")
		if err == nil && status == "Online" {
			return
		}
	}
	ts.Fatalf("%s did not register", args[0])
}

func runCommand(ts *testscript.TestScript, _ bool, args []string) {
	parameters, err := json.Marshal(map[string][]string{"commands": {args[1]}})
	ts.Check(err)
	id, err := aws(ts, "ssm", "send-command", "--instance-ids", args[0], "--document-name", "AWS-RunShellScript",
		"--parameters", string(parameters), "--query", "Command.CommandId")
	ts.Check(err)
	status := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		status, err = aws(ts, "ssm", "get-command-invocation", "--instance-id", args[0], "--command-id", id, "--query", "Status")
		if err == nil && status != "Pending" && status != "InProgress" && status != "Delayed" {
			break
		}
	}
	_, err = aws(ts, "ssm", "get-command-invocation", "--instance-id", args[0], "--command-id", id, "--query", "[StandardOutputContent,StandardErrorContent]", "--output", "text")
	if ts.Check(err); status != "Success" {
		ts.Fatalf("the command ended as %s", status)
	}
}

func login(ts *testscript.TestScript, neg bool, args []string) {
	command := args[2:]
	if len(command) == 0 {
		command = []string{"id", "-un"}
	}
	err := ts.Exec("ssh", append([]string{
		"-F", "/dev/null", "-i", ts.MkAbs(args[0]), "-T", "-n", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=60",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "admin@" + args[1], "--",
	}, command...)...)
	if (err == nil) == neg {
		ts.Fatalf("login: %v", err)
	}
}

func remain(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	var got []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = machine.Remains(ts.MkAbs(args[0])); len(got) == want {
			return
		}
	}
	ts.Fatalf("%d remain: %q", len(got), got)
}
