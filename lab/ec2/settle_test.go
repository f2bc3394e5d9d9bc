package ec2

import (
	"net/url"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// stuck makes a call whose transition does not end for ten minutes.
func (b *bench) stuck(action string, pairs ...string) {
	b.Helper()
	values := url.Values{"Action": {action}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	c := &wire.Call{ID: "req", Service: "ec2", Action: action, Region: "us-east-1", Query: values}
	if _, err := b.Do(wire.WithStuck(b.Context(), 10*time.Minute), c); err != nil {
		b.Fatalf("%s: %v", action, err)
	}
}

func TestStuckTransitions(t *testing.T) {
	b := newBench(t)
	id, other := b.guest(Spec{}), b.guest(Spec{})
	state := func() string { return b.state(id) }
	root := b.root(id)
	attachment := func() string { return b.volume(root, "attachmentSet/item/status") }
	snapshot := func() string {
		return b.do("DescribeSnapshots", "Filter.1.Name=volume-id", "Filter.1.Value.1="+root).at("snapshotSet/item/status")
	}
	for _, step := range []struct {
		action        string
		pairs         []string
		look          func() string
		during, after string
	}{
		{"StopInstances", []string{"InstanceId.1", id}, state, stopping, stopped},
		{"CreateSnapshot", []string{"VolumeId", root}, snapshot, "pending", "completed"},
		{"DetachVolume", []string{"VolumeId", root}, attachment, "detaching", ""},
		{"AttachVolume", []string{"VolumeId", root, "InstanceId", id, "Device", "/dev/xvda"}, attachment, "attaching", "attached"},
		{"StartInstances", []string{"InstanceId.1", id}, state, pending, running},
		{"TerminateInstances", []string{"InstanceId.1", id}, state, shuttingDown, terminated},
	} {
		b.do("StopInstances", "InstanceId.1="+other)
		b.stuck(step.action, step.pairs...)
		b.pass(9 * time.Minute)
		b.want(step.action+" is stuck", step.look(), step.during)
		b.want(step.action+": another instance", b.state(other), stopped)
		b.do("StartInstances", "InstanceId.1="+other)
		b.pass(61 * time.Second)
		b.want(step.action+" has ended", step.look(), step.after)
	}
}

func TestStuckCallsThatFail(t *testing.T) {
	b := newBench(t)
	c := &wire.Call{Service: "ec2", Action: "StopInstances", Query: url.Values{"InstanceId.1": {"i-0123456789abcdef0"}}}
	if _, err := b.Do(wire.WithStuck(t.Context(), time.Minute), c); !wire.IsFault(err, "InvalidInstanceID.NotFound") {
		t.Errorf("got %v", err)
	}
	b.guest(Spec{}) // nothing is held up
}
