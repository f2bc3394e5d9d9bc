// Package s3 is the lab's S3: buckets and objects of one account, with entity tags,
// checksums and ranges. An object is a file with a random name: no path on this
// host is ever made from a key.
//
// It has no versions, parts, policies or access lists, and verifies no signature:
// lab/wire does, also of presigned requests, and takes payloads out of their chunks.
package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// Config is what the service depends on.
type Config struct {
	Dir       string // the lab's state
	Partition string // "aws"
	Region    string
	Account   string
	Now       func() time.Time
	Rand      io.Reader
}

// S3 holds the buckets of one account.
type S3 struct {
	cfg  Config
	file *store.File[document]
}

// A document is what the state directory keeps beside the objects' files.
type document struct{ Buckets map[string]*bucket }

type bucket struct {
	Created time.Time
	Objects map[string]object // by key
}

type object struct {
	File      string // in the data directory
	Size      int64
	MD5       string // hexadecimal
	Modified  time.Time
	Header    map[string]string // what comes back as it was given
	Checksums map[string]string // base64, by header
}

// Open reads the state directory, and removes the files of uploads that a kill cut
// off.
func Open(cfg Config) (*S3, error) {
	s := &S3{cfg: cfg}
	if err := os.MkdirAll(s.dataDir(), 0o700); err != nil {
		return nil, fmt.Errorf("cannot keep objects: %w", err)
	}
	var err error
	if s.file, err = store.Open[document](filepath.Join(cfg.Dir, "s3.json")); err != nil {
		return nil, fmt.Errorf("cannot open the buckets: %w", err)
	}
	if err := s.sweep(); err != nil {
		return nil, fmt.Errorf("cannot sweep the objects: %w", err)
	}
	return s, nil
}

func (s *S3) dataDir() string { return filepath.Join(s.cfg.Dir, "s3") }

func (s *S3) sweep() error {
	known := map[string]bool{}
	s.file.View(func(doc *document) {
		for _, b := range doc.Buckets {
			for _, o := range b.Objects {
				known[o.File] = true
			}
		}
	})
	entries, err := os.ReadDir(s.dataDir())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !known[entry.Name()] {
			if err := os.Remove(filepath.Join(s.dataDir(), entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Name is the signing name.
func (*S3) Name() string { return "s3" }

// An action is one operation of the API, and what IAM calls it.
type action struct {
	name, permission string
	do               func(*S3, *request) (any, error)
}

// actions are sorted by name.
var actions = []action{
	{"CreateBucket", "s3:CreateBucket", (*S3).createBucket},
	{"DeleteBucket", "s3:DeleteBucket", (*S3).deleteBucket},
	{"DeleteObject", "s3:DeleteObject", (*S3).deleteObject},
	{"GetBucketLocation", "s3:GetBucketLocation", (*S3).getLocation},
	{"GetObject", "s3:GetObject", (*S3).getObject},
	{"HeadBucket", "s3:ListBucket", (*S3).headBucket},
	{"HeadObject", "s3:GetObject", (*S3).headObject},
	{"ListBuckets", "s3:ListAllMyBuckets", (*S3).listBuckets},
	{"ListObjectsV2", "s3:ListBucket", (*S3).listObjects},
	{"PutObject", "s3:PutObject", (*S3).putObject},
}

func find(name string) (action, bool) {
	i, ok := slices.BinarySearchFunc(actions, name, func(a action, name string) int { return cmp.Compare(a.name, name) })
	if !ok {
		return action{}, false
	}
	return actions[i], true
}

// Actions lists the operations.
func (*S3) Actions() []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}

// A request is a call with its address taken apart.
type request struct {
	*http.Request
	bucket, key string
}

func newRequest(c *wire.Call) *request {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(c.HTTP.URL.Path, "/"), "/")
	return &request{c.HTTP, bucket, key}
}

// Checks are the questions that a call raises.
func (s *S3) Checks(_ context.Context, c *wire.Call) ([]wire.Check, error) {
	a, ok := find(c.Action)
	if !ok {
		return nil, notImplemented(c.Action)
	}
	r := newRequest(c)
	check := wire.Check{Action: a.permission, Resource: "*", Context: map[string][]string{}}
	if r.bucket != "" {
		check.Resource = "arn:" + s.cfg.Partition + ":s3:::" + r.bucket
	}
	if r.key != "" {
		check.Resource += "/" + r.key
	}
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		if query := r.URL.Query(); c.Action == "ListObjectsV2" && query.Has(name) {
			check.Context["s3:"+name] = []string{query.Get(name)}
		}
	}
	return []wire.Check{check}, nil
}

// Do carries out a call.
func (s *S3) Do(_ context.Context, c *wire.Call) (any, error) {
	a, ok := find(c.Action)
	if !ok {
		return nil, notImplemented(c.Action)
	}
	r := newRequest(c)
	if err := r.check(c.Action); err != nil {
		return nil, err
	}
	if owner := r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != s.cfg.Account {
		return nil, &wire.Fault{Code: "AccessDenied", Message: "Access Denied", Status: http.StatusForbidden}
	}
	return a.do(s, r)
}

// known are the parameters of a query that an action takes.
var known = map[string][]string{
	"ListObjectsV2":     {"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type", "fetch-owner"},
	"GetBucketLocation": {"location"},
}

// refused are headers that ask for what the lab does not have, unless they have one
// of the values.
var refused = map[string][]string{
	"X-Amz-Acl":                    {"private"},
	"X-Amz-Tagging":                nil,
	"X-Amz-Server-Side-Encryption": {"AES256"},
	"X-Amz-Server-Side-Encryption-Customer-Key": nil,
	"X-Amz-Storage-Class":                       {"STANDARD"},
	"X-Amz-Website-Redirect-Location":           nil,
	"X-Amz-Object-Lock-Mode":                    nil,
	"X-Amz-Bucket-Object-Lock-Enabled":          {"false"},
	"X-Amz-Grant-Read":                          nil,
	"X-Amz-Grant-Full-Control":                  nil,
}

// check refuses what the lab would otherwise silently not do.
func (r *request) check(action string) error {
	for name := range r.URL.Query() {
		if !strings.HasPrefix(name, "X-Amz-") && name != "x-id" && !slices.Contains(known[action], name) {
			return notImplemented("the parameter " + name + " of " + action)
		}
	}
	for name, values := range refused {
		if have := r.Header.Get(name); have != "" && !slices.Contains(values, have) {
			return notImplemented("the header " + name + " of " + action)
		}
	}
	if action == "ListObjectsV2" && r.URL.Query().Get("list-type") != "2" {
		return notImplemented("ListObjects, but ListObjectsV2,")
	}
	return nil
}

func notImplemented(what string) error {
	return &wire.Fault{Code: "NotImplemented", Message: "The lab does not have " + what + ".", Status: http.StatusNotImplemented}
}
