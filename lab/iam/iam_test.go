package iam

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func open(t *testing.T, enforce bool) (*IAM, *clock, Config) {
	t.Helper()
	c := &clock{time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}
	cfg := Config{
		Dir: t.TempDir(), Partition: "aws", Region: "us-east-1", Account: "123456789012", Pace: rules.Pace{}, Now: c.now, Rand: rand.Reader,
		Enforce: enforce,
	}
	i, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return i, c, cfg
}

func operator(t *testing.T, i *IAM) (*wire.Call, Credentials) {
	t.Helper()
	c, _, err := i.EnsureUser("operator")
	if err != nil {
		t.Fatal(err)
	}
	return i.call(t, c.AccessKey, "ec2", "StopInstances", nil), c
}

// call is one of whom the access key belongs to.
func (i *IAM) call(t *testing.T, accessKey, service, action string, query url.Values) *wire.Call {
	t.Helper()
	credential, ok := i.Credential(t.Context(), accessKey)
	if !ok {
		t.Fatalf("the access key is unknown")
	}
	caller := credential.Owner
	caller.AccessKey = accessKey
	return &wire.Call{ID: "id", Service: service, Action: action, Region: "us-east-1", Caller: caller, Query: query}
}

func putRole(t *testing.T, i *IAM, name, trust, rights string) {
	t.Helper()
	if err := i.PutRole(Role{Name: name, Trust: json.RawMessage(trust), Rights: json.RawMessage(rights)}); err != nil {
		t.Fatal(err)
	}
}

const (
	allowStop = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:StopInstances","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ec2:ResourceTag/opt":"in"}}}}`
	denyAll   = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`
	byAccount = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}}`
	instance  = "arn:aws:ec2:us-east-1:123456789012:instance/i-1"
)

func TestAuthorize(t *testing.T) {
	i, _, _ := open(t, true)
	c, _ := operator(t, i)
	check := []wire.Check{{Action: "ec2:StopInstances", Resource: instance, Context: map[string][]string{"ec2:ResourceTag/opt": {"in"}}}}
	err := i.Authorize(c, check)
	if !wire.IsFault(err, "UnauthorizedOperation") {
		t.Fatalf("without a policy: %v", err)
	}
	for _, part := range []string{"user/operator", "ec2:StopInstances", instance, "no identity-based policy allows"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
	put := func(name, text string) {
		if err := i.PutPolicy("user", "operator", name, json.RawMessage(text)); err != nil {
			t.Fatal(err)
		}
	}
	put("stop", allowStop)
	if err := i.Authorize(c, check); err != nil {
		t.Errorf("with the policy: %v", err)
	}
	check[0].Context = nil
	if err := i.Authorize(c, check); !wire.IsFault(err, "UnauthorizedOperation") {
		t.Errorf("without the tag: %v", err)
	}
	put("deny", denyAll)
	check[0].Context = map[string][]string{"ec2:ResourceTag/opt": {"in"}}
	if err := i.Authorize(c, check); err == nil || !strings.Contains(err.Error(), "explicit deny") {
		t.Errorf("with a deny: %v", err)
	}
	if err := i.DeletePolicy("user", "operator", "deny"); err != nil {
		t.Fatal(err)
	}
	if err := i.Authorize(c, check); err != nil {
		t.Errorf("after the deny has gone: %v", err)
	}
	if err := i.Authorize(c, nil); err != nil {
		t.Errorf("what asks nothing: %v", err)
	}
}

func TestDenialsSpeakTheServicesLanguage(t *testing.T) {
	i, _, _ := open(t, true)
	c, _ := operator(t, i)
	for service, want := range map[string]struct {
		code   string
		status int
	}{"ec2": {"UnauthorizedOperation", 403}, "ssm": {"AccessDeniedException", 400}, "iam": {"AccessDenied", 403}, "s3": {"AccessDenied", 403}} {
		c.Service = service
		err := i.Authorize(c, []wire.Check{{Action: service + ":Do", Resource: "*"}})
		var fault *wire.Fault
		if !errors.As(err, &fault) || fault.Code != want.code || fault.Status != want.status {
			t.Errorf("%s: %#v, want %v", service, err, want)
		}
	}
}

func TestRoleCredentialsRotateAndExpire(t *testing.T) {
	i, now, _ := open(t, true)
	putRole(t, i, "helper", string(TrustService("ec2.amazonaws.com")), allowStop)
	key, secret, token, expires, err := i.RoleCredentials("helper", "i-1")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(key, "ASIA") || secret == "" || token == "" || !expires.Equal(now.Add(6*time.Hour)) {
		t.Errorf("got key %s until %v", key, expires)
	}
	same := func() bool {
		again, _, _, _, err := i.RoleCredentials("helper", "i-1")
		if err != nil {
			t.Fatal(err)
		}
		return again == key
	}
	if now.Time = expires.Add(-6 * time.Minute); !same() {
		t.Error("they are new before their time")
	}
	if now.Time = expires.Add(-5 * time.Minute); same() {
		t.Error("they are not new five minutes before they end")
	}
	old, ok := i.Credential(t.Context(), key)
	if !ok || !old.Expires.Equal(expires) || old.Owner.ARN != "arn:aws:sts::123456789012:assumed-role/helper/i-1" || old.Owner.Instance != "i-1" {
		t.Errorf("the old ones are %v, of %+v", ok, old.Owner)
	}
	other, _, _, _, err := i.RoleCredentials("helper", "i-2")
	if err != nil || other == key {
		t.Errorf("another instance has %s and %v", other, err)
	}
	if _, _, _, _, err := i.RoleCredentials("nobody", "i-1"); err == nil {
		t.Error("a role that does not exist has credentials")
	}
	now.Time = now.Add(48 * time.Hour)
	if _, _, _, _, err := i.RoleCredentials("helper", "i-1"); err != nil {
		t.Fatal(err)
	}
	if _, ok := i.Credential(t.Context(), key); ok {
		t.Error("credentials that ended long ago are remembered")
	}
}

func TestAssumeRole(t *testing.T) {
	i, now, _ := open(t, false)
	_, credentials := operator(t, i)
	putRole(t, i, "controller", byAccount, allowStop)
	putRole(t, i, "helper", string(TrustService("ec2.amazonaws.com")), allowStop)
	assume := func(role string, more ...string) (any, error) {
		query := url.Values{"Action": {"AssumeRole"}, "RoleArn": {i.RoleARN(role)}, "RoleSessionName": {"me"}}
		for n := 0; n < len(more); n += 2 {
			query.Set(more[n], more[n+1])
		}
		return i.STS().Do(t.Context(), i.call(t, credentials.AccessKey, "sts", "AssumeRole", query))
	}
	answer, err := assume("controller", "DurationSeconds", "900")
	if err != nil {
		t.Fatal(err)
	}
	got := answer.(assumedRole)
	if got.AssumedRoleUser.Arn != "arn:aws:sts::123456789012:assumed-role/controller/me" || !got.Credentials.Expiration.Equal(now.Add(15*time.Minute)) {
		t.Errorf("got %v until %v", got.AssumedRoleUser, got.Credentials.Expiration)
	}
	session := i.call(t, got.Credentials.AccessKeyId, "ec2", "StopInstances", nil)
	check := []wire.Check{{Action: "ec2:StopInstances", Resource: instance, Context: map[string][]string{"ec2:ResourceTag/opt": {"in"}}}}
	if err := i.Authorize(session, check); err != nil {
		t.Errorf("the session may not do what its role may: %v", err)
	}
	answer, err = assume("controller", "Policy", strings.ReplaceAll(allowStop, "StopInstances", "StartInstances"))
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Authorize(i.call(t, answer.(assumedRole).Credentials.AccessKeyId, "ec2", "StopInstances", nil), check); err == nil {
		t.Error("a session's policy does not narrow it")
	}
	for name, refused := range map[string]func() (any, error){
		"AccessDenied":            func() (any, error) { return assume("helper") },
		"AccessDenied ":           func() (any, error) { return assume("nobody") },
		"ValidationError":         func() (any, error) { return assume("controller", "DurationSeconds", "60") },
		"ValidationError ":        func() (any, error) { return assume("controller", "RoleSessionName", "a b") },
		"MalformedPolicyDocument": func() (any, error) { return assume("controller", "Policy", "{") },
		"UnsupportedOperation":    func() (any, error) { return assume("controller", "SerialNumber", "x") },
	} {
		if _, err := refused(); !wire.IsFault(err, strings.TrimSpace(name)) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestAssumeRoleNeedsThePermissionWhenEnforced(t *testing.T) {
	i, _, _ := open(t, true)
	_, credentials := operator(t, i)
	putRole(t, i, "controller", byAccount, allowStop)
	query := url.Values{"RoleArn": {i.RoleARN("controller")}, "RoleSessionName": {"me"}}
	call := i.call(t, credentials.AccessKey, "sts", "AssumeRole", query)
	if _, err := i.STS().Do(t.Context(), call); !wire.IsFault(err, "AccessDenied") {
		t.Errorf("without a policy: %v", err)
	}
	allow := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/controller"}}`
	if err := i.PutPolicy("user", "operator", "assume", json.RawMessage(allow)); err != nil {
		t.Fatal(err)
	}
	if _, err := i.STS().Do(t.Context(), call); err != nil {
		t.Errorf("with it: %v", err)
	}
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	i, _, _ := open(t, true)
	_, credentials := operator(t, i)
	if err := i.PutPolicy("user", "operator", "stop", json.RawMessage(allowStop)); err != nil {
		t.Fatal(err)
	}
	simulate := func(i *IAM, query url.Values) ([]simulated, error) {
		answer, err := i.Do(t.Context(), i.call(t, credentials.AccessKey, "iam", "SimulatePrincipalPolicy", query))
		if err != nil {
			return nil, err
		}
		return answer.(simulation).EvaluationResults, nil
	}
	query := url.Values{
		"PolicySourceArn": {"arn:aws:iam::123456789012:user/operator"}, "ActionNames.member.1": {"ec2:StopInstances"}, "ActionNames.member.2": {"ec2:StartInstances"},
		"ResourceArns.member.1": {instance}, "ResourceArns.member.2": {"arn:aws:ec2:us-east-1:123456789012:volume/vol-1"},
		"ContextEntries.member.1.ContextKeyName": {"ec2:ResourceTag/opt"}, "ContextEntries.member.1.ContextKeyType": {"string"},
		"ContextEntries.member.1.ContextKeyValues.member.1": {"in"},
	}
	got, err := simulate(i, query)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d results and %v, want one for each action and resource", len(got), err)
	}
	for n, want := range []string{"allowed", "implicitDeny", "implicitDeny", "implicitDeny"} {
		if got[n].EvalDecision != want {
			t.Errorf("%s on %s is %s, want %s", got[n].EvalActionName, got[n].EvalResourceName, got[n].EvalDecision, want)
		}
	}
	if m := got[0].MatchedStatements; len(m) != 1 || m[0].SourcePolicyId != "stop" {
		t.Errorf("matched is %v", m)
	}
	for name := range query {
		if strings.HasPrefix(name, "ContextEntries") {
			query.Del(name)
		}
	}
	if got, err = simulate(i, query); err != nil || len(got[0].MissingContextValues) != 1 || got[0].EvalDecision != "implicitDeny" {
		t.Errorf("without the tag: %+v and %v", got, err)
	}
	query.Set("PolicySourceArn", "arn:aws:iam::123456789012:user/nobody")
	if _, err := simulate(i, query); !wire.IsFault(err, "NoSuchEntity") {
		t.Errorf("of nobody: %v", err)
	}
	lenient, _, _ := open(t, false)
	_, credentials = operator(t, lenient)
	query.Set("PolicySourceArn", "arn:aws:iam::123456789012:user/operator")
	if got, err := simulate(lenient, query); err != nil || got[1].EvalDecision != "allowed" {
		t.Errorf("while nothing is enforced the operator is no administrator: %+v, %v", got, err)
	}
}

func TestProfilesAndRoles(t *testing.T) {
	i, now, _ := open(t, true)
	_, credentials := operator(t, i)
	putRole(t, i, "helper", string(TrustService("ec2.amazonaws.com")), allowStop)
	const arn = "arn:aws:iam::123456789012:instance-profile/helper"
	if _, _, ok := i.Profile("helper"); ok {
		t.Error("a new profile is known at once")
	}
	now.Time = now.Add(10 * time.Second)
	for _, name := range []string{"helper", arn} {
		if gotARN, role, ok := i.Profile(name); !ok || gotARN != arn || role != "helper" {
			t.Errorf("%s: %s, %s, %v", name, gotARN, role, ok)
		}
	}
	putRole(t, i, "ssm", string(TrustService("ec2.amazonaws.com")), `{"Statement":{"Effect":"Allow","Action":"ssm:Update*","Resource":"*"}}`)
	for role, want := range map[string]bool{"ssm": true, "helper": false, "nobody": false} {
		if got := i.Allows(role, "ssm:UpdateInstanceInformation"); got != want {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
	for action, query := range map[string]url.Values{
		"GetInstanceProfile": {"InstanceProfileName": {"helper"}}, "GetRole": {"RoleName": {"helper"}}, "GetUser": {}, "ListInstanceProfiles": {"MaxItems": {"5"}},
	} {
		call := i.call(t, credentials.AccessKey, "iam", action, query)
		answer, err := i.Do(t.Context(), call)
		if err != nil {
			t.Errorf("%s: %v", action, err)
			continue
		}
		text, err := json.Marshal(answer)
		if err != nil || !strings.Contains(string(text), "arn:aws:iam::123456789012:") {
			t.Errorf("%s: %s, %v", action, text, err)
		}
		if checks, err := i.Checks(t.Context(), call); err != nil || len(checks) != 1 || checks[0].Action != "iam:"+action {
			t.Errorf("%s asks %v, %v", action, checks, err)
		}
	}
	for action, name := range map[string]string{"GetInstanceProfile": "InstanceProfileName", "GetRole": "RoleName", "GetUser": "UserName"} {
		_, err := i.Do(t.Context(), i.call(t, credentials.AccessKey, "iam", action, url.Values{name: {"nobody"}}))
		var fault *wire.Fault
		if !errors.As(err, &fault) || fault.Code != "NoSuchEntity" || fault.Status != http.StatusNotFound {
			t.Errorf("%s of nobody: %v", action, err)
		}
	}
}

func TestStateIsKeptAndPrivate(t *testing.T) {
	i, _, cfg := open(t, true)
	_, before := operator(t, i)
	again, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	after, fresh, err := again.EnsureUser("operator")
	if err != nil || fresh || after != before {
		t.Errorf("the operator has other keys after a restart (%v)", err)
	}
	info, err := os.Stat(filepath.Join(cfg.Dir, "iam.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state is readable for others: %v, %v", info.Mode(), err)
	}
}

func TestRefusedChanges(t *testing.T) {
	i, _, _ := open(t, true)
	operator(t, i)
	for name, err := range map[string]error{
		"role name":    i.PutRole(Role{Name: "a/b", Trust: TrustService("ec2.amazonaws.com"), Rights: json.RawMessage(allowStop)}),
		"trust":        i.PutRole(Role{Name: "a", Trust: json.RawMessage(allowStop), Rights: json.RawMessage(allowStop)}),
		"rights":       i.PutRole(Role{Name: "a", Trust: TrustService("ec2.amazonaws.com"), Rights: json.RawMessage(`{}`)}),
		"no such user": i.PutPolicy("user", "nobody", "p", json.RawMessage(allowStop)),
		"no such kind": i.PutPolicy("group", "operator", "p", json.RawMessage(allowStop)),
		"policy":       i.PutPolicy("user", "operator", "p", json.RawMessage(`{}`)),
		"policy name":  i.PutPolicy("user", "operator", "", json.RawMessage(allowStop)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestGetCallerIdentity(t *testing.T) {
	i, _, _ := open(t, true)
	_, credentials := operator(t, i)
	call := i.call(t, credentials.AccessKey, "sts", "GetCallerIdentity", url.Values{})
	if checks, err := i.STS().Checks(context.Background(), call); len(checks) != 0 || err != nil {
		t.Errorf("it needs a permission: %v, %v", checks, err)
	}
	answer, err := i.STS().Do(t.Context(), call)
	if text, _ := json.Marshal(answer); err != nil || !strings.Contains(string(text), `"Arn":"arn:aws:iam::123456789012:user/operator"`) {
		t.Errorf("got %s and %v", text, err)
	}
}
