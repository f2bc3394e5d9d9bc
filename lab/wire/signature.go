package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	// skew is how far a client's clock may be off.
	skew = 5 * time.Minute
	// longest is how long a presigned request may stay valid.
	longest = 7 * 24 * time.Hour
)

// A signature is what a request says of itself: who signed what, and when.
type signature struct {
	accessKey string
	date      string // of the scope: 20060102
	region    string
	service   string
	headers   []string // signed, lower case
	value     []byte
	token     string // of temporary credentials

	at      time.Time
	expires time.Duration // of a presigned request; 0: not presigned
	payload string        // hash of the payload, or what stands for it
}

// readSignature finds the signature in the header or in the query of a request. It
// is only syntax: nothing of it is verified.
func readSignature(r *http.Request, bodySum string) (signature, refusal) {
	query := r.URL.Query()
	switch {
	case r.Header.Get("Authorization") != "":
		return readHeader(r, bodySum)
	case query.Get("X-Amz-Signature") != "":
		return readPresigned(r, query, bodySum)
	}
	return signature{service: guessService(r)}, unsigned
}

func readHeader(r *http.Request, bodySum string) (signature, refusal) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	if !ok {
		return signature{service: guessService(r)}, malformed
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	s := signature{token: r.Header.Get("X-Amz-Security-Token"), payload: r.Header.Get("X-Amz-Content-Sha256")}
	if s.payload == "" {
		s.payload = bodySum
	}
	return s.parse(fields["Credential"], r.Header.Get("X-Amz-Date"), fields["SignedHeaders"], fields["Signature"])
}

func readPresigned(r *http.Request, query url.Values, bodySum string) (signature, refusal) {
	s := signature{token: query.Get("X-Amz-Security-Token"), payload: bodySum}
	s, refused := s.parse(query.Get("X-Amz-Credential"), query.Get("X-Amz-Date"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"))
	if refused != accepted {
		return s, refused
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	s.expires = time.Duration(seconds) * time.Second
	if err != nil || query.Get("X-Amz-Algorithm") != algorithm || s.expires <= 0 || s.expires > longest {
		return s, malformed
	}
	if s.service == "s3" {
		s.payload = "UNSIGNED-PAYLOAD"
		if sum := r.Header.Get("X-Amz-Content-Sha256"); sum != "" {
			s.payload = sum
		}
	}
	return s, accepted
}

func (s signature) parse(credential, date, headers, value string) (signature, refusal) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" || parts[0] == "" {
		return s, malformed
	}
	s.accessKey, s.date, s.region, s.service = parts[0], parts[1], parts[2], parts[3]
	s.headers = strings.Split(headers, ";")
	var timeErr, valueErr error
	s.at, timeErr = time.Parse(timeFormat, date)
	s.value, valueErr = hex.DecodeString(value)
	if timeErr != nil || valueErr != nil || len(s.value) != sha256.Size || !strings.HasPrefix(date, s.date) || len(s.date) != 8 {
		return s, malformed
	}
	return s, accepted
}

func (s signature) scope() string {
	return strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
}

// inTime tells whether the request is neither from the future nor too old.
func (s signature) inTime(now time.Time) bool {
	oldest := skew
	if s.expires > 0 {
		oldest = s.expires
	}
	age := now.Sub(s.at)
	return age <= oldest && age >= -skew
}

// covers tells whether the signature is about all that it has to be about.
func (s signature) covers(r *http.Request) bool {
	if !slices.Contains(s.headers, "host") {
		return false
	}
	if s.expires > 0 {
		return true
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.headers, name) {
			return false
		}
	}
	return true
}

// matches tells whether the request was signed with this secret.
func (s signature) matches(r *http.Request, secret string) bool {
	sum := sha256.Sum256([]byte(s.canonical(r)))
	text := strings.Join([]string{algorithm, s.at.Format(timeFormat), s.scope(), hex.EncodeToString(sum[:])}, "\n")
	return hmac.Equal(s.value, mac(s.key(secret), text))
}

func (s signature) key(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonical is the request in the form that is signed.
func (s signature) canonical(r *http.Request) string {
	path := canonicalPath(r.URL)
	if s.service != "s3" {
		path = escape(path, true)
	}
	if path == "" {
		path = "/"
	}
	var headers strings.Builder
	for _, name := range s.headers {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return strings.Join([]string{r.Method, path, canonicalQuery(r.URL.Query()), headers.String(), strings.Join(s.headers, ";"), s.payload}, "\n")
}

// canonicalPath is the path as it was sent, with each part between slashes encoded in
// the one way: an encoded slash stays one.
func canonicalPath(u *url.URL) string {
	parts := strings.Split(u.EscapedPath(), "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = escape(plain, false)
		}
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, escape(name, false)+"="+escape(value, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// headerValue is a header as it is signed. Go keeps some of them apart.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	var values []string
	for _, value := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(values, ",")
}

// escape is the URI encoding of SigV4: all but unreserved characters, and the slashes
// of a path.
func escape(s string, path bool) string {
	const hexDigits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == '/' && path:
			out.WriteByte(c)
		default:
			out.WriteByte('%')
			out.WriteByte(hexDigits[c>>4])
			out.WriteByte(hexDigits[c&15])
		}
	}
	return out.String()
}
