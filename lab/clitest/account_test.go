// Package clitest drives every action of the lab with clients that nobody here wrote:
// the AWS CLI of Debian, and the botocore that it carries. It holds tests only, and
// knows the lab from outside.
package clitest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
	"github.com/seed-77750964/regain/lab/machine"
)

// The programs of Debian, whatever else is in the path.
const (
	aws    = "/usr/bin/aws"
	python = "/usr/bin/python3"
)

// speed makes 100 seconds of a real account one.
const speed = 100

func TestMain(m *testing.M) {
	if code, mine := machine.Main(); mine {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// An account is a lab that serves, and the environment of its clients.
type account struct {
	lab *lab.Lab
	url string
	env []string
	dir string // beside the lab's state, for files of the tests

	state string
}

// open serves a fresh lab until the test ends.
func open(t *testing.T) *account {
	t.Helper()
	return openWith(t, lab.Config{})
}

func openWith(t *testing.T, c lab.Config) *account {
	t.Helper()
	testdisk.Need(t, aws, python, "losetup")
	dir, state := t.TempDir(), t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	c.State, c.Listen, c.Speed, c.Boot, c.Host = state, address, speed, cmp.Or(c.Boot, "none"), machine.Open(machine.Options{Hide: []string{state}})
	l, err := lab.Open(t.Context(), c)
	if err != nil {
		t.Fatal(errors.Join(err, listener.Close()))
	}
	a := &account{lab: l, url: "http://" + address, dir: dir, state: state}
	a.serve(t, listener)
	keys, err := lab.ReadCredentials(state)
	if err != nil {
		t.Fatal(err)
	}
	a.env = append(os.Environ(),
		"AWS_ACCESS_KEY_ID="+keys.AccessKey, "AWS_SECRET_ACCESS_KEY="+keys.Secret, "AWS_REGION="+keys.Region, "AWS_DEFAULT_REGION="+keys.Region,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1",
		"HOME="+dir, "NO_PROXY=127.0.0.1",
	)
	return a
}

// serve runs the lab and answers calls until the test ends.
func (a *account) serve(t *testing.T, listener net.Listener) {
	t.Helper()
	server := &http.Server{Handler: a.lab.Handler(), ReadHeaderTimeout: time.Minute}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() { ran <- a.lab.Run(ctx) }()
	t.Cleanup(func() {
		closing, end := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer end()
		err := server.Shutdown(closing)
		cancel()
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		if err := errors.Join(err, <-ran, a.lab.Close(closing)); err != nil {
			t.Errorf("the lab does not close: %v", err)
		}
	})
}

// create adds an instance with an empty disk to the account.
func (a *account) create(t *testing.T, spec ec2.Spec) string {
	t.Helper()
	spec.Image = filepath.Join(a.dir, "disk.raw")
	file, err := os.OpenFile(spec.Image, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = errors.Join(file.Truncate(64<<20), file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	made, err := a.lab.CreateInstance(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// cli runs the AWS CLI and returns its JSON.
func (a *account) cli(t *testing.T, args ...string) any {
	t.Helper()
	out, err := a.tryCLI(t, args...)
	if err != nil {
		t.Fatalf("aws %q: %v", args, err)
	}
	return out
}

func (a *account) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), aws, append([]string{"--endpoint-url", a.url, "--output", "json"}, args...)...)
	cmd.Env, cmd.Dir = a.env, a.dir
	return cmd
}

func (a *account) tryCLI(t *testing.T, args ...string) (any, error) {
	t.Helper()
	cmd := a.command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	if len(bytes.TrimSpace(stdout.Bytes())) == 0 {
		return nil, nil
	}
	var answer any
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("no JSON: %q", stdout.String())
	}
	return answer, nil
}

// A client is one botocore process.
type client struct {
	in    io.Writer
	out   *bufio.Scanner
	calls map[string]bool // service:Action that was answered without a fault
}

type object = map[string]any

type answer struct {
	Answer         any
	Error, Message string
}

func (a *account) client(t *testing.T) *client {
	t.Helper()
	cmd := exec.Command(python, "testdata/driver.py", a.url) //nolint:noctx // it ends with its input
	cmd.Env, cmd.Stderr = a.env, os.Stderr
	in, err := cmd.StdinPipe()
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
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("the driver does not end: %v", err)
		}
	})
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 16<<20)
	return &client{in: in, out: scanner, calls: map[string]bool{}}
}

func (c *client) call(t *testing.T, service, operation string, params any) answer {
	t.Helper()
	line, err := json.Marshal(object{"service": service, "operation": operation, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("%s %s: the driver is gone: %v", service, operation, err)
	}
	if !c.out.Scan() {
		t.Fatalf("%s %s: the driver is gone: %v", service, operation, c.out.Err())
	}
	var got answer
	if err := json.Unmarshal(c.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}
