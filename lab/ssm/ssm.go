// Package ssm is the lab's Systems Manager: Parameter Store, whose SecureStrings
// are really encrypted, and Run Command, whose scripts really run on the lab's
// helpers.
//
// Of documents it has AWS-RunShellScript alone. It starts no machine itself and
// knows neither EC2 nor KMS but by the interfaces below.
package ssm

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// Keys encrypts parameters: lab/kms.
type Keys interface {
	Encrypt(id string, plain []byte, ec map[string]string) ([]byte, error)
	Decrypt(blob []byte, ec map[string]string) ([]byte, error)
	DataKey(id string, ec map[string]string) (plain, blob []byte, err error)
	// Check is the question that the use of a key via a service raises; none for
	// an AWS managed key.
	Check(action, id string, ec map[string]string, via string) []wire.Check
}

// Host runs commands: machine.Host.
type Host interface {
	Run(ctx context.Context, instance string, c machine.Command, done func(machine.Result)) error
	Cancel(instance, command string) error
}

// An Instance is what Run Command knows of an instance of EC2.
type Instance struct {
	ID      string
	Agent   bool      // runs the SSM agent: a helper
	Up      time.Time // since when its machine runs; zero while it does not
	Ended   bool      // shutting down or terminated
	Lost    bool      // its hardware broke
	Role    string    // of its instance profile; empty: none
	Address string    // private
	Tags    map[string]string
}

// A Fleet lists the instances that EC2 still shows.
type Fleet interface {
	Instances() ([]Instance, error)
}

// Roles tells what a role may do.
type Roles interface {
	Allows(role, action string) bool
}

// Config is what the service depends on.
type Config struct {
	Dir       string // the lab's state
	Partition string // "aws"
	Suffix    string // "amazonaws.com"
	Region    string
	Account   string
	Public    map[string]string // values of public parameters by name
	Now       func() time.Time
	Rand      io.Reader
	Pace      rules.Pace
	Keys      Keys
	Host      Host
	Fleet     Fleet
	Roles     Roles
}

// SSM is the Systems Manager of one account and region.
type SSM struct {
	cfg        Config
	parameters *store.File[parameters]
	nodes      *store.File[nodes]

	mu       sync.Mutex // never held while the host or a file is at work
	commands map[string]*store.File[command]
	open     map[string]*store.File[command] // those that may have to go on
	lost     error                           // what could not be stored when a command ended
	wake     chan struct{}
}

// Open reads the state directory. A command that ran when the lab was killed ran
// on a machine that died with the lab: it ends as Terminated.
func Open(cfg Config) (*SSM, error) {
	s := &SSM{cfg: cfg, commands: map[string]*store.File[command]{}, open: map[string]*store.File[command]{}, wake: make(chan struct{}, 1)}
	var err error
	if s.parameters, err = store.Open[parameters](filepath.Join(cfg.Dir, "parameters.json")); err != nil {
		return nil, fmt.Errorf("cannot open the parameters: %w", err)
	}
	if s.nodes, err = store.Open[nodes](filepath.Join(cfg.Dir, "nodes.json")); err != nil {
		return nil, fmt.Errorf("cannot open the managed nodes: %w", err)
	}
	if err := s.readCommands(); err != nil {
		return nil, err
	}
	return s, nil
}

// Name is the signing name.
func (*SSM) Name() string { return "ssm" }

// An action is one operation of the API.
type action struct {
	name   string
	do     do
	checks func(*SSM, *wire.Call) ([]wire.Check, error)
}

// actions are sorted by name.
var actions = []action{
	{"AddTagsToResource", with((*SSM).addTags), asks((*SSM).checkAddTags)},
	{"CancelCommand", with((*SSM).cancel), nil},
	{"DeleteParameter", with((*SSM).deleteParameter), asks((*SSM).checkName)},
	{"DeleteParameters", with((*SSM).deleteParameters), asks((*SSM).checkNames)},
	{"DescribeInstanceInformation", with((*SSM).describeNodes), nil},
	{"DescribeParameters", with((*SSM).describeParameters), nil},
	{"GetCommandInvocation", with((*SSM).getInvocation), nil},
	{"GetParameter", with((*SSM).getParameter), asks((*SSM).checkGet)},
	{"GetParameterHistory", with((*SSM).getHistory), asks((*SSM).checkHistory)},
	{"GetParameters", with((*SSM).getParameters), asks((*SSM).checkGets)},
	{"ListCommandInvocations", with((*SSM).listInvocations), nil},
	{"ListCommands", with((*SSM).listCommands), nil},
	{"ListTagsForResource", with((*SSM).listTags), asks((*SSM).checkListTags)},
	{"PutParameter", withCaller((*SSM).putParameter), asks((*SSM).checkPut)},
	{"SendCommand", withContext((*SSM).sendCommand), asks((*SSM).checkSend)},
}

// do carries out a call whose parameters are decoded.
type do = func(context.Context, *SSM, *wire.Call) (any, error)

func with[P any](f func(*SSM, P) (any, error)) do {
	return func(_ context.Context, s *SSM, c *wire.Call) (any, error) {
		p, err := decode[P](c)
		if err != nil {
			return nil, err
		}
		return f(s, p)
	}
}

func withContext[P any](f func(*SSM, context.Context, P) (any, error)) do {
	return func(ctx context.Context, s *SSM, c *wire.Call) (any, error) {
		return with(func(s *SSM, p P) (any, error) { return f(s, ctx, p) })(ctx, s, c)
	}
}

func withCaller[P any](f func(*SSM, wire.Identity, P) (any, error)) do {
	return func(ctx context.Context, s *SSM, c *wire.Call) (any, error) {
		return with(func(s *SSM, p P) (any, error) { return f(s, c.Caller, p) })(ctx, s, c)
	}
}

func decode[P any](c *wire.Call) (params P, err error) {
	err = c.Decode(&params)
	return params, err
}

func asks[P any](f func(*SSM, P) ([]wire.Check, error)) func(*SSM, *wire.Call) ([]wire.Check, error) {
	return func(s *SSM, c *wire.Call) ([]wire.Check, error) {
		p, err := decode[P](c)
		if err != nil {
			return nil, err
		}
		return f(s, p)
	}
}

func find(name string) (action, bool) {
	i, ok := slices.BinarySearchFunc(actions, name, func(a action, name string) int { return cmp.Compare(a.name, name) })
	if !ok {
		return action{}, false
	}
	return actions[i], true
}

// Actions lists the operations.
func (*SSM) Actions() []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}

// Checks are the questions that a call raises. What names no resource in IAM is
// asked for all of them.
func (s *SSM) Checks(_ context.Context, c *wire.Call) ([]wire.Check, error) {
	a, ok := find(c.Action)
	switch {
	case !ok:
		return nil, unknown(c.Action)
	case a.checks == nil:
		return []wire.Check{{Action: "ssm:" + c.Action, Resource: "*"}}, nil
	}
	return a.checks(s, c)
}

// Do carries out a call.
func (s *SSM) Do(ctx context.Context, c *wire.Call) (any, error) {
	a, ok := find(c.Action)
	if !ok {
		return nil, unknown(c.Action)
	}
	if _, err := s.Advance(ctx); err != nil {
		return nil, err
	}
	return a.do(ctx, s, c)
}

func unknown(action string) error {
	return wire.Faultf("UnknownOperationException", "The lab does not know %s", action)
}

func invalid(format string, args ...any) error {
	return wire.Faultf("ValidationException", format, args...)
}
