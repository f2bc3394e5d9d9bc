package aws

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
)

// request is one call as it went over the wire.
type request struct {
	operation string
	form      url.Values // of the query protocol
	body      string
	http      *http.Request
}

// answer is what goes back.
type answer struct {
	status int
	body   string
	header map[string]string
	drop   bool // the connection breaks instead
}

// server answers calls by operation with the texts of AWS's documentation.
type server struct {
	t       *testing.T
	answers map[string][]answer // in turn; the last again and again

	mu   sync.Mutex
	seen []request
}

// newServer starts a server, and a cloud that talks to it.
func newServer(t *testing.T, answers map[string][]answer) (*server, *Cloud) {
	t.Helper()
	s := &server{t: t, answers: answers}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	cloud := newCloud(sdk.Config{
		Region: "us-east-1", BaseEndpoint: &h.URL, HTTPClient: h.Client(),
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	return s, cloud
}

// ok are answers of status 200.
func ok(bodies ...string) []answer {
	var all []answer
	for _, b := range bodies {
		all = append(all, answer{status: http.StatusOK, body: b})
	}
	return all
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("cannot read a request: %v", err)
	}
	q := request{operation: r.Method + " " + r.URL.Path, body: string(body), http: r}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, q.operation, _ = strings.Cut(target, ".")
	} else if q.form, err = url.ParseQuery(q.body); err == nil && q.form.Get("Action") != "" {
		q.operation = q.form.Get("Action")
	}
	n := len(s.of(q.operation))
	s.mu.Lock()
	s.seen = append(s.seen, q)
	s.mu.Unlock()
	answers := s.answers[q.operation]
	if len(answers) == 0 {
		s.t.Errorf("unexpected call %s", q.operation)
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	a := answers[min(n, len(answers)-1)]
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	for key, value := range a.header {
		w.Header().Set(key, value)
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// of are the calls of an operation so far.
func (s *server) of(operation string) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []request
	for _, q := range s.seen {
		if q.operation == operation {
			found = append(found, q)
		}
	}
	return found
}

// one is the only call of an operation.
func (s *server) one(operation string) request {
	s.t.Helper()
	found := s.of(operation)
	if len(found) != 1 {
		s.t.Fatalf("%d calls of %s, want one", len(found), operation)
	}
	return found[0]
}

// want compares fields of the query protocol.
func (q request) want(t *testing.T, fields map[string]string) {
	t.Helper()
	for name, want := range fields {
		if got := q.form.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", q.operation, name, got, want)
		}
	}
}
