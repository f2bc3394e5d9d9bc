package controller

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// Controller runs rescues. Its fields are its surroundings.
type Controller struct {
	Cloud  Cloud
	Clock  flow.Clock
	Random io.Reader // of run ids and tokens
	Runs   Runs
	Owner  string // user@host, as others see it
	// Agent gives the agent's binary for a helper: amd64 or arm64.
	Agent func(arch string) ([]byte, error)
	// Dial reaches an instance, for the proof by login.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Watch, which may be nil, is told what happens.
	Watch func(Event)
	// PublicKey is given again for a run that is resumed without its journal, and
	// whose own did not fit into the tags.
	PublicKey string
	// Speed is how much faster than Clock the cloud's time runs, in a lab; 0: 1.
	Speed float64
	// Workers is how many runs are advanced at the same time; 0: one.
	Workers int
	// Pollings bounds how stale what is known of EC2 may be; 0: one second.
	Freshness time.Duration

	mutate func([]flow.Step[Rescue]) []flow.Step[Rescue] // for tests of the tests
	known  memory                                        // of what many rescues look up alike
	plans  planned
}

// Runs keeps journals: one a run.
type Runs interface {
	// Create makes the journal of a new run, Open opens that of an old one. Both
	// hold it until Close, and refuse when another process does.
	Create(run string) (Journal, error)
	Open(run string) (Journal, error)
	// Peek reads the journal of a run that another process may be at.
	Peek(run string) ([]flow.Entry[Rescue], error)
	// List names the runs, newest first.
	List() ([]string, error)
}

// Journal is the journal of one run.
type Journal interface {
	flow.Journal[Rescue]
	Close() error
}

// Event is something that happened in a run.
type Event struct {
	Time     time.Time     `json:"time"`
	Run      string        `json:"run"`
	Instance string        `json:"instance"`
	Step     string        `json:"step"`
	Way      string        `json:"way"`   // out or home
	Event    string        `json:"event"` // begins, waits, done, failed, turned, undone, stuck, home
	Why      string        `json:"why,omitempty"`
	Wait     time.Duration `json:"wait,omitempty"`
	Error    string        `json:"error,omitempty"`
	// Down is since when the instance does not run because of this run.
	Down time.Time `json:"down,omitzero"`
}

// The states in which a run ends.
const (
	StateRescued     = "rescued"     // the new key is in, and proven as far as was asked
	StateUnproven    = "unproven"    // the key is in, but a login with it was refused
	StateTakenBack   = "taken-back"  // it failed, and the instance is as it was
	StateRefused     = "refused"     // nothing was begun
	StateInterrupted = "interrupted" // and taken back
	StateNotHome     = "not-home"    // resume goes on
)

// Outcome is how a run ended.
type Outcome struct {
	Run      string        `json:"run"`
	Instance string        `json:"instance"`
	State    string        `json:"state"`
	Rescue   Rescue        `json:"rescue"`
	Downtime time.Duration `json:"downtime,omitempty"`
	Login    []string      `json:"login,omitempty"` // commands to copy
	Err      error         `json:"-"`
	Error    string        `json:"error,omitempty"`
	Step     string        `json:"step,omitempty"` // where it failed or is stuck
}

// Status is a run as its journal, or the tags, tell of it.
type Status struct {
	Run      string    `json:"run"`
	Instance string    `json:"instance"`
	Owner    string    `json:"owner"`
	Began    time.Time `json:"began"`
	Way      string    `json:"way"` // out, homing, home, not-home; unknown when only tags are left
	Step     string    `json:"step,omitempty"`
	Journal  bool      `json:"journal"` // there is one here
	Outcome  string    `json:"outcome,omitempty"`
	Error    string    `json:"error,omitempty"`
	Made     []string  `json:"made,omitempty"` // ids of what it has made that still exists
	Kept     []Kept    `json:"kept,omitempty"`
	// Users are those that the run has let in, HostKey the known_hosts line that
	// its proof by login has seen: what it takes to log in later.
	Users   []string `json:"users,omitempty"`
	HostKey string   `json:"host_key,omitempty"`
	// Started is when EC2 says that it has started the instance for the run.
	Started time.Time `json:"started,omitzero"`
	// Keys is the Ask's: whose key it is that opens.
	Keys string `json:"keys,omitempty"`
	// AgentRun is the agent's own run that was good: it names what it left.
	AgentRun string `json:"agent_run,omitempty"`
}

// ParameterName is where the private key of an instance is stored: the name that
// AWSSupport-ResetAccess uses.
func ParameterName(instance string) string { return parameterName(instance) }
