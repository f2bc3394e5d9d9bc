package sim_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
	"github.com/seed-77750964/regain/offline"
)

// ward is a bed with a helper that has the agent, to which the root volume of a
// stopped patient is attached.
type ward struct {
	bed
	patient, helper, root string
}

func newWard(t *testing.T, p sim.Patient) ward {
	t.Helper()
	b := newBed(t, sim.RealDelays())
	p.Instance.State = controller.Stopped
	w := ward{bed: b, patient: b.AddInstance(p), helper: b.helper()}
	w.root = b.instance(w.patient).Devices[0].Volume
	b.must(b.Detach(t.Context(), w.root, w.patient))
	b.clock.Pass(4 * time.Second)
	w.attach()
	return w
}

func (w ward) attach() {
	w.Helper()
	w.must(w.Attach(w.Context(), w.root, w.helper, "/dev/sdf"))
	w.clock.Pass(3 * time.Second)
}

// command runs a command to its end.
func (w ward) command(kind, run string, undo ...string) (controller.Invocation, []offline.Report) {
	w.Helper()
	id := w.send(kind, run, undo...)
	w.clock.Pass(time.Minute)
	return w.ended(id)
}

func (w ward) send(kind, run string, undo ...string) string {
	w.Helper()
	id, err := w.Send(w.Context(), controller.Command{
		Kind: kind, Comment: "regain " + run, Undo: undo, Delivery: time.Minute, Timeout: time.Hour,
		Task: offline.Task{Command: kind, Run: run, Instance: w.patient, Volume: w.root, Wait: 40 * time.Minute},
	}, w.helper)
	w.must(err)
	return id
}

func (w ward) ended(id string) (controller.Invocation, []offline.Report) {
	w.Helper()
	i, err := w.Invocation(w.Context(), id, w.helper)
	w.must(err)
	var reports []offline.Report
	for line := range bytes.Lines([]byte(i.Stdout)) {
		var r offline.Report
		w.must(json.Unmarshal(line, &r))
		reports = append(reports, r)
	}
	return i, reports
}

func (w ward) files() map[string]string { return w.Snapshot().Files[w.root] }

// TestRescueAndUndo wants what a run did to be taken back, on its own helper.
func TestRescueAndUndo(t *testing.T) {
	w := newWard(t, sim.Patient{})
	before := w.files()
	i, reports := w.command(controller.RescueCommand, "run-1")
	if i.Status != "Success" || i.Code != 0 || len(reports) != 1 || reports[0].Outcome != offline.Rescued || reports[0].Verdicts[0].After != offline.Accepted {
		t.Fatalf("the rescue: %+v", i)
	}
	if cmp.Equal(before, w.files()) {
		t.Error("nothing was written")
	}
	i, reports = w.command(controller.RescueCommand, "run-1")
	if i.Status != "Failed" || reports[0].Error.Code != "run-exists" {
		t.Errorf("the same run again: %+v", i)
	}
	i, reports = w.command(controller.UndoCommand, "run-1", "run-2", "run-1")
	if i.Status != "Failed" || len(reports) != 2 || reports[0].Error.Code != "unknown-run" || reports[1].Outcome != offline.Rescued {
		t.Errorf("the undo: %+v", i)
	}
	if d := cmp.Diff(before, w.files()); d != "" {
		t.Errorf("after the undo:\n%s", d)
	}
}

// TestAgentDies leaves half of the work, which the next attempt takes back.
func TestAgentDies(t *testing.T) {
	w := newWard(t, sim.Patient{AgentDies: 1})
	before := w.files()
	i, reports := w.command(controller.RescueCommand, "run-1")
	if i.Status != "Failed" || i.Code != 137 || len(reports) != 0 || cmp.Equal(before, w.files()) {
		t.Errorf("the agent that dies: %+v, %v", i, w.files())
	}
	i, reports = w.command(controller.RescueCommand, "run-2", "run-1")
	if i.Status != "Success" || len(reports) != 1 || reports[0].Run != "run-2" {
		t.Errorf("the second attempt: %+v", i)
	}
	if i, _ = w.command(controller.UndoCommand, "run-2", "run-2"); i.Status != "Success" || !cmp.Equal(before, w.files()) {
		t.Errorf("the undo: %+v, %v", i, w.files())
	}
}

// TestUnchanged has the key and the repair there already.
func TestUnchanged(t *testing.T) {
	w := newWard(t, sim.Patient{})
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5Wv6nfyaNLl9vmTzWnPpbd6Dkm09n5SJU1RtUqUWTr"
	for _, want := range []offline.Outcome{offline.Rescued, offline.Unchanged} {
		id, err := w.Send(t.Context(), controller.Command{Kind: controller.RescueCommand, Task: offline.Task{
			Run: "run-" + string(want), Instance: w.patient, Volume: w.root, PublicKey: key, Users: []string{"root"}, Wait: time.Minute,
		}}, w.helper)
		w.must(err)
		w.clock.Pass(time.Minute)
		_, reports := w.ended(id)
		if r := reports[0]; r.Outcome != want || r.Key.Parameter != "" || !strings.HasPrefix(r.Key.Fingerprint, "SHA256:") || r.Users[0].Name != "root" {
			t.Errorf("got %+v, want %s", r, want)
		}
	}
	if n := len(w.Snapshot().Parameters); n != 0 {
		t.Errorf("%d parameters were stored", n)
	}
}

func TestAgentRefuses(t *testing.T) {
	w := newWard(t, sim.Patient{Refusal: &offline.Problem{Code: "no-root", Message: "there is no root"}})
	before := w.files()
	i, reports := w.command(controller.RescueCommand, "run-1")
	if i.Status != "Failed" || i.Code != 1 || reports[0].Outcome != offline.Refused || reports[0].Error.Code != "no-root" || !cmp.Equal(before, w.files()) {
		t.Errorf("got %+v", i)
	}
}

// TestWaitsForTheVolume wants the agent to be there before the volume is, and to
// give up in time.
func TestWaitsForTheVolume(t *testing.T) {
	w := newWard(t, sim.Patient{})
	w.must(w.Detach(t.Context(), w.root, w.helper))
	w.clock.Pass(4 * time.Second)
	id := w.send(controller.RescueCommand, "run-1")
	w.clock.Pass(30 * time.Minute)
	if i, _ := w.ended(id); i.Status != "InProgress" || i.Code != -1 {
		t.Errorf("without the volume: %+v", i)
	}
	w.attach()
	w.clock.Pass(5 * time.Second)
	if i, _ := w.ended(id); i.Status != "Success" {
		t.Errorf("with the volume: %+v", i)
	}
	w.must(w.Detach(t.Context(), w.root, w.helper))
	w.clock.Pass(4 * time.Second)
	id = w.send(controller.RescueCommand, "run-2")
	w.clock.Pass(41 * time.Minute)
	if i, reports := w.ended(id); i.Status != "Failed" || reports[0].Error.Code != "not-attached" {
		t.Errorf("never with the volume: %+v", i)
	}
}

// TestCommandsThatDoNotEnd are those of a helper that is lost, and that are
// cancelled: the kernel lets go of the volume.
func TestCommandsThatDoNotEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		end            func(w ward, id string)
		now, later, of string
	}{
		"lost":       {func(w ward, _ string) { w.Lose(w.helper) }, "InProgress", "TimedOut", "Execution Timed Out"},
		"terminated": {func(w ward, _ string) { w.Kill(w.helper) }, "InProgress", "TimedOut", "Execution Timed Out"},
		"cancelled":  {func(w ward, id string) { w.must(w.Cancel(w.Context(), id, w.helper)) }, "Cancelled", "Cancelled", "Cancelled"},
		"cancelled when lost": {func(w ward, id string) {
			w.Lose(w.helper)
			w.must(w.Cancel(w.Context(), id, w.helper))
		}, "InProgress", "TimedOut", "Execution Timed Out"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t, sim.Patient{})
			before := w.files()
			id := w.send(controller.RescueCommand, "run-1")
			w.clock.Pass(3 * time.Second) // it works
			tt.end(w, id)
			w.clock.Pass(time.Minute)
			if i, _ := w.ended(id); i.Status != tt.now {
				t.Errorf("a minute later: %+v", i)
			}
			w.clock.Pass(2 * time.Hour)
			if i, _ := w.ended(id); i.Status != tt.later || i.Details != tt.of {
				t.Errorf("at last: %+v", i)
			}
			if v := w.volume(w.root); len(v.Attachments) > 0 {
				w.must(w.Detach(t.Context(), w.root, w.helper))
				w.clock.Pass(4 * time.Second)
			}
			if v := w.volume(w.root); v.State != "available" || !cmp.Equal(before, w.files()) {
				t.Errorf("the volume is %+v with %v", v, w.files())
			}
		})
	}
}

func TestSend(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	helper, err := b.Launch(ctx, launch("token"))
	b.must(err)
	_, err = b.Send(ctx, controller.Command{}, helper)
	b.refused(err, controller.State, "InvalidInstanceId")
	b.clock.Pass(time.Minute)
	_, err = b.Send(ctx, controller.Command{Comment: strings.Repeat("x", 101)}, helper)
	b.refused(err, controller.Invalid, "ValidationException")

	id, err := b.Send(ctx, controller.Command{Kind: controller.RescueCommand, Comment: "early"}, helper)
	b.must(err)
	_, err = b.Invocation(ctx, id, helper)
	b.refused(err, controller.NotFound, "InvocationDoesNotExist")
	b.clock.Pass(time.Minute)
	if i, err := b.Invocation(ctx, id, helper); err != nil || i.Code != 127 {
		t.Errorf("without the agent: %+v, %v", i, err)
	}
	again, err := b.Send(ctx, controller.Command{Kind: controller.PrepareCommand, Comment: "early"}, helper)
	b.must(err)
	named, err := b.CommandsNamed(ctx, helper, "early")
	b.must(err)
	if d := cmp.Diff([]string{again, id}, named); d != "" {
		t.Errorf("commands by comment, newest first:\n%s", d)
	}
	b.refused(b.Cancel(ctx, "cmd-none", helper), controller.Invalid, "InvalidCommandId")
	b.Lose(helper)
	id, err = b.Send(ctx, controller.Command{Delivery: time.Minute}, helper)
	b.must(err)
	b.clock.Pass(2 * time.Minute)
	if i, err := b.Invocation(ctx, id, helper); err != nil || i.Details != "Delivery Timed Out" {
		t.Errorf("to a helper that is lost: %+v, %v", i, err)
	}
}

// TestPrepare wants the agent to come by a link to what was delivered.
func TestPrepare(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	b.AddBucket("bucket")
	if exists, err := b.BucketExists(ctx, "bucket"); !exists || err != nil {
		t.Errorf("the bucket exists: %v, %v", exists, err)
	}
	b.refused(b.Deliver(ctx, "none", "run/agent", nil), controller.NotFound, "NoSuchBucket")
	b.must(b.Deliver(ctx, "bucket", "run/agent", []byte("ELF")))
	link, err := b.Link(ctx, "bucket", "run/agent", time.Hour)
	b.must(err)
	helper, err := b.Launch(ctx, launch("token"))
	b.must(err)
	prepare := func() controller.Invocation {
		id, err := b.Send(ctx, controller.Command{Kind: controller.PrepareCommand, Script: []string{"curl '" + link + "'"}}, helper)
		b.must(err)
		i, err := b.Invocation(ctx, id, helper)
		b.must(err)
		return i
	}
	if i := prepare(); i.Status != "Success" {
		t.Errorf("got %+v", i)
	}
	if left := b.Snapshot().Leftovers("run"); len(left) == 0 || left[0] != "bucket/run/agent" {
		t.Errorf("left over are %v", left)
	}
	b.must(b.Undeliver(ctx, "bucket", "run/agent"))
	b.must(b.Undeliver(ctx, "bucket", "run/agent"))
	if keys, err := b.Delivered(ctx, "bucket", "run"); err != nil || len(keys) != 0 {
		t.Errorf("delivered are %v, %v", keys, err)
	}
	if i := prepare(); i.Status != "Failed" {
		t.Errorf("without the object: %+v", i)
	}
}

func TestParameters(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	const name = "/ec2rl/openssh/i-1/key"
	_, err := b.StoreSecret(ctx, name, []byte("one"), "", "", false)
	b.must(err)
	_, err = b.StoreSecret(ctx, name, []byte("two"), "", "", false)
	b.refused(err, controller.Exists, "ParameterAlreadyExists")
	b.clock.Pass(time.Hour)
	if v, err := b.StoreSecret(ctx, name, []byte("two"), "", "", true); v != 2 || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
	for version, want := range map[int64]string{0: "two", 1: "one", 2: "two"} {
		if value, p, err := b.Secret(ctx, name, version); string(value) != want || err != nil || p.Version != max(version, 1) && version != 0 {
			t.Errorf("version %d is %q of %+v, %v", version, value, p, err)
		}
	}
	_, _, err = b.Secret(ctx, name, 3)
	b.refused(err, controller.NotFound, "ParameterVersionNotFound")
	_, _, err = b.Secret(ctx, "/none", 0)
	b.refused(err, controller.NotFound, "ParameterNotFound")
	_, err = b.StoreSecret(ctx, "/new", []byte("{{x}}"), "", "", false)
	b.refused(err, controller.Invalid, "ValidationException")
	_, err = b.StoreSecret(ctx, "/new", []byte("x"), "arn:none", "", false)
	b.refused(err, controller.State, "InvalidKeyId")
	found, err := b.Cloud.Parameters(ctx, "/none", name)
	b.must(err)
	if len(found) != 1 || found[0].Version != 2 || found[0].Type != "SecureString" || !found[0].Modified.Equal(b.clock.Now()) {
		t.Errorf("found %+v", found)
	}
	for of, want := range map[string]string{"/aws/service/x/x86_64": "ami-0000000000000amd4", "/aws/service/x/arm64": "ami-0000000000000arm4"} {
		if ami, err := b.Public(ctx, of); ami != want || err != nil {
			t.Errorf("%s is %q, %v", of, ami, err)
		}
	}
	_, err = b.Public(ctx, "/mine/arm64")
	b.refused(err, controller.NotFound, "ParameterNotFound")
}
