package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
)

const width = 80

// call runs the program in this process.
func call(euid int, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, euid: euid}
	code = p.run(context.Background(), args)
	return code, out.String(), errs.String()
}

// walk calls f for every command that people see.
func walk(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "completion" {
			walk(c, f)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	walk((&program{}).commands(), func(c *cobra.Command) {
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s lacks help", c.CommandPath())
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > width+1 {
				t.Errorf("%s: too wide: %q", c.CommandPath(), line)
			}
		}
		if code, stdout, stderr := call(1000, append(strings.Fields(c.CommandPath())[1:], "--help")...); code != exitDone || !strings.Contains(stdout, c.Short) && !strings.Contains(stdout, c.Long) || stderr != "" {
			t.Errorf("%s --help: %d, %q, %q", c.CommandPath(), code, stdout, stderr)
		}
	})
}

// TestExamples runs the examples of the help on an account that nobody serves;
// what needs a lab that runs is in the scripts.
func TestExamples(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("lab", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"disk.raw": "any bytes", "policy.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`,
		"trust.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/operator"},"Action":"sts:AssumeRole"}]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := call(0, "create-instance", "--state", "lab", "--image", "disk.raw", "--id", "i-0123456789abcdef0", "--stopped"); code != exitDone {
		t.Fatal(stderr)
	}
	walk((&program{}).commands(), func(c *cobra.Command) {
		for example := range strings.Lines(c.Example) {
			if c.Name() == "serve" || c.Name() == "check-password" || strings.Contains(example, "serve") || strings.Contains(example, "eval") {
				continue
			}
			args := strings.Fields(example)[1:]
			if last := len(args) - 1; strings.HasPrefix(args[last], ">") {
				args = args[:last]
			}
			if code, stdout, stderr := call(0, args...); code != exitDone {
				t.Errorf("%s: exit code %d\n%s%s", example, code, stdout, stderr)
			}
		}
	})
}

func TestParseInto(t *testing.T) {
	s := &ec2.Spec{}
	if err := parseInto(s, "false", []string{"/dev/sdf=3", "/dev/sdg=x.raw"}, []string{"Name=a,b=c", "empty="}); err != nil {
		t.Fatal(err)
	}
	if s.Tags["Name"] != "a,b=c" || len(s.Tags) != 2 || s.Public == nil || *s.Public || s.Volumes[0].Size != 3 || !filepath.IsAbs(s.Volumes[1].Image) {
		t.Errorf("%+v", s)
	}
	for _, bad := range [][3]string{{"maybe", "", ""}, {"", "/dev/sdf", ""}, {"", "=3", ""}, {"", "", "tag"}, {"", "", "=x"}} {
		if err := parseInto(s, bad[0], nonEmpty(bad[1]), nonEmpty(bad[2])); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func TestOnlyRootServes(t *testing.T) {
	code, _, stderr := call(1000, "serve", "--state", t.TempDir(), "--listen", "127.0.0.1:0")
	if code != exitFailed || !strings.Contains(stderr, "only root") {
		t.Errorf("%d, %q", code, stderr)
	}
}

func TestCallLine(t *testing.T) {
	e := lab.Entry{
		Time: time.Date(2026, 11, 22, 15, 53, 1, 2e6, time.UTC), Service: "ec2", Action: "StopInstances", Outcome: "ok", Mutating: true,
		Caller: "arn:aws:iam::123456789012:user/operator", Resources: []string{"i-1", "i-2"},
	}
	want := "15:53:01.002 * ec2:StopInstances                    ok                           user/operator i-1 i-2\n"
	if got := callLine(e); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := callLine(lab.Entry{Outcome: "MissingAuthenticationToken"}); !strings.HasSuffix(got, "MissingAuthenticationToken   -\n") {
		t.Errorf("%q", got)
	}
}

func TestPrintEnvQuotes(t *testing.T) {
	var out bytes.Buffer
	p := &program{stdout: &out}
	if err := p.printEnv([][2]string{{"A", "it's; rm -rf /"}}); err != nil {
		t.Fatal(err)
	}
	if want := "export A='it'\\''s; rm -rf /'\nunset AWS_SESSION_TOKEN AWS_PROFILE\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// An output that nobody reads is a failure, not silence.
func TestUnwritableOutput(t *testing.T) {
	p := &program{stdout: brokenPipe{}, stderr: &bytes.Buffer{}}
	if code := p.run(context.Background(), []string{"version"}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
