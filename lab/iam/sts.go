package iam

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/iam/policy"
	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// STS is the Security Token Service over the same principals.
type STS struct{ iam *IAM }

// STS is the service for callers.
func (i *IAM) STS() STS { return STS{i} }

// Name is the signing name.
func (STS) Name() string { return "sts" }

// Actions are what the service answers.
func (STS) Actions() []string { return []string{"AssumeRole", "GetCallerIdentity"} }

// Checks are none: who one is may be asked by everyone, and whether a role may be taken
// depends on its trust, which Do asks.
func (STS) Checks(context.Context, *wire.Call) ([]wire.Check, error) { return nil, nil }

// Do carries out a call.
func (s STS) Do(_ context.Context, c *wire.Call) (any, error) {
	if c.Action == "GetCallerIdentity" {
		return struct{ Arn, UserId, Account string }{c.Caller.ARN, c.Caller.UserID, c.Caller.Account}, nil
	}
	return s.assumeRole(c)
}

var sessionNameForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

type assumedRole struct {
	Credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 wire.Time
	}
	AssumedRoleUser struct{ AssumedRoleId, Arn string }
}

func (s STS) assumeRole(c *wire.Call) (any, error) {
	p := c.Params()
	arn, name, narrowed := p.Require("RoleArn"), p.Require("RoleSessionName"), p.String("Policy")
	external := p.String("ExternalId")
	seconds := p.Int("DurationSeconds", int(rules.DelayOf("sts.session.default")/time.Second))
	if err := p.Done(); err != nil {
		return nil, err
	}
	lifetime := time.Duration(seconds) * time.Second
	switch {
	case !sessionNameForm.MatchString(name):
		return nil, wire.Faultf("ValidationError", "RoleSessionName has 2 to 64 letters, digits and _+=,.@-")
	case lifetime < rules.DelayOf("sts.session.shortest") || lifetime > rules.DelayOf("sts.session.longest"):
		return nil, wire.Faultf("ValidationError", "The requested DurationSeconds is outside of what the role allows")
	case narrowed != "":
		if _, err := policy.Parse([]byte(narrowed)); err != nil {
			return nil, wire.Faultf("MalformedPolicyDocument", "%v", err)
		}
	}
	role, ok := strings.CutPrefix(arn, s.iam.RoleARN(""))
	if !ok || !s.trusted(c, role, external) {
		return nil, denied(c, arn)
	}
	return s.session(c, session{Role: role, Name: name, Policy: json.RawMessage(narrowed)}, lifetime)
}

func (s STS) session(c *wire.Call, next session, lifetime time.Duration) (any, error) {
	next.Issued = s.iam.cfg.Now()
	next.Expires = next.Issued.Add(lifetime)
	credentials, err := s.iam.issue(next)
	if errors.Is(err, errNoRole) {
		return nil, denied(c, s.iam.RoleARN(next.Role))
	}
	if err != nil {
		return nil, err
	}
	var answer assumedRole
	answer.Credentials.AccessKeyId = credentials.AccessKey
	answer.Credentials.SecretAccessKey = credentials.Secret
	answer.Credentials.SessionToken = credentials.Token
	answer.Credentials.Expiration = wire.Time{Time: next.Expires}
	s.iam.file.View(func(d *document) {
		id := s.iam.identity(d, next)
		answer.AssumedRoleUser.Arn, answer.AssumedRoleUser.AssumedRoleId = id.ARN, id.UserID
	})
	return answer, nil
}

// trusted tells whether the caller may take a role: its trust names the caller, or it
// names the account and the caller's own policies allow it.
func (s STS) trusted(c *wire.Call, role, external string) bool {
	var text json.RawMessage
	s.iam.file.View(func(d *document) {
		if r := d.Roles[role]; r != nil {
			text = append(text, r.Trust...)
		}
	})
	trust, err := policy.ParseTrust(text)
	if err != nil {
		return false
	}
	own := map[string][]string{}
	if external != "" {
		own["sts:ExternalId"] = []string{external}
	}
	keys := s.iam.context(c, own)
	caller := []string{c.Caller.ARN}
	if c.Caller.Role != "" {
		caller = append(caller, s.iam.RoleARN(c.Caller.Role))
	}
	account := []string{c.Caller.Account, "arn:" + s.iam.cfg.Partition + ":iam::" + c.Caller.Account + ":root"}
	if trust.Trusts("sts:AssumeRole", caller, keys) {
		return true
	}
	check := wire.Check{Action: "sts:AssumeRole", Resource: s.iam.RoleARN(role), Context: own}
	return trust.Trusts("sts:AssumeRole", append(account, caller...), keys) && (!s.iam.cfg.Enforce || s.iam.Authorize(c, []wire.Check{check}) == nil)
}

func denied(c *wire.Call, role string) *wire.Fault {
	text := "User: " + c.Caller.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + role
	return &wire.Fault{Code: "AccessDenied", Message: text, Status: http.StatusForbidden}
}
