package s3

import (
	"net/http"
	"testing"
)

func FuzzSpan(f *testing.F) {
	for _, seed := range []string{"", "bytes=0-", "bytes=-5", "bytes=3-4", "bytes=-9223372036854775808", "bytes=9223372036854775807-", "bytes=--1"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 0 {
			return
		}
		r := &request{Request: &http.Request{Header: http.Header{"Range": {text}}}}
		begin, length, err := object{Size: size}.span(r)
		if err == nil && (begin < 0 || length < 0 || begin+length > size || length == 0 && size > 0) {
			t.Errorf("%q of %d bytes: %d and %d on", text, size, begin, length)
		}
	})
}
