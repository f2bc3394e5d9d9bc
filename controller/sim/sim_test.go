package sim_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
	"github.com/seed-77750964/regain/offline"
)

// bed is an account, its clock, and the calls of a test, which must succeed
// unless it wants otherwise.
type bed struct {
	*testing.T
	*sim.Cloud
	clock *sim.Clock
}

func newBed(t *testing.T, d sim.Delays) bed {
	clock := sim.NewClock()
	return bed{t, sim.New(sim.Options{Clock: clock, Delays: d}), clock}
}

func (b bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// refused wants a failure of a kind and code.
func (b bed) refused(err error, kind controller.Kind, code string) {
	b.Helper()
	var e *controller.CloudError
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		b.Errorf("got %v, want %s %s", err, kind, code)
	}
}

func (b bed) instance(id string) controller.Instance {
	b.Helper()
	found, err := b.Instances(b.Context(), id)
	b.must(err)
	if len(found) != 1 {
		b.Fatalf("%d instances are called %s", len(found), id)
	}
	return found[0]
}

func (b bed) volume(id string) controller.Volume {
	b.Helper()
	found, err := b.Volumes(b.Context(), id)
	b.must(err)
	if len(found) != 1 {
		b.Fatalf("%d volumes are called %s", len(found), id)
	}
	return found[0]
}

// helper launches one and waits until it has the agent.
func (b bed) helper() string {
	b.Helper()
	id, err := b.Launch(b.Context(), launch("token"))
	b.must(err)
	b.clock.Pass(2 * time.Minute)
	_, err = b.Send(b.Context(), controller.Command{Kind: controller.PrepareCommand, Comment: "prepare"}, id)
	b.must(err)
	b.clock.Pass(time.Minute)
	return id
}

func launch(token string) controller.Launch {
	return controller.Launch{
		Token: token, Image: "ami-0000000000000amd4", Type: "t3.small", Subnet: sim.SubnetA, PublicIP: true, Profile: sim.Helper,
		Tags: map[string]string{controller.TagRun: "run"},
	}
}

// TestRescueByHand is the whole way of a rescue, call by call.
func TestRescueByHand(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	patient := b.AddInstance(sim.Patient{})
	before := b.Snapshot()
	root := b.instance(patient).Devices[0].Volume
	helper := b.helper()

	rescue, err := b.Send(ctx, controller.Command{Kind: controller.RescueCommand, Comment: "rescue", Task: offline.Task{
		Command: "rescue", Run: "run-1", Instance: patient, Volume: root, Wait: 40 * time.Minute,
	}}, helper)
	b.must(err)
	_, err = b.Invocation(ctx, rescue, helper)
	b.refused(err, controller.NotFound, "InvocationDoesNotExist")
	b.refused(b.Detach(ctx, root, patient), controller.State, "OperationNotPermitted")
	b.must(b.Stop(ctx, false, patient))
	b.refused(b.Start(ctx, patient), controller.State, "IncorrectInstanceState")
	b.clock.Pass(30 * time.Second)
	b.must(b.Detach(ctx, root, patient))
	b.refused(b.Attach(ctx, root, helper, "/dev/sdf"), controller.State, "VolumeInUse")
	b.clock.Pass(4 * time.Second)
	b.refused(b.Start(ctx, patient), controller.Invalid, "InvalidParameterValue")
	b.must(b.Attach(ctx, root, helper, "/dev/sdf"))
	if v := b.volume(root); v.State != "in-use" || v.Attachments[0].State != "attaching" {
		t.Errorf("right after AttachVolume: %+v", v)
	}
	b.clock.Pass(4 * time.Second)
	b.must(b.Detach(ctx, root, helper))
	if v := b.volume(root); v.Attachments[0].State != "busy" {
		t.Errorf("while the agent works: %+v", v)
	}
	b.clock.Pass(time.Minute)
	i, err := b.Invocation(ctx, rescue, helper)
	b.must(err)
	var report offline.Report
	b.must(json.Unmarshal([]byte(i.Stdout), &report))
	if i.Status != "Success" || report.Outcome != offline.Rescued || report.Key.Version != 1 {
		t.Errorf("the command ended with %+v", i)
	}
	b.must(b.Attach(ctx, root, patient, "/dev/xvda"))
	b.clock.Pass(3 * time.Second)
	if d := b.instance(patient).Devices[0]; d.DeleteOnTermination {
		t.Error("attaching keeps DeleteOnTermination")
	}
	b.must(b.SetDeleteOnTermination(ctx, patient, "/dev/xvda", true))
	b.must(b.Start(ctx, patient))
	b.clock.Pass(15 * time.Second)
	b.login(patient, report.Key.Parameter, "connection refused")
	b.clock.Pass(10 * time.Second)
	b.login(patient, report.Key.Parameter, "")
	b.must(b.Terminate(ctx, helper))
	b.clock.Pass(time.Minute)

	after := b.Snapshot()
	if d := cmp.Diff(before.Instances, after.Instances) + cmp.Diff(before.Volumes, after.Volumes); d != "" {
		t.Errorf("the account differs (-before +after):\n%s", d)
	}
	if cmp.Equal(before.Files, after.Files) {
		t.Error("the volume is as before")
	}
	if left := after.Leftovers("run"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// login wants a handshake with the key of a parameter to end in an error that
// contains a text, or to succeed.
func (b bed) login(id, parameter, want string) {
	b.Helper()
	pem, _, err := b.Secret(b.Context(), parameter, 0)
	b.must(err)
	signer, err := ssh.ParsePrivateKey(pem)
	b.must(err)
	address := b.instance(id).PrivateIP + ":22"
	conn, err := b.Dial(b.Context(), "tcp", address)
	if err == nil {
		_, _, _, err = ssh.NewClientConn(conn, address, &ssh.ClientConfig{
			User: "admin", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		b.must(conn.Close())
	}
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		b.Errorf("the login: %v, want %q", err, want)
	}
}

func TestMutations(t *testing.T) {
	b := newBed(t, sim.Delays{})
	patient := b.AddInstance(sim.Patient{})
	_, err := b.Attributes(t.Context(), patient)
	b.must(err)
	b.must(b.Stop(t.Context(), false, patient))
	if got := b.Mutations(); !slices.Equal(got, []string{"ec2:StopInstances"}) || len(b.Calls()) != 4 {
		t.Errorf("got %v of %d calls", got, len(b.Calls()))
	}
}
