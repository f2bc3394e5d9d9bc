package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// inService is the lifecycle state of a group's instance that must not stop.
const inService = "InService"

// enterStandby keeps the group from replacing the instance while it is stopped.
func (b *bracket) enterStandby(ctx context.Context, r *Rescue) (flow.Wait, error) {
	was := r.Original.Group
	if was == nil || was.Lifecycle != inService || !r.stops() {
		return flow.Wait{}, nil
	}
	is, err := b.cloud.Group(ctx, r.Ask.Instance)
	switch {
	case err != nil:
		return flow.Wait{}, err
	case is == nil:
		return flow.Wait{}, fmt.Errorf("the instance has left the group %s", was.Name)
	case is.Lifecycle == "Standby":
		return flow.Wait{}, nil
	case is.Lifecycle == inService:
		if err := b.cloud.EnterStandby(ctx, is.Name, r.Ask.Instance); err != nil {
			return flow.Wait{}, err
		}
		b.begins("standby")
	}
	return b.wait("standby", rhythm{5 * time.Second, 2 * time.Second}, "for the instance to be in standby in %s", is.Name), nil
}

// exitStandby puts the instance back in service, when it runs.
func (b *bracket) exitStandby(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if was := r.Original.Group; was == nil || was.Lifecycle != inService || !r.stops() {
		return flow.Wait{}, nil
	}
	is, err := b.cloud.Group(ctx, r.Ask.Instance)
	switch {
	case err != nil:
		return flow.Wait{}, err
	case is == nil:
		r.Warnings = append(r.Warnings, "the instance is in no Auto Scaling group any more")
		return flow.Wait{}, nil
	case is.Lifecycle == inService:
		return flow.Wait{}, nil
	case is.Lifecycle == "Standby":
		if err := b.cloud.ExitStandby(ctx, is.Name, r.Ask.Instance); err != nil {
			return flow.Wait{}, err
		}
		b.begins("in service")
	}
	return b.wait("in service", rhythm{5 * time.Second, 2 * time.Second}, "for the instance to be in service in %s", is.Name), nil
}

// stops tells whether the instance is to be stopped: it runs.
func (r *Rescue) stops() bool { return r.Original.Instance.State == Running }

func (b *bracket) unprotect(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if !r.Original.Attributes.StopProtection || !r.stops() {
		return flow.Wait{}, nil
	}
	return flow.Wait{}, b.cloud.SetStopProtection(ctx, r.Ask.Instance, false)
}

func (b *bracket) protect(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if !r.Original.Attributes.StopProtection || !r.stops() {
		return flow.Wait{}, nil
	}
	return flow.Wait{}, b.cloud.SetStopProtection(ctx, r.Ask.Instance, true)
}

// A Linux guest takes 20 to 60 s to stop, and EC2 10 to 30 s to start it.
var (
	whileStopping = rhythm{20 * time.Second, 5 * time.Second}
	whileStarting = rhythm{11 * time.Second, 4 * time.Second}
)

// How long a guest may take to shut down before force is used, where that is
// allowed, and before the run is given up. A stop cannot be called off: the way
// home waits for it, too.
const (
	gracefulStop = 10 * time.Minute
	longestStop  = 45 * time.Minute
)

// stop stops the instance, if this run still has it.
func (b *bracket) stop(ctx context.Context, r *Rescue) (flow.Wait, error) {
	is, err := b.instance(ctx, r.Ask.Instance)
	if err != nil {
		return flow.Wait{}, err
	}
	switch is.Tags[TagRun] {
	case r.Run:
	case "":
		return flow.Wait{}, fmt.Errorf("the tags that lock %s for this run are gone: somebody else has removed them", r.Ask.Instance)
	default:
		r.Locked = false
		return flow.Wait{}, lockedBy(r.Ask.Instance, is.Tags, b.Clock.Now())
	}
	switch {
	case is.State == Stopped:
		return flow.Wait{}, nil
	case !r.stops():
		return flow.Wait{}, fmt.Errorf("the instance was stopped and is %s now: somebody else has started it", is.State)
	case is.State == Running:
		stopped := b.power(ctx, "stop", r.Ask.Instance, 6*time.Second, func(ctx context.Context, ids ...string) error { return b.cloud.Stop(ctx, false, ids...) })
		if stopped == nil {
			return company("to stop the instance"), nil
		}
		if r.StoppedAt.IsZero() {
			r.StoppedAt = stopped.at
		}
		if stopped.err != nil {
			return flow.Wait{}, stopped.err
		}
	case is.State == Stopping:
		hint, err := b.force(ctx, r)
		return b.wait("stop", whileStopping, "for the instance to stop%s", hint), err
	case gone(is.State):
		return flow.Wait{}, fmt.Errorf("the instance is %s", is.State)
	}
	return b.wait("stop", whileStopping, "for the instance to stop"), nil
}

// power makes a call for one instance or, in company, for many.
func (b *bracket) power(ctx context.Context, verb, id string, wait time.Duration, call func(context.Context, ...string) error) *answered {
	done := b.groups.do(ctx, verb, id, wait, func(ctx context.Context, ids ...string) (string, error) { return "", call(ctx, ids...) })
	if done != nil && done.err == nil {
		b.begun[verb] = done.at
	}
	return done
}

// force cuts the power of an instance that does not stop by itself, with
// consent, and never that of Windows: its hives would be torn. Else it says what
// could be done.
func (b *bracket) force(ctx context.Context, r *Rescue) (hint string, err error) {
	if r.StoppedAt.IsZero() || b.spent(r.StoppedAt) < gracefulStop || !b.begun["force"].IsZero() {
		return "", nil
	}
	switch {
	case r.Original.Instance.Platform == "windows":
		return ", which takes long; the power of a Windows machine is not cut: that would tear its hives", nil
	case !r.Ask.Accepts("force-stop"):
		return ", which takes long; without --force-stop its power is not cut (aws ec2 stop-instances --force does that)", nil
	}
	b.begins("force")
	return "", b.cloud.Stop(ctx, true, r.Ask.Instance)
}

// start starts the instance, if it ran, and sees that it keeps running: EC2
// takes a start that it cannot carry out, and stops the instance again.
func (b *bracket) start(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if !r.stops() {
		return flow.Wait{}, nil
	}
	age := recent
	if _, ok := b.begun["start"]; ok {
		age = 0
	}
	is, err := b.instanceLately(ctx, r.Ask.Instance, age)
	if err != nil {
		return flow.Wait{}, err
	}
	switch is.State {
	case Running:
		if !r.StoppedAt.IsZero() && r.RunningAt.IsZero() {
			r.RunningAt, r.Started = b.Clock.Now(), is.Launched
		}
		if r.Rebuilt && r.rescued() && r.Started.IsZero() {
			r.Started = is.Launched // by this run, or by the one that was cut off
		}
		return flow.Wait{}, nil
	case Stopped:
		if _, ok := b.begun["start"]; ok && failedStart(is) {
			return flow.Wait{}, &StartError{Code: is.StateCode, Reason: is.StateReason}
		}
		started := b.power(ctx, "start", r.Ask.Instance, 0, b.cloud.Start)
		if started == nil || started.err != nil {
			return flow.Wait{Why: "to start the instance"}, errOf(started)
		}
	case ShuttingDown, Terminated:
		return flow.Wait{}, fmt.Errorf("the instance is %s", is.State)
	}
	if is.State == Stopping {
		return b.wait("stop", whileStopping, "for the instance to stop before it is started again"), nil
	}
	return b.wait("start", whileStarting, "for the instance to run"), nil
}

// A StartError means that EC2 took the start and could not carry it out.
type StartError struct{ Code, Reason string }

func (e *StartError) Error() string {
	text := "EC2 has stopped the instance again: " + orUnknown(e.Reason)
	if strings.HasPrefix(e.Code, "Client.InternalError") {
		text += " (most often its KMS key is disabled, or whoever starts it may not create grants on the key: kms:CreateGrant)"
	}
	return text
}

// failedStart tells by the reason of the stop whether nobody wanted it.
func failedStart(i Instance) bool {
	return strings.HasPrefix(i.StateCode, "Server.") || strings.HasPrefix(i.StateCode, "Client.InternalError") ||
		strings.HasPrefix(i.StateCode, "Client.VolumeLimitExceeded") || strings.HasPrefix(i.StateCode, "Client.InvalidSnapshot")
}
