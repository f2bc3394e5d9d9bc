package ssm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/ssm"
	"github.com/seed-77750964/regain/lab/wire"
)

func send(ids []string, script string, more ...object) object {
	p := object{"DocumentName": "AWS-RunShellScript", "InstanceIds": ids, "Parameters": object{"commands": strings.Split(script, "\n")}}
	for _, m := range more {
		for k, v := range m {
			p[k] = v
		}
	}
	return p
}

// start sends a command to the helper and returns its id.
func (w *world) start(s *ssm.SSM, params object) string {
	w.t.Helper()
	command := w.must(s, "SendCommand", params)["Command"].(object)
	if command["Status"] != "Pending" {
		w.t.Errorf("right after SendCommand: %v", command)
	}
	return command["CommandId"].(string)
}

// end lets time pass until the command has been delivered, and its scripts end.
func (w *world) end(s *ssm.SSM) {
	w.t.Helper()
	w.pass(3 * time.Second)
	if _, err := s.Advance(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.work.Wait()
}

func (w *world) invocation(s *ssm.SSM, id string) object {
	w.t.Helper()
	return w.must(s, "GetCommandInvocation", object{"CommandId": id, "InstanceId": helper})
}

// TestCommand follows one command from its sending to its output.
func TestCommand(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	id := w.start(s, send([]string{helper}, "echo out\necho err >&2\npwd", object{
		"Comment": "regain r1", "Parameters": object{"commands": []string{"echo out", "echo err >&2", "pwd"}, "workingDirectory": []string{"/usr"}},
	}))
	at := object{"CommandId": id, "InstanceId": helper}
	if _, code := w.call(s, "GetCommandInvocation", at); code != "InvocationDoesNotExist" {
		t.Errorf("at once: %q", code)
	}
	if list := w.must(s, "ListCommandInvocations", at); len(items(list["CommandInvocations"])) != 0 {
		t.Errorf("at once: %v", list)
	}
	w.pass(time.Second)
	if got := w.invocation(s, id); got["Status"] != "Pending" || got["ResponseCode"] != -1.0 || got["ExecutionStartDateTime"] != "" {
		t.Errorf("after a second: %v", got)
	}
	w.end(s)
	got := w.invocation(s, id)
	for field, want := range map[string]any{
		"Status": "Success", "StatusDetails": "Success", "ResponseCode": 0.0, "StandardOutputContent": "out\n/usr\n", "StandardErrorContent": "err\n",
		"PluginName": "aws:runShellScript", "DocumentName": "AWS-RunShellScript", "Comment": "regain r1",
	} {
		if got[field] != want {
			t.Errorf("%s = %v, want %v", field, got[field], want)
		}
	}
	if text := got["ExecutionElapsedTime"].(string); !strings.HasPrefix(text, "PT") || !strings.HasSuffix(text, "S") {
		t.Errorf("elapsed: %v", text)
	}
	listed := items(w.must(s, "ListCommandInvocations", object{"CommandId": id, "Details": true})["CommandInvocations"])
	if out := items(listed[0]["CommandPlugins"])[0]["Output"]; out != "out\n/usr\n\n----------ERROR-------\nerr\n" {
		t.Errorf("listed output: %q", out)
	}
	command := items(w.must(s, "ListCommands", object{"CommandId": id})["Commands"])[0]
	if command["Status"] != "Success" || command["CompletedCount"] != 1.0 || command["Comment"] != "regain r1" {
		t.Errorf("listed command: %v", command)
	}
}

func TestEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		script                  string
		parameters              object
		status, details, stderr string
		code                    float64
	}{
		"exit code":   {"echo no >&2; exit 3", object{}, "Failed", "Failed", "no\nfailed to run commands: exit status 3", 3},
		"timed out":   {"exec sleep 60", object{"executionTimeout": []string{"1"}}, "TimedOut", "Execution Timed Out", "", 137},
		"killed":      {"kill -9 $$", object{}, "Failed", "Failed", "failed to run commands: exit status 137", 137},
		"no such dir": {"true", object{"workingDirectory": []string{"/none/it's"}}, "Failed", "Failed", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open()
			tt.parameters["commands"] = []string{tt.script}
			id := w.start(s, send([]string{helper}, "", object{"Parameters": tt.parameters}))
			w.end(s)
			got := w.invocation(s, id)
			if got["Status"] != tt.status || got["StatusDetails"] != tt.details || got["ResponseCode"] != tt.code {
				t.Errorf("got %v", got)
			}
			if tt.stderr != "" && got["StandardErrorContent"] != tt.stderr {
				t.Errorf("stderr: %q, want %q", got["StandardErrorContent"], tt.stderr)
			}
		})
	}
}

func TestSendFaults(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprintf("i-%017d", i))
	}
	for name, tt := range map[string]struct {
		params object
		code   string
	}{
		"another document":   {send([]string{helper}, "x", object{"DocumentName": "AWS-RunPowerShellScript"}), "InvalidDocument"},
		"another version":    {send([]string{helper}, "x", object{"DocumentVersion": "7"}), "InvalidDocumentVersion"},
		"no instance":        {send(nil, "x"), "ValidationException"},
		"51 instances":       {send(many, "x"), "ValidationException"},
		"twice":              {send([]string{helper, helper}, "x"), "DuplicateInstanceId"},
		"unknown instance":   {send([]string{"i-0123"}, "x"), "InvalidInstanceId"},
		"no agent":           {send([]string{"i-0cccccccccccccccc"}, "x"), "InvalidInstanceId"},
		"no profile":         {send([]string{"i-0dddddddddddddddd"}, "x"), "InvalidInstanceId"},
		"no commands":        {send([]string{helper}, "", object{"Parameters": object{}}), "InvalidParameters"},
		"unknown parameter":  {send([]string{helper}, "", object{"Parameters": object{"commands": []string{"x"}, "user": []string{"y"}}}), "InvalidParameters"},
		"two directories":    {send([]string{helper}, "", object{"Parameters": object{"commands": []string{"x"}, "workingDirectory": []string{"a", "b"}}}), "InvalidParameters"},
		"no number":          {send([]string{helper}, "", object{"Parameters": object{"commands": []string{"x"}, "executionTimeout": []string{"y"}}}), "InvalidParameters"},
		"a parameter within": {send([]string{helper}, "echo {{ssm:x}}"), "UnsupportedOperation"},
		"delivery too short": {send([]string{helper}, "x", object{"TimeoutSeconds": 29}), "ValidationException"},
		"long comment":       {send([]string{helper}, "x", object{"Comment": strings.Repeat("x", 101)}), "ValidationException"},
		"staggered":          {send([]string{helper}, "x", object{"MaxConcurrency": "1"}), "UnsupportedOperation"},
		"output to a bucket": {send([]string{helper}, "x", object{"OutputS3BucketName": "b"}), "UnsupportedOperation"},
		"instances by tag":   {send(nil, "x", object{"Targets": []object{}}), "UnsupportedOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, code := w.call(s, "SendCommand", tt.params); code != tt.code {
				t.Errorf("got %q, want %q", code, tt.code)
			}
		})
	}
	for action, params := range map[string]object{
		"GetCommandInvocation": {"CommandId": "none", "InstanceId": helper},
		"CancelCommand":        {"CommandId": "none"},
		"ListCommands":         {"CommandId": "none"},
	} {
		want := map[string]string{"GetCommandInvocation": "InvocationDoesNotExist"}[action]
		if want == "" {
			want = "InvalidCommandId"
		}
		if _, code := w.call(s, action, params); code != want {
			t.Errorf("%s: got %q, want %q", action, code, want)
		}
	}
	checks, err := s.Checks(t.Context(), w.request("SendCommand", send([]string{helper}, "x")))
	if err != nil || len(checks) != 2 || checks[0].Resource != "arn:aws:ssm:us-east-1::document/AWS-RunShellScript" ||
		checks[1].Resource != "arn:aws:ec2:us-east-1:123456789012:instance/"+helper || checks[1].Context["ssm:resourceTag/run"][0] != "r1" {
		t.Errorf("checks: %+v, %v", checks, err)
	}
}

func TestDeliveryTimesOut(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.off = true
	id := w.start(s, send([]string{helper}, "true", object{"TimeoutSeconds": 30}))
	w.end(s)
	if got := w.invocation(s, id); got["Status"] != "Pending" {
		t.Errorf("while the machine is off: %v", got)
	}
	w.pass(30 * time.Second)
	if got := w.invocation(s, id); got["Status"] != "TimedOut" || got["StatusDetails"] != "Delivery Timed Out" || got["ResponseCode"] != -1.0 {
		t.Errorf("after the time: %v", got)
	}
	if n := items(w.must(s, "ListCommands", object{})["Commands"])[0]["DeliveryTimedOutCount"]; n != 1.0 {
		t.Errorf("%v deliveries timed out", n)
	}
}

func TestUndeliverable(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	id := w.start(s, send([]string{helper}, "true"))
	w.instance(helper, func(i *ssm.Instance) { i.Ended = true })
	w.end(s)
	if got := w.invocation(s, id); got["Status"] != "Failed" || got["StatusDetails"] != "Undeliverable" {
		t.Errorf("after termination: %v", got)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	early := w.start(s, send([]string{helper}, "true"))
	w.must(s, "CancelCommand", object{"CommandId": early})
	late := w.start(s, send([]string{helper}, "exec sleep 60"))
	w.pass(3 * time.Second)
	if got := w.invocation(s, late); got["Status"] != "InProgress" {
		t.Fatalf("late: %v", got)
	}
	if _, code := w.call(s, "CancelCommand", object{"CommandId": late, "InstanceIds": []string{"i-0123"}}); code != "InvalidInstanceId" {
		t.Errorf("cancelled elsewhere: %q", code)
	}
	w.must(s, "CancelCommand", object{"CommandId": late, "InstanceIds": []string{helper}})
	w.work.Wait()
	for _, id := range []string{early, late} {
		if got := w.invocation(s, id); got["Status"] != "Cancelled" || got["StatusDetails"] != "Cancelled" {
			t.Errorf("got %v", got)
		}
	}
	w.must(s, "CancelCommand", object{"CommandId": late}) // ended already
	if len(w.calls) != 1 {
		t.Errorf("the host ran %d commands, want 1", len(w.calls))
	}
}

// TestRestart kills the lab while one command waits and another runs.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	ran := w.start(s, send([]string{helper}, "exec sleep 60"))
	w.pass(3 * time.Second)
	if got := w.invocation(s, ran); got["Status"] != "InProgress" {
		t.Fatalf("before: %v", got)
	}
	waits := w.start(s, send([]string{helper}, "echo later"))
	s = w.open() // the machine died with the lab
	if got := w.invocation(s, ran); got["StatusDetails"] != "Terminated" || got["ResponseCode"] != 137.0 || got["Status"] != "Failed" {
		t.Errorf("what ran: %v", got)
	}
	for _, cancel := range w.running {
		cancel()
	}
	w.end(s)
	if got := w.invocation(s, waits); got["StandardOutputContent"] != "later\n" {
		t.Errorf("what waited: %v", got)
	}
}

// TestRun has the loop deliver, with nobody calling the API.
func TestRun(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	id := w.start(s, send([]string{helper}, "echo done"))
	w.pass(3 * time.Second)
	deadline := time.After(time.Minute)
	for w.invocation(s, id)["Status"] != "Success" {
		select {
		case <-deadline:
			t.Fatal("the command does not end")
		case <-time.After(20 * time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRunRests keeps the loop from asking again and again while a command runs.
func TestRunRests(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	id := w.start(s, send([]string{helper}, "exec sleep 60"))
	for _, tt := range []struct {
		after, want time.Duration // from the request; 0: not before the next call
	}{{0, 2 * time.Second}, {time.Second, 2 * time.Second}, {2 * time.Second, 3 * time.Second}, {3 * time.Second, 0}} {
		requested := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		w.pass(tt.after - w.clock().Sub(requested))
		next, err := s.Advance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := next.Sub(requested); tt.want == 0 && !next.IsZero() || tt.want != 0 && got != tt.want {
			t.Errorf("after %v: again at %v, want %v", tt.after, got, tt.want)
		}
	}
	w.must(s, "CancelCommand", object{"CommandId": id})
}

// TestLongOutput cuts what the API has no room for.
func TestLongOutput(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	id := w.start(s, send([]string{helper}, "head -c 30000 /dev/zero | tr '\\000' x\nhead -c 30000 /dev/zero | tr '\\000' y >&2"))
	w.end(s)
	got := w.invocation(s, id)
	stdout, stderr := got["StandardOutputContent"].(string), got["StandardErrorContent"].(string)
	if len(stdout) != 24000 || len(stderr) != 8000 || !strings.HasPrefix(stdout, "xxx") || !strings.HasSuffix(stderr, "y--output truncated--") {
		t.Errorf("%d and %d bytes", len(stdout), len(stderr))
	}
}

// TestStuck holds a command up, as a planned fault does.
func TestStuck(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	ctx := wire.WithStuck(t.Context(), time.Minute)
	if _, err := s.Do(ctx, w.request("SendCommand", send([]string{helper}, "true"))); err != nil {
		t.Fatal(err)
	}
	w.end(s)
	if len(w.calls) != 0 {
		t.Error("delivered at once")
	}
	w.pass(time.Minute)
	w.end(s)
	if len(w.calls) != 1 {
		t.Error("not delivered after a minute")
	}
}

func TestListCommands(t *testing.T) {
	w := newWorld(t)
	w.instances = append(w.instances, ssm.Instance{ID: second, Agent: true, Up: w.now.Add(-time.Hour), Role: "regain-helper"})
	s := w.open()
	first := w.start(s, send([]string{helper}, "true"))
	w.pass(time.Second)
	both := w.start(s, send([]string{helper, second}, "exit 1"))
	if got := items(w.must(s, "ListCommands", object{})["Commands"]); len(got) != 1 {
		t.Errorf("the newer is listed at once: %v", got)
	}
	w.end(s)
	got := items(w.must(s, "ListCommands", object{})["Commands"])
	if len(got) != 2 || got[0]["CommandId"] != both || got[0]["ErrorCount"] != 2.0 || got[0]["Status"] != "Failed" {
		t.Errorf("got %v", got)
	}
	for name, tt := range map[string]struct {
		params object
		want   int
	}{
		"by instance": {object{"InstanceId": second}, 1},
		"by status":   {object{"Filters": []object{{"key": "Status", "value": "Success"}}}, 1},
		"by time":     {object{"Filters": []object{{"key": "InvokedAfter", "value": "2026-11-22T12:00:00Z"}}}, 1},
		"before":      {object{"Filters": []object{{"key": "InvokedBefore", "value": "2026-11-22T13:00:00Z"}}}, 2},
		"document":    {object{"Filters": []object{{"key": "DocumentName", "value": "x"}}}, 0},
		"a page":      {object{"MaxResults": 1}, 1},
	} {
		if got := items(w.must(s, "ListCommands", tt.params)["Commands"]); len(got) != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, f := range []object{{"key": "Age", "value": "1"}, {"key": "InvokedAfter", "value": "soon"}} {
		if _, code := w.call(s, "ListCommands", object{"Filters": []object{f}}); code != "InvalidFilterKey" {
			t.Errorf("%v: %q", f, code)
		}
	}
	if got := items(w.must(s, "ListCommandInvocations", object{"InstanceId": helper})["CommandInvocations"]); len(got) != 2 || got[1]["CommandId"] != first {
		t.Errorf("invocations: %v", got)
	}
}
