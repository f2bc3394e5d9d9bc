package key_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/agent/key"
)

// parameterStore speaks Systems Manager's JSON protocol as far as a key needs
// it, with the documented rules: a parameter that exists is not written without
// Overwrite, and Overwrite goes with no tags.
type parameterStore struct {
	mu     sync.Mutex
	stored []put // the versions, oldest first
	tags   map[string]string
	fail   map[string][]string // action: error codes to answer with, one a call
	calls  int
	echo   func(value string) string // set: the value is invalid, and the answer quotes this of it
}

type put struct {
	Name, Description, Value, Type, KeyId string
	Overwrite                             bool
	Tags                                  []struct{ Key, Value string }
}

func (p *parameterStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM.")
	if codes := p.fail[action]; len(codes) > 0 {
		p.fail[action] = codes[1:]
		refuse(w, codes[0])
		return
	}
	var in put
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, "ValidationException")
		return
	}
	switch {
	case p.echo != nil:
		w.Header().Set("X-Amzn-Errortype", "ValidationException")
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"__type": "ValidationException", "message": "Value '" + p.echo(in.Value) + "' at 'value' failed to satisfy constraint"})
		return
	case action == "AddTagsToResource":
		p.tag(in)
	case in.Overwrite && len(in.Tags) > 0:
		refuse(w, "ValidationException")
		return
	case len(p.stored) > 0 && !in.Overwrite:
		refuse(w, "ParameterAlreadyExists")
		return
	default:
		p.stored = append(p.stored, in)
		p.tag(in)
	}
	answer(w, map[string]any{"Version": len(p.stored), "Tier": "Standard"})
}

func (p *parameterStore) tag(in put) {
	for _, t := range in.Tags {
		p.tags[t.Key] = t.Value
	}
}

func refuse(w http.ResponseWriter, code string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(http.StatusBadRequest)
	answer(w, map[string]any{"__type": code, "message": "refused by the test"})
}

func answer(w http.ResponseWriter, body map[string]any) {
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}

// ssmStore connects the real SDK, by its normal configuration, to p.
func ssmStore(t *testing.T, p *parameterStore) key.SSMStore {
	t.Helper()
	p.tags = map[string]string{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
	client, err := key.NewSSMClient(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return key.SSMStore{Client: client, Name: key.ParameterName("i-0abc")}
}

func TestParameterStore(t *testing.T) {
	p := &parameterStore{}
	store := ssmStore(t, p)
	store.KMSKey = "alias/mine"
	var last *key.Pair
	for version := int64(1); version <= 2; version++ {
		pair, err := key.Generate(key.Ed25519, "c")
		if err != nil {
			t.Fatal(err)
		}
		place, err := store.Put(context.Background(), pair, key.Label{Instance: "i-0abc", Run: "run-7"})
		if err != nil {
			t.Fatal(err)
		}
		if place.Version != version || place.Parameter != "/ec2rl/openssh/i-0abc/key" || len(place.Warnings) != 0 {
			t.Errorf("place %+v", place)
		}
		last = pair
	}
	got := p.stored[1]
	if got.Type != "SecureString" || got.KeyId != "alias/mine" || !strings.Contains(got.Description, "i-0abc") || !strings.Contains(got.Description, "run-7") {
		t.Errorf("stored %+v", got)
	}
	if signer, err := ssh.ParsePrivateKey([]byte(got.Value)); err != nil || ssh.FingerprintSHA256(signer.PublicKey()) != last.Public.Fingerprint() {
		t.Errorf("the value is not the private key: %v", err)
	}
	if p.tags["regain:run"] != "run-7" || p.tags["regain:fingerprint"] != last.Public.Fingerprint() {
		t.Errorf("tags %v", p.tags)
	}
}

func TestParameterStoreRefusals(t *testing.T) {
	for code, want := range map[string]string{
		"AccessDeniedException": "access-denied", "InvalidKeyId": "kms-key", "ParameterMaxVersionLimitExceeded": "parameter-versions", "SomethingElse": "aws-SomethingElse",
	} {
		p := &parameterStore{fail: map[string][]string{"PutParameter": {code}}}
		store := ssmStore(t, p)
		pair, err := key.Generate(key.Ed25519, "")
		if err != nil {
			t.Fatal(err)
		}
		var refusal *key.StoreError
		_, err = store.Put(context.Background(), pair, key.Label{})
		if !errors.As(err, &refusal) || refusal.Code != want || (want == "access-denied") != strings.Contains(refusal.Hint, "ssm:PutParameter") {
			t.Errorf("%s: %v (%+v)", code, err, refusal)
		}
		if err != nil && strings.Contains(err.Error(), "PRIVATE KEY") {
			t.Errorf("the error holds the key: %v", err)
		}
	}
}

// AWS quotes a value that it finds invalid; the private key must not come back
// that way, whole or in part.
func TestAnErrorThatQuotesTheKeyIsWithheld(t *testing.T) {
	for name, quote := range map[string]func(value string) string{
		"whole":     func(value string) string { return value },
		"a line":    func(value string) string { return strings.Split(value, "\n")[2] },
		"its start": func(value string) string { return value[:40] },
	} {
		p := &parameterStore{echo: quote}
		store := ssmStore(t, p)
		pair, err := key.Generate(key.Ed25519, "")
		if err != nil {
			t.Fatal(err)
		}
		var refusal *key.StoreError
		_, err = store.Put(context.Background(), pair, key.Label{})
		if !errors.As(err, &refusal) || refusal.Code != "aws-ValidationException" || !strings.Contains(err.Error(), "withheld") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAThrottleIsWaitedOut(t *testing.T) {
	p := &parameterStore{fail: map[string][]string{"PutParameter": {"ThrottlingException", "ThrottlingException"}}}
	store := ssmStore(t, p)
	pair, err := key.Generate(key.Ed25519, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(context.Background(), pair, key.Label{}); err != nil || p.calls != 3 {
		t.Errorf("%d calls, %v", p.calls, err)
	}
}

func TestTagsOfANewVersionAreOptional(t *testing.T) {
	p := &parameterStore{stored: []put{{}}, fail: map[string][]string{"AddTagsToResource": {"AccessDeniedException"}}}
	store := ssmStore(t, p)
	pair, err := key.Generate(key.Ed25519, "")
	if err != nil {
		t.Fatal(err)
	}
	place, err := store.Put(context.Background(), pair, key.Label{})
	if err != nil || place.Version != 2 || len(place.Warnings) != 1 {
		t.Errorf("%+v, %v", place, err)
	}
}
