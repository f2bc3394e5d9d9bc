package aws

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
)

const callerIdentity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws-cn:sts::111122223333:assumed-role/Operator/me</Arn><UserId>A:me</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>`

func TestCaller(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"GetCallerIdentity": ok(callerIdentity)})
	for range 2 {
		got, err := cloud.Caller(t.Context())
		want := controller.Caller{Account: "111122223333", ARN: "arn:aws-cn:sts::111122223333:assumed-role/Operator/me", Partition: "aws-cn", Region: "us-east-1"}
		if err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	s.one("GetCallerIdentity") // who one is does not change
}

const getRole = `<GetRoleResponse><GetRoleResult><Role><Path>/teams/ops/</Path><Arn>arn:aws:iam::111122223333:role/teams/ops/Operator</Arn>
<RoleName>Operator</RoleName><RoleId>AROA</RoleId><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>`

// evaluation is one result of a simulation.
func evaluation(action, resource, decision string) string {
	return "<member><EvalActionName>" + action + "</EvalActionName><EvalResourceName>" + resource + "</EvalResourceName><EvalDecision>" + decision + "</EvalDecision></member>"
}

func simulation(more bool, results ...string) string {
	marker := ""
	if more {
		marker = "<Marker>next</Marker>"
	}
	return "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>" + strconv.FormatBool(more) + "</IsTruncated>" + marker +
		"<EvaluationResults>" + strings.Join(results, "") + "</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
}

// TestSimulate has two contexts, two pages, and combinations that nobody asked
// for.
func TestSimulate(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{
		"GetRole": ok(getRole),
		"SimulatePrincipalPolicy": ok(
			simulation(true, evaluation("ec2:StopInstances", "arn:i", "allowed"), evaluation("ec2:StopInstances", "arn:v", "implicitDeny")),
			simulation(false, evaluation("ec2:AttachVolume", "arn:v", "implicitDeny"), evaluation("ec2:AttachVolume", "arn:i", "explicitDeny")),
		),
	})
	asked := []controller.Permission{
		{Action: "ec2:StopInstances", Resource: "arn:i"}, {Action: "ec2:AttachVolume", Resource: "arn:i"}, {Action: "ec2:AttachVolume", Resource: "arn:v"},
	}
	lacking, err := cloud.Simulate(t.Context(), controller.Caller{ARN: "arn:aws:sts::111122223333:assumed-role/Operator/me"}, asked)
	if err != nil || !cmp.Equal(lacking, asked[1:]) {
		t.Errorf("lacking %v, %v", lacking, err)
	}
	pages := s.of("SimulatePrincipalPolicy")
	if len(pages) != 2 || pages[1].form.Get("Marker") != "next" {
		t.Errorf("%d pages", len(pages))
	}
	pages[0].want(t, map[string]string{
		"PolicySourceArn": "arn:aws:iam::111122223333:role/teams/ops/Operator", "ActionNames.member.2": "ec2:AttachVolume", "ActionNames.member.3": "",
		"ResourceArns.member.2": "arn:v", "ResourceArns.member.3": "",
	})
}

// TestSimulateApart has IAM refuse to take two actions together, in the words
// that it was seen to use.
func TestSimulateApart(t *testing.T) {
	refused := answer{status: 400, body: `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidInput</Code><Message>Invalid Input Actions:
[s3:PutObject] and [ec2:StopInstances] require different authorization information.</Message></Error></ErrorResponse>`}
	answers := append([]answer{refused}, ok(
		simulation(false, evaluation("s3:PutObject", "arn:b", "allowed"), evaluation("s3:PutObject", "arn:c", "implicitDeny")),
		simulation(false, evaluation("ec2:StopInstances", "arn:i", "allowed")),
	)...)
	s, cloud := newServer(t, map[string][]answer{"SimulatePrincipalPolicy": answers})
	user := controller.Caller{ARN: "arn:aws:iam::111122223333:user/me"}
	asked := []controller.Permission{{Action: "s3:PutObject", Resource: "arn:b"}, {Action: "ec2:StopInstances", Resource: "arn:i"}, {Action: "s3:PutObject", Resource: "arn:c"}}
	lacking, err := cloud.Simulate(t.Context(), user, asked)
	if err != nil || !cmp.Equal(lacking, asked[2:]) {
		t.Errorf("lacking %v, %v", lacking, err)
	}
	calls := s.of("SimulatePrincipalPolicy")
	if len(calls) != 3 {
		t.Fatalf("%d calls, want one and then one an action", len(calls))
	}
	calls[1].want(t, map[string]string{"ActionNames.member.1": "s3:PutObject", "ActionNames.member.2": "", "ResourceArns.member.2": "arn:c"})
	calls[2].want(t, map[string]string{"ActionNames.member.1": "ec2:StopInstances", "ActionNames.member.2": "", "ResourceArns.member.1": "arn:i", "ResourceArns.member.2": ""})

	_, cloud = newServer(t, map[string][]answer{"SimulatePrincipalPolicy": {refused}})
	_, err = cloud.Simulate(t.Context(), user, asked)
	wantKind(t, err, controller.Invalid, "InvalidInput")
}

// TestSimulateTogether asks for contexts only where a policy has conditions.
func TestSimulateTogether(t *testing.T) {
	conditional := strings.ReplaceAll(evaluation("ec2:RunInstances", "arn:v", "implicitDeny"), "</member>", "<MissingContextValues><member>aws:RequestTag/run</member></MissingContextValues></member>")
	single := "<member><EvalActionName>s3:PutObject</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>implicitDeny</EvalDecision><ResourceSpecificResults>" +
		"<member><EvalResourceName>arn:b</EvalResourceName><EvalResourceDecision>allowed</EvalResourceDecision></member></ResourceSpecificResults></member>"
	s, cloud := newServer(t, map[string][]answer{"SimulatePrincipalPolicy": ok(
		simulation(false, evaluation("ec2:StopInstances", "arn:i", "allowed"), evaluation("ec2:StartInstances", "arn:i", "explicitDeny"), conditional, single),
		simulation(false, evaluation("ec2:RunInstances", "arn:v", "allowed")),
	)})
	region := map[string]string{"aws:RequestedRegion": "r"}
	asked := []controller.Permission{
		{Action: "ec2:StopInstances", Resource: "arn:i", Context: region}, {Action: "ec2:StartInstances", Resource: "arn:i", Context: region},
		{Action: "ec2:RunInstances", Resource: "arn:v", Context: map[string]string{"aws:RequestedRegion": "r", "aws:RequestTag/run": "1"}},
		{Action: "s3:PutObject", Resource: "arn:b", Context: region},
	}
	lacking, err := cloud.Simulate(t.Context(), controller.Caller{ARN: "arn:aws:iam::111122223333:user/me"}, asked)
	if err != nil || !cmp.Equal(lacking, asked[1:2]) {
		t.Errorf("lacking %v, %v", lacking, err)
	}
	calls := s.of("SimulatePrincipalPolicy")
	if len(calls) != 2 {
		t.Fatalf("%d calls", len(calls))
	}
	calls[0].want(t, map[string]string{"ContextEntries.member.1.ContextKeyName": "aws:RequestedRegion", "ContextEntries.member.2.ContextKeyName": "", "ActionNames.member.4": "s3:PutObject"})
	calls[1].want(t, map[string]string{"ActionNames.member.1": "ec2:RunInstances", "ActionNames.member.2": "", "ContextEntries.member.2.ContextKeyName": "aws:RequestedRegion"})
}

// TestSimulateByService: what IAM does not take together is asked a service at a
// time, before it is asked a context at a time.
func TestSimulateByService(t *testing.T) {
	refused := answer{status: 400, body: `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidInput</Code><Message>different authorization information</Message></Error></ErrorResponse>`}
	s, cloud := newServer(t, map[string][]answer{"SimulatePrincipalPolicy": {
		refused,
		ok(simulation(false, evaluation("ec2:StopInstances", "arn:i", "allowed"), evaluation("ec2:RunInstances", "arn:i", "allowed")))[0],
		refused,
		ok(simulation(false, evaluation("s3:PutObject", "arn:b", "allowed")))[0],
	}})
	asked := []controller.Permission{
		{Action: "ec2:StopInstances", Resource: "arn:i"}, {Action: "s3:PutObject", Resource: "arn:b"},
		{Action: "ec2:RunInstances", Resource: "arn:i", Context: map[string]string{"aws:RequestTag/run": "1"}},
	}
	lacking, err := cloud.Simulate(t.Context(), controller.Caller{ARN: "arn:aws:iam::111122223333:user/me"}, asked)
	if err != nil || lacking != nil {
		t.Errorf("lacking %v, %v", lacking, err)
	}
	if calls := s.of("SimulatePrincipalPolicy"); len(calls) != 4 || calls[1].form.Get("ActionNames.member.2") != "ec2:RunInstances" {
		t.Errorf("%d calls", len(calls))
	}
}

func TestSimulateContexts(t *testing.T) {
	s, cloud := newServer(t, map[string][]answer{"SimulatePrincipalPolicy": ok(simulation(false))})
	asked := []controller.Permission{
		{Action: "kms:CreateGrant", Resource: "arn:k", Context: map[string]string{"kms:GrantIsForAWSResource": "true", "kms:ViaService": "ec2"}},
		{Action: "ec2:CreateTags", Resource: "arn:i", Context: map[string]string{"aws:TagKeys": "a,b"}},
	}
	lacking, err := cloud.Simulate(t.Context(), controller.Caller{ARN: "arn:aws:iam::111122223333:user/ops/me"}, asked)
	if err != nil || !slices.EqualFunc(lacking, asked, func(a, b controller.Permission) bool { return a.Action == b.Action }) {
		t.Errorf("what IAM does not answer is lacking: %v, %v", lacking, err)
	}
	calls := s.of("SimulatePrincipalPolicy")
	if len(calls) != 3 {
		t.Fatalf("%d calls, want one without contexts and one a context", len(calls))
	}
	calls[0].want(t, map[string]string{"ContextEntries.member.1.ContextKeyName": "", "ActionNames.member.2": "ec2:CreateTags", "ResourceArns.member.2": "arn:i"})
	for _, q := range calls[1:] {
		want := map[string]string{"PolicySourceArn": "arn:aws:iam::111122223333:user/ops/me", "ContextEntries.member.1.ContextKeyType": "boolean",
			"ContextEntries.member.1.ContextKeyValues.member.1": "true", "ContextEntries.member.2.ContextKeyType": "string"}
		if q.form.Get("ActionNames.member.1") == "ec2:CreateTags" {
			want = map[string]string{"ContextEntries.member.1.ContextKeyType": "stringList",
				"ContextEntries.member.1.ContextKeyValues.member.1": "a", "ContextEntries.member.1.ContextKeyValues.member.2": "b"}
		}
		q.want(t, want)
	}
	if lacking, err := cloud.Simulate(t.Context(), controller.Caller{ARN: "arn:aws:iam::111122223333:root"}, asked); err != nil || lacking != nil {
		t.Errorf("root lacks %v, %v", lacking, err)
	}
}

func TestProfileKeyAndQuota(t *testing.T) {
	_, cloud := newServer(t, map[string][]answer{
		"GetInstanceProfile": {
			{status: 200, body: `<GetInstanceProfileResponse><GetInstanceProfileResult><InstanceProfile><Arn>arn:p</Arn><Roles><member><Arn>arn:r</Arn></member></Roles></InstanceProfile></GetInstanceProfileResult></GetInstanceProfileResponse>`},
			{status: 404, body: `<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>`},
		},
		"DescribeKey":     ok(`{"KeyMetadata":{"KeyId":"k","Arn":"arn:k","KeyState":"PendingDeletion","KeyManager":"CUSTOMER"}}`, `{"KeyMetadata":{"KeyId":"k","Arn":"arn:a","KeyState":"Enabled","KeyManager":"AWS"}}`),
		"GetServiceQuota": ok(`{"Quota":{"QuotaCode":"L-F678F1CE","Value":5.0}}`),
	})
	if p, err := cloud.Profile(t.Context(), "regain-helper"); err != nil || p != (controller.Profile{Name: "regain-helper", ARN: "arn:p", Role: "arn:r"}) {
		t.Errorf("got %+v, %v", p, err)
	}
	_, err := cloud.Profile(t.Context(), "none")
	wantKind(t, err, controller.NotFound, "NoSuchEntity")
	if k, err := cloud.Key(t.Context(), "k"); err != nil || k != (controller.KMSKey{ARN: "arn:k", State: "PendingDeletion"}) {
		t.Errorf("got %+v, %v", k, err)
	}
	if k, err := cloud.Key(t.Context(), "a"); err != nil || !k.Managed {
		t.Errorf("got %+v, %v", k, err)
	}
	if n, err := cloud.VPCQuota(t.Context()); err != nil || n != 5 {
		t.Errorf("got %d, %v", n, err)
	}
}
