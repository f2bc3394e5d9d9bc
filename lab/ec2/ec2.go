// Package ec2 is the lab's EC2: instances, volumes, snapshots, images and the
// parts of a VPC, in EC2's documented state machines, over raw image files and
// the machines of a host.
//
// It speaks no protocol (lab/wire does), decides on no permission (it only says
// which ones a call needs), and never looks into a disk.
package ec2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// Roles is what EC2 asks IAM: which role an instance profile carries, and
// credentials for it.
type Roles interface {
	// Profile looks an instance profile up by its name or ARN.
	Profile(nameOrARN string) (arn, role string, ok bool)
	RoleCredentials(role, instance string) (accessKey, secret, token string, expires time.Time, err error)
}

// Keys is what EC2 asks KMS about a key, by id, ARN or alias.
type Keys interface {
	Key(id string) (arn string, enabled, customer, ok bool)
}

// Config is what the service stands on.
type Config struct {
	Dir             string // ec2.json, volumes, snapshots and machines are below
	Account, Region string
	Pace            rules.Pace
	Boot            string // sshd, qemu or none: how guests boot
	Host            machine.Host
	Roles           Roles
	Keys            Keys
	Now             func() time.Time
	Random          io.Reader
	// API and APIAddress are the lab's own handler and where it listens; Env is
	// the environment of a helper's commands.
	API        http.Handler
	APIAddress string
	Env        []string
}

// EC2 is the service. Its methods may be called from several goroutines.
type EC2 struct {
	Config
	file  *store.File[account]
	boxes boxes
	veil  veil
	wake  chan struct{}
	work  sync.WaitGroup
	still sync.RWMutex // held while no transition may end

	mu     sync.Mutex
	claims map[string]int // files that are being worked on
}

// Open takes up the account in the directory, or makes a new one.
func Open(ctx context.Context, c Config) (*EC2, error) {
	e := &EC2{
		Config: c, wake: make(chan struct{}, 1), claims: map[string]int{}, boxes: boxes{of: map[string]*box{}}, veil: veil{looks: map[string]int{}},
	}
	for _, dir := range directories {
		if err := os.MkdirAll(filepath.Join(c.Dir, dir), 0o700); err != nil {
			return nil, fmt.Errorf("cannot open EC2: %w", err)
		}
	}
	var err error
	if e.file, err = store.Open[account](filepath.Join(c.Dir, "ec2.json")); err != nil {
		return nil, fmt.Errorf("cannot open EC2: %w", err)
	}
	if err := e.file.Update(func(a *account) error { e.begin(a); return nil }); err != nil {
		return nil, fmt.Errorf("cannot open EC2: %w", err)
	}
	e.trashStrays()
	return e, e.makeHelperDisks()
}

// begin makes a new account, and undoes what a kill left half done in an old one:
// a snapshot that was not taken was never answered.
func (e *EC2) begin(a *account) {
	if a.Vpcs == nil {
		*a = newAccount()
		e.makeDefaultVpc(a)
	}
	if a.KeyPairs == nil { // an account from before there were any
		a.KeyPairs = map[string]*keyPair{}
	}
	e.makeHelperImages(a)
	for id, s := range a.Snapshots {
		if !s.Taken && s.Volume != "" {
			e.removeSnapshot(a, id)
		}
	}
	for id, x := range a.Images {
		if !a.taken(x) {
			drop(a, a.Images, id)
		}
	}
}

// Run carries out transitions when they are due, and switches machines on and
// off, until the context ends.
func (e *EC2) Run(ctx context.Context) error {
	for {
		if err := e.settle(); err != nil {
			return err
		}
		e.drive(ctx)
		timer := time.NewTimer(e.untilDue())
		select {
		case <-ctx.Done():
			timer.Stop()
			e.work.Wait()
			return nil
		case <-e.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// Close switches the machines off as a host that shuts down would.
func (e *EC2) Close(ctx context.Context) error {
	e.work.Wait()
	var errs []error
	for _, id := range e.boxes.booted() {
		errs = append(errs, e.Host.Stop(ctx, id, false))
	}
	return errors.Join(errs...)
}

// nudge makes Run look again.
func (e *EC2) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Name is the signing name.
func (e *EC2) Name() string { return "ec2" }

// Actions are the names of the calls that are answered, sorted.
func (e *EC2) Actions() []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}

// Do carries out a call.
func (e *EC2) Do(ctx context.Context, c *wire.Call) (any, error) {
	a, ok := actionNamed(c.Action)
	if !ok {
		return nil, wire.Faultf("InvalidAction", "The action %s is not valid for this web service.", c.Action)
	}
	if err := e.settle(); err != nil {
		return nil, err
	}
	do := func() (any, error) { return a.do(e, ctx, newRequest(c)) }
	if d := wire.StuckFor(ctx); d > 0 {
		return e.holdUp(c, d, do)
	}
	return do()
}

// change changes the account. The function must not wait for anything.
func (e *EC2) change(f func(a *account, now time.Time) error) error {
	err := e.file.Update(func(a *account) error { return f(a, e.now()) })
	if err == nil {
		e.nudge()
	}
	return err
}

// look reads the account.
func (e *EC2) look(f func(a *account, now time.Time) error) error {
	var err error
	e.file.View(func(a *account) { err = f(a, e.now()) })
	return err
}

// now is the time as EC2 prints it, in milliseconds.
func (e *EC2) now() time.Time { return e.Now().UTC().Truncate(time.Millisecond) }

// after is when a transition that begins now may end.
func (e *EC2) after(now time.Time, rule string) time.Time { return now.Add(e.Pace.Of(rule)) }
