package aws

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
)

// isolate keeps the configuration of whoever runs the tests out of them.
func isolate(t *testing.T, config string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// TestNew takes region, endpoint and credentials from where the AWS CLI does.
func TestNew(t *testing.T) {
	s := &server{t: t, answers: map[string][]answer{
		"GetCallerIdentity": ok(callerIdentity),
		"AssumeRole": ok(`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>tok</SessionToken><Expiration>2036-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`),
	}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	profile := "[profile work]\nregion = eu-central-1\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\nendpoint_url = " + h.URL + "\n"
	for name, tt := range map[string]struct {
		env     map[string]string
		options Options
		region  string
		signer  string
	}{
		"profile": {nil, Options{Profile: "work"}, "eu-central-1", "AKIAPROFILE/"},
		"environment": {map[string]string{"AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": h.URL, "AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s"},
			Options{}, "us-west-2", "AKIAENV/"},
		"options":  {map[string]string{"AWS_PROFILE": "work", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, Options{Region: "eu-west-3", EndpointURL: h.URL}, "eu-west-3", "AKIAPROFILE/"},
		"the role": {map[string]string{"AWS_PROFILE": "work"}, Options{RoleARN: "arn:aws:iam::111122223333:role/regain-controller", ExternalID: "x"}, "eu-central-1", "ASIAROLE/"},
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t, profile)
			for key, value := range tt.env {
				t.Setenv(key, value)
			}
			cloud, err := New(t.Context(), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			caller, err := cloud.Caller(t.Context())
			if err != nil || caller.Region != tt.region {
				t.Errorf("got %+v, %v", caller, err)
			}
			last := s.seen[len(s.seen)-1].http.Header.Get("Authorization")
			if !strings.Contains(last, "Credential="+tt.signer) || !strings.Contains(last, "/"+tt.region+"/") {
				t.Errorf("signed by %s", last)
			}
			if got := cloud.Calls(); !slices.Equal(got, []string{"sts:GetCallerIdentity"}) {
				t.Errorf("the ledger has %v", got)
			}
		})
	}
	s.one("AssumeRole").want(t, map[string]string{"RoleSessionName": "regain", "ExternalId": "x"})
}

func TestNewRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		config  string
		options Options
		want    string
	}{
		"no region":  {"", Options{}, "cannot tell the region"},
		"no profile": {"", Options{Profile: "nobody"}, "cannot read the AWS configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t, tt.config)
			if _, err := New(t.Context(), tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRoleRefused names the call that was refused, not the one it was made for.
func TestRoleRefused(t *testing.T) {
	isolate(t, "")
	s := &server{t: t, answers: map[string][]answer{"AssumeRole": {{status: 403, body: `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`}}}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	cloud, err := New(t.Context(), Options{Region: "us-east-1", EndpointURL: h.URL, RoleARN: "arn:aws:iam::111122223333:role/x", SessionName: "me"})
	if err != nil {
		t.Fatal(err)
	}
	if failed := wantKind(t, cloud.Stop(t.Context(), false, "i-1"), controller.Denied, "AccessDenied"); failed.Action != "sts:AssumeRole" {
		t.Errorf("got %+v", failed)
	}
	s.one("AssumeRole").want(t, map[string]string{"RoleSessionName": "me"})
}
