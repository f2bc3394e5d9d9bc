package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// TestRefusesToAttach is what EC2 refuses.
func TestRefusesToAttach(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	const key = "arn:aws:kms:eu-central-1:123456789012:key/1"
	b.AddKey(controller.KMSKey{ARN: key, State: "Disabled"})
	stopped := func(v controller.Volume) (instance, volume string) {
		instance = b.AddInstance(sim.Patient{Instance: controller.Instance{State: controller.Stopped}, Volume: v})
		volume = b.instance(instance).Devices[0].Volume
		b.must(b.Detach(ctx, volume, instance))
		return instance, volume
	}
	here := b.AddInstance(sim.Patient{})
	there := b.AddInstance(sim.Patient{Instance: controller.Instance{Zone: sim.ZoneB}})
	owner, free := stopped(controller.Volume{})
	_, sealed := stopped(controller.Volume{Encrypted: true, KMSKey: key})
	b.refused(b.Attach(ctx, free, here, "/dev/sdf"), controller.State, "VolumeInUse") // still detaching
	b.clock.Pass(4 * time.Second)

	b.refused(b.Attach(ctx, "vol-none", here, "/dev/sdf"), controller.NotFound, "InvalidVolume.NotFound")
	b.refused(b.Attach(ctx, free, "i-none", "/dev/sdf"), controller.NotFound, "InvalidInstanceID.NotFound")
	b.refused(b.Attach(ctx, free, here, "/dev/xvda"), controller.State, "InvalidParameterValue")
	b.refused(b.Attach(ctx, free, there, "/dev/sdf"), controller.Invalid, "InvalidVolume.ZoneMismatch")
	b.refused(b.Attach(ctx, sealed, here, "/dev/sdf"), controller.State, "InvalidKmsKey.InvalidState")
	b.must(b.Attach(ctx, free, here, "/dev/sdf"))
	b.refused(b.Attach(ctx, free, owner, "/dev/xvda"), controller.State, "VolumeInUse")
	b.refused(b.Attach(ctx, free, here, "/dev/sdg"), controller.State, "VolumeInUse")
	b.must(b.Stop(ctx, false, here))
	_, other := stopped(controller.Volume{})
	b.clock.Pass(4 * time.Second)
	b.refused(b.Attach(ctx, other, here, "/dev/sdg"), controller.State, "IncorrectInstanceState")
	for k := range 26 {
		_, v := stopped(controller.Volume{})
		b.clock.Pass(30 * time.Second)
		b.must(b.Attach(ctx, v, here, "/dev/sd"+string(rune('A'+k))))
	}
	b.refused(b.Attach(ctx, other, here, "/dev/sdg"), controller.Invalid, "AttachmentLimitExceeded")
}

// TestRefusesToDetach is what EC2 refuses.
func TestRefusesToDetach(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	id := b.AddInstance(sim.Patient{})
	root := b.instance(id).Devices[0].Volume
	b.refused(b.Detach(ctx, "vol-none", id), controller.NotFound, "InvalidVolume.NotFound")
	b.refused(b.Detach(ctx, root, id), controller.State, "OperationNotPermitted")
	b.refused(b.Detach(ctx, root, "i-other"), controller.NotFound, "InvalidAttachment.NotFound")
	b.must(b.Stop(ctx, false, id))
	b.refused(b.Detach(ctx, root, id), controller.State, "OperationNotPermitted")
	b.clock.Pass(30 * time.Second)
	b.must(b.Detach(ctx, root, id))
	b.refused(b.Detach(ctx, root, id), controller.State, "IncorrectState") // it is detaching
	b.clock.Pass(4 * time.Second)
	b.refused(b.Detach(ctx, root, id), controller.State, "IncorrectState")
	if v := b.volume(root); v.State != "available" || len(v.Attachments) != 0 {
		t.Errorf("detached: %+v", v)
	}
	b.refused(b.SetDeleteOnTermination(ctx, id, "/dev/xvda", true), controller.Invalid, "InvalidInstanceAttributeValue")
}

func TestImages(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	id := b.AddInstance(sim.Patient{Others: []controller.Volume{{Attachments: []controller.Attachment{{Device: "/dev/sdf"}}}}})
	tags := map[string]string{controller.TagRun: "run"}
	_, err := b.BackUpImage(ctx, id, "AWSSupport-EC2Rescue:i-1", "", tags)
	b.refused(err, controller.Invalid, "InvalidAMIName.Malformed")
	ami, err := b.BackUpImage(ctx, id, "regain run", "", tags)
	b.must(err)
	_, err = b.BackUpImage(ctx, id, "regain run", "", tags)
	b.refused(err, controller.Exists, "InvalidAMIName.Duplicate")
	b.noImage() // it is new, and not in each answer yet
	b.noImage()
	if i := b.image("pending"); len(i.Snapshots) != 0 {
		t.Errorf("at once it has the snapshots %v", i.Snapshots)
	}
	b.clock.Pass(3 * time.Second)
	image := b.image("pending")
	if len(image.Snapshots) != 2 {
		t.Errorf("then it has the snapshots %v", image.Snapshots)
	}
	b.clock.Pass(100 * time.Second)
	b.image("available")
	b.refused(b.DeleteBackup(ctx, controller.Backup{ID: image.Snapshots[0]}), controller.State, "InvalidSnapshot.InUse")
	b.must(b.DeleteBackup(ctx, image))
	b.noImage()
	b.refused(b.DeleteBackup(ctx, image), controller.NotFound, "InvalidAMIID.NotFound")
	if n := len(b.Snapshot().Backups); n != 0 {
		t.Errorf("%d backups are left of %s", n, ami)
	}
}

// image wants one image that is tagged with the run, in a state.
func (b bed) image(state string) controller.Backup {
	b.Helper()
	all, err := b.BackupsTagged(b.Context(), controller.TagRun, "run")
	b.must(err)
	if len(all) != 1 || all[0].State != state || all[0].ID[:4] != "ami-" {
		b.Fatalf("tagged are %v, want one image that is %s", all, state)
	}
	return all[0]
}

func (b bed) noImage() {
	b.Helper()
	if all, err := b.BackupsTagged(b.Context(), controller.TagRun, "run"); err != nil || len(all) != 0 {
		b.Errorf("tagged are %v, %v, want none", all, err)
	}
}

// TestImageOfWhatIsDetached fails: the point in time has not come yet.
func TestImageOfWhatIsDetached(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	id := b.AddInstance(sim.Patient{Instance: controller.Instance{State: controller.Stopped}})
	_, err := b.BackUpImage(ctx, id, "regain run", "", map[string]string{controller.TagRun: "run"})
	b.must(err)
	b.must(b.Detach(ctx, b.instance(id).Devices[0].Volume, id))
	b.clock.Pass(10 * time.Second)
	b.image("failed")
}

func TestSnapshots(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	root := b.instance(b.AddInstance(sim.Patient{})).Devices[0].Volume
	tags := map[string]string{controller.TagRun: "run"}
	id, err := b.BackUpSnapshot(ctx, root, "", tags)
	b.must(err)
	_, err = b.BackUpSnapshot(ctx, root, "", tags)
	b.refused(err, controller.Throttled, "SnapshotCreationPerVolumeRateExceeded")
	for range 4 {
		b.clock.Pass(15 * time.Second)
		_, err = b.BackUpSnapshot(ctx, root, "", nil)
		b.must(err)
	}
	b.clock.Pass(15 * time.Second)
	_, err = b.BackUpSnapshot(ctx, root, "", tags)
	b.refused(err, controller.Quota, "ConcurrentSnapshotLimitExceeded")
	b.clock.Pass(15 * time.Second)
	all, err := b.BackupsTagged(ctx, controller.TagRun, "")
	b.must(err)
	if len(all) != 1 || all[0].ID != id || all[0].State != "completed" {
		t.Errorf("got %v", all)
	}
	_, err = b.BackUpSnapshot(ctx, "vol-none", "", nil)
	b.refused(err, controller.NotFound, "InvalidVolume.NotFound")
}

func TestTags(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	id := b.AddInstance(sim.Patient{})
	root := b.instance(id).Devices[0].Volume
	b.must(b.Tag(ctx, map[string]string{"a": "1", "b": ""}, id, root))
	if i, v := b.instance(id), b.volume(root); i.Tags["a"] != "1" || v.Tags["a"] != "1" || i.Tags["Name"] != "patient" {
		t.Errorf("the tags are %v and %v", i.Tags, v.Tags)
	}
	b.refused(b.Tag(ctx, map[string]string{"c": "1"}, id, "vol-none"), controller.NotFound, "InvalidID")
	b.refused(b.Tag(ctx, map[string]string{"aws:c": "1"}, id), controller.Invalid, "InvalidParameterValue")
	b.refused(b.Tag(ctx, map[string]string{"c": strings.Repeat("x", 257)}, id), controller.Invalid, "InvalidParameterValue")
	many := map[string]string{}
	for k := range 49 {
		many["k"+string(rune('A'+k))] = ""
	}
	b.refused(b.Tag(ctx, many, id), controller.Invalid, "TagLimitExceeded")
	if n := len(b.instance(id).Tags); n != 3 {
		t.Errorf("refused calls left %d tags", n)
	}
	b.must(b.Untag(ctx, []string{"a", "none"}, id))
	for value, want := range map[string]int{"": 1, "1": 1, "2": 0} {
		instances, err := b.InstancesTagged(ctx, "Name", map[string]string{"": "", "1": "patient", "2": "other"}[value])
		b.must(err)
		b.must(b.Tag(ctx, map[string]string{"a": "1"}, root))
		volumes, err := b.VolumesTagged(ctx, "a", value)
		b.must(err)
		if len(instances) != want || len(volumes) != want {
			t.Errorf("%q: %d instances and %d volumes, want %d", value, len(instances), len(volumes), want)
		}
	}
}
