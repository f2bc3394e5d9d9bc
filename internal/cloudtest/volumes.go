package cloudtest

import (
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller"
)

func rootStays(b *bed) {
	root := b.root()
	b.refused(b.Cloud.Detach(b.Context(), root.Volume, b.Patient), controller.State)
	if after := b.root(); after != root {
		b.Errorf("the root is %+v, was %+v", after, root)
	}
}

func onePlace(b *bed) {
	helper, root := b.helper(), b.stopped()
	b.refused(b.Cloud.Attach(b.Context(), root.Volume, helper, "/dev/sdf"), controller.State)
	if v := b.volume(root.Volume); len(v.Attachments) != 1 || v.Attachments[0].Instance != b.Patient {
		b.Errorf("the volume is at %+v", v.Attachments)
	}
}

// swap is the middle of a rescue.
func swap(b *bed) {
	helper, root := b.helper(), b.stopped()
	b.must(b.Cloud.SetDeleteOnTermination(b.Context(), b.Patient, root.Name, true))
	b.move(root.Volume, b.Patient, helper, "/dev/sdf")
	if i := b.patient(); slices.ContainsFunc(i.Devices, func(d controller.Device) bool { return d.Volume == root.Volume }) {
		b.Errorf("the patient still has it: %+v", i.Devices)
	}
	b.refused(b.Cloud.Start(b.Context(), b.Patient), controller.Invalid) // an instance without a root
	b.move(root.Volume, helper, b.Patient, root.Name)
	if b.root().DeleteOnTermination || b.volume(root.Volume).Attachments[0].DeleteOnTermination {
		b.Errorf("a volume that was attached goes with its instance")
	}
	b.must(b.Cloud.SetDeleteOnTermination(b.Context(), b.Patient, root.Name, true))
	b.until("the flag is back", func() bool {
		return b.root().DeleteOnTermination && b.volume(root.Volume).Attachments[0].DeleteOnTermination
	})
	b.must(b.Cloud.Start(b.Context(), b.Patient))
	b.untilState(b.Patient, controller.Running)
}

// move takes a volume from one instance to another, a step at a time, as the API
// wants it.
func (b *bed) move(volume, from, to, device string) {
	b.Helper()
	b.must(b.Cloud.Detach(b.Context(), volume, from))
	b.until(volume+" is available", func() bool { v := b.volume(volume); return v.State == "available" && len(v.Attachments) == 0 })
	if err := b.Cloud.Detach(b.Context(), volume, from); err == nil {
		b.Errorf("detached what is not attached")
	}
	b.must(b.Cloud.Attach(b.Context(), volume, to, device))
	b.until(volume+" is attached", func() bool {
		v := b.volume(volume)
		return len(v.Attachments) == 1 && v.Attachments[0].State == "attached"
	})
	if a := b.volume(volume).Attachments[0]; a.Instance != to || a.Device != device {
		b.Errorf("attached as %+v", a)
	}
}

func oneDevice(b *bed) {
	helper, root := b.helper(), b.stopped()
	h, _ := b.instance(helper)
	b.must(b.Cloud.Detach(b.Context(), root.Volume, b.Patient))
	b.until("it is available", func() bool { return b.volume(root.Volume).State == "available" })
	b.refused(b.Cloud.Attach(b.Context(), root.Volume, helper, h.RootDevice), controller.State)
	if v := b.volume(root.Volume); v.State != "available" {
		b.Errorf("refused, it is %s", v.State)
	}
}

func backUpImage(b *bed) {
	b.stopped()
	made := map[string]string{controller.TagRun: "R", controller.TagRole: "backup"}
	id, err := b.Cloud.BackUpImage(b.Context(), b.Patient, "regain-R", "before the rescue", made)
	b.must(err)
	_, err = b.Cloud.BackUpImage(b.Context(), b.Patient, "regain-R", "before the rescue", made)
	b.refused(err, controller.Exists)
	backup := b.backup(id)
	b.until("the image has its snapshots", func() bool { backup = b.backup(id); return len(backup.Snapshots) > 0 })
	if backup.Name != "regain-R" || backup.Tags[controller.TagRole] != "backup" {
		b.Errorf("got %+v", backup)
	}
	b.removed(backup)
}

func backUpSnapshot(b *bed) {
	root := b.root()
	id, err := b.Cloud.BackUpSnapshot(b.Context(), root.Volume, "before the rescue", map[string]string{controller.TagRun: "R", controller.TagRole: "backup"})
	b.must(err)
	backup := b.backup(id)
	if (backup.State != "pending" && backup.State != "completed") || len(backup.Snapshots) > 0 {
		b.Errorf("got %+v", backup)
	}
	b.must(b.Cloud.Tag(b.Context(), map[string]string{controller.TagKept: "R"}, id))
	b.must(b.Cloud.Untag(b.Context(), []string{controller.TagRun}, id))
	b.until("the run's tag is gone", func() bool { return len(b.backups(controller.TagRun)) == 0 })
	if kept := b.backups(controller.TagKept); len(kept) != 1 || kept[0].ID != id {
		b.Errorf("kept: %+v", kept)
	}
	b.removed(backup)
}

func (b *bed) backups(key string) []controller.Backup {
	b.Helper()
	found, err := b.Cloud.BackupsTagged(b.Context(), key, "R")
	b.must(err)
	return found
}

// backup waits until one is found by its tag, once and alone.
func (b *bed) backup(id string) (found controller.Backup) {
	b.Helper()
	b.until(id+" is found", func() bool {
		all := b.backups(controller.TagRun)
		if len(all) == 1 && all[0].ID == id {
			found = all[0]
		}
		return found.ID == id
	})
	return found
}

// removed deletes a backup twice.
func (b *bed) removed(backup controller.Backup) {
	b.Helper()
	b.must(b.Cloud.DeleteBackup(b.Context(), backup))
	b.gone(b.Cloud.DeleteBackup(b.Context(), backup))
	b.until("nothing is left", func() bool { return len(b.backups(controller.TagRun)) == 0 && len(b.backups(controller.TagKept)) == 0 })
}

func secrets(b *bed) {
	const name, none = "/ec2rl/openssh/i-0123456789abcdef0/key", "/ec2rl/openssh/i-0fedcba9876543210/key"
	first, err := b.Cloud.StoreSecret(b.Context(), name, []byte("one\n"), "", "a key", false)
	b.must(err)
	_, err = b.Cloud.StoreSecret(b.Context(), name, []byte("two\n"), "", "a key", false)
	b.refused(err, controller.Exists)
	b.Pass(time.Second)
	second, err := b.Cloud.StoreSecret(b.Context(), name, []byte("two\n"), "", "a key", true)
	if b.must(err); second != first+1 {
		b.Errorf("version %d follows %d", second, first)
	}
	for version, want := range map[int64]string{0: "two\n", first: "one\n", second: "two\n"} {
		value, p, err := b.Cloud.Secret(b.Context(), name, version)
		if b.must(err); string(value) != want || p.Type != "SecureString" || p.Name != name {
			b.Errorf("version %d is %q of %+v", version, value, p)
		}
	}
	found, err := b.Cloud.Parameters(b.Context(), name, none)
	if b.must(err); len(found) != 1 || found[0].Name != name || found[0].Version != second || found[0].Modified.IsZero() || found[0].ARN == "" {
		b.Errorf("looked up: %+v", found)
	}
	_, _, err = b.Cloud.Secret(b.Context(), none, 0)
	b.refused(err, controller.NotFound)
}

func deliveries(b *bed) {
	there, err := b.Cloud.BucketExists(b.Context(), b.Bucket)
	if b.must(err); !there {
		b.Fatalf("the bucket is not there")
	}
	if there, err = b.Cloud.BucketExists(b.Context(), b.Bucket+"-none"); there || err != nil {
		b.Errorf("another bucket: %v, %v", there, err)
	}
	for range 2 {
		b.must(b.Cloud.Deliver(b.Context(), b.Bucket, "R/regain-agent", []byte("agent")))
	}
	keys, err := b.Cloud.Delivered(b.Context(), b.Bucket, "R/")
	if b.must(err); !slices.Equal(keys, []string{"R/regain-agent"}) {
		b.Errorf("delivered: %v", keys)
	}
	if link, err := b.Cloud.Link(b.Context(), b.Bucket, "R/regain-agent", time.Hour); link == "" || err != nil {
		b.Errorf("got %q, %v", link, err)
	}
	for range 2 {
		b.must(b.Cloud.Undeliver(b.Context(), b.Bucket, "R/regain-agent"))
	}
	if keys, err = b.Cloud.Delivered(b.Context(), b.Bucket, "R/"); len(keys) > 0 || err != nil {
		b.Errorf("left: %v, %v", keys, err)
	}
}

// network makes a temporary one twice, and takes it away in the wrong order and
// in the right one.
func network(b *bed) {
	before, err := b.Cloud.VPCs(b.Context())
	b.must(err)
	quota, err := b.Cloud.VPCQuota(b.Context())
	if b.must(err); quota <= before {
		b.Fatalf("no room for another VPC: %d of %d", before, quota)
	}
	zone, made := b.patient().Zone, map[string]string{}
	for _, kind := range []string{controller.VPCPart, controller.GatewayPart, controller.SubnetPart, controller.TablePart, controller.GroupPart} {
		p := controller.Part{Kind: kind, VPC: made[controller.VPCPart], Gateway: made[controller.GatewayPart], Subnet: made[controller.SubnetPart],
			Zone: zone, CIDR: "10.255.255.0/28", Name: "regain-R", Tags: map[string]string{controller.TagRun: "R", controller.TagRole: "network"}}
		b.until("the "+kind+" is made", func() bool { // what it goes into may not be known yet
			p.ID, err = b.Cloud.MakePart(b.Context(), p)
			return err == nil
		})
		again, err := b.Cloud.MakePart(b.Context(), p)
		if b.must(err); again != p.ID {
			b.Errorf("%s made %s again as %s", kind, p.ID, again)
		}
		made[kind] = p.ID
	}
	b.until("all parts are found", func() bool { return len(b.parts()) == 5 })
	after, err := b.Cloud.VPCs(b.Context())
	if b.must(err); after != before+1 {
		b.Errorf("%d VPCs, were %d", after, before)
	}
	routes, err := b.Cloud.Routes(b.Context(), controller.Subnet{ID: made[controller.SubnetPart], VPC: made[controller.VPCPart]})
	if b.must(err); !slices.Contains(routes, controller.Route{Destination: "0.0.0.0/0", Target: made[controller.GatewayPart]}) {
		b.Errorf("no way out: %+v", routes)
	}
	b.refused(b.Cloud.DeletePart(b.Context(), b.parts()[0]), controller.State)
	for _, p := range slices.Backward(b.parts()) {
		b.must(b.Cloud.DeletePart(b.Context(), p))
		b.gone(b.Cloud.DeletePart(b.Context(), p))
	}
	b.until("nothing is left", func() bool { return len(b.parts()) == 0 })
}

func (b *bed) parts() []controller.Part {
	b.Helper()
	found, err := b.Cloud.Parts(b.Context(), controller.TagRun, "R")
	b.must(err)
	return found
}
