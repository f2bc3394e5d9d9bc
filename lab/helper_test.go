package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
	"github.com/seed-77750964/regain/lab/machine"
)

func TestMain(m *testing.M) {
	if code, mine := machine.Main(); mine {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// A world is a lab with real machines, and the AWS CLI as its client.
type world struct {
	*lab.Lab
	state  string
	url    string
	faults string
}

func newWorld(t *testing.T, enforce bool) *world {
	t.Helper()
	testdisk.Need(t, "aws", "losetup", "curl")
	w := &world{state: t.TempDir()}
	w.faults = filepath.Join(w.state, "faults.yaml")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + listener.Addr().String()
	rack := machine.Open(machine.Options{Hide: []string{w.state}})
	w.Lab, err = lab.Open(t.Context(), lab.Config{
		State: w.state, Listen: listener.Addr().String(), Speed: 50, Boot: "none", Host: rack, FaultsFile: w.faults, EnforceIAM: enforce,
	})
	if err != nil {
		t.Fatal(errors.Join(err, listener.Close()))
	}
	server := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: time.Minute}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		closing, done := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer done()
		err := server.Close()
		cancel()
		err = errors.Join(err, <-ended, <-ended, w.Close(closing), rack.Close(closing))
		if !errors.Is(err, http.ErrServerClosed) || strings.Contains(err.Error(), "\n") {
			t.Errorf("the lab does not close: %v", err)
		}
	})
	return w
}

// aws runs the CLI and returns its output, or what it said of an error.
func (w *world) aws(t *testing.T, args ...string) string {
	t.Helper()
	key, err := lab.ReadCredentials(w.state)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/aws", append(args, "--output", "text")...)
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "HOME=/nonexistent", "AWS_ENDPOINT_URL=" + w.url, "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + key.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + key.Secret, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1",
	}
	// Debian's CLI is older than AWS_ENDPOINT_URL
	cmd.Args = append(cmd.Args, "--endpoint-url", w.url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s (%v)", out, err)
	}
	return strings.TrimSpace(string(out))
}

// await asks until the answer has the text.
func (w *world) await(t *testing.T, want string, args ...string) string {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		got := w.aws(t, args...)
		if strings.Contains(got, want) {
			return got
		}
		select {
		case <-deadline:
			t.Fatalf("%v: %s, want %s", args, got, want)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (w *world) helper(t *testing.T) string {
	t.Helper()
	image := w.aws(t, "ssm", "get-parameter", "--name", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "--query", "Parameter.Value")
	id := w.aws(t, "ec2", "run-instances", "--image-id", image, "--instance-type", "t3.micro", "--iam-instance-profile", "Name="+lab.Helper,
		"--metadata-options", "HttpTokens=required,HttpPutResponseHopLimit=1", "--query", "Instances[0].InstanceId")
	if !strings.HasPrefix(id, "i-") {
		t.Fatalf("no helper: %s", id)
	}
	w.await(t, "Online", "ssm", "describe-instance-information", "--query", "InstanceInformationList[].PingStatus")
	return id
}

// on runs a script on a helper and returns its output.
func (w *world) on(t *testing.T, helper, script string) string {
	t.Helper()
	parameters, err := json.Marshal(map[string][]string{"commands": {script}})
	if err != nil {
		t.Fatal(err)
	}
	id := w.aws(t, "ssm", "send-command", "--instance-ids", helper, "--document-name", "AWS-RunShellScript", "--parameters", string(parameters), "--query", "Command.CommandId")
	deadline := time.After(time.Minute)
	for {
		got := w.aws(t, "ssm", "get-command-invocation", "--command-id", id, "--instance-id", helper, "--query", "[Status,StandardOutputContent,StandardErrorContent]")
		switch status, _, _ := strings.Cut(got, "\t"); status {
		case "Success", "Failed", "TimedOut":
			return got
		}
		select {
		case <-deadline:
			t.Fatalf("the command does not end: %s", got)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

const administrator = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// TestAHelperHasItsRoleAndNoMore goes the whole way: a real machine gets credentials from
// its metadata service, and the AWS CLI in it does what the helper's policy allows.
func TestAHelperHasItsRoleAndNoMore(t *testing.T) {
	w := newWorld(t, true)
	if _, err := w.PutPolicy(t.Context(), lab.NewPolicy{Kind: "user", Principal: lab.Operator, Name: "all", Policy: json.RawMessage(administrator)}); err != nil {
		t.Fatal(err)
	}
	helper := w.helper(t)
	key := "/ec2rl/openssh/i-0123456789abcdef0/key"
	cli := "aws --endpoint-url $AWS_ENDPOINT_URL --region $AWS_REGION --output text "
	put := func(name, more string) string {
		return cli + "ssm put-parameter --type SecureString --value secret --name " + name + " " + more + " 2>&1; true"
	}
	for script, want := range map[string]string{
		cli + "sts get-caller-identity --query Arn": "assumed-role/" + lab.Helper + "/" + helper,
		put(key, ""):          "Standard",
		put("/elsewhere", ""): "AccessDeniedException",
		cli + "ssm get-parameter --name " + key + " 2>&1; true":   "AccessDeniedException",
		cli + "ec2 describe-instances 2>&1; true":                 "UnauthorizedOperation",
		"curl -s -o /dev/null -w '%{http_code}' 169.254.169.254/": "401",
	} {
		if got := w.on(t, helper, script); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
	}
	entries, err := lab.ReadCalls(w.state)
	if err != nil {
		t.Fatal(err)
	}
	byHelper := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Caller, "/"+helper) {
			byHelper++
		}
	}
	if byHelper != 5 {
		t.Errorf("%d calls of the helper are in the log, want 5", byHelper)
	}
}

// TestFaultsReachTheMachines plans a stuck stop and the loss of a helper.
func TestFaultsReachTheMachines(t *testing.T) {
	w := newWorld(t, false)
	image := filepath.Join(t.TempDir(), "root.raw")
	if err := os.WriteFile(image, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := w.CreateInstance(t.Context(), ec2.Spec{Image: image})
	if err != nil {
		t.Fatal(err)
	}
	state := []string{"ec2", "describe-instances", "--instance-ids", made.ID, "--query", "Reservations[0].Instances[0].State.Name"}
	w.await(t, "running", state...)
	rules := "- {action: StopInstances, kind: stuck, for: 5s}\n- {action: SendCommand, nth: 2, kind: lost-helper}\n"
	if err := os.WriteFile(w.faults, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w.aws(t, "ec2", "stop-instances", "--instance-ids", made.ID)
	w.await(t, "stopped", state...)
	if took := time.Since(began); took < 5*time.Second {
		t.Errorf("a stuck stop took %v, want 5 s", took)
	}
	helper := w.helper(t)
	if got := w.on(t, helper, "echo one"); !strings.Contains(got, "one") {
		t.Errorf("got %s", got)
	}
	id := w.aws(t, "ssm", "send-command", "--instance-ids", helper, "--document-name", "AWS-RunShellScript", "--parameters", `{"commands":["sleep 60"]}`, "--query", "Command.CommandId")
	if !strings.Contains(id, "-") {
		t.Fatalf("the command was not taken: %s", id)
	}
	if on := w.aws(t, "ec2", "describe-instances", "--instance-ids", helper, "--query", "Reservations[0].Instances[0].State.Name"); on != "running" {
		t.Errorf("EC2 knows of the loss: %s", on)
	}
	if got := w.aws(t, "ssm", "get-command-invocation", "--command-id", id, "--instance-id", helper, "--query", "Status"); got == "Success" {
		t.Errorf("a command on a lost helper is %s", got)
	}
}
