package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// kept are the headers that a GET gives back as a PUT gave them, beside the
// x-amz-meta- ones.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

const metaPrefix = "X-Amz-Meta-"

func (s *S3) putObject(r *request) (any, error) {
	if len(r.key) > rules.LimitOf("s3.key") {
		return nil, &wire.Fault{Code: "KeyTooLongError", Message: "Your key is too long"}
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read an object: %w", err)
	}
	o, err := s.newObject(r, data)
	if err != nil {
		return nil, err
	}
	if err := s.see(r.bucket); err != nil { // before the disk is touched
		return nil, err
	}
	if o.File, err = s.writeFile(data); err != nil {
		return nil, fmt.Errorf("cannot write an object: %w", err)
	}
	old, err := s.replace(r, o)
	if err != nil {
		old = o.File
	}
	if err := errors.Join(err, s.removeFile(old)); err != nil {
		return nil, err
	}
	header := http.Header{"Etag": {o.tag()}, "Content-Length": {"0"}, "X-Amz-Server-Side-Encryption": {"AES256"}}
	for name, sum := range o.Checksums {
		header.Set(name, sum)
	}
	return &wire.Reply{Header: header}, nil
}

// newObject is what a PUT describes, once its sums are found right.
func (s *S3) newObject(r *request, data []byte) (object, error) {
	sum := md5.Sum(data) //nolint:gosec // an entity tag, not a protection
	o := object{Size: int64(len(data)), MD5: hex.EncodeToString(sum[:]), Modified: s.cfg.Now().UTC(), Header: map[string]string{}}
	if want := r.Header.Get("Content-Md5"); want != "" && want != base64.StdEncoding.EncodeToString(sum[:]) {
		return o, &wire.Fault{Code: "BadDigest", Message: "The Content-MD5 you specified did not match what we received."}
	}
	var err error
	if o.Checksums, err = checksums(r.Header, data); err != nil {
		return o, err
	}
	for _, name := range kept {
		if value := r.Header.Get(name); value != "" {
			o.Header[name] = value
		}
	}
	if coding := unchunked(o.Header["Content-Encoding"]); coding != "" {
		o.Header["Content-Encoding"] = coding
	} else {
		delete(o.Header, "Content-Encoding")
	}
	size := 0
	for name, values := range r.Header {
		if strings.HasPrefix(name, metaPrefix) {
			o.Header[name] = strings.Join(values, ",")
			size += len(name) - len(metaPrefix) + len(o.Header[name])
		}
	}
	if size > rules.LimitOf("s3.metadata") {
		return o, &wire.Fault{Code: "MetadataTooLarge", Message: "Your metadata headers exceed the maximum allowed metadata size"}
	}
	return o, nil
}

// unchunked is a content coding without aws-chunked, which was only for the way.
func unchunked(coding string) string {
	var rest []string
	for one := range strings.SplitSeq(coding, ",") {
		if one = strings.TrimSpace(one); one != "" && one != "aws-chunked" {
			rest = append(rest, one)
		}
	}
	return strings.Join(rest, ",")
}

// replace enters an object and returns the file of the one before, if there was one.
func (s *S3) replace(r *request, o object) (old string, err error) {
	err = s.file.Update(func(doc *document) error {
		b := doc.Buckets[r.bucket]
		if b == nil {
			return noBucket()
		}
		before, there := b.Objects[r.key]
		if there && r.Header.Get("If-None-Match") == "*" {
			return preconditionFailed()
		}
		if want := r.Header.Get("If-Match"); want != "" && (!there || want != before.tag()) {
			return preconditionFailed()
		}
		old, b.Objects[r.key] = before.File, o
		return nil
	})
	return old, err
}

func (s *S3) writeFile(data []byte) (name string, err error) {
	random := make([]byte, 16)
	if _, err := io.ReadFull(s.cfg.Rand, random); err != nil {
		return "", err
	}
	name = hex.EncodeToString(random)
	file, err := os.OpenFile(filepath.Join(s.dataDir(), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, bytes.NewReader(data))
	return name, errors.Join(err, file.Sync(), file.Close())
}

// removeFile takes away the file of an object that is no more; an empty name is
// none.
func (s *S3) removeFile(name string) error {
	if name == "" {
		return nil
	}
	if err := os.Remove(filepath.Join(s.dataDir(), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove an object: %w", err)
	}
	return nil
}

func (s *S3) deleteObject(r *request) (any, error) {
	var old string
	err := s.file.Update(func(doc *document) error {
		b := doc.Buckets[r.bucket]
		if b == nil {
			return noBucket()
		}
		old = b.Objects[r.key].File // a key that is not there is deleted as well
		delete(b.Objects, r.key)
		return nil
	})
	if err == nil {
		err = s.removeFile(old)
	}
	return &wire.Reply{Status: http.StatusNoContent}, err
}

func preconditionFailed() error {
	return &wire.Fault{
		Code: "PreconditionFailed", Status: http.StatusPreconditionFailed,
		Message: "At least one of the pre-conditions you specified did not hold",
	}
}
