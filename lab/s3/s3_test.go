package s3_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/seed-77750964/regain/lab/s3"
	"github.com/seed-77750964/regain/lab/wire"
)

const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	bucket    = "regain-123456789012"
)

type keys struct{}

func (keys) Credential(_ context.Context, key string) (wire.Credential, bool) {
	return wire.Credential{Secret: secret, Owner: wire.Identity{Account: "123456789012"}}, key == accessKey
}

// A server is the service behind the protocol, without the rest of the lab.
type server struct {
	s3  *s3.S3
	url string
}

func open(t *testing.T, dir string) *s3.S3 {
	t.Helper()
	s, err := s3.Open(s3.Config{Dir: dir, Partition: "aws", Region: "us-east-1", Account: "123456789012", Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func serve(t *testing.T, s *s3.S3) server {
	t.Helper()
	http := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := wire.Read(r, "id", keys{}, time.Now())
		var answer any
		if err == nil {
			_, err = s.Checks(r.Context(), c)
		}
		if err == nil {
			answer, err = s.Do(r.Context(), c)
		}
		var fault *wire.Fault
		switch {
		case errors.As(err, &fault):
			err = wire.WriteFault(w, r, "s3", "id", fault)
		case err == nil:
			err = wire.WriteAnswer(w, c, answer)
		}
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
	}))
	t.Cleanup(http.Close)
	return server{s, http.URL}
}

// client is the SDK for Go, which nobody here wrote.
func (s server) client(change ...func(*sdk.Options)) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &s.url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}, nil
		}),
	}, change...)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func fresh(t *testing.T) (server, *sdk.Client) {
	t.Helper()
	s := serve(t, open(t, t.TempDir()))
	if err := s.s3.EnsureBucket(bucket); err != nil {
		t.Fatal(err)
	}
	return s, s.client()
}

func put(t *testing.T, c *sdk.Client, key, text string) {
	t.Helper()
	if _, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
}

func TestBuckets(t *testing.T) {
	s, c := fresh(t)
	ctx := t.Context()
	for name, want := range map[string]string{bucket: "BucketAlreadyOwnedByYou", "Capital": "InvalidBucketName", "192.168.0.1": "InvalidBucketName", "a..b": "InvalidBucketName"} {
		if _, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: &name}); code(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if err := s.s3.EnsureBucket(bucket); err != nil {
		t.Error(err)
	}
	elsewhere := &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}
	if _, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("another"), CreateBucketConfiguration: elsewhere}); code(err) != "IllegalLocationConstraintException" {
		t.Errorf("elsewhere: %v", err)
	}
	if _, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("another")}); err != nil {
		t.Fatal(err)
	}
	list, err := c.ListBuckets(ctx, &sdk.ListBucketsInput{})
	if err != nil || len(list.Buckets) != 2 || *list.Buckets[0].Name != "another" || list.Buckets[0].CreationDate.IsZero() {
		t.Errorf("list: %+v, %v", list, err)
	}
	where, err := c.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: aws.String("another")})
	if err != nil || where.LocationConstraint != "" {
		t.Errorf("location: %+v, %v", where, err)
	}
	put(t, c, "a", "x")
	if _, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String(bucket)}); code(err) != "BucketNotEmpty" {
		t.Errorf("delete a full one: %v", err)
	}
	if _, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("another")}); err != nil {
		t.Error(err)
	}
	if _, err := c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: aws.String("another")}); code(err) != "NotFound" {
		t.Errorf("head of none: %v", err)
	}
	if head, err := c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: aws.String(bucket)}); err != nil || *head.BucketRegion != "us-east-1" {
		t.Errorf("head: %+v, %v", head, err)
	}
}

// TestObject has the SDK put and get an object in each of the ways in which it
// protects payloads.
func TestObject(t *testing.T) {
	s, _ := fresh(t)
	text := strings.Repeat("regain ", 30000)
	for _, algorithm := range append(types.ChecksumAlgorithm("").Values(), "") {
		switch algorithm {
		case types.ChecksumAlgorithmXxhash3, types.ChecksumAlgorithmXxhash64, types.ChecksumAlgorithmXxhash128, types.ChecksumAlgorithmMd5, types.ChecksumAlgorithmSha512:
			continue // the SDK cannot compute these itself
		}
		t.Run("checksum "+string(algorithm), func(t *testing.T) {
			c := s.client(func(o *sdk.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
			in := &sdk.PutObjectInput{
				Bucket: aws.String(bucket), Key: aws.String("a b/ü+c"), Body: strings.NewReader(text), ChecksumAlgorithm: algorithm,
				ContentType: aws.String("text/plain"), Metadata: map[string]string{"run": "r1"},
			}
			if _, err := c.PutObject(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: in.Key, ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(got.Body) // compared with the checksum by the SDK
			if err != nil || string(data) != text || *got.ContentType != "text/plain" || got.Metadata["run"] != "r1" || got.ContentEncoding != nil {
				t.Errorf("%d bytes, %+v, %v", len(data), got, err)
			}
		})
	}
}

func TestOverwriteAndDelete(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, open(t, dir))
	c := s.client()
	if err := s.s3.EnsureBucket(bucket); err != nil {
		t.Fatal(err)
	}
	at := aws.String("../../etc/passwd")
	put(t, c, *at, "first")
	put(t, c, *at, "second")
	if n := files(t, dir); n != 1 {
		t.Errorf("%d files for one object", n)
	}
	if err := os.WriteFile(filepath.Join(dir, "s3", "torn"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = serve(t, open(t, dir)).client() // a restart
	got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: at})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(got.Body); err != nil || string(data) != "second" || *got.ETag != `"a9f0e61a137d86aa9db53465e0801612"` {
		t.Errorf("%q, %s, %v", data, *got.ETag, err)
	}
	for range 2 { // also when it is not there
		if _, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(bucket), Key: at}); err != nil {
			t.Error(err)
		}
	}
	if n := files(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func files(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "s3"))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestFaults(t *testing.T) {
	_, c := fresh(t)
	put(t, c, "a", "x")
	ctx, b, none := t.Context(), aws.String(bucket), aws.String("none-of-these")
	for name, tt := range map[string]struct {
		call func() error
		want string
	}{
		"get no key":    {func() error { _, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: none}); return err }, "NoSuchKey"},
		"get no bucket": {func() error { _, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: none, Key: none}); return err }, "NoSuchBucket"},
		"head no key":   {func() error { _, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: b, Key: none}); return err }, "NotFound"},
		"put no bucket": {func() error { _, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: none, Key: none}); return err }, "NoSuchBucket"},
		"delete no bucket": {func() error {
			_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: none, Key: none})
			return err
		}, "NoSuchBucket"},
		"list no bucket": {func() error { _, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: none}); return err }, "NoSuchBucket"},
		"bucket delete":  {func() error { _, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: none}); return err }, "NoSuchBucket"},
		"old list":       {func() error { _, err := c.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: b}); return err }, "NotImplemented"},
		"tagging": {func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: none, Tagging: none})
			return err
		}, "NotImplemented"},
		"KMS": {func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: none, ServerSideEncryption: "aws:kms"})
			return err
		}, "NotImplemented"},
		"a version": {func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: none, VersionId: none})
			return err
		}, "NotImplemented"},
		"another owner": {func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: none, ExpectedBucketOwner: aws.String("000000000000")})
			return err
		}, "AccessDenied"},
		"wrong sum": {func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: none, ContentMD5: aws.String("AAAA")})
			return err
		}, "BadDigest"},
		"wrong SHA-256": {func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: none, ChecksumSHA256: aws.String("AAAA")})
			return err
		}, "BadDigest"},
		"there already": {func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("a"), IfNoneMatch: aws.String("*")})
			return err
		}, "PreconditionFailed"},
		"changed meanwhile": {func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: aws.String("a"), IfMatch: aws.String(`"0"`)})
			return err
		}, "PreconditionFailed"},
		"a long key": {func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String(strings.Repeat("k", 1025))})
			return err
		}, "KeyTooLongError"},
		"large metadata": {func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: none, Metadata: map[string]string{"a": strings.Repeat("x", 2048)}})
			return err
		}, "MetadataTooLarge"},
		"beyond the end": {func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: aws.String("a"), Range: aws.String("bytes=1-")})
			return err
		}, "InvalidRange"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.call(); code(err) != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestRanges(t *testing.T) {
	_, c := fresh(t)
	put(t, c, "a", "0123456789")
	for wanted, tt := range map[string]struct{ text, span string }{
		"bytes=0-3":     {"0123", "bytes 0-3/10"},
		"bytes=7-":      {"789", "bytes 7-9/10"},
		"bytes=-2":      {"89", "bytes 8-9/10"},
		"bytes=-20":     {"0123456789", "bytes 0-9/10"},
		"bytes=8-100":   {"89", "bytes 8-9/10"},
		"bytes=0-1,4-5": {"0123456789", ""},
		"bytes=5-2":     {"0123456789", ""},
		"lines=1-2":     {"0123456789", ""},
	} {
		got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("a"), Range: &wanted})
		if err != nil {
			t.Errorf("%s: %v", wanted, err)
			continue
		}
		data, err := io.ReadAll(got.Body)
		if string(data) != tt.text || tt.span != "" && aws.ToString(got.ContentRange) != tt.span || err != nil {
			t.Errorf("%s: %q, %s, %v", wanted, data, aws.ToString(got.ContentRange), err)
		}
	}
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("a")})
	if err != nil || *head.ContentLength != 10 || head.LastModified.IsZero() {
		t.Errorf("head: %+v, %v", head, err)
	}
}
