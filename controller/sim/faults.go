package sim

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// Fault is what goes wrong at a call.
type Fault string

// The faults. Before and after are those of the call's effect; a fault after an
// effect that is refused does not strike.
const (
	None            Fault = ""
	CrashBefore     Fault = "crash before" // the process dies: panics with a Crash
	CrashAfter      Fault = "crash after"
	ErrorBefore     Fault = "error before"
	ErrorAfter      Fault = "error after"
	LostAnswer      Fault = "lost answer" // the effect takes place, the answer is Unknown
	LateEffect      Fault = "late effect" // the same, but the effect takes place 30 s later
	InterruptBefore Fault = "interrupt before"
	InterruptAfter  Fault = "interrupt after"
	Throttle        Fault = "throttle"
	NoCapacity      Fault = "no capacity"
	Expired         Fault = "expired credentials"
)

// Faults are those that a proof places at every call.
func Faults() []Fault {
	return []Fault{CrashBefore, CrashAfter, ErrorBefore, ErrorAfter, LostAnswer, InterruptBefore, InterruptAfter}
}

// Crash is what a call panics with when the process that made it dies.
type Crash struct {
	Call   int
	Action string
}

// Crashed tells whether what is run dies of a Crash. Other panics go on.
func Crashed(run func()) (crashed bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, crashed = v.(Crash); !crashed {
				panic(v)
			}
		}
	}()
	run()
	return false
}

// Strike decides the fault of the n-th call, counted from 1 over the life of
// the account, and what an interrupt is. Both may be nil.
func (c *Cloud) Strike(faults func(n int, action string) Fault, interrupt func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults, c.interrupt = faults, interrupt
}

// late is how long a late effect takes: longer than anybody waits for one.
const late = 30 * time.Second

func (c *Cloud) before(ctx context.Context, f Fault, n int, action string) error {
	switch f {
	case CrashBefore:
		panic(Crash{n, action})
	case ErrorBefore:
		return refuse(action, controller.Invalid, "InternalError", "an internal error has occurred")
	case InterruptBefore:
		c.interrupted()
	case Throttle:
		return throttled(action)
	case Expired:
		return refuse(action, controller.Denied, "ExpiredToken", "the security token included in the request is expired")
	case NoCapacity:
		return refuse(action, controller.Capacity, "InsufficientInstanceCapacity", "there is no capacity in this zone now")
	}
	return cut(ctx, action)
}

func (c *Cloud) afterwards(ctx context.Context, f Fault, n int, action string) error {
	switch f {
	case CrashAfter:
		panic(Crash{n, action})
	case ErrorAfter:
		return refuse(action, controller.Invalid, "InternalError", "an internal error has occurred")
	case LostAnswer:
		return refuse(action, controller.Unknown, "RequestTimeout", "no answer")
	case InterruptAfter:
		c.interrupted()
	}
	return cut(ctx, action)
}

func (c *Cloud) interrupted() {
	if c.interrupt != nil {
		c.interrupt()
	}
}

// cut is the error of a call whose context has ended.
func cut(ctx context.Context, action string) error {
	if ctx.Err() == nil {
		return nil
	}
	return errors.Join(refuse(action, controller.Unknown, "RequestCanceled", "the request was cut off"), ctx.Err())
}

func throttled(action string) error {
	code := "RequestLimitExceeded"
	if !strings.HasPrefix(action, "ec2:") {
		code = "ThrottlingException"
	}
	return refuse(action, controller.Throttled, code, "request limit exceeded")
}

// A bucket is a token bucket.
type bucket struct {
	tokens float64
	filled time.Time
}

// Rate is what the token bucket of an action holds at most, and gains a second;
// see Amazon EC2 Developer Guide, Request throttling, and AWS General Reference,
// Systems Manager quotas.
func Rate(action string) (size, refill float64, limited bool) {
	switch action {
	case "ec2:RunInstances", "ec2:StartInstances":
		return 5, 2, true
	case "ec2:TerminateInstances", "ec2:CreateSnapshot", "ec2:DeleteSnapshot", "ec2:DeregisterImage":
		return 100, 5, true
	case "ec2:CreateTags":
		return 100, 10, true
	case "ssm:GetParameter", "ssm:GetParameters":
		return 40, 40, true
	case "ssm:PutParameter":
		return 3, 3, true
	}
	switch service, _, _ := strings.Cut(action, ":"); {
	case service == "ssm":
		return 40, 20, true
	case service != "ec2":
		return 0, 0, false
	case mutating(action):
		return 50, 5, true
	}
	return 100, 20, true
}

// take takes a token for a call.
func (c *Cloud) take(action string) error {
	size, refill, limited := Rate(action)
	if !c.options.Throttle || !limited {
		return nil
	}
	b := c.buckets[action]
	if b == nil {
		b = &bucket{tokens: size, filled: c.now}
		c.buckets[action] = b
	}
	b.tokens = min(size, b.tokens+refill*c.now.Sub(b.filled).Seconds())
	b.filled = c.now
	if b.tokens < 1 {
		return throttled(action)
	}
	b.tokens--
	return nil
}
