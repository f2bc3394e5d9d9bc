package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// mostAttempts is how often the agent is tried.
const mostAttempts = 3

// arm has the agent wait on the helper for the volume, before anything happens
// to the instance.
func (b *bracket) arm(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if wait, err := b.makeKey(ctx, r); err != nil || !wait.Done() {
		return wait, err
	}
	a, wait, err := b.send(ctx, r)
	if err != nil || !wait.Done() {
		return wait, err
	}
	inv, err := b.cloud.Invocation(ctx, a.Command, a.Helper)
	switch {
	case err != nil && !is(err, NotFound):
		return flow.Wait{}, err
	case err == nil && inv.Status == "InProgress":
		b.begins("alive " + r.Helper)
		return flow.Wait{}, nil
	case err == nil && over(inv) && r.Rebuilt:
		return flow.Wait{}, nil // it may have had the volume: its report is judged later
	case err == nil && over(inv):
		return flow.Wait{}, b.refusedArms(r, a, inv)
	}
	if lost, err := b.lostHelper(ctx, r); err != nil || lost {
		return flow.Wait{}, errOr(err, "cannot arm the agent: the helper is lost")
	}
	return b.wait(a.Run, rhythm{2 * time.Second, time.Second}, "for the agent to wait for the volume"), nil
}

// refusedArms is why a command ended that was to wait for the volume.
func (b *bracket) refusedArms(r *Rescue, a *Attempt, inv Invocation) error {
	a.Over = true
	report, err := parseReport(inv.Stdout)
	if err != nil {
		return fmt.Errorf("cannot arm the agent: %s, exit code %d: %s", inv.Details, inv.Code, shorten(inv.Stderr))
	}
	r.Result = resultOf(report, inv.Code)
	return errOr(judge(report, inv.Code, r.task(a.Run), r.windows()), "cannot arm the agent: it ended before it had the volume")
}

func errOr(err error, text string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s", text)
}

// attempt is the last one of rescue; nil: there is none.
func (r *Rescue) attempt() *Attempt {
	for i := len(r.Attempts) - 1; i >= 0; i-- {
		if r.Attempts[i].Kind == RescueCommand {
			return &r.Attempts[i]
		}
	}
	return nil
}

// agentRun is what the agent calls an attempt.
func agentRun(run string, n int) string { return fmt.Sprintf("%s-%d", run, n) }

func (r *Rescue) attempts(kind string) (n int) {
	for _, a := range r.Attempts {
		if a.Kind == kind {
			n++
		}
	}
	return n
}

// send sends the agent what it is to do, unless the last attempt on this helper
// still stands.
func (b *bracket) send(ctx context.Context, r *Rescue) (*Attempt, flow.Wait, error) {
	a := r.attempt()
	if a == nil || a.Over || a.Helper != r.Helper {
		n := r.attempts(RescueCommand) + 1
		r.Attempts = append(r.Attempts, Attempt{Kind: RescueCommand, Helper: r.Helper, Run: agentRun(r.Run, n)})
		a = r.attempt()
	}
	if a.Command != "" {
		return a, flow.Wait{}, nil
	}
	var earlier []string
	for _, old := range r.Attempts {
		if old.Kind == RescueCommand && old.Helper == r.Helper && old.Run != a.Run {
			earlier = append(earlier, old.Run)
		}
	}
	slices.Reverse(earlier)
	task := r.task(a.Run)
	c := Command{Kind: RescueCommand, Comment: r.comment(RescueCommand, r.attempts(RescueCommand)), Script: rescueScript(r.Ask.agent(), task, earlier),
		Task: task, Undo: earlier, Delivery: deliveryTime, Timeout: rescueTime}
	id, wait, err := b.once(ctx, r.Helper, c)
	if err == nil && wait.Done() {
		a.Command = id
		b.cloud.instances.watch(r.Ask.Instance) // it is looked at before the stop
		b.begins(a.Run)
		wait = b.wait(a.Run, rhythm{2 * time.Second, time.Second}, "for the agent to wait for the volume")
	}
	return a, wait, err
}

// sent finds a command that may have been sent without our knowing; empty: there
// is none.
func (b *bracket) sent(ctx context.Context, helper, comment string) (id string, wait flow.Wait, err error) {
	if !b.unsure(comment) {
		return "", flow.Wait{}, nil
	}
	found, err := b.cloud.CommandsNamed(ctx, helper, comment)
	switch {
	case err != nil:
		return "", flow.Wait{}, err
	case len(found) == 0:
		return "", b.settle(comment), nil
	}
	b.sure(comment, nil)
	return found[len(found)-1], flow.Wait{}, nil
}

// once sends a command that must not run twice: when it may have been sent, it
// is looked for by its comment.
func (b *bracket) once(ctx context.Context, helper string, c Command) (id string, wait flow.Wait, err error) {
	if id, wait, err := b.sent(ctx, helper, c.Comment); id != "" || err != nil || !wait.Done() {
		return id, wait, err
	}
	b.doubt(c.Comment)
	id, err = b.cloud.Send(ctx, c, helper)
	b.sure(c.Comment, err)
	return id, flow.Wait{}, err
}
