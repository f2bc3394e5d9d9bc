// Package lab is a small AWS account on this machine: an endpoint that speaks the wire
// protocols of the services that regain calls, over real disk images, real loop devices
// and real processes. This package takes the calls in, decides whether they are
// authentic, throttled, allowed or spoilt by a planned fault, hands them to the service,
// and logs them.
//
// It imports nothing of the controller, the agent or the rescue: a misunderstanding of
// AWS must not be shared by the program and its test bed. What a service does is known
// in the packages below, and nothing of it here.
package lab

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/lab/autoscaling"
	"github.com/seed-77750964/regain/lab/ec2"
	"github.com/seed-77750964/regain/lab/iam"
	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/windows"
	"github.com/seed-77750964/regain/lab/wire"
)

// Account is the account that each lab is.
const Account = "123456789012"

const (
	partition = "aws"
	suffix    = "amazonaws.com"
)

// Config is what a lab is made of.
type Config struct {
	State      string // directory
	Listen     string // host:port where the handler is served
	Region     string // empty: as before, and us-east-1 in a fresh account
	Speed      float64
	Boot       string // sshd, qemu or none
	EnforceIAM bool
	FaultsFile string
	Host       machine.Host
	Now        func() time.Time // nil: the clock
	Rand       io.Reader        // nil: the system's
}

func (c Config) withDefaults() Config {
	if kept, err := ReadCredentials(c.State); c.Region == "" && err == nil {
		c.Region = kept.Region
	}
	c.Region = cmp.Or(c.Region, "us-east-1")
	if c.Speed <= 0 {
		c.Speed = 1
	}
	c.Boot = cmp.Or(c.Boot, "sshd")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

func (c Config) pace() rules.Pace { return rules.Pace{Speed: c.Speed} }

// Lab is an account that is open. Its methods may be called from several goroutines.
type Lab struct {
	cfg      Config
	lock     *os.File
	iam      *iam.IAM
	ec2      *ec2.EC2
	groups   *autoscaling.AutoScaling
	windows  *windows.Host // nil where there is no host
	services map[string]wire.Service
	parts    parts
	throttle throttle
	faults   *faults
	calls    *callLog
	token    string // of the commands that change the account from outside
}

// Open takes up the account in the state directory, or makes a fresh one. One lab at a
// time has a state directory.
func Open(ctx context.Context, cfg Config) (*Lab, error) {
	l := &Lab{cfg: cfg.withDefaults(), services: map[string]wire.Service{}}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the lab in %s: %w", cfg.State, err), l.release())
	}
	return l, nil
}

func (l *Lab) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(l.cfg.State, 0o700); err != nil {
		return err
	}
	if l.lock, err = lock(filepath.Join(l.cfg.State, "lock")); err != nil {
		return err
	}
	if l.calls, err = openCalls(l.cfg.State); err != nil {
		return err
	}
	if l.faults, err = openFaults(l.cfg.State, l.cfg.FaultsFile); err != nil {
		return err
	}
	l.throttle = throttle{speed: l.cfg.Speed, buckets: map[string]*bucket{}}
	if l.token, err = l.randomHex(32); err != nil {
		return err
	}
	if err := l.openIAM(); err != nil {
		return err
	}
	return l.openServices(ctx)
}

// lock keeps a second lab out of a state directory; the kernel gives the lock back when
// this process ends, however it ends.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(ErrInUse, file.Close())
	}
	return file, nil
}

// ErrInUse means that another lab has the state directory.
var ErrInUse = errors.New("another lab runs on this state")

func (l *Lab) randomHex(size int) (string, error) {
	random := make([]byte, size)
	if _, err := io.ReadFull(l.cfg.Rand, random); err != nil {
		return "", fmt.Errorf("cannot get random bytes: %w", err)
	}
	return hex.EncodeToString(random), nil
}

// Handler answers calls.
func (l *Lab) Handler() http.Handler { return l }

// Run carries out what time brings, such as transitions that are due, until the context
// ends. While it runs, the commands find the lab.
func (l *Lab) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := l.announce(); err != nil {
		return err
	}
	errs := make([]error, len(l.parts.loops))
	var group sync.WaitGroup
	for i, loop := range l.parts.loops {
		group.Go(func() {
			defer cancel() // one that ends early ends all
			errs[i] = loop(ctx)
		})
	}
	if len(l.parts.loops) == 0 {
		<-ctx.Done()
	}
	group.Wait()
	return errors.Join(append(errs, l.retract())...)
}

// Close shuts the machines down and gives the state directory back. Calls must have
// ended before.
func (l *Lab) Close(ctx context.Context) error {
	var errs []error
	for _, closing := range l.parts.closers {
		errs = append(errs, closing(ctx))
	}
	return errors.Join(append(errs, l.release())...)
}

func (l *Lab) release() error {
	var errs []error
	if l.calls != nil {
		errs = append(errs, l.calls.file.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	return errors.Join(errs...)
}
