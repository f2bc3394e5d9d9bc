package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// storeVariables send the real SDK to the store of the script, and nowhere else.
var storeVariables = []string{
	"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED",
}

// parameterStore speaks PutParameter as far as one key needs it.
type parameterStore struct {
	how    string // deny: AccessDenied; hang: never answer
	called chan struct{}
	ended  chan struct{}

	mu     sync.Mutex
	values []string
}

func (p *parameterStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Value string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch p.how {
	case "deny":
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"message": "User: arn:aws:sts::1:assumed-role/helper is not authorized to perform: ssm:PutParameter"})
		return
	case "hang":
		p.called <- struct{}{}
		<-p.ended
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values = append(p.values, in.Value)
	answer(w, map[string]any{"Version": len(p.values), "Tier": "Standard"})
}

// answer may find that nobody listens any more; the script sees what came of that.
func answer(w http.ResponseWriter, body any) { _ = json.NewEncoder(w).Encode(body) }

func (p *parameterStore) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.values[len(p.values)-1]
}

func stored(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(of(ts).store.last()), 0o600))
}

func startStore(ts *testscript.TestScript, _ bool, args []string) {
	p := &parameterStore{called: make(chan struct{}, 1), ended: make(chan struct{})}
	if len(args) > 0 {
		p.how = args[0]
	}
	server := httptest.NewServer(p)
	ts.Defer(func() {
		close(p.ended)
		server.CloseClientConnections()
		server.Close()
	})
	of(ts).store = p
	values := []string{server.URL, "eu-central-1", "AKIDEXAMPLE", "secret", "/nonexistent", "/nonexistent", "true"}
	for i, name := range storeVariables {
		ts.Setenv(name, values[i])
	}
}
