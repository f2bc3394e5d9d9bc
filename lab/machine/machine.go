// Package machine is the lab's hardware: it boots an instance from its root
// volume, gives a helper its devices and metadata service, and runs commands on
// it as the SSM agent would.
//
// A machine lives in namespaces of its own and cannot outlive the lab: its first
// process ends when the lab's end of a pipe closes. It knows no AWS protocol but
// the instance metadata service's.
package machine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Kind is what a machine is made of.
type Kind string

// The kinds of machine.
const (
	Guest   Kind = "guest"   // boots from its root volume: its own sshd, or the whole system
	Helper  Kind = "helper"  // a rescue box: this host's programs, read-only, and a disk of its own
	Windows Kind = "windows" // its root volume is Windows, of which this package runs nothing: see lab/windows
)

// Disk is an attached volume.
type Disk struct {
	Volume string // vol-…
	Device string // as EC2 calls it: /dev/sdf
	Image  string // the raw image behind it
}

// Spec is a machine to boot.
type Spec struct {
	Instance string
	Kind     Kind
	Boot     string // sshd, qemu or none; for guests
	Root     Disk   // ignored by helpers
	Disks    []Disk // without the root
	Address  net.IP // private IPv4 address, as the machine itself sees it; nil: no network but its own
	Dir      string // the machine's own directory below the lab's state; survives reboots, not termination
	// Env is what the SSM agent's commands find in their environment beside the
	// usual: AWS_ENDPOINT_URL and AWS_REGION.
	Env []string
	// Metadata serves 169.254.169.254:80 inside; API serves the lab's own
	// address (APIAddress) inside, so that one URL works in and out.
	Metadata   http.Handler
	API        http.Handler
	APIAddress string // host:port on loopback
}

// Command is a script that the SSM agent of a helper runs as root.
type Command struct {
	ID      string
	Script  string // run by /bin/sh
	Timeout time.Duration
}

// Result is how a command ended.
type Result struct {
	Code           int    // exit code; 137 when killed
	Stdout, Stderr string // whole; who answers API calls truncates them
	Started, Ended time.Time
	TimedOut       bool
}

// The errors of a host on which callers decide.
var (
	// ErrNotBootable means that the root volume is missing or does not start.
	ErrNotBootable = errors.New("root volume does not boot")
	// ErrBusy means that a volume is still in use by the machine (mounted, open).
	ErrBusy = errors.New("volume is in use")
	// ErrOff means that no such machine runs.
	ErrOff = errors.New("machine is off")
)

// Host runs machines. Its methods may be called from several goroutines.
type Host interface {
	// Start boots a machine and returns when it answers: a guest's sshd accepts
	// connections, a helper can run commands. The error wraps ErrNotBootable
	// where the volume is to blame.
	Start(ctx context.Context, s Spec) error
	// Stop ends a machine: gracefully (its processes get SIGTERM, its file
	// systems are unmounted) or by force. A machine that is off is no error.
	Stop(ctx context.Context, instance string, force bool) error
	// On tells whether a machine runs.
	On(instance string) bool
	// Attach makes a volume visible to a running machine, Detach takes it away.
	Attach(ctx context.Context, instance string, d Disk) error
	Detach(ctx context.Context, instance, volume string, force bool) error
	// Run starts a command on a helper; done is called once when it has ended.
	Run(ctx context.Context, instance string, c Command, done func(Result)) error
	// Cancel kills a command that runs.
	Cancel(instance, command string) error
	// Address is where the machine's sshd can be reached from this host, as
	// "10.213.7.4:22" or "127.0.0.1:2222"; empty when it has none.
	Address(instance string) string
	// Console is what the machine has written to its console, at most 64 KiB.
	Console(instance string) string
}
