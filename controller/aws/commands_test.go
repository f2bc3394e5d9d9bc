package aws

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
)

// in reads the body of a call in JSON.
func (q request) in(t *testing.T) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(q.body), &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestSend(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"SendCommand": ok(`{"Command":{"CommandId":"c-1"}}`)})
	c := controller.Command{Comment: "regain R prepare 1", Script: []string{"set -eu", "echo {{ not a parameter }}"}, Delivery: time.Second, Timeout: 50 * time.Minute}
	id, err := cloud.Send(t.Context(), c, "i-1", "i-2")
	if id != "c-1" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	want := map[string]any{
		"DocumentName": "AWS-RunShellScript", "InstanceIds": []any{"i-1", "i-2"}, "Comment": "regain R prepare 1", "TimeoutSeconds": 30.0,
		"Parameters": map[string]any{"commands": []any{"set -eu", "echo {{ not a parameter }}"}, "executionTimeout": []any{"3000"}},
	}
	if diff := cmp.Diff(want, s.one("SendCommand").in(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestManaged(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"DescribeInstanceInformation": ok(
		`{"InstanceInformationList":[{"InstanceId":"i-1","PingStatus":"Online","AgentVersion":"3.3"}],"NextToken":"n"}`,
		`{"InstanceInformationList":[{"InstanceId":"i-2","PingStatus":"ConnectionLost"}]}`,
	)})
	ids := slices.Repeat([]string{"i-1"}, 51)
	got, err := cloud.Managed(t.Context(), ids...)
	want := []controller.Managed{{ID: "i-1", Online: true, Ping: "Online", Version: "3.3"}, {ID: "i-2", Ping: "ConnectionLost"}, {ID: "i-2", Ping: "ConnectionLost"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	if calls := s.of("DescribeInstanceInformation"); len(calls) != 3 || calls[1].in(t)["NextToken"] != "n" {
		t.Errorf("%d calls", len(calls))
	}
}

func TestCommandsNamed(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{"ListCommands": ok(`{"Commands":[
		{"CommandId":"old","Comment":"regain R prepare 1","RequestedDateTime":1700000000},{"CommandId":"other","Comment":"regain R prepare 10","RequestedDateTime":1700000009},
		{"CommandId":"new","Comment":"regain R prepare 1","RequestedDateTime":1700000005}]}`)})
	got, err := cloud.CommandsNamed(t.Context(), "i-1", "regain R prepare 1")
	if !slices.Equal(got, []string{"new", "old"}) || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestInvocation(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{
		"GetCommandInvocation": {refused(400, "InvocationDoesNotExist", ""), {status: 200, body: `{"Status":"Failed","StatusDetails":"NonZeroExitCode","ResponseCode":3,"StandardOutputContent":"{}","StandardErrorContent":"regain-agent: x"}`}},
		"CancelCommand":        {refused(400, "InvalidCommandId", "")},
	})
	_, err := cloud.Invocation(t.Context(), "c-1", "i-1")
	wantKind(t, err, controller.NotFound, "InvocationDoesNotExist")
	got, err := cloud.Invocation(t.Context(), "c-1", "i-1")
	if want := (controller.Invocation{Status: "Failed", Details: "NonZeroExitCode", Code: 3, Stdout: "{}", Stderr: "regain-agent: x"}); got != want || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	wantKind(t, cloud.Cancel(t.Context(), "c-1", "i-1"), controller.NotFound, "InvalidCommandId")
}

func TestParameters(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"GetParameters": ok(
		`{"Parameters":[{"Name":"/a","Type":"SecureString","Version":3,"LastModifiedDate":1700000000.5,"ARN":"arn:a","Value":"AQICAHh"}],"InvalidParameters":["/b"]}`, `{"Parameters":[]}`,
	)})
	var names []string
	for range 11 {
		names = append(names, "/a")
	}
	got, err := cloud.Parameters(t.Context(), names...)
	want := []controller.Parameter{{Name: "/a", Type: "SecureString", Version: 3, Modified: time.UnixMilli(1700000000500).UTC(), ARN: "arn:a"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	calls := s.of("GetParameters")
	if len(calls) != 2 || calls[0].in(t)["WithDecryption"] != false || len(calls[0].in(t)["Names"].([]any)) != 10 {
		t.Errorf("%d calls: %s", len(calls), calls[0].body)
	}
}

func TestSecret(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"GetParameter": ok(`{"Parameter":{"Name":"/a","Version":2,"Value":"PRIVATE"}}`)})
	for version, want := range map[int64]string{0: "/a", 2: "/a:2"} {
		value, p, err := cloud.Secret(t.Context(), "/a", version)
		if string(value) != "PRIVATE" || p.Version != 2 || err != nil {
			t.Errorf("got %q, %+v, %v", value, p, err)
		}
		calls := s.of("GetParameter")
		if in := calls[len(calls)-1].in(t); in["Name"] != want || in["WithDecryption"] != true {
			t.Errorf("asked for %v", in)
		}
	}
	if text, err := cloud.Public(t.Context(), "/aws/service/x"); text != "PRIVATE" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if in := s.of("GetParameter")[2].in(t); in["WithDecryption"] != nil {
		t.Errorf("a public parameter is decrypted: %v", in)
	}
}

// TestStoreSecret wants the secret in the call, and in no error.
func TestStoreSecret(t *testing.T) {
	secret := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
	s, cloud := newServer(t, map[string][]answer{"PutParameter": {
		{status: 200, body: `{"Version":4}`}, refused(400, "ParameterAlreadyExists", "exists"),
		refused(400, "ValidationException", "1 validation error detected: Value 'b3BlbnNzaC1rZXktdjEAAAAA' failed"), refused(500, "InternalServerError", "x"),
	}})
	put := func() (int64, error) {
		return cloud.StoreSecret(t.Context(), "/a", []byte(secret), "alias/k", "a key", true)
	}
	if version, err := put(); version != 4 || err != nil {
		t.Errorf("got %d, %v", version, err)
	}
	in := s.one("PutParameter").in(t)
	if in["Value"] != secret || in["Type"] != "SecureString" || in["Overwrite"] != true || in["KeyId"] != "alias/k" {
		t.Errorf("sent %v", in)
	}
	_, err := put()
	wantKind(t, err, controller.Exists, "ParameterAlreadyExists")
	_, err = put()
	if wantKind(t, err, controller.Invalid, "ValidationException"); strings.Contains(err.Error(), "b3Blbn") {
		t.Errorf("the error quotes the secret: %v", err)
	}
	_, err = put()
	wantKind(t, err, controller.Unknown, "InternalServerError")
	if n := len(s.of("PutParameter")); n != 4 {
		t.Errorf("%d calls: a new version must not be made twice", n)
	}
}

func TestGroups(t *testing.T) {
	const none = "<R><DescribeAutoScalingInstancesResult><AutoScalingInstances/></DescribeAutoScalingInstancesResult></R>"
	s, cloud := newServer(t, map[string][]answer{
		"DescribeAutoScalingInstances": ok(none, `<R><DescribeAutoScalingInstancesResult><AutoScalingInstances><member><AutoScalingGroupName>web</AutoScalingGroupName>
<LifecycleState>InService</LifecycleState></member></AutoScalingInstances></DescribeAutoScalingInstancesResult></R>`),
		"DescribeAutoScalingGroups": ok(`<R><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName><MinSize>1</MinSize>
<DesiredCapacity>2</DesiredCapacity></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></R>`),
		"EnterStandby": {{status: 400, body: `<ErrorResponse><Error><Code>ResourceContention</Code><Message>x</Message></Error></ErrorResponse>`}}, "ExitStandby": ok("<R><ExitStandbyResult/></R>"),
	})
	if got, err := cloud.Group(t.Context(), "i-1"); got != nil || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err := cloud.Group(t.Context(), "i-1")
	if want := (&controller.Group{Name: "web", Lifecycle: "InService", Min: 1, Desired: 2}); !cmp.Equal(got, want) || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	wantKind(t, cloud.EnterStandby(t.Context(), "web", "i-1"), controller.State, "ResourceContention")
	s.one("EnterStandby").want(t, map[string]string{"AutoScalingGroupName": "web", "InstanceIds.member.1": "i-1", "ShouldDecrementDesiredCapacity": "true"})
	if err := cloud.ExitStandby(t.Context(), "web", "i-1"); err != nil {
		t.Error(err)
	}
}
