package ec2

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// imds is a client of the metadata service of an instance.
type imds struct {
	*testing.T
	http.Handler
	token string
}

func (m *imds) do(method, path string, header ...string) *httptest.ResponseRecorder {
	m.Helper()
	r := httptest.NewRequest(method, "http://169.254.169.254"+path, nil)
	for n := 0; n+1 < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	if m.token != "" {
		r.Header.Set("X-aws-ec2-metadata-token", m.token)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w
}

func (m *imds) wantStatus(w *httptest.ResponseRecorder, want int) {
	m.Helper()
	if w.Code != want {
		m.Errorf("status %d, want %d", w.Code, want)
	}
}

const ttl = "X-aws-ec2-metadata-token-ttl-seconds"

func TestMetadataTokens(t *testing.T) {
	b := newBench(t)
	m := &imds{T: t, Handler: b.metadata(b.helper())}
	m.wantStatus(m.do("GET", "/latest/meta-data/instance-id"), 401)
	for _, bad := range [][]string{nil, {ttl, "0"}, {ttl, "21601"}, {ttl, "soon"}} {
		m.wantStatus(m.do("PUT", "/latest/api/token", bad...), 400)
	}
	m.wantStatus(m.do("PUT", "/latest/api/token", ttl, "60", "X-Forwarded-For", "10.0.0.1"), 403)
	m.wantStatus(m.do("POST", "/latest/api/token", ttl, "60"), 405)
	w := m.do("PUT", "/latest/api/token", ttl, "60")
	m.wantStatus(w, 200)
	b.want("ttl", w.Header().Get(ttl), "60")
	m.token = w.Body.String()
	m.wantStatus(m.do("GET", "/latest/meta-data/instance-id"), 200)
	b.pass(61 * time.Second)
	m.wantStatus(m.do("GET", "/latest/meta-data/instance-id"), 401)
	m.token = "made-up"
	m.wantStatus(m.do("GET", "/latest/meta-data/instance-id"), 401)
}

func TestMetadataContent(t *testing.T) {
	b := newBench(t)
	id := b.helper("UserData=aGVsbG8=", "MetadataOptions.InstanceMetadataTags=enabled", "TagSpecification.1.ResourceType=instance",
		"TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1")
	m := &imds{T: t, Handler: b.metadata(id)}
	m.token = m.do("PUT", "/latest/api/token", ttl, "60").Body.String()
	for path, want := range map[string]string{
		"/latest/meta-data/instance-id":                 id,
		"/latest/meta-data/placement/availability-zone": "us-east-1a",
		"/latest/meta-data/placement/region":            "us-east-1",
		"/latest/meta-data/placement/":                  "availability-zone\nregion",
		"/latest/meta-data/iam/security-credentials/":   "regain-helper",
		"/latest/meta-data/tags/instance/run":           "r1",
		"/latest/user-data":                             "hello",
		"/latest/meta-data/local-ipv4":                  b.instance(id, "privateIpAddress"),
	} {
		w := m.do("GET", path)
		m.wantStatus(w, 200)
		b.want(path, w.Body.String(), want)
	}
	if list := m.do("GET", "/latest/meta-data/").Body.String(); !strings.Contains(list, "instance-id\n") || !strings.Contains(list, "placement/\n") {
		t.Errorf("list is %q", list)
	}
	var credentials struct{ Code, Type, AccessKeyId, SecretAccessKey, Token, Expiration string }
	m.decode("/latest/meta-data/iam/security-credentials/regain-helper", &credentials)
	if credentials.Code != "Success" || credentials.Type != "AWS-HMAC" || credentials.SecretAccessKey != "secret of "+id || credentials.Expiration != "2030-01-01T00:00:00Z" {
		t.Errorf("credentials %+v", credentials)
	}
	var document struct{ InstanceId, AccountId, Region string }
	m.decode("/latest/dynamic/instance-identity/document", &document)
	if document.InstanceId != id || document.AccountId != "123456789012" || document.Region != "us-east-1" {
		t.Errorf("document %+v", document)
	}
	var info struct{ Code, InstanceProfileArn string }
	m.decode("/latest/meta-data/iam/info", &info)
	b.want("profile", info.InstanceProfileArn, "arn:aws:iam::123456789012:instance-profile/regain-helper")
	for _, path := range []string{"/latest/meta-data/iam/security-credentials/other", "/latest/meta-data/none", "/latest", "/"} {
		m.wantStatus(m.do("GET", path), 404)
	}
}

func (m *imds) decode(path string, into any) {
	m.Helper()
	w := m.do("GET", path)
	m.wantStatus(w, 200)
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		m.Error(err)
	}
}

// TestMetadataOfOthers: without a role there are no credentials, and a service that
// is disabled or whose instance is gone answers nothing.
func TestMetadataOfOthers(t *testing.T) {
	b := newBench(t)
	m := &imds{T: t, Handler: b.metadata(b.guest(Spec{}))}
	m.token = m.do("PUT", "/latest/api/token", ttl, "60").Body.String()
	m.wantStatus(m.do("GET", "/latest/meta-data/iam/info"), 404)
	m.wantStatus(m.do("GET", "/latest/meta-data/iam/security-credentials/"), 404)
	m.wantStatus(m.do("GET", "/latest/user-data"), 404)
	off := &imds{T: t, Handler: b.metadata(b.helper("MetadataOptions.HttpEndpoint=disabled"))}
	off.wantStatus(off.do("PUT", "/latest/api/token", ttl, "60"), 403)
	old := &imds{T: t, Handler: b.metadata(b.helper("MetadataOptions.HttpTokens=optional"))}
	old.wantStatus(old.do("GET", "/latest/meta-data/instance-id"), 200)
	none := &imds{T: t, Handler: b.metadata("i-00000000000000000")}
	none.wantStatus(none.do("GET", "/latest/meta-data/instance-id"), 403)
}
