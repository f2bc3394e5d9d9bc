package cloudtest

import (
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller"
)

func look(b *bed) {
	i := b.patient()
	if i.State != controller.Running || i.Platform != "linux" || i.Architecture == "" || i.Zone == "" || i.Type == "" || i.Subnet == "" || i.Tags["Name"] == "" {
		b.Errorf("a patient without what a rescue looks at: %+v", i)
	}
	if i.RootDeviceType != "ebs" {
		b.Errorf("the root is on %q", i.RootDeviceType)
	}
	root := b.root()
	if root.State != "attached" || root.Volume == "" {
		b.Errorf("the root is %+v", root)
	}
	v := b.volume(root.Volume)
	want := controller.Attachment{Instance: b.Patient, Device: root.Name, State: "attached", DeleteOnTermination: root.DeleteOnTermination}
	if v.State != "in-use" || v.Zone != i.Zone || v.GiB == 0 || !slices.Equal(v.Attachments, []controller.Attachment{want}) {
		b.Errorf("volume and instance disagree: %+v and %+v", v, root)
	}
	found, err := b.Cloud.Instances(b.Context(), b.Patient, "i-0123456789abcdef0")
	if b.must(err); len(found) != 1 {
		b.Errorf("one unknown id hides the others: %d found", len(found))
	}
	attributes, err := b.Cloud.Attributes(b.Context(), b.Patient)
	if b.must(err); attributes != (controller.Attributes{Shutdown: "stop"}) {
		b.Errorf("attributes %+v", attributes)
	}
	kind, err := b.Cloud.InstanceType(b.Context(), i.Type)
	if b.must(err); !slices.Contains(kind.Architectures, i.Architecture) {
		b.Errorf("%s has the architectures %v", i.Type, kind.Architectures)
	}
	offered, err := b.Cloud.TypeOffered(b.Context(), b.Type, i.Zone)
	if b.must(err); !offered {
		b.Errorf("%s is not offered in %s", b.Type, i.Zone)
	}
}

// nothing guards against an empty list of ids that means: all there are.
func nothing(b *bed) {
	instances, err := b.Cloud.Instances(b.Context())
	if b.must(err); len(instances) > 0 {
		b.Errorf("no id finds %d instances", len(instances))
	}
	volumes, err := b.Cloud.Volumes(b.Context())
	if b.must(err); len(volumes) > 0 {
		b.Errorf("no id finds %d volumes", len(volumes))
	}
	managed, err := b.Cloud.Managed(b.Context())
	if b.must(err); len(managed) > 0 {
		b.Errorf("no id finds %d managed instances", len(managed))
	}
	parameters, err := b.Cloud.Parameters(b.Context())
	if b.must(err); len(parameters) > 0 {
		b.Errorf("no name finds %d parameters", len(parameters))
	}
}

func stopAndStart(b *bed) {
	before := b.patient()
	b.stopped()
	b.must(b.Cloud.Stop(b.Context(), false, b.Patient)) // again, as after a lost answer
	if i := b.patient(); i.State != controller.Stopped || i.StateCode == "" {
		b.Errorf("stopped again, it is %s because of %q", i.State, i.StateCode)
	}
	b.must(b.Cloud.Start(b.Context(), b.Patient))
	b.must(b.Cloud.Start(b.Context(), b.Patient))
	b.untilState(b.Patient, controller.Running)
	after := b.patient()
	if after.PrivateIP != before.PrivateIP || !slices.Equal(after.Devices, before.Devices) {
		b.Errorf("came back as %+v, was %+v", after, before)
	}
}

func stopProtection(b *bed) {
	b.must(b.Cloud.SetStopProtection(b.Context(), b.Patient, true))
	attributes, err := b.Cloud.Attributes(b.Context(), b.Patient)
	if b.must(err); !attributes.StopProtection {
		b.Errorf("the protection does not show")
	}
	b.refused(b.Cloud.Stop(b.Context(), false, b.Patient), controller.State)
	if i := b.patient(); i.State != controller.Running {
		b.Errorf("protected, it is %s", i.State)
	}
	b.must(b.Cloud.SetStopProtection(b.Context(), b.Patient, false))
	b.stopped()
}

func tags(b *bed) {
	root := b.root()
	b.must(b.Cloud.Tag(b.Context(), map[string]string{controller.TagRun: "R", controller.TagOwner: "me"}, b.Patient, root.Volume))
	b.must(b.Cloud.Tag(b.Context(), map[string]string{controller.TagOwner: "you"}, b.Patient))
	b.until("the patient is found by its tag", func() bool {
		found, err := b.Cloud.InstancesTagged(b.Context(), controller.TagRun, "R")
		b.must(err)
		return len(found) == 1 && found[0].ID == b.Patient && found[0].Tags[controller.TagOwner] == "you"
	})
	b.until("its volume is found by the key alone", func() bool {
		found, err := b.Cloud.VolumesTagged(b.Context(), controller.TagRun, "")
		b.must(err)
		return len(found) == 1 && found[0].ID == root.Volume && found[0].Tags[controller.TagRun] == "R"
	})
	other, err := b.Cloud.InstancesTagged(b.Context(), controller.TagRun, "S")
	if b.must(err); len(other) > 0 {
		b.Errorf("another run's tag finds %d instances", len(other))
	}
	keys := []string{controller.TagRun, controller.TagOwner, controller.TagSince}
	b.must(b.Cloud.Untag(b.Context(), keys, b.Patient, root.Volume))
	b.must(b.Cloud.Untag(b.Context(), keys, b.Patient, root.Volume))
	b.until("the tags are gone", func() bool {
		i := b.patient()
		return i.Tags[controller.TagRun] == "" && i.Tags["Name"] != "" && b.volume(root.Volume).Tags[controller.TagRun] == ""
	})
}

// launch wants one helper of several calls with one token, tagged from the
// beginning.
func launch(b *bed) {
	first, err := b.Cloud.Launch(b.Context(), b.launch("token-1"))
	b.must(err)
	again, err := b.Cloud.Launch(b.Context(), b.launch("token-1"))
	if b.must(err); again != first {
		b.Errorf("one token made %s and %s", first, again)
	}
	b.untilState(first, controller.Running)
	found, err := b.Cloud.InstancesTagged(b.Context(), controller.TagRun, "R")
	if b.must(err); len(found) != 1 || found[0].ID != first || found[0].Tags[controller.TagRole] != "helper" {
		b.Errorf("found by its tag: %+v", found)
	}
	if h, _ := b.instance(first); h.Subnet != b.Subnet || h.PublicIP == "" || h.Profile == "" || len(h.Devices) == 0 || !h.Devices[0].DeleteOnTermination {
		b.Errorf("a helper that is not as asked for: %+v", h)
	}
	other, err := b.Cloud.Launch(b.Context(), b.launch("token-2"))
	if b.must(err); other == first {
		b.Errorf("two tokens made one helper")
	}
}

func helperEnds(b *bed) {
	id := b.helper()
	h, _ := b.instance(id)
	b.must(b.Cloud.Terminate(b.Context(), id))
	b.gone(b.Cloud.Terminate(b.Context(), id))
	b.until("the helper is terminated", func() bool { i, ok := b.instance(id); return !ok || i.State == controller.Terminated })
	found, err := b.Cloud.InstancesTagged(b.Context(), controller.TagRun, "R")
	if b.must(err); len(found) > 0 {
		b.Errorf("a terminated helper is found by its tag: %+v", found)
	}
	if err := b.Cloud.Start(b.Context(), id); err == nil {
		b.Errorf("a terminated helper starts")
	}
	b.until("its volume is gone", func() bool {
		volumes, err := b.Cloud.Volumes(b.Context(), h.Devices[0].Volume)
		b.must(err)
		return len(volumes) == 0
	})
}

func notThere(b *bed) {
	const id = "0123456789abcdef0"
	b.refused(b.Cloud.Stop(b.Context(), false, "i-"+id), controller.NotFound)
	b.refused(b.Cloud.Start(b.Context(), "i-"+id), controller.NotFound)
	b.refused(b.Cloud.Attach(b.Context(), "vol-"+id, b.Patient, "/dev/sdf"), controller.NotFound)
	_, err := b.Cloud.Attributes(b.Context(), "i-"+id)
	b.refused(err, controller.NotFound)
	_, err = b.Cloud.Image(b.Context(), "ami-"+id)
	b.refused(err, controller.NotFound)
	_, err = b.Cloud.InstanceType(b.Context(), "x0.none")
	b.refused(err, controller.NotFound)
	_, err = b.Cloud.Profile(b.Context(), "nobody")
	b.refused(err, controller.NotFound)
	_, err = b.Cloud.Key(b.Context(), "00000000-0000-0000-0000-000000000000")
	b.refused(err, controller.NotFound)
	_, err = b.Cloud.Public(b.Context(), "/aws/service/none")
	b.refused(err, controller.NotFound)
	b.refused(b.Cloud.EnterStandby(b.Context(), "none", b.Patient), controller.Invalid)
	offered, err := b.Cloud.TypeOffered(b.Context(), "x0.none", b.patient().Zone)
	if b.must(err); offered {
		b.Errorf("a type that is not is offered")
	}
}

func caller(b *bed) {
	who, err := b.Cloud.Caller(b.Context())
	if b.must(err); who.Account == "" || who.ARN == "" || who.Partition == "" || who.Region == "" {
		b.Errorf("got %+v", who)
	}
	profile, err := b.Cloud.Profile(b.Context(), b.Profile)
	if b.must(err); profile.Name != b.Profile || profile.ARN == "" || profile.Role == "" {
		b.Errorf("got %+v", profile)
	}
	image, err := b.Cloud.Image(b.Context(), b.Image)
	if b.must(err); image.ID != b.Image || image.State != "available" || image.RootDevice == "" {
		b.Errorf("got %+v", image)
	}
}

func noGroup(b *bed) {
	group, err := b.Cloud.Group(b.Context(), b.Patient)
	if b.must(err); group != nil {
		b.Errorf("the patient is in %+v", group)
	}
}

// noCommands asks for a command that was never sent, and sends one to who is not
// managed.
func noCommands(b *bed) {
	_, err := b.Cloud.Invocation(b.Context(), "00000000-0000-4000-8000-000000000000", b.Patient)
	b.refused(err, controller.NotFound)
	ids, err := b.Cloud.CommandsNamed(b.Context(), b.Patient, "regain R prepare 1")
	if b.must(err); len(ids) > 0 {
		b.Errorf("found %v", ids)
	}
	managed, err := b.Cloud.Managed(b.Context(), b.Patient)
	if b.must(err); len(managed) > 0 {
		b.Errorf("the patient is managed: %+v", managed)
	}
	c := controller.Command{Kind: controller.PrepareCommand, Comment: "regain R prepare 1", Script: []string{"true"}, Delivery: time.Minute, Timeout: time.Minute}
	_, err = b.Cloud.Send(b.Context(), c, b.Patient)
	b.refused(err, controller.State)
}
