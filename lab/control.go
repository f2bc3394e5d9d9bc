package lab

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-77750964/regain/lab/autoscaling"
	"github.com/seed-77750964/regain/lab/ec2"
	"github.com/seed-77750964/regain/lab/iam"
)

// controlPath is where the commands of who owns the lab are served, beside the API: no
// bucket may be called so.
const controlPath = "/_lab/"

// An Endpoint is where a lab that runs is found; a file of the state directory that only
// its owner can read.
type Endpoint struct {
	URL   string `json:"url"`
	Token string `json:"token"` // of the commands
	PID   int    `json:"pid"`
	// Speed is how much faster than in a real account its time runs.
	Speed float64 `json:"speed"`
}

// Credentials of the operator, in a file that only its owner can read.
type Credentials struct {
	AccessKey string `json:"access_key"`
	Secret    string `json:"secret"`
	Region    string `json:"region"`
}

func endpointPath(state string) string    { return filepath.Join(state, "endpoint.json") }
func credentialsPath(state string) string { return filepath.Join(state, "credentials.json") }

func (l *Lab) announce() error {
	e := Endpoint{URL: "http://" + l.cfg.Listen, Token: l.token, PID: os.Getpid(), Speed: l.cfg.Speed}
	return writeJSON(endpointPath(l.cfg.State), e)
}

func (l *Lab) retract() error {
	if err := os.Remove(endpointPath(l.cfg.State)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the endpoint's file: %w", err)
	}
	return nil
}

func writeJSON(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func readJSON[T any](path string) (value T, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return value, nil
}

// ReadEndpoint tells where the lab of a state directory was last served. After a kill the
// file is still there: Do finds out.
func ReadEndpoint(state string) (Endpoint, error) { return readJSON[Endpoint](endpointPath(state)) }

// ReadCredentials are the operator's.
func ReadCredentials(state string) (Credentials, error) {
	return readJSON[Credentials](credentialsPath(state))
}

// A NewRole is a role for CreateRole, and an instance profile of its name.
type NewRole struct {
	Name    string          `json:"name"`
	Service string          `json:"service"` // that may take it: ec2.amazonaws.com
	Trust   json.RawMessage `json:"trust,omitempty"`
	Policy  json.RawMessage `json:"policy"`
}

// A NewPolicy is a policy for PutPolicy. An empty Policy takes the named one away.
type NewPolicy struct {
	Kind      string          `json:"kind"` // user or role
	Principal string          `json:"principal"`
	Name      string          `json:"name"`
	Policy    json.RawMessage `json:"policy,omitempty"`
}

// Nothing is what a command without an answer answers.
type Nothing struct{}

// CreateRole makes a role or replaces it.
func (l *Lab) CreateRole(_ context.Context, r NewRole) (Nothing, error) {
	trust := r.Trust
	if trust == nil {
		trust = iam.TrustService(r.Service)
	}
	return Nothing{}, l.iam.PutRole(iam.Role{Name: r.Name, Trust: trust, Rights: r.Policy})
}

// PutPolicy attaches a policy, or takes it away.
func (l *Lab) PutPolicy(_ context.Context, p NewPolicy) (Nothing, error) {
	if p.Policy == nil {
		return Nothing{}, l.iam.DeletePolicy(p.Kind, p.Principal, p.Name)
	}
	return Nothing{}, l.iam.PutPolicy(p.Kind, p.Principal, p.Name, p.Policy)
}

// A NewKeyPair is a key pair for CreateKeyPair.
type NewKeyPair struct {
	Name string `json:"name"`
	Type string `json:"type"` // rsa or ed25519
}

// A PrivateKey is the half of a key pair that the account does not keep.
type PrivateKey struct {
	Name string `json:"name"`
	PEM  string `json:"private_key"`
}

// CreateKeyPair makes a key pair.
func (l *Lab) CreateKeyPair(_ context.Context, k NewKeyPair) (PrivateKey, error) {
	private, err := l.ec2.CreateKeyPair(k.Name, k.Type)
	return PrivateKey{Name: k.Name, PEM: private}, err
}

// Created is an instance that CreateInstance made.
type Created struct {
	ID string `json:"id"`
}

// CreateInstance adds an instance to the account.
func (l *Lab) CreateInstance(ctx context.Context, s ec2.Spec) (Created, error) {
	id, err := l.ec2.Create(ctx, s)
	return Created{ID: id}, err
}

// Found is an instance, as who waits for it sees it.
type Found struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Address string `json:"address,omitempty"` // of its sshd; empty: it cannot be reached
	Port    string `json:"port,omitempty"`
	// Unserved says that no lab runs on the state, so that nothing will come of waiting.
	Unserved bool `json:"unserved,omitempty"`
}

// FindInstance looks up an instance.
func (l *Lab) FindInstance(_ context.Context, c Created) (Found, error) {
	state, _, _, ok := l.ec2.Instance(c.ID)
	if !ok {
		return Found{}, fmt.Errorf("cannot find instance %s: there is none", c.ID)
	}
	host, port := l.ec2.Address(c.ID)
	return Found{ID: c.ID, State: state, Address: host, Port: port, Unserved: l.cfg.Listen == ""}, nil
}

// A Member is an instance that joins an Auto Scaling group.
type Member struct {
	Group    string `json:"group"`
	Instance string `json:"instance"`
	State    string `json:"state,omitempty"` // InService if empty
	Min      int    `json:"min,omitempty"`   // of the group; 0: as it is
}

// JoinGroup makes an instance a member of a group, which it makes if there is none.
func (l *Lab) JoinGroup(_ context.Context, m Member) (Nothing, error) {
	if _, _, _, ok := l.ec2.Instance(m.Instance); !ok {
		return Nothing{}, fmt.Errorf("cannot join group %s: there is no instance %s", m.Group, m.Instance)
	}
	if err := l.groups.Join(m.Group, m.Instance, cmp.Or(m.State, autoscaling.InService)); err != nil || m.Min == 0 {
		return Nothing{}, err
	}
	return Nothing{}, l.groups.Least(m.Group, m.Min)
}

// A runner carries out a command that is written in JSON.
type runner func(*Lab, context.Context, []byte) ([]byte, error)

func command[In, Out any](method func(*Lab, context.Context, In) (Out, error)) runner {
	return func(l *Lab, ctx context.Context, data []byte) ([]byte, error) {
		var in In
		if err := json.Unmarshal(data, &in); err != nil {
			return nil, err
		}
		out, err := method(l, ctx, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

func commandNamed(name string) runner {
	switch name {
	case "check-password":
		return command((*Lab).CheckPassword)
	case "create-instance":
		return command((*Lab).CreateInstance)
	case "create-key-pair":
		return command((*Lab).CreateKeyPair)
	case "create-role":
		return command((*Lab).CreateRole)
	case "find-instance":
		return command((*Lab).FindInstance)
	case "join-group":
		return command((*Lab).JoinGroup)
	case "leftovers":
		return command((*Lab).Leftovers)
	case "put-policy":
		return command((*Lab).PutPolicy)
	case "remains":
		return command((*Lab).Remains)
	}
	return nil
}

// serveControl answers a command.
func (l *Lab) serveControl(w http.ResponseWriter, r *http.Request) {
	run := commandNamed(r.URL.Path[len(controlPath):])
	given := []byte(r.Header.Get("Authorization"))
	switch {
	case subtle.ConstantTimeCompare(given, []byte("Bearer "+l.token)) != 1:
		http.Error(w, "this is not for you", http.StatusForbidden)
		return
	case run == nil || r.Method != http.MethodPost:
		http.Error(w, "there is no such command", http.StatusNotFound)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		data, err = run(l, r.Context(), data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // who hung up does not want it
}

// patience is how long Do waits for a lab that has the state directory and is not yet
// served, or for another command to end.
const patience = 5 * time.Second

// Do carries out a command on the lab of a state directory: in the process that serves
// it or, when none does, here, on the files.
func Do(ctx context.Context, state, name string, in, out any) error {
	run := commandNamed(name)
	if run == nil {
		return fmt.Errorf("cannot do %q: there is no such command", name)
	}
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	waited := time.NewTimer(patience)
	defer waited.Stop()
	for {
		answer, again, err := try(ctx, state, name, run, data)
		if err == nil {
			return json.Unmarshal(answer, out)
		}
		if !again {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-waited.C:
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// try tells whether another attempt may find the lab.
func try(ctx context.Context, state, name string, run runner, data []byte) (answer []byte, again bool, err error) {
	l, err := Open(ctx, Config{State: state})
	if errors.Is(err, ErrInUse) {
		return post(ctx, state, name, data)
	}
	if err != nil {
		return nil, false, err
	}
	answer, err = run(l, ctx, data)
	return answer, false, errors.Join(err, l.Close(ctx))
}

func post(ctx context.Context, state, name string, data []byte) (answer []byte, again bool, err error) {
	e, err := ReadEndpoint(state)
	if err != nil {
		return nil, true, fmt.Errorf("cannot find the lab: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+controlPath+name, bytes.NewReader(data))
	if err != nil {
		return nil, false, err
	}
	r.Header.Set("Authorization", "Bearer "+e.Token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, true, fmt.Errorf("cannot reach the lab: %w", err)
	}
	answer, err = io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, false, fmt.Errorf("cannot read the lab's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, false, errors.New(string(bytes.TrimSpace(answer)))
	}
	return answer, false, nil
}
