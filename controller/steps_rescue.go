package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
	"github.com/seed-77750964/regain/offline"
)

// workTime is how long the agent may work, which takes seconds as a rule: the
// instance is down.
const workTime = 15 * time.Minute

var whileRescuing = rhythm{2 * time.Second, time.Second}

// rescuing is the rhythm of a look at the agent: among many runs, a little later.
func (b *bracket) rescuing() rhythm {
	if b.groups.alone {
		return whileRescuing
	}
	return rhythm{4 * time.Second, 2 * time.Second}
}

// rescue waits for the agent's report and judges it by its effect. An agent that
// ends without one is tried again; a helper that is lost is replaced.
func (b *bracket) rescue(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.rescued() {
		return flow.Wait{}, nil
	}
	a := r.attempt()
	if a == nil || a.Over || a.Helper != r.Helper || b.plugged != r.Helper {
		if wait, err := b.attach(ctx, r); err != nil || !wait.Done() {
			return wait, err
		}
		a = r.attempt()
	}
	if b.begun["work "+a.Run].IsZero() {
		b.begins("work " + a.Run)
		return b.wait("work "+a.Run, b.rescuing(), "for the agent to do its work"), nil
	}
	return b.report(ctx, r)
}

// report waits for the report of the last attempt.
func (b *bracket) report(ctx context.Context, r *Rescue) (flow.Wait, error) {
	a := r.attempt()
	inv, wait, err := b.ended(ctx, r, "work "+a.Run, a.Command, b.rescuing())
	switch {
	case err != nil:
		return flow.Wait{}, err
	case inv.Status == statusLost:
		return flow.Wait{For: time.Second, Why: "to replace the helper, which is lost"}, nil
	case !wait.Done() && b.since("work "+a.Run) > workTime:
		return flow.Wait{}, fmt.Errorf("the agent has not ended within %s", workTime)
	case !wait.Done():
		return wait, nil
	}
	report, unread := parseReport(inv.Stdout)
	if unread != nil {
		a.Over = true
		r.Result = &Result{Touched: true}
		if r.attempts(RescueCommand) >= mostAttempts {
			return flow.Wait{}, fmt.Errorf("the agent ended %d times without a report, the last time with %s, exit code %d: %s",
				mostAttempts, orUnknown(inv.Details), inv.Code, shorten(inv.Stderr))
		}
		return flow.Wait{For: time.Second, Why: "to try the agent again, which ended without a report"}, nil
	}
	r.Result = resultOf(report, inv.Code)
	if err := r.judge(report, inv.Code, a.Run); err != nil {
		a.Over = true
		if k := report.Key; k != nil && k.Parameter != "" {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s, version %d, holds a private key that opens nothing", k.Parameter, k.Version))
		}
		return flow.Wait{}, err
	}
	if wait, err := b.stored(ctx, r, report.Key); err != nil || !wait.Done() {
		return wait, err
	}
	a.Over = true
	r.Result.Good = true
	return flow.Wait{}, nil
}

// skew is how much the clocks of this machine and of AWS may differ.
const skew = 15 * time.Minute

// stored sees that the private key is where the report says: as a rule by
// fetching it, which the proof by login needs anyway, and which shows that it is
// the half of what was let in.
func (b *bracket) stored(ctx context.Context, r *Rescue, k *offline.Key) (flow.Wait, error) {
	if k == nil || r.Ask.Keys == KeysGiven {
		return flow.Wait{}, nil
	}
	want := Parameter{Name: k.Parameter, Version: k.Version}
	if r.Ask.Keys == KeysController {
		want = Parameter{Name: parameterName(r.Ask.Instance)}
		if r.Param != nil {
			want.Version = r.Param.Version
		}
	}
	found, err := b.parameter(ctx, r, want)
	switch {
	case err != nil:
		return flow.Wait{}, err
	case found != nil && found.Version >= want.Version && found.Modified.After(r.Began.Add(-skew)):
		if want.Version > 0 {
			found.Version = want.Version
		}
		r.Param = found
		return flow.Wait{}, nil
	}
	b.beginsOnce("parameter")
	if b.since("parameter") > settling {
		return flow.Wait{}, fmt.Errorf("the private key is not at %s, version %d, where the agent says it has stored it", shorten(want.Name), want.Version)
	}
	return b.wait("parameter", rhythm{time.Second, time.Second}, "for the parameter %s to show", want.Name), nil
}

// parameter looks the private key up; nil: it is not there.
func (b *bracket) parameter(ctx context.Context, r *Rescue, want Parameter) (*Parameter, error) {
	if b.unverifiable(r).State == "" {
		signer, found, err := b.privateHalf(ctx, r, want)
		switch {
		case err == nil:
			b.signer = signer
			return &found, nil
		case is(err, NotFound):
			return nil, nil
		case !is(err, Denied):
			return nil, err
		}
	}
	found, err := b.cloud.Cloud.Parameters(ctx, want.Name)
	if err != nil || len(found) != 1 {
		return nil, err
	}
	return &found[0], nil
}

func (b *bracket) beginsOnce(what string) {
	if b.begun[what].IsZero() {
		b.begins(what)
	}
}

// calm brings the agent to rest: nothing writes to the volume any more, and
// unless it is rescued, what was written is taken back.
func (b *bracket) calm(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.rescued() || r.Calm || r.Place == nil {
		return flow.Wait{}, nil
	}
	_, at, err := b.whereabouts(ctx, r)
	if err != nil {
		return flow.Wait{}, err
	}
	if at.Instance == r.Ask.Instance || at.Instance == "" && !r.Exposed {
		r.Calm = true // no agent has it
		return flow.Wait{}, nil
	}
	r.Exposed = true
	wait, err := b.takeBack(ctx, r, at)
	if err == nil {
		delete(b.begun, "refused")
	}
	var failed *CloudError
	switch {
	case err != nil && (!errors.As(err, &failed) || r.Forward && b.hopeless(err)):
		if wait, err := b.abandon(ctx, r); err != nil || !wait.Done() {
			return wait, err
		}
		// It cannot be had. What the agent wrote, it wrote file by file: the
		// instance is better off with that than without its volume.
		text := "what the agent has written to the volume is not taken back: " + err.Error()
		if r.windows() {
			text += "; a new password may be made at its next start, and regain password gets it"
		}
		r.Left, r.Warnings = true, append(r.Warnings, text)
	case err != nil || !wait.Done() || r.rescued():
		return wait, err
	}
	return flow.Wait{}, b.tell(ctx, r, func(r *Rescue) { r.Calm = true })
}

// hopeless tells whether a failure will not pass by itself: the cloud refuses for
// good, or has done so for a while.
func (b *bracket) hopeless(err error) bool {
	if _, ok := b.transient(err, 1); !ok {
		return true
	}
	if !is(err, State) && !is(err, NotFound) {
		return false
	}
	b.beginsOnce("refused")
	return b.since("refused") > settling
}

// abandon ends a helper whose agent may still be at work.
func (b *bracket) abandon(ctx context.Context, r *Rescue) (flow.Wait, error) {
	a := r.attempt()
	if a == nil || a.Over || r.Helper == "" || a.Helper != r.Helper {
		return flow.Wait{}, nil
	}
	gone, wait, err := b.terminateOne(ctx, r.Helper)
	if err == nil && wait.Done() && !gone {
		wait = b.wait("terminate", rhythm{10 * time.Second, 5 * time.Second}, "for the helper to be gone, with the agent that may still write")
	}
	return wait, err
}

// lost tells whether a helper had the volume and was replaced: what its agent
// wrote, no other can undo.
func (r *Rescue) lost() bool {
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.Had && a.Helper != r.Helper })
}

// takeBack ends the agent's last attempt and undoes all of them.
func (b *bracket) takeBack(ctx context.Context, r *Rescue, at Attachment) (flow.Wait, error) {
	if err := b.recall(ctx, r); err != nil {
		return flow.Wait{}, err
	}
	if !r.Forward {
		alive, err := b.alive(ctx, r.Helper)
		if err != nil {
			return flow.Wait{}, err
		}
		if !alive || r.lost() {
			if err := b.tell(ctx, r, func(r *Rescue) { r.Forward = true }); err != nil {
				return flow.Wait{}, err
			}
		}
	}
	if r.Forward {
		return b.again(ctx, r)
	}
	if at.Instance == "" { // it never came, or has left
		return flow.Wait{}, nil
	}
	if wait, err := b.quiet(ctx, r); err != nil || !wait.Done() {
		return wait, err
	}
	if r.Result != nil && !r.Result.Touched {
		return flow.Wait{}, nil
	}
	return b.undo(ctx, r)
}

// recall finds the commands that were sent without our knowing: those of a
// record that was rebuilt, or whose answer was lost.
func (b *bracket) recall(ctx context.Context, r *Rescue) error {
	known := r.attempts(RescueCommand)
	for n := 1; n <= max(known, mostAttempts) && b.unsure("attempts"); n++ {
		sent, err := b.cloud.CommandsNamed(ctx, r.Helper, r.comment(RescueCommand, n))
		if err != nil {
			return err
		}
		run := agentRun(r.Run, n)
		i := slices.IndexFunc(r.Attempts, func(a Attempt) bool { return a.Run == run && a.Kind == RescueCommand })
		switch {
		case len(sent) > 0 && i < 0:
			r.Attempts = append(r.Attempts, Attempt{Kind: RescueCommand, Helper: r.Helper, Command: sent[0], Run: run})
		case len(sent) > 0 && r.Attempts[i].Command == "" && r.Attempts[i].Helper == r.Helper:
			r.Attempts[i].Command = sent[0]
		}
	}
	b.checked["attempts"] = true
	return nil
}

// quiet cancels the last attempt, if it has not ended, and hears its report.
func (b *bracket) quiet(ctx context.Context, r *Rescue) (flow.Wait, error) {
	a := r.attempt()
	if a == nil || a.Over || a.Helper != r.Helper {
		return flow.Wait{}, nil
	}
	if a.Command == "" {
		id, wait, err := b.sent(ctx, r.Helper, r.comment(RescueCommand, r.attempts(RescueCommand)))
		if a.Command = id; err != nil || !wait.Done() {
			return wait, err
		}
		if a.Over = id == ""; a.Over {
			return flow.Wait{}, nil
		}
	}
	inv, wait, err := b.ended(ctx, r, a.Run, a.Command, whileRescuing)
	if err != nil || inv.Status == statusLost {
		return flow.Wait{For: time.Second, Why: "what became of the helper"}, err
	}
	if !wait.Done() {
		if b.begun["cancel "+a.Run].IsZero() {
			b.begins("cancel " + a.Run)
			if err := b.cloud.Cancel(ctx, a.Command, a.Helper); err != nil && !b.hopeless(err) {
				delete(b.begun, "cancel "+a.Run)
				return flow.Wait{}, err
			}
		}
		if b.since("cancel "+a.Run) > letGo {
			return flow.Wait{For: time.Second, Why: "for another helper: the agent does not stop"}, b.replace(ctx, r)
		}
		return flow.Wait{For: time.Second, Why: "for the agent to stop"}, nil
	}
	a.Over = true
	if report, err := parseReport(inv.Stdout); err == nil {
		r.Result = resultOf(report, inv.Code)
	} else {
		r.Result = &Result{Touched: true}
	}
	return flow.Wait{}, nil
}

// undo has the agent take back what its runs wrote, the newest first.
func (b *bracket) undo(ctx context.Context, r *Rescue) (flow.Wait, error) {
	var runs []string
	for _, a := range slices.Backward(r.Attempts) {
		if a.Kind == RescueCommand && a.Helper == r.Helper {
			runs = append(runs, a.Run)
		}
	}
	if len(runs) == 0 {
		return flow.Wait{}, nil
	}
	n := r.attempts(UndoCommand)
	if n == 0 || r.Attempts[len(r.Attempts)-1].Over {
		n++
		r.Attempts = append(r.Attempts, Attempt{Kind: UndoCommand, Helper: r.Helper, Run: runs[0]})
	}
	a := &r.Attempts[len(r.Attempts)-1]
	what := r.comment(UndoCommand, n)
	if a.Command == "" {
		volume := r.Original.Root.Volume
		c := Command{Kind: UndoCommand, Comment: what, Script: undoScript(r.Ask.agent(), volume, runs), Undo: runs,
			Task:     offline.Task{Command: "undo", Run: runs[0], Instance: r.Ask.Instance, Volume: volume, Wait: time.Minute},
			Delivery: deliveryTime, Timeout: prepareTime}
		id, wait, err := b.once(ctx, r.Helper, c)
		if err != nil || !wait.Done() {
			return wait, err
		}
		a.Command = id
		b.begins(what)
		return b.wait(what, whileRescuing, "for the agent to take back what it wrote"), nil
	}
	inv, wait, err := b.ended(ctx, r, what, a.Command, whileRescuing)
	switch {
	case err != nil || !wait.Done():
		return wait, err
	case inv.Status == statusLost:
		return flow.Wait{For: time.Second, Why: "what became of the helper"}, nil
	}
	a.Over = true
	if err := undone(inv.Stdout, len(runs)); err != nil {
		if n < mostAttempts {
			return flow.Wait{For: 2 * time.Second, Why: "to try again to take back what the agent wrote"}, nil
		}
		return flow.Wait{}, err
	}
	return flow.Wait{}, nil
}

// longestAgain is how long an instance may be down for another helper.
const longestAgain = 20 * time.Minute

// again is for a helper that is lost together with the agent's journal: the
// rescue is run forward once more, as what an agent may have half done cannot be
// told from what the owner did. Its success is a success; if it fails, the
// instance gets its volume back as it is.
func (b *bracket) again(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Ask.Keys == KeysGiven && r.Ask.PublicKey == "" { // a Windows would tell its password to another
		return flow.Wait{}, errors.New("the public key that the reset was given did not fit into the tags")
	}
	b.beginsOnce("again")
	if spent := b.since("again"); spent > longestAgain {
		return flow.Wait{}, fmt.Errorf("another helper has not ended the rescue within %s", longestAgain)
	}
	wait, err := b.rescue(ctx, r)
	if err == nil && wait.Done() {
		r.Warnings = append(r.Warnings, "the helper was lost on the way home, together with what it takes to undo: the rescue was finished instead")
	}
	return wait, err
}
