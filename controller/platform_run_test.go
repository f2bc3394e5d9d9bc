package controller_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// rsaLine is the public half of rsaKey in the form of OpenSSH.
func rsaLine() string {
	public, err := ssh.NewPublicKey(&rsaKey().PublicKey)
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

// TestWindows resets an instance and gets its new password, which is told some
// minutes after the start, while EC2 still has the old one.
func TestWindows(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
	w.cloud.Seals(func(password string) []byte { return sealed(t, password) })
	w.cloud.Tell(w.patient, sealed(t, "old"))
	o := w.reset(t, controller.Ask{})
	if o.State != controller.StateRescued || o.Rescue.Verified.State != controller.Skipped || o.Rescue.Param != nil || o.Rescue.Ask.Keys != controller.KeysPassword {
		t.Fatalf("%s at %s: %v, %+v", o.State, o.Step, o.Err, o.Rescue.Verified)
	}
	w.same(t)
	if want := []string{"regain password " + w.patient + " --key FILE"}; !slices.Equal(o.Login, want) {
		t.Errorf("what to do next: %q, want %q", o.Login, want)
	}
	is := w.cloud.Snapshot().Backups
	for id, want := range map[string]string{o.Rescue.Backup.ID: controller.BackupName(w.patient), o.Rescue.Enabled.ID: controller.EnabledName(w.patient)} {
		if got := is[id].Tags; got["Name"] != want || got[controller.TagKept] != o.Run || got[controller.TagRun] != "" {
			t.Errorf("%s: %v, want the name %q", id, got, want)
		}
	}
	calls := w.cloud.Calls()
	order := []string{}
	for _, c := range calls {
		if slices.Contains([]string{"ec2:CreateImage", "ec2:AttachVolume", "ec2:StartInstances"}, c.Action) {
			order = append(order, strings.TrimPrefix(c.Action, "ec2:"))
		}
	}
	if want := []string{"CreateImage", "AttachVolume", "AttachVolume", "CreateImage", "StartInstances"}; !slices.Equal(order, want) {
		t.Errorf("in the order %v, want %v", order, want)
	}
	all := ""
	for _, c := range w.cloud.Sent() {
		all += strings.Join(c.Script, "\n") + "\n"
	}
	for _, never := range []string{"--store", "--key-type", "--public-key", "--user", "--key-name"} {
		if strings.Contains(all, never) {
			t.Errorf("the agent is told %s: %s", never, all)
		}
	}
	if !strings.Contains(all, "install -y ntfs-3g") {
		t.Errorf("the helper gets no ntfs-3g: %s", all)
	}
	got, err := w.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Timeout: 20 * time.Minute})
	if err != nil || got.Password != sim.NewPassword+w.patient || got.From != controller.FromAgent {
		t.Errorf("%q from %q, %v", got.Password, got.From, err)
	}
}

// TestPasswordOutlivesARestart: what was told after the reset's own start counts,
// however often the instance has been started since.
func TestPasswordOutlivesARestart(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
	w.cloud.Seals(func(password string) []byte { return sealed(t, password) })
	w.reset(t, controller.Ask{})
	w.clock.Pass(10 * time.Minute)
	for _, change := range []func() error{
		func() error { return w.cloud.Stop(t.Context(), false, w.patient) }, func() error { return w.cloud.Start(t.Context(), w.patient) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		w.clock.Pass(10 * time.Minute)
	}
	ask := controller.PasswordAsk{Instance: w.patient, Key: rsaKey()}
	if got, err := w.Password(t.Context(), ask); err != nil || got.Password != sim.NewPassword+w.patient {
		t.Errorf("%q, %v", got.Password, err)
	}
	stranger := w.controller(newRuns()) // with no record of the reset
	if got, err := stranger.Password(t.Context(), ask); err == nil {
		t.Errorf("a password of before the last start passed: %q", got.Password)
	}
}

// TestWindowsScript: without a key pair the password comes by the console.
func TestWindowsScript(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
	o := w.reset(t, controller.Ask{PublicKey: rsaLine()})
	if o.State != controller.StateRescued || o.Rescue.Result.Report.Windows.Agent != "startup-script" {
		t.Fatalf("%s at %s: %v", o.State, o.Step, o.Err)
	}
	w.same(t)
	if sent := w.cloud.Sent(); !slices.ContainsFunc(sent, func(c controller.Command) bool {
		return c.Kind == controller.RescueCommand && strings.Contains(strings.Join(c.Script, " "), "'--windows-fallback' 'ssh-rsa ")
	}) {
		t.Errorf("the agent is not told of the key: %+v", sent)
	}
	w.cloud.Write(w.patient, block(t, o.Rescue.Result.Report.Run, "sealed", "Administrator", "S3cret"))
	got, err := w.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Timeout: time.Minute})
	if err != nil || got.Password != "S3cret" || got.User != "Administrator" || got.From != controller.FromScript {
		t.Errorf("%q of %q, %v", got.Password, got.User, err)
	}
}

// TestWindowsScriptWaits: of an instance that is stopped and stays so, a second
// reset finds the script of the first. Its block bears the first one's name.
func TestWindowsScriptWaits(t *testing.T) {
	patient := windowsPatient()
	patient.Instance.State = controller.Stopped
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, patient)
	first := w.reset(t, controller.Ask{PublicKey: rsaLine()})
	second := w.reset(t, controller.Ask{PublicKey: rsaLine()})
	if first.State != controller.StateRescued || second.State != controller.StateRescued {
		t.Fatalf("%v, %v", first.Err, second.Err)
	}
	if err := w.cloud.Start(t.Context(), w.patient); err != nil {
		t.Fatal(err)
	}
	w.Clock.Sleep(t.Context(), w.Clock.Now().Add(time.Minute))
	run := first.Rescue.Result.Report.Run
	if run == second.Rescue.Result.Report.Run || second.Rescue.Result.Report.Windows.Run != run {
		t.Errorf("the runs are %q and %+v", run, second.Rescue.Result.Report)
	}
	w.cloud.Write(w.patient, block(t, run, "sealed", "Administrator", "S3cret"))
	got, err := w.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Timeout: time.Minute})
	if err != nil || got.Password != "S3cret" {
		t.Errorf("%q, %v", got.Password, err)
	}
}

// TestWindowsElsewhere: a run that another machine has brought home from the tags
// knows its start there, and the script by its name.
func TestWindowsElsewhere(t *testing.T) {
	for _, key := range []string{"", rsaLine()} {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
		w.cloud.Seals(func(password string) []byte { return sealed(t, password) })
		var run string
		w.Watch = func(e controller.Event) { run = e.Run }
		w.cloud.Strike(func(_ int, action string) sim.Fault {
			if action == "ec2:StartInstances" {
				return sim.CrashAfter
			}
			return sim.None
		}, func() {})
		if !sim.Crashed(func() { _, _ = w.Reset(t.Context(), controller.Ask{Instance: w.patient, PublicKey: key}) }) {
			t.Fatal("it did not crash")
		}
		w.cloud.Strike(nil, nil)
		other := w.controller(newRuns())
		o, err := other.Resume(t.Context(), w.patient, false)
		if err != nil || o.State != controller.StateRescued || o.Rescue.Started.IsZero() {
			t.Fatalf("%s, started %s: %v, %v", o.State, o.Rescue.Started, o.Err, err)
		}
		w.same(t)
		if (o.Rescue.Enabled != nil) != (key == "") || o.Rescue.NotEnabled || len(o.Rescue.Warnings) > 0 {
			t.Errorf("the password-enabled image is %+v, given up: %v, %q", o.Rescue.Enabled, o.Rescue.NotEnabled, o.Rescue.Warnings)
		}
		if key != "" {
			w.cloud.Write(w.patient, block(t, run+"-1", "sealed", "Administrator", sim.NewPassword+w.patient))
		}
		got, err := other.Password(t.Context(), controller.PasswordAsk{Instance: w.patient, Key: rsaKey(), Timeout: 20 * time.Minute})
		if err != nil || got.Password != sim.NewPassword+w.patient {
			t.Errorf("%q, %v", got.Password, err)
		}
	}
}

// TestWindowsForgottenKey: where the operator's key is lost with the journal, and the
// helper with what it takes to undo, no other agent is armed in place of the script.
func TestWindowsForgottenKey(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
	ctx, cancel := context.WithCancel(t.Context())
	armed := 0
	w.cloud.Strike(func(_ int, action string) sim.Fault {
		if action == "ec2:AttachVolume" {
			if armed++; armed == 1 {
				return sim.InterruptAfter
			}
		}
		if action == "ssm:CancelCommand" {
			return sim.CrashBefore
		}
		return sim.None
	}, cancel)
	if !sim.Crashed(func() { _, _ = w.Reset(ctx, controller.Ask{Instance: w.patient, PublicKey: rsaLine()}) }) {
		t.Fatal("it ended before")
	}
	w.cloud.Strike(nil, nil)
	for id, i := range w.cloud.Snapshot().Instances {
		if i.Tags[controller.TagRole] == controller.RoleHelper {
			w.cloud.Lose(id)
		}
	}
	sent := len(w.cloud.Sent())
	o, err := w.controller(newRuns()).Resume(t.Context(), w.patient, false)
	if err != nil || o.State == controller.StateRescued || o.State == controller.StateNotHome {
		t.Errorf("%s: %v, %v", o.State, o.Err, err)
	}
	for _, c := range w.cloud.Sent()[sent:] {
		if c.Kind == controller.RescueCommand {
			t.Errorf("an agent is armed: %+v", c.Task)
		}
	}
}

// TestWindowsStopped: an instance that was stopped comes home stopped, and the
// outcome says how to go on.
func TestWindowsStopped(t *testing.T) {
	p := windowsPatient()
	p.Instance.State = controller.Stopped
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, p)
	o := w.reset(t, controller.Ask{})
	w.same(t)
	if o.State != controller.StateRescued || len(o.Login) != 2 || !strings.HasPrefix(o.Login[0], "aws ec2 start-instances") {
		t.Errorf("%s: %v, %q", o.State, o.Err, o.Login)
	}
}

// TestLinuxAndWindowsTogether: each gets its own kind of helper in one call.
func TestLinuxAndWindowsTogether(t *testing.T) {
	w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
	linux := w.cloud.AddInstance(sim.Patient{})
	outcomes, err := w.Reset(t.Context(), controller.Ask{Instance: w.patient}, controller.Ask{Instance: linux})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.State != controller.StateRescued {
			t.Errorf("%s: %s at %s: %v", o.Instance, o.State, o.Step, o.Err)
		}
	}
	prepared := map[bool]int{}
	for _, c := range w.cloud.Sent() {
		if c.Kind == controller.PrepareCommand {
			prepared[strings.Contains(strings.Join(c.Script, " "), "ntfs-3g")]++
		}
	}
	if prepared[true] == 0 || prepared[false] == 0 {
		t.Errorf("prepared with ntfs-3g and without: %v", prepared)
	}
}

// TestEnabledImageIsNoObstacle: where the second image cannot be made, the
// instance comes home all the same, and it is said.
func TestEnabledImageIsNoObstacle(t *testing.T) {
	for name, fault := range map[string]sim.Fault{"refused": sim.ErrorBefore, "no answer": sim.LostAnswer, "throttled": sim.Throttle} {
		w := newWorld(t, sim.Options{Delays: sim.RealDelays()}, windowsPatient())
		made := 0
		w.cloud.Strike(func(_ int, action string) sim.Fault {
			if action == "ec2:CreateImage" {
				if made++; made > 1 {
					return fault
				}
			}
			return sim.None
		}, nil)
		o := w.reset(t, controller.Ask{})
		told := strings.Contains(strings.Join(o.Rescue.Warnings, "\n"), "password-enabled image could not be made")
		if o.State != controller.StateRescued || told != (o.Rescue.Enabled == nil) || o.Downtime > 10*time.Minute {
			t.Errorf("%s: %s at %s, down for %s: %v, %q", name, o.State, o.Step, o.Downtime, o.Err, o.Rescue.Warnings)
		}
		w.same(t)
	}
	w := newWorld(t, sim.Options{}, windowsPatient())
	if o := w.reset(t, controller.Ask{Backup: controller.BackupSnapshot}); o.State != controller.StateRescued || o.Rescue.Enabled != nil {
		t.Errorf("an image was made, and a snapshot wanted: %+v", o.Rescue.Enabled)
	}
}
