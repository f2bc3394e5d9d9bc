package s3

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

// tag is the entity tag.
func (o object) tag() string { return `"` + o.MD5 + `"` }

// look finds an object and opens its file, so that nobody can remove it under the
// reader.
func (s *S3) look(r *request) (o object, file *os.File, err error) {
	err = noBucket()
	s.file.View(func(doc *document) {
		b := doc.Buckets[r.bucket]
		if b == nil {
			return
		}
		var ok bool
		if o, ok = b.Objects[r.key]; !ok {
			err = &wire.Fault{Code: "NoSuchKey", Message: "The specified key does not exist.", Status: http.StatusNotFound}
			return
		}
		file, err = os.Open(filepath.Join(s.dataDir(), o.File))
	})
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil, fmt.Errorf("cannot read an object: its file is gone: %w", err)
	}
	return o, file, err
}

func (s *S3) getObject(r *request) (any, error) {
	o, file, err := s.look(r)
	if err != nil {
		return nil, err
	}
	reply, err := o.reply(r)
	if err != nil || reply.Status == http.StatusNotModified {
		return reply, errors.Join(err, file.Close())
	}
	begin, length, err := o.span(r)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	reply.Body = body{io.NewSectionReader(file, begin, length), file}
	return reply, nil
}

type body struct {
	io.Reader
	io.Closer
}

func (s *S3) headObject(r *request) (any, error) {
	o, file, err := s.look(r)
	if err != nil {
		return nil, err
	}
	reply, err := o.reply(r)
	return reply, errors.Join(err, file.Close())
}

// reply is the answer without its body.
func (o object) reply(r *request) (*wire.Reply, error) {
	if want := r.Header.Get("If-Match"); want != "" && want != o.tag() && want != "*" {
		return nil, preconditionFailed()
	}
	header := http.Header{
		"Etag": {o.tag()}, "Last-Modified": {o.Modified.Format(http.TimeFormat)}, "Accept-Ranges": {"bytes"},
		"X-Amz-Server-Side-Encryption": {"AES256"},
	}
	if r.Header.Get("If-None-Match") == o.tag() {
		return &wire.Reply{Status: http.StatusNotModified, Header: header}, nil
	}
	header.Set("Content-Type", "binary/octet-stream")
	for name, value := range o.Header {
		if strings.HasPrefix(name, metaPrefix) {
			name = strings.ToLower(name) // clients take the name of metadata as it is written
		}
		header[name] = []string{value}
	}
	begin, length, err := o.span(r)
	if err != nil {
		return nil, err
	}
	header.Set("Content-Length", strconv.FormatInt(length, 10))
	reply := &wire.Reply{Status: http.StatusOK, Header: header}
	if length < o.Size || r.Header.Get("Range") != "" && o.Size > 0 {
		reply.Status = http.StatusPartialContent
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", begin, begin+length-1, o.Size))
		return reply, nil
	}
	if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		for name, sum := range o.Checksums {
			header.Set(name, sum)
		}
	}
	return reply, nil
}

// span is the part of the object that a request wants: all of it, unless it has a
// range that can be read. S3 serves one range, and ignores others.
func (o object) span(r *request) (begin, length int64, err error) {
	text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	first, last, hasDash := strings.Cut(text, "-")
	if !ok || !hasDash || strings.Contains(text, ",") {
		return 0, o.Size, nil
	}
	from, fromErr := strconv.ParseInt(first, 10, 64)
	to, toErr := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && toErr == nil: // the last bytes
		from, to = max(o.Size-to, 0), o.Size-1
	case fromErr != nil || last != "" && (toErr != nil || to < from):
		return 0, o.Size, nil
	case last == "" || to >= o.Size:
		to = o.Size - 1
	}
	if from >= o.Size || to < from {
		return 0, 0, &wire.Fault{Code: "InvalidRange", Message: "The requested range is not satisfiable", Status: http.StatusRequestedRangeNotSatisfiable}
	}
	return from, to - from + 1, nil
}
