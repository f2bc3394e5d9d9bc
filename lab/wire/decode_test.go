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
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
)

func TestS3Actions(t *testing.T) {
	for request, want := range map[string]string{
		"GET /": "ListBuckets", "GET /b": "ListObjectsV2", "GET /b/?list-type=2": "ListObjectsV2", "GET /b?location": "GetBucketLocation",
		"PUT /b": "CreateBucket", "HEAD /b": "HeadBucket", "DELETE /b": "DeleteBucket", "PUT /b/k": "PutObject", "GET /b/k/l": "GetObject",
		"HEAD /b/k": "HeadObject", "DELETE /b/k": "DeleteObject", "PUT /b/k?tagging": "PUT Object tagging", "PUT /b?policy": "PUT Bucket policy",
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := s3Action(httptest.NewRequestWithContext(t.Context(), method, path, nil)); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/b/k", nil)
	r.Header.Set("X-Amz-Copy-Source", "/b/l")
	if got := s3Action(r); got != "CopyObject" {
		t.Errorf("a copy is %s", got)
	}
}

func TestMalformedCalls(t *testing.T) {
	with := func(a ask, change func(*ask)) ask {
		header := map[string]string{}
		for name, value := range a.header {
			header[name] = value
		}
		a.header = header
		change(&a)
		return a
	}
	for code, a := range map[string]ask{
		"MissingAction":             with(askEC2, func(a *ask) { a.body = "Version=1" }),
		"MalformedQueryString":      with(askEC2, func(a *ask) { a.body = "Action=%zz" }),
		"UnknownOperationException": with(askSSM, func(a *ask) { a.header["X-Amz-Target"] = "TrentService.Encrypt" }),
		"SerializationException":    with(askSSM, func(a *ask) { a.body = "{" }),
		"RequestEntityTooLarge":     with(askEC2, func(a *ask) { a.body = strings.Repeat("x", maxBody+1) }),
		"XAmzContentSHA256Mismatch": with(askS3, func(a *ask) { a.header["X-Amz-Content-Sha256"] = strings.Repeat("0", 64) }),
	} {
		_, err := Read(a.signed(t), "id", key(nil), now)
		wantFault(t, err, code, 0)
	}
}

func TestJSONParameters(t *testing.T) {
	var into struct{ Name string }
	for text, code := range map[string]string{
		`{"Name":"n"}`: "", `{"Name":1}`: "SerializationException", `{"Name":"n","More":1}`: "UnsupportedOperation",
	} {
		c := Call{JSON: []byte(text)}
		err := c.Decode(&into)
		if code == "" && err != nil || code != "" && !IsFault(err, code) {
			t.Errorf("%s: %v, want %q", text, err, code)
		}
	}
}

// TestChunks signs a payload in chunks, as the S3 API reference shows it.
func TestChunks(t *testing.T) {
	a := askS3
	a.header = map[string]string{
		"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "10",
	}
	a.body = "replaced below"
	build := func(t *testing.T, chunks ...string) *http.Request {
		r := a.signed(t)
		s, refused := readSignature(r, "")
		if refused != accepted {
			t.Fatal("the signature cannot be read")
		}
		var body bytes.Buffer
		previous := s.value
		for _, chunk := range append(chunks, "") {
			previous = mac(s.key(secret), s.chunkText(previous, []byte(chunk)))
			fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s\r\n", len(chunk), hex.EncodeToString(previous), chunk)
		}
		r.Body = io.NopCloser(&body)
		return r
	}
	strip := func(r *http.Request) string {
		c, err := Read(r, "id", key(nil), now)
		if err != nil {
			return err.Error()
		}
		body, err := io.ReadAll(c.HTTP.Body)
		if err != nil {
			return err.Error()
		}
		return string(body)
	}
	sign := func(r *http.Request) *http.Request { return r }
	// the content length is signed, so it has to be that of the chunks
	a.body = readAll(t, build(t, "hello ", "object").Body)
	if got := strip(sign(build(t, "hello ", "object"))); got != "hello object" {
		t.Errorf("got %q", got)
	}
	tampered := build(t, "hello ", "object")
	tampered.Body = io.NopCloser(strings.NewReader(strings.Replace(readAll(t, tampered.Body), "object", "OBJECT", 1)))
	if got := strip(tampered); !strings.HasPrefix(got, "SignatureDoesNotMatch") {
		t.Errorf("a chunk was changed: %q", got)
	}
	torn := build(t, "hello ", "object")
	torn.Body = io.NopCloser(strings.NewReader(readAll(t, torn.Body)[:120]))
	if got := strip(torn); !strings.HasPrefix(got, "IncompleteBody") {
		t.Errorf("torn: %q", got)
	}
	a.header["X-Amz-Content-Sha256"] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	a.body = "c\r\nhello object\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
	if got := strip(a.signed(t)); got != "hello object" {
		t.Errorf("unsigned chunks: %q", got)
	}
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("3;chunk-signature=00\r\nabc\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		payload, err := signature{payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}.unchunk(body, nil)
		if err == nil && len(payload) > len(body) {
			t.Errorf("%d bytes out of %d", len(payload), len(body))
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("POST", "/?X-Amz-Signature=00&X-Amz-Credential=a/20260801/r/s3/aws4_request&X-Amz-Date=20260801T120000Z", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=00", "Action=X")
	f.Fuzz(func(t *testing.T, method, target, authorization, body string) {
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, "http://lab.test/", strings.NewReader(body))
		if err != nil {
			return
		}
		if u, err := r.URL.Parse(target); err == nil {
			r.URL = u
		}
		r.Header.Set("Authorization", authorization)
		if c, err := Read(r, "id", key(nil), now); c == nil || err == nil {
			t.Errorf("%v, %v: a request without a signature is taken", c, err)
		}
	})
}

// TestCLI is a client that we did not write: the AWS CLI signs, and reads our answers
// and errors.
func TestCLI(t *testing.T) {
	testdisk.Need(t, "aws")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Read(r, "id", key(nil), time.Now())
		var answer any
		switch {
		case err != nil:
			var fault *Fault
			if !errors.As(err, &fault) {
				t.Error(err)
				return
			}
			err = WriteFault(w, r, c.Service, c.ID, fault)
		case c.Action == "DescribeVolumes":
			p := c.Params()
			if got := p.Strings("VolumeId"); !slices.Equal(got, []string{"vol-1", "vol-2"}) {
				t.Errorf("ids are %v", got)
			}
			err = WriteAnswer(w, c, someVolumes())
		case c.Action == "GetObject":
			err = WriteAnswer(w, c, &Reply{Header: http.Header{"Content-Length": {"5"}}, Body: strings.NewReader("bytes")})
		case c.Action == "PutObject":
			sum := sha256.Sum256([]byte(readAll(t, c.HTTP.Body)))
			err = WriteAnswer(w, c, &Reply{Header: http.Header{"Etag": {`"` + hex.EncodeToString(sum[:4]) + `"`}}})
		case c.Action == "GetCallerIdentity":
			answer = struct{ Arn string }{c.Caller.ARN}
			err = WriteAnswer(w, c, answer)
		default:
			err = WriteFault(w, r, c.Service, c.ID, Faultf("ParameterNotFound", "no %s", c.Action))
		}
		if err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	file := t.TempDir() + "/object"
	if err := os.WriteFile(file, []byte("the object"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(secret string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), "aws", append([]string{"--endpoint-url", server.URL, "--output", "json"}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDTEST", "AWS_SECRET_ACCESS_KEY=" + secret}
		out, err := cmd.CombinedOutput()
		return fmt.Sprint(string(out), err)
	}
	for want, args := range map[string][]string{
		`"vol-1<&"`:                     {"ec2", "describe-volumes", "--volume-ids", "vol-1", "vol-2"},
		`user/operator`:                 {"sts", "get-caller-identity"},
		`(ParameterNotFound)`:           {"ssm", "get-parameter", "--name", "n"},
		`"ContentLength": 5`:            {"s3api", "get-object", "--bucket", "b", "--key", "a b/+ü", t.TempDir() + "/out"},
		"\"ETag\": \"\\\"":              {"s3api", "put-object", "--bucket", "b", "--key", "a b/+ü", "--body", file},
		`(ParameterNotFound) when call`: {"autoscaling", "describe-auto-scaling-groups"},
	} {
		if got := run(secret, args...); !strings.Contains(got, want) {
			t.Errorf("%v: %s, want %s", args, got, want)
		}
	}
	for code, service := range map[string][]string{
		"AuthFailure": {"ec2", "describe-volumes"}, "InvalidSignatureException": {"ssm", "get-parameter", "--name", "n"}, "SignatureDoesNotMatch": {"sts", "get-caller-identity"},
	} {
		if got := run("wrong", service...); !strings.Contains(got, "("+code+")") {
			t.Errorf("%v: %s, want %s", service, got, code)
		}
	}
}
