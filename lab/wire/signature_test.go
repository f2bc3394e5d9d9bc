package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The oracle of these tests is the signer of the AWS SDK.

var now = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

const secret = "c2VjcmV0LXdpdGgtLysv"

type oneKey Credential

func (k oneKey) Credential(_ context.Context, accessKey string) (Credential, bool) {
	return Credential(k), accessKey == "AKIDTEST"
}

func key(change func(*Credential)) oneKey {
	c := Credential{Secret: secret, Owner: Identity{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/operator"}}
	if change != nil {
		change(&c)
	}
	return oneKey(c)
}

type ask struct {
	service, method, url, body string
	header                     map[string]string
	token                      string
	at                         time.Time
}

// signed is the request as a server would get it: signed by the SDK.
func (a ask) signed(t testing.TB) *http.Request {
	t.Helper()
	r := a.request(t)
	sum := sha256.Sum256([]byte(a.body))
	payload := hex.EncodeToString(sum[:])
	if p := r.Header.Get("X-Amz-Content-Sha256"); p != "" {
		payload = p
	}
	credentials := aws.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: secret, SessionToken: a.token}
	err := v4.NewSigner(a.options).SignHTTP(t.Context(), credentials, r, payload, a.service, "us-east-1", a.time())
	if err != nil {
		t.Fatal(err)
	}
	return received(t, r)
}

func (a ask) presigned(t testing.TB, expires int) *http.Request {
	t.Helper()
	r := a.request(t)
	query := r.URL.Query()
	query.Set("X-Amz-Expires", fmt.Sprint(expires))
	r.URL.RawQuery = query.Encode()
	credentials := aws.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: secret, SessionToken: a.token}
	url, header, err := v4.NewSigner(a.options).PresignHTTP(t.Context(), credentials, r, "UNSIGNED-PAYLOAD", a.service, "us-east-1", a.time())
	if err != nil {
		t.Fatal(err)
	}
	out, err := http.NewRequestWithContext(t.Context(), a.method, url, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	out.Header = header
	return received(t, out)
}

func (a ask) options(o *v4.SignerOptions) { o.DisableURIPathEscaping = a.service == "s3" }

func (a ask) time() time.Time {
	if a.at.IsZero() {
		return now
	}
	return a.at
}

func (a ask) request(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), a.method, a.url, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	return r
}

// received sends the request through HTTP and returns what the server got.
func received(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = r.Clone(context.WithoutCancel(r.Context()))
		got.Body = io.NopCloser(bytes.NewReader(body))
	}))
	defer server.Close()
	host := r.URL.Host
	r.URL.Host = strings.TrimPrefix(server.URL, "http://")
	r.Host = host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

const form = "application/x-www-form-urlencoded; charset=utf-8"

var (
	askEC2 = ask{
		service: "ec2", method: "POST", url: "http://lab.test:4599/", header: map[string]string{"Content-Type": form},
		body: "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-1",
	}
	askSTS = ask{
		service: "sts", method: "POST", url: "http://lab.test/", header: map[string]string{"Content-Type": form},
		body: "Action=GetCallerIdentity&Version=2011-06-15",
	}
	askSSM = ask{
		service: "ssm", method: "POST", url: "http://lab.test/", body: `{"Name":"n"}`,
		header: map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameter"},
	}
	askS3 = ask{
		service: "s3", method: "PUT", url: "http://lab.test/bucket/a%20key/with%2Bplus/%C3%BC%2Fx?x=1&list-type=2&empty", body: "the object",
		header: map[string]string{"X-Amz-Meta-Two": "a   b", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"},
	}
)

func TestSDKSignaturesAreAccepted(t *testing.T) {
	for name, tt := range map[string]struct {
		ask    ask
		action string
	}{
		"ec2": {askEC2, "DescribeInstances"}, "sts": {askSTS, "GetCallerIdentity"}, "ssm": {askSSM, "GetParameter"}, "s3": {askS3, "PutObject"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Read(tt.ask.signed(t), "id", key(nil), now)
			if err != nil {
				t.Fatal(err)
			}
			if c.Service != name || c.Action != tt.action || c.Region != "us-east-1" || c.Caller.AccessKey != "AKIDTEST" || c.Caller.Account != "123456789012" {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	otherSecret := func(c *Credential) { c.Secret = "another" }
	withToken := func(c *Credential) { c.Token = "token" }
	ended := func(c *Credential) { c.Token, c.Expires = "token", now }
	token := func(a ask, token string) ask { a.token = token; return a }
	at := func(a ask, at time.Time) ask { a.at = at; return a }
	for name, tt := range map[string]struct {
		ask    ask
		key    oneKey
		code   string
		status int
	}{
		"ec2, other secret":  {askEC2, key(otherSecret), "AuthFailure", 401},
		"sts, other secret":  {askSTS, key(otherSecret), "SignatureDoesNotMatch", 403},
		"ssm, other secret":  {askSSM, key(otherSecret), "InvalidSignatureException", 400},
		"s3, other secret":   {askS3, key(otherSecret), "SignatureDoesNotMatch", 403},
		"ec2, no token":      {askEC2, key(withToken), "AuthFailure", 401},
		"sts, wrong token":   {token(askSTS, "x"), key(withToken), "InvalidClientTokenId", 403},
		"s3, token too much": {token(askS3, "x"), key(nil), "InvalidToken", 400},
		"ec2, token ended":   {token(askEC2, "token"), key(ended), "RequestExpired", 400},
		"sts, token ended":   {token(askSTS, "token"), key(ended), "ExpiredToken", 403},
		"ssm, token ended":   {token(askSSM, "token"), key(ended), "ExpiredTokenException", 400},
		"s3, token ended":    {token(askS3, "token"), key(ended), "ExpiredToken", 400},
		"ec2, old":           {at(askEC2, now.Add(-6*time.Minute)), key(nil), "RequestExpired", 400},
		"sts, early":         {at(askSTS, now.Add(6*time.Minute)), key(nil), "SignatureDoesNotMatch", 403},
		"ssm, old":           {at(askSSM, now.Add(-6*time.Minute)), key(nil), "InvalidSignatureException", 400},
		"s3, old":            {at(askS3, now.Add(-16*time.Minute)), key(nil), "RequestTimeTooSkewed", 403},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(tt.ask.signed(t), "id", tt.key, now)
			wantFault(t, err, tt.code, tt.status)
		})
	}
}

func TestTampering(t *testing.T) {
	for name, tamper := range map[string]func(*http.Request){
		"body":        func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("Action=TerminateInstances")) },
		"path":        func(r *http.Request) { r.URL.Path = "/other" },
		"query":       func(r *http.Request) { r.URL.RawQuery = "Action=TerminateInstances" },
		"method":      func(r *http.Request) { r.Method = "GET" },
		"host":        func(r *http.Request) { r.Host = "elsewhere" },
		"header":      func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonSSM.DeleteParameter") },
		"more header": func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") },
	} {
		for _, a := range []ask{askEC2, askSSM} {
			t.Run(a.service+" "+name, func(t *testing.T) {
				r := a.signed(t)
				tamper(r)
				if c, err := Read(r, "id", key(nil), now); err == nil {
					t.Errorf("accepted: %+v", c)
				}
			})
		}
	}
}

func TestUnsignedIsRefused(t *testing.T) {
	for service, tt := range map[string]struct {
		ask  ask
		code string
	}{
		"ec2": {askEC2, "MissingAuthenticationToken"}, "ssm": {askSSM, "MissingAuthenticationTokenException"}, "s3": {askS3, "AccessDenied"},
	} {
		_, err := Read(received(t, tt.ask.request(t)), "id", key(nil), now)
		if !IsFault(err, tt.code) {
			t.Errorf("%s: %v, want %s", service, err, tt.code)
		}
	}
	r := askEC2.signed(t)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDTEST/20260801/us-east-1/ec2, SignedHeaders=host, Signature=00")
	_, err := Read(r, "id", key(nil), now)
	wantFault(t, err, "MissingAuthenticationToken", 403)
}

func TestPresigned(t *testing.T) {
	get := ask{service: "s3", method: "GET", url: "http://lab.test/bucket/agent"}
	for name, tt := range map[string]struct {
		later time.Duration
		key   oneKey
		code  string
	}{
		"good":        {time.Minute, key(nil), ""},
		"just good":   {15 * time.Minute, key(nil), ""},
		"expired":     {15*time.Minute + time.Second, key(nil), "AccessDenied"},
		"other key":   {0, key(func(c *Credential) { c.Secret = "x" }), "SignatureDoesNotMatch"},
		"ended token": {0, key(func(c *Credential) { c.Token = "x" }), "InvalidToken"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Read(get.presigned(t, 900), "id", tt.key, now.Add(tt.later))
			if tt.code != "" {
				wantFault(t, err, tt.code, 0)
				return
			}
			if err != nil || c.Action != "GetObject" {
				t.Errorf("got %+v and %v", c, err)
			}
		})
	}
	_, err := Read(get.presigned(t, 8*24*3600), "id", key(nil), now)
	wantFault(t, err, "AuthorizationHeaderMalformed", 400)
}

func wantFault(t *testing.T, err error, code string, status int) {
	t.Helper()
	var fault *Fault
	if !errors.As(err, &fault) || fault.Code != code || status != 0 && fault.Status != status {
		t.Errorf("got %#v, want %s (%d)", err, code, status)
	}
}
