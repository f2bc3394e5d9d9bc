package s3_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed-77750964/regain/lab/wire"
)

func TestListObjects(t *testing.T) {
	_, c := fresh(t)
	for _, key := range []string{"a/1", "a/2", "b c+d", "e/f/3", "g\x01h"} {
		put(t, c, key, "x")
	}
	for name, tt := range map[string]struct {
		in   sdk.ListObjectsV2Input
		want string
	}{
		"all":          {sdk.ListObjectsV2Input{}, "a/1 a/2 b c+d e/f/3 g\x01h"},
		"pages of two": {sdk.ListObjectsV2Input{MaxKeys: aws.Int32(2)}, "a/1 a/2 b c+d e/f/3 g\x01h"},
		"prefix":       {sdk.ListObjectsV2Input{Prefix: aws.String("a/")}, "a/1 a/2"},
		"folders":      {sdk.ListObjectsV2Input{Delimiter: aws.String("/")}, "b c+d g\x01h [a/] [e/]"},
		"folders by 1": {sdk.ListObjectsV2Input{Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}, "[a/] b c+d [e/] g\x01h"},
		"a subfolder":  {sdk.ListObjectsV2Input{Delimiter: aws.String("/"), Prefix: aws.String("e/")}, "[e/f/]"},
		"after":        {sdk.ListObjectsV2Input{StartAfter: aws.String("b")}, "b c+d e/f/3 g\x01h"},
	} {
		t.Run(name, func(t *testing.T) {
			in := tt.in
			in.Bucket, in.EncodingType = aws.String(bucket), types.EncodingTypeUrl
			var got []string
			for pages := sdk.NewListObjectsV2Paginator(c, &in); pages.HasMorePages(); {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range page.Contents {
					got = append(got, *o.Key)
				}
				for _, p := range page.CommonPrefixes {
					got = append(got, "["+*p.Prefix+"]")
				}
			}
			if text := strings.Join(got, " "); decoded(t, text) != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// decoded undoes encoding-type url, which the SDK for Go leaves to its caller.
func decoded(t *testing.T, text string) string {
	t.Helper()
	parts := strings.Split(text, " ")
	for i := range parts {
		var err error
		if parts[i], err = url.QueryUnescape(parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(parts, " ")
}

func TestPresigned(t *testing.T) {
	_, c := fresh(t)
	signer := sdk.NewPresignClient(c)
	up, err := signer.PresignPutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("agent")})
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, to string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, to, bytes.NewReader([]byte("binary")))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(data)
	}
	if status, text := do(up.Method, up.URL); status != http.StatusOK {
		t.Fatalf("put: %d %s", status, text)
	}
	down, err := signer.PresignGetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("agent")})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := do(down.Method, down.URL); status != http.StatusOK || text != "binary" {
		t.Errorf("get: %d %s", status, text)
	}
	if status, text := do(down.Method, strings.Replace(down.URL, "agent", "other", 1)); status != http.StatusForbidden || !strings.Contains(text, "SignatureDoesNotMatch") {
		t.Errorf("another key with the same signature: %d %s", status, text)
	}
}

// TestTrailer sends an object as the AWS CLI does over TLS: in chunks, with its
// checksum behind them. The SDK does not over plain HTTP; so only the signature is
// its own here.
func TestTrailer(t *testing.T) {
	s, c := fresh(t)
	sum := sha256.Sum256([]byte("hello, world"))
	body := "7\r\nhello, \r\n5\r\nworld\r\n0\r\nx-amz-checksum-sha256:" + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/"+bucket+"/chunked", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	const payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	for name, value := range map[string]string{
		"X-Amz-Content-Sha256": payload, "X-Amz-Trailer": "x-amz-checksum-sha256", "Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "12",
	} {
		req.Header.Set(name, value)
	}
	creds := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, req, payload, "s3", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("put: %s %s", resp.Status, text)
	}
	got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("chunked"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(got.Body)
	if string(data) != "hello, world" || err != nil || got.ContentEncoding != nil || aws.ToString(got.ChecksumSHA256) != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("%q, %+v, %v", data, got, err)
	}
}

func TestChecks(t *testing.T) {
	s := open(t, t.TempDir())
	if names := s.Actions(); !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
	for _, tt := range []struct{ action, path, want string }{
		{"ListBuckets", "/", "s3:ListAllMyBuckets *"},
		{"HeadBucket", "/b", "s3:ListBucket arn:aws:s3:::b"},
		{"HeadObject", "/b/a/c", "s3:GetObject arn:aws:s3:::b/a/c"},
		{"PutObject", "/b/a%20c", "s3:PutObject arn:aws:s3:::b/a c"},
		{"ListObjectsV2", "/b?prefix=x", "s3:ListBucket arn:aws:s3:::b [x]"},
	} {
		u, err := url.Parse(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		checks, err := s.Checks(t.Context(), &wire.Call{Action: tt.action, HTTP: &http.Request{URL: u}})
		if err != nil || len(checks) != 1 {
			t.Fatalf("%s: %v, %v", tt.action, checks, err)
		}
		got := checks[0].Action + " " + checks[0].Resource
		if prefix := checks[0].Context["s3:prefix"]; prefix != nil {
			got += fmt.Sprint(" ", prefix)
		}
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
