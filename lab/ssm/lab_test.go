package ssm_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/kms"
	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/ssm"
	"github.com/seed-77750964/regain/lab/wire"
)

type object = map[string]any

// A world is what stands around the service: a clock, instances, and a host that
// really runs scripts.
type world struct {
	t     *testing.T
	dir   string
	keys  *kms.KMS
	calls []string // that the host got

	mu        sync.Mutex
	now       time.Time
	instances []ssm.Instance
	denied    []string // actions
	off       bool     // the host has no machine
	running   map[string]context.CancelFunc
	work      sync.WaitGroup
}

const (
	helper = "i-0aaaaaaaaaaaaaaaa"
	second = "i-0bbbbbbbbbbbbbbbb"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), running: map[string]context.CancelFunc{}}
	keys, err := kms.Open(kms.Config{Dir: w.dir, Partition: "aws", Region: "us-east-1", Account: "123456789012", Now: w.clock, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	w.keys = keys
	w.instances = []ssm.Instance{
		{ID: helper, Agent: true, Up: w.now.Add(-time.Hour), Role: "regain-helper", Address: "10.0.0.4", Tags: map[string]string{"run": "r1"}},
		{ID: "i-0cccccccccccccccc", Up: w.now.Add(-time.Hour), Role: "regain-helper"},
		{ID: "i-0dddddddddddddddd", Agent: true, Up: w.now.Add(-time.Hour)},
	}
	t.Cleanup(w.work.Wait)
	return w
}

func (w *world) open() *ssm.SSM {
	w.t.Helper()
	s, err := ssm.Open(ssm.Config{
		Dir: w.dir, Partition: "aws", Suffix: "amazonaws.com", Region: "us-east-1", Account: "123456789012",
		Public: map[string]string{"/aws/service/ami": "ami-0123"}, Now: w.clock, Rand: rand.Reader, Keys: w.keys, Host: w, Fleet: w, Roles: w,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) Instances() ([]ssm.Instance, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.instances), nil
}

func (w *world) instance(id string, change func(*ssm.Instance)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.instances {
		if w.instances[i].ID == id {
			change(&w.instances[i])
		}
	}
}

func (w *world) Allows(role, action string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return role == "regain-helper" && !slices.Contains(w.denied, action)
}

func (w *world) Run(ctx context.Context, instance string, c machine.Command, done func(machine.Result)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.off {
		return machine.ErrOff
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	w.running[instance+c.ID] = cancel
	w.calls = append(w.calls, instance)
	w.work.Go(func() {
		defer cancel()
		done(shell(ctx, c.Script))
	})
	return nil
}

func shell(ctx context.Context, script string) machine.Result {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/sh")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), &stdout, &stderr
	cmd.WaitDelay = time.Second
	r := machine.Result{Started: time.Now()}
	if err := cmd.Run(); err != nil {
		r.Code = 137
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		r.Code = code
	}
	r.Stdout, r.Stderr, r.Ended = stdout.String(), stderr.String(), time.Now()
	r.TimedOut = errors.Is(ctx.Err(), context.DeadlineExceeded)
	return r
}

func (w *world) Cancel(instance, command string) error {
	w.mu.Lock()
	cancel := w.running[instance+command]
	w.mu.Unlock()
	if cancel == nil {
		return machine.ErrOff
	}
	cancel()
	return nil
}

// call is an answer as JSON, or the code of the fault.
func (w *world) call(s *ssm.SSM, action string, params any) (answer object, code string) {
	w.t.Helper()
	got, err := s.Do(w.t.Context(), w.request(action, params))
	var fault *wire.Fault
	switch {
	case errors.As(err, &fault):
		return nil, fault.Code
	case err != nil:
		w.t.Fatalf("%s: %v", action, err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		w.t.Fatal(err)
	}
	return answer, ""
}

func (w *world) request(action string, params any) *wire.Call {
	w.t.Helper()
	text, err := json.Marshal(params)
	if err != nil {
		w.t.Fatal(err)
	}
	return &wire.Call{Service: "ssm", Action: action, JSON: text, Caller: wire.Identity{ARN: "arn:aws:iam::123456789012:user/operator"}}
}

// must is an answer where no fault is wanted.
func (w *world) must(s *ssm.SSM, action string, params any) object {
	w.t.Helper()
	answer, code := w.call(s, action, params)
	if code != "" {
		w.t.Fatalf("%s: %s", action, code)
	}
	return answer
}

func items(v any) []object {
	var all []object
	list, _ := v.([]any)
	for _, one := range list {
		all = append(all, one.(object))
	}
	return all
}

func TestActionsAreSorted(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	if names := s.Actions(); !slices.IsSorted(names) || len(names) != 15 {
		t.Errorf("got %v", names)
	}
	if _, code := w.call(s, "StartSession", object{}); code != "UnknownOperationException" {
		t.Errorf("an action that the lab does not have: %q", code)
	}
	if s.Name() != "ssm" {
		t.Error("wrong signing name")
	}
}
