package wire

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxBody   = 1 << 20 // of a query or JSON call
	maxObject = 1 << 28 // of S3
)

// A Credential is what belongs to an access key.
type Credential struct {
	Secret  string
	Token   string    // of temporary credentials
	Expires time.Time // of temporary credentials
	Owner   Identity
}

// Keys looks access keys up.
type Keys interface {
	Credential(ctx context.Context, accessKey string) (Credential, bool)
}

// Read authenticates a request and decodes it. The call is never nil: it names at
// least the service in whose words an error is to be told. The error is a *Fault,
// unless the body could not be read.
func Read(r *http.Request, id string, keys Keys, now time.Time) (*Call, error) {
	c := &Call{ID: id, Service: guessService(r), HTTP: r}
	body, err := readBody(r)
	if err != nil {
		return c, err
	}
	sum := sha256.Sum256(body)
	s, refused := readSignature(r, hex.EncodeToString(sum[:]))
	c.Service, c.Region = s.service, s.region
	if c.Service == "" {
		c.Service = guessService(r)
	}
	var owner Identity
	var key []byte
	if refused == accepted {
		owner, key, refused = s.verify(r, keys, now)
	}
	if refused != accepted {
		return c, refused.fault(c.Service, s.expires > 0)
	}
	c.Caller = owner
	if body, err = s.open(r, body, hex.EncodeToString(sum[:]), key); err != nil {
		return c, err
	}
	return c, c.decode(body)
}

func readBody(r *http.Request) ([]byte, error) {
	limit := int64(maxBody)
	if guessService(r) == "s3" {
		limit = maxObject
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the request: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, &Fault{"RequestEntityTooLarge", "The request is larger than the lab takes", http.StatusRequestEntityTooLarge}
	}
	return body, nil
}

// verify is the whole of authentication, in the order in which AWS looks. The key
// signs the chunks of a payload, if it comes in chunks.
func (s signature) verify(r *http.Request, keys Keys, now time.Time) (Identity, []byte, refusal) {
	credential, ok := keys.Credential(r.Context(), s.accessKey)
	switch {
	case !ok:
		return Identity{}, nil, unknownKey
	case !hmac.Equal([]byte(credential.Token), []byte(s.token)):
		return Identity{}, nil, badToken
	case !s.covers(r) || !s.matches(r, credential.Secret):
		return Identity{}, nil, mismatch
	case !s.inTime(now):
		return Identity{}, nil, tooOld
	case !credential.Expires.IsZero() && !now.Before(credential.Expires):
		return Identity{}, nil, expired
	}
	owner := credential.Owner
	owner.AccessKey = s.accessKey
	return owner, s.key(credential.Secret), accepted
}

// open checks that the payload is the signed one, and takes it out of its chunks.
func (s signature) open(r *http.Request, body []byte, sum string, key []byte) ([]byte, error) {
	switch {
	case s.payload == "UNSIGNED-PAYLOAD" && s.service == "s3":
		return body, nil
	case strings.HasPrefix(s.payload, "STREAMING-") && s.service == "s3":
		return s.unchunk(body, key)
	case s.payload != sum:
		return nil, &Fault{"XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", http.StatusBadRequest}
	}
	return body, nil
}

// decode finds the action and its parameters.
func (c *Call) decode(body []byte) error {
	switch ProtocolOf(c.Service) {
	case EC2Query, AWSQuery:
		return c.decodeQuery(body)
	case AWSJSON:
		return c.decodeJSON(body)
	}
	r := c.HTTP.Clone(c.HTTP.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	c.HTTP = r
	c.Action = s3Action(r)
	return nil
}

func (c *Call) decodeQuery(body []byte) error {
	query, err := url.ParseQuery(string(body))
	if err != nil {
		return Faultf("MalformedQueryString", "The query string contains a syntax error")
	}
	for name, values := range c.HTTP.URL.Query() {
		if !strings.HasPrefix(name, "X-Amz-") {
			query[name] = values
		}
	}
	c.Query, c.Action = query, query.Get("Action")
	if c.Action == "" {
		return Faultf("MissingAction", "The request must contain the parameter Action")
	}
	return nil
}

func (c *Call) decodeJSON(body []byte) error {
	target := c.HTTP.Header.Get("X-Amz-Target")
	prefix, action, ok := strings.Cut(target, ".")
	if want := map[string]string{"ssm": "AmazonSSM", "kms": "TrentService", "servicequotas": "ServiceQuotasV20190624"}[c.Service]; !ok || prefix != want {
		return Faultf("UnknownOperationException", "The lab does not know the target %q", target)
	}
	c.Action = action
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !json.Valid(body) {
		return Faultf("SerializationException", "The request is not JSON")
	}
	c.JSON = body
	return nil
}

// Decode reads the parameters of a JSON call into a struct with json tags. What the
// struct does not have is an UnsupportedOperation.
func (c *Call) Decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(c.JSON))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return Faultf("SerializationException", "%s is no %s", wrongType.Field, wrongType.Type)
	}
	return Faultf("UnsupportedOperation", "The lab does not know all of the parameters: %v", err)
}

// s3Action names an S3 request as its API reference does.
func s3Action(r *http.Request) string {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	what := "Object"
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		return "ListBuckets"
	case key == "" && r.Method == http.MethodGet && query.Has("location"):
		return "GetBucketLocation"
	case key == "" && r.Method == http.MethodGet:
		return "ListObjectsV2"
	case key == "":
		what = "Bucket"
	}
	if sub := subresource(query); sub != "" {
		return r.Method + " " + what + " " + sub // none that the lab has
	}
	switch {
	case r.Method == http.MethodPut && what == "Bucket":
		return "CreateBucket"
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		return "CopyObject"
	}
	verbs := map[string]string{http.MethodPut: "Put", http.MethodGet: "Get", http.MethodHead: "Head", http.MethodDelete: "Delete"}
	return verbs[r.Method] + what
}

// subresource is the part of a bucket or object that a query names: ?tagging, ?uploads.
func subresource(query url.Values) string {
	for _, name := range []string{
		"accelerate", "acl", "attributes", "cors", "delete", "encryption", "lifecycle", "logging", "notification", "object-lock", "partNumber",
		"policy", "policyStatus", "publicAccessBlock", "replication", "restore", "retention", "select", "tagging", "torrent", "uploadId", "uploads",
		"versioning", "versions", "website",
	} {
		if query.Has(name) {
			return name
		}
	}
	return ""
}
