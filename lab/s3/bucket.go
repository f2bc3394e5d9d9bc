package s3

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

func noBucket() error {
	return &wire.Fault{Code: "NoSuchBucket", Message: "The specified bucket does not exist", Status: http.StatusNotFound}
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	address    = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3}$`)
)

// EnsureBucket makes a bucket where it is missing.
func (s *S3) EnsureBucket(name string) error {
	err := s.makeBucket(name)
	if wire.IsFault(err, "BucketAlreadyOwnedByYou") {
		return nil
	}
	return err
}

func (s *S3) makeBucket(name string) error {
	if !bucketName.MatchString(name) || address.MatchString(name) || strings.Contains(name, "..") {
		return &wire.Fault{Code: "InvalidBucketName", Message: "The specified bucket is not valid."}
	}
	return s.file.Update(func(doc *document) error {
		if doc.Buckets[name] != nil {
			return &wire.Fault{
				Code: "BucketAlreadyOwnedByYou", Status: http.StatusConflict,
				Message: "Your previous request to create the named bucket succeeded and you already own it.",
			}
		}
		if doc.Buckets == nil {
			doc.Buckets = map[string]*bucket{}
		}
		doc.Buckets[name] = &bucket{Created: s.cfg.Now().UTC(), Objects: map[string]object{}}
		return nil
	})
}

func (s *S3) createBucket(r *request) (any, error) {
	var config struct{ LocationConstraint string }
	if err := xml.NewDecoder(r.Body).Decode(&config); err != nil && !errors.Is(err, io.EOF) {
		return nil, &wire.Fault{Code: "MalformedXML", Message: "The XML you provided was not well-formed."}
	}
	want := s.cfg.Region
	if want == "us-east-1" {
		want = "" // where alone no constraint is given
	}
	if config.LocationConstraint != want {
		return nil, &wire.Fault{Code: "IllegalLocationConstraintException", Message: "The location constraint " +
			config.LocationConstraint + " is incompatible with the region of this endpoint."}
	}
	if err := s.makeBucket(r.bucket); err != nil {
		return nil, err
	}
	return &wire.Reply{Header: http.Header{"Location": {"/" + r.bucket}, "Content-Length": {"0"}}}, nil
}

// see tells whether a bucket is there.
func (s *S3) see(name string) error {
	err := noBucket()
	s.file.View(func(doc *document) {
		if doc.Buckets[name] != nil {
			err = nil
		}
	})
	return err
}

func (s *S3) headBucket(r *request) (any, error) {
	return &wire.Reply{Header: http.Header{"X-Amz-Bucket-Region": {s.cfg.Region}}}, s.see(r.bucket)
}

type location struct {
	XMLName xml.Name `xml:"LocationConstraint"`
	XMLNS   string   `xml:"xmlns,attr"`
	Region  string   `xml:",chardata"`
}

func (s *S3) getLocation(r *request) (any, error) {
	answer := location{XMLNS: namespace, Region: s.cfg.Region}
	if s.cfg.Region == "us-east-1" {
		answer.Region = ""
	}
	return answer, s.see(r.bucket)
}

type owner struct {
	ID          string
	DisplayName string
}

type bucketList struct {
	XMLName xml.Name `xml:"ListAllMyBucketsResult"`
	XMLNS   string   `xml:"xmlns,attr"`
	Owner   owner
	Buckets []listedBucket `xml:"Buckets>Bucket"`
}

type listedBucket struct {
	Name         string
	CreationDate wire.Time
}

func (s *S3) listBuckets(*request) (any, error) {
	answer := bucketList{XMLNS: namespace, Owner: s.owner()}
	s.file.View(func(doc *document) {
		for _, name := range slices.Sorted(maps.Keys(doc.Buckets)) {
			answer.Buckets = append(answer.Buckets, listedBucket{name, wire.Time{Time: doc.Buckets[name].Created}})
		}
	})
	return answer, nil
}

// owner is the account; its canonical id is an opaque number of 64 digits.
func (s *S3) owner() owner {
	return owner{ID: strings.Repeat("0", 64-len(s.cfg.Account)) + s.cfg.Account, DisplayName: "lab"}
}

func (s *S3) deleteBucket(r *request) (any, error) {
	err := s.file.Update(func(doc *document) error {
		b := doc.Buckets[r.bucket]
		switch {
		case b == nil:
			return noBucket()
		case len(b.Objects) > 0:
			return &wire.Fault{Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty", Status: http.StatusConflict}
		}
		delete(doc.Buckets, r.bucket)
		return nil
	})
	return &wire.Reply{Status: http.StatusNoContent}, err
}
