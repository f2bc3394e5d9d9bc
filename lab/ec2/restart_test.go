package ec2

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestKillInEachTransition takes the power in the middle of each transition, before
// and after it is due, and wants the same end.
func TestKillInEachTransition(t *testing.T) {
	for name, tt := range map[string]struct {
		before  func(b *bench, id, volume string)
		action  string
		params  func(id, volume string) []string
		observe func(b *bench, id, volume string) string
		want    string
	}{
		"start": {nil, "StartInstances", only("InstanceId.1="), (*bench).stateOf, running},
		"stop":  {(*bench).boots, "StopInstances", only("InstanceId.1="), (*bench).stateOf, stopped},
		"terminate": {
			(*bench).boots, "TerminateInstances", only("InstanceId.1="), (*bench).stateOf, terminated,
		},
		"reboot": {(*bench).boots, "RebootInstances", only("InstanceId.1="), (*bench).stateOf, running},
		"attach": {nil, "AttachVolume", func(id, v string) []string { return []string{"InstanceId=" + id, "VolumeId=" + v, "Device=/dev/sdf"} }, (*bench).attachmentOf, "in-use attached"},
		"attach to a running one": {(*bench).boots, "AttachVolume", func(id, v string) []string {
			return []string{"InstanceId=" + id, "VolumeId=" + v, "Device=/dev/sdf"}
		}, (*bench).attachmentOf, "in-use attached"},
		"detach": {
			func(b *bench, id, v string) {
				b.do("AttachVolume", "InstanceId="+id, "VolumeId="+v, "Device=/dev/sdf")
				b.pass(time.Minute)
				b.boots(id, v)
			}, "DetachVolume", func(_, v string) []string { return []string{"VolumeId=" + v} }, (*bench).attachmentOf, "available ",
		},
	} {
		for _, late := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				b := newBench(t)
				volume := b.do("CreateVolume", "AvailabilityZone=us-east-1a", "Size=1").at("volumeId")
				id := b.guest(Spec{Stopped: true})
				if tt.before != nil {
					tt.before(b, id, volume)
				}
				b.do(tt.action, tt.params(id, volume)...)
				if late {
					b.rest(t.Context())
				}
				b.kill()
				b.pass(time.Minute)
				b.want("in the end", tt.observe(b, id, volume), tt.want)
				if on := b.state(id) == running; b.host.On(id) != on {
					t.Errorf("it is %s, and its machine on is %v", b.state(id), !on)
				}
			})
		}
	}
}

func only(param string) func(id, volume string) []string {
	return func(id, _ string) []string { return []string{param + id} }
}

func (b *bench) boots(id, _ string) {
	b.do("StartInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
}

func (b *bench) stateOf(id, _ string) string { return b.state(id) }

func (b *bench) attachmentOf(_, volume string) string {
	return b.volume(volume, "status") + " " + b.volume(volume, "attachmentSet/item/status")
}

// TestRunningInstancesComeBack: machines die with the lab, and are booted again.
func TestRunningInstancesComeBack(t *testing.T) {
	b := newBench(t)
	guest, helper, off := b.guest(Spec{}), b.helper(), b.guest(Spec{Stopped: true})
	b.kill()
	b.want("before machines are on", b.state(guest), running)
	b.pass(0)
	for id, want := range map[string]string{guest: running, helper: running, off: stopped} {
		b.want("state", b.state(id), want)
		b.want("machine", btoa(b.host.On(id)), btoa(want == running))
	}
}

// TestRootBreaksMeanwhile: what ran before the kill and boots no more is stopped.
func TestRootBreaksMeanwhile(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	if err := os.WriteFile(b.volumePath(b.root(id)), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.kill()
	b.pass(0)
	b.want("state", b.state(id), stopped)
	b.want("reason", b.instance(id, "stateReason/code"), "Client.InternalError")
}

// TestSnapshotCutShort: a copy that a kill interrupts was never a snapshot, nor an
// image.
func TestSnapshotCutShort(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true})
	root := b.root(id)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.takeOne(ctx, b.noteSnapshot(root)); err == nil {
		t.Log("the file system shares blocks: the copy takes no time")
	}
	if err := b.change(func(a *account, now time.Time) error {
		_, err := b.beginImage(a, image{Name: "half", Source: id, Owner: b.Account}, true, now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.kill()
	b.pass(0)
	if n := len(b.do("DescribeSnapshots", "Owner.1=self").find("snapshotSet/item")); n != 0 {
		t.Errorf("%d snapshots", n)
	}
	if n := len(b.do("DescribeImages", "Owner.1=self").find("imagesSet/item")); n != 0 {
		t.Errorf("%d images", n)
	}
	b.do("CreateImage", "InstanceId="+id, "Name=half")
}

func (b *bench) noteSnapshot(volume string) (id string) {
	b.Helper()
	if err := b.change(func(a *account, now time.Time) error {
		id = b.newSnapshot(a, a.Volumes[volume], "", now.Add(-time.Hour))
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	return id
}

// TestNothingIsLeftOver: files that belong to nothing go at the next start.
func TestNothingIsLeftOver(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true})
	stray := filepath.Join(b.dir, "volumes", "vol-0123456789abcdef0.raw")
	torn := filepath.Join(b.dir, "snapshots", "snap-0123456789abcdef0.raw.new")
	for _, path := range []string{stray, torn} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.kill()
	b.pass(0)
	for _, path := range []string{stray, torn} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is there", path)
		}
	}
	if _, err := os.Stat(b.volumePath(b.root(id))); err != nil {
		t.Error(err)
	}
}

// TestRun lets the service's own loop bring an instance up and down in real time.
func TestRun(t *testing.T) {
	b := newBench(t)
	b.Now = time.Now
	b.Pace.Speed = 1000
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.EC2.Run(ctx) }()
	id, err := b.Create(t.Context(), Spec{Image: b.disk("bootable")})
	if err != nil {
		t.Fatal(err)
	}
	b.await(id, running)
	b.do("StopInstances", "InstanceId.1="+id)
	b.await(id, stopped)
	b.do("StartInstances", "InstanceId.1="+id)
	b.await(id, running)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := b.Close(t.Context()); err != nil || b.host.On(id) {
		t.Errorf("after closing: %v, machine on: %v", err, b.host.On(id))
	}
}

func (b *bench) await(id, state string) {
	b.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for range 30000 {
		if b.state(id) == state {
			return
		}
		<-tick.C
	}
	b.Fatalf("%s is %s, and never %s", id, b.state(id), state)
}
