// Package agent does what a task asks on the helper: it checks the task, opens
// the volume and the state directory, makes or takes the key and its store, has
// rescue do the work, and says how to log in and how to take it all back.
//
// It decides nothing about the volume, which is rescue's, prints nothing, and
// ends no process. AWS is asked only to store a key, and not before there is one.
package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/seed-77750964/regain/agent/key"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/journal"
	"github.com/seed-77750964/regain/rescue/source"
)

// The commands of a task.
const (
	Inspect  = "inspect"
	Diagnose = "diagnose"
	Rescue   = "rescue"
	Undo     = "undo"
)

// Env is what the work needs of its surroundings. The zero value is the running
// system.
type Env struct {
	Finder   source.Finder
	Now      func() time.Time
	Random   io.Reader    // of run ids; keys have a source of their own
	Progress func(string) // told of each step
	// Connect gives Parameter Store; called when a key is to be stored there.
	Connect func(context.Context) (key.ParameterStore, error)
}

func (e Env) filled() Env {
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Random == nil {
		e.Random = rand.Reader
	}
	if e.Progress == nil {
		e.Progress = func(string) {}
	}
	if e.Connect == nil {
		e.Connect = func(ctx context.Context) (key.ParameterStore, error) { return key.NewSSMClient(ctx) }
	}
	return e
}

// Do carries out a task. The report is complete whatever happens; the error is
// the one that it tells of. A task that cannot be meant gives a *UsageError, a
// volume that is not worked on a *rescue.Refusal or *source.Refusal, and a
// *rescue.Failure with Left set means that something could not be taken back.
// A login that stays refused is no error: the report says so.
func Do(ctx context.Context, task offline.Task, env Env) (report offline.Report, err error) {
	w := &work{task: task, env: env.filled()}
	defer func() {
		if v := recover(); v != nil {
			err = w.crashed(v, debug.Stack())
			report = w.ended(err)
		}
	}()
	report, err = w.do(ctx)
	if err != nil && ctx.Err() != nil {
		explainInterrupt(&report, err)
	}
	return report, err
}

// work is one task under way.
type work struct {
	task  offline.Task
	env   Env
	job   job
	state *journal.Dir
}

func (w *work) do(ctx context.Context) (report offline.Report, err error) {
	if w.task.Run == "" && w.task.Command != Undo {
		if w.task.Run, err = NewRun(w.env.Now(), w.env.Random); err != nil {
			return w.ended(err), err
		}
	}
	if w.job, err = check(w.task); err != nil {
		return w.ended(err), err
	}
	w.task = w.job.task
	if err := w.openState(); err != nil {
		return w.ended(err), err
	}
	defer func() { err = errors.Join(err, w.closeState()) }()
	patient, err := w.open(ctx)
	if err = w.wantStore(ctx, patient, err); err != nil {
		return w.ended(err), err
	}
	defer func() { err = errors.Join(err, patient.Close()) }()
	return w.treat(ctx, patient)
}

// treat has rescue do the work.
func (w *work) treat(ctx context.Context, patient *rescue.Patient) (offline.Report, error) {
	r := w.request()
	switch w.task.Command {
	case Inspect:
		return patient.Inspect(ctx, r)
	case Diagnose:
		return patient.Diagnose(ctx, r)
	case Undo:
		return patient.Undo(ctx, r)
	}
	keys := w.keys()
	defer keys.wipe()
	r.Keys = keys
	report, err := patient.Rescue(ctx, r)
	if err == nil {
		w.advise(&report)
	}
	return report, err
}

func (w *work) request() rescue.Request {
	t := w.task
	return rescue.Request{
		Run: t.Run, Instance: t.Instance, KeyName: t.KeyName, Users: t.Users, Now: w.env.Now(), Progress: w.env.Progress,
		Public: w.job.public, Expires: t.Expires, Repair: w.job.repair, Revoke: t.RevokePrevious,
		AcceptUnknown: t.AcceptUnknown, DryRun: t.DryRun, State: w.state,
		Windows: forWindows(t), Agent: agentconf.Agent(t.WindowsAgent), Fallback: w.job.fallback, Allow: w.job.allow, UserData: w.job.userData,
	}
}

// writes tells whether the task means to change the volume.
func (w *work) writes() bool {
	return w.task.Command == Undo || w.task.Command == Rescue && !w.task.DryRun
}

// ended is the report of a run that ended before rescue took over: nothing has
// been written.
func (w *work) ended(err error) offline.Report {
	t := w.task
	report := rescue.Unopened(t.Command, rescue.Request{Run: t.Run, Instance: t.Instance, DryRun: t.DryRun}, t.Volume, err)
	if usage := (*UsageError)(nil); errors.As(err, &usage) {
		report.Outcome = offline.Refused
	}
	return report
}

// explainInterrupt says what an interrupt has come to. A run that could not be
// taken back keeps its own words.
func explainInterrupt(report *offline.Report, err error) {
	if failure := (*rescue.Failure)(nil); errors.As(err, &failure) && failure.Left {
		return
	}
	report.Error = &offline.Problem{Code: "interrupted", Message: "interrupted; the volume is as it was"}
	if report.Command == Undo {
		report.Error = &offline.Problem{Code: "interrupted", Message: "interrupted before everything was put back",
			Hint: "run the same command again: what is back already is left alone"}
	}
}

// Crash is a fault in this program, met while a task was done.
type Crash struct {
	Value any
	Stack []byte
}

func (c *Crash) Error() string { return fmt.Sprintf("fault in regain-agent itself: %v", c.Value) }

// crashed asks the journal whether the run had begun to write.
func (w *work) crashed(v any, stack []byte) error {
	failure := &rescue.Failure{Code: "internal", Err: &Crash{v, stack}, Hint: "nothing was written to the volume; please report this"}
	if w.state == nil || w.task.Command != Rescue || w.task.DryRun {
		failure.Left = w.task.Command == Undo
		return failure
	}
	if run, err := w.state.Load(w.task.Run); err == nil && run.Open() {
		failure.Left = true
		failure.Hint = "take back what was written: " + undoCommand(w.task)
	}
	return failure
}
