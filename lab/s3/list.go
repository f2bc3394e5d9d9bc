package s3

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

type objectList struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	XMLNS                 string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	Contents              []listedObject
	CommonPrefixes        []commonPrefix
}

type listedObject struct {
	Key          string
	LastModified wire.Time
	ETag         string
	Size         int64
	StorageClass string
	Owner        *owner
}

type commonPrefix struct{ Prefix string }

func (s *S3) listObjects(r *request) (any, error) {
	query := r.URL.Query()
	limit := rules.LimitOf("s3.page")
	list := objectList{
		XMLNS: namespace, Name: r.bucket, Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), MaxKeys: limit,
		StartAfter: query.Get("start-after"), ContinuationToken: query.Get("continuation-token"), EncodingType: query.Get("encoding-type"),
	}
	if query.Has("max-keys") {
		n, err := strconv.Atoi(query.Get("max-keys"))
		if err != nil || n < 0 {
			return nil, badArgument("Argument max-keys must be an integer between 0 and 2147483647")
		}
		list.MaxKeys = min(n, limit)
	}
	after := list.StartAfter
	if list.ContinuationToken != "" {
		token, err := base64.RawURLEncoding.DecodeString(list.ContinuationToken)
		if err != nil {
			return nil, badArgument("The continuation token provided is incorrect")
		}
		after = string(token)
	}
	if list.EncodingType != "" && list.EncodingType != "url" {
		return nil, badArgument("Invalid Encoding Method specified in Request")
	}
	err := noBucket()
	s.file.View(func(doc *document) {
		if b := doc.Buckets[r.bucket]; b != nil {
			err = nil
			list.fill(b, after)
		}
	})
	if query.Get("fetch-owner") == "true" {
		for i := range list.Contents {
			of := s.owner()
			list.Contents[i].Owner = &of
		}
	}
	list.encode()
	return list, err
}

func badArgument(message string) error {
	return &wire.Fault{Code: "InvalidArgument", Message: message, Status: http.StatusBadRequest}
}

// fill lists the keys after a place, one common prefix for all that share it up to
// the delimiter. The place may be such a prefix.
func (l *objectList) fill(b *bucket, after string) {
	last := ""
	for _, key := range slices.Sorted(maps.Keys(b.Objects)) {
		rest, ok := strings.CutPrefix(key, l.Prefix)
		common := ""
		if head, _, cut := strings.Cut(rest, l.Delimiter); cut && l.Delimiter != "" {
			common = l.Prefix + head + l.Delimiter
		}
		skip := !ok || key <= after || common != "" && (common == last || common == after)
		if skip {
			continue
		}
		if l.KeyCount == l.MaxKeys {
			l.IsTruncated = l.MaxKeys > 0
			if l.IsTruncated {
				l.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(last))
			}
			return
		}
		l.KeyCount++
		if last = key; common != "" {
			last = common
			l.CommonPrefixes = append(l.CommonPrefixes, commonPrefix{common})
			continue
		}
		o := b.Objects[key]
		l.Contents = append(l.Contents, listedObject{
			Key: key, LastModified: wire.Time{Time: o.Modified}, ETag: o.tag(), Size: o.Size, StorageClass: "STANDARD",
		})
	}
}

// encode writes keys as a request for encoding-type url wants them, since XML cannot
// hold every character.
func (l *objectList) encode() {
	if l.EncodingType == "" {
		return
	}
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "%2F", "/") }
	l.Prefix, l.Delimiter, l.StartAfter = escape(l.Prefix), escape(l.Delimiter), escape(l.StartAfter)
	for i := range l.Contents {
		l.Contents[i].Key = escape(l.Contents[i].Key)
	}
	for i := range l.CommonPrefixes {
		l.CommonPrefixes[i].Prefix = escape(l.CommonPrefixes[i].Prefix)
	}
}
