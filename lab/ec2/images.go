package ec2

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// image is one that is whole; before, only the call that makes it knows of it.
func (a *account) image(id string) (*image, error) {
	x, err := find(a.Images, imageKind, id)
	if err == nil && !a.taken(x) {
		return nil, imageKind.lost(id)
	}
	return x, err
}

func (x *image) snapshots() []string {
	var ids []string
	for _, d := range x.Devices {
		ids = append(ids, d.Snapshot)
	}
	return ids
}

// taken tells whether an image has the whole copies that it refers to.
func (a *account) taken(x *image) bool {
	return !slices.ContainsFunc(x.snapshots(), func(id string) bool { s := a.Snapshots[id]; return s == nil || !s.Taken })
}

// complete tells whether an image's snapshots are.
func (a *account) complete(x *image) bool {
	return !slices.ContainsFunc(x.snapshots(), func(id string) bool { s := a.Snapshots[id]; return s == nil || s.State != "completed" })
}

// imageName: CreateImage's rule. A colon is not among the characters.
var imageName = regexp.MustCompile(`^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$`)

func (e *EC2) createImage(ctx context.Context, r *request) (any, error) {
	id, tags, noReboot := r.Require("InstanceId"), r.tagsAtCreation("image", "snapshot"), r.Bool("NoReboot")
	ask := image{Name: r.Require("Name"), Description: r.String("Description"), State: pending, Owner: e.Account, Source: id}
	if ask.Name != "" && !imageName.MatchString(ask.Name) {
		r.Fail(wire.Faultf("InvalidAMIName.Malformed",
			"AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'"))
	}
	begin := func(a *account, now time.Time) (copying, error) { return e.beginImage(a, ask, noReboot, now) }
	return e.copy(ctx, r, begin, func(a *account, c copying, now time.Time) item {
		a.born(now, tags["image"], c.image)
		a.born(now, tags["snapshot"], c.snapshots...)
		a.Images[c.image].Due = e.after(now, "ec2.image.pending")
		return item{{"imageId", c.image}}
	})
}

// beginImage notes the image and the snapshots that are about to be taken. Unless it
// is told not to, EC2 reboots a running instance, so that its file systems are clean.
func (e *EC2) beginImage(a *account, x image, noReboot bool, now time.Time) (copying, error) {
	c := copying{image: e.newID("ami")}
	i, err := a.instance(x.Source)
	if err != nil {
		return c, err
	}
	for _, other := range a.Images {
		if other.Name == x.Name && other.Owner == x.Owner {
			return c, wire.Faultf("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", x.Name, other.ID)
		}
	}
	switch {
	case i.State != running && i.State != stopped:
		return c, wire.Faultf("IncorrectState", "Instance is not in state 'running' or 'stopped'.")
	case i.StoreRoot != "" || a.rootOf(i) == nil:
		return c, wire.Faultf("InvalidParameterValue", "Instance does not have a volume attached at root (%s)", i.RootDevice)
	case i.State == running && !noReboot && e.hasMachine(i):
		c.paused = i.ID
	}
	for _, v := range a.volumesOf(i) {
		if err := e.mayCopy(a, v); err != nil {
			return c, err
		}
		c.snapshots = append(c.snapshots, e.newSnapshot(a, v, "Created by CreateImage("+i.ID+") for "+c.image, now))
		x.Devices = append(x.Devices, imageDevice{v.Attachment.Device, c.snapshots[len(c.snapshots)-1], v.Type, v.Size, v.Encrypted, v.Attachment.DeleteOnTermination})
		x.ProductCodes = append(x.ProductCodes, v.ProductCodes...)
	}
	x.ID, x.Arch, x.Platform, x.RootDevice, x.Made = c.image, i.Arch, i.Platform, i.RootDevice, now
	a.Images[x.ID] = &x
	return c, nil
}

// deregisterImage leaves the snapshots, as EC2 does by default.
func (e *EC2) deregisterImage(_ context.Context, r *request) (any, error) {
	snapshots := r.Bool("DeleteAssociatedSnapshots")
	return actOn(e, r, "ImageId", (*account).image, func(a *account, x *image, _ time.Time) (any, error) {
		if x.Owner != e.Account {
			return nil, wire.Faultf("AuthFailure", "Not authorized for image:%s", x.ID)
		}
		drop(a, a.Images, x.ID)
		for _, id := range x.snapshots() {
			if snapshots {
				e.removeSnapshot(a, id)
			}
		}
		return done, nil
	})
}

func (e *EC2) imageItem(a *account, x *image, _ time.Time) item {
	if !a.taken(x) {
		return nil
	}
	details := "Linux/UNIX"
	if x.Platform == "windows" {
		details = "Windows"
	}
	var devices []item
	for _, d := range x.Devices {
		devices = append(devices, item{{"deviceName", d.Device}, {"ebs", item{
			{"snapshotId", d.Snapshot}, {"volumeSize", d.Size}, {"deleteOnTermination", d.DeleteOnTermination}, {"volumeType", d.Type}, {"encrypted", d.Encrypted},
		}}})
	}
	return item{
		{"imageId", x.ID}, {"imageLocation", x.Owner + "/" + x.Name}, {"imageState", x.State}, {"imageOwnerId", x.Owner}, {"imageOwnerAlias?", x.OwnerAlias},
		{"creationDate", x.Made}, {"isPublic", x.Helper}, productCodes(x.ProductCodes), {"architecture", x.Arch}, {"imageType", "machine"},
		{"platform?", x.Platform}, {"platformDetails", details}, {"name", x.Name}, {"description", x.Description}, {"rootDeviceType", "ebs"},
		{"rootDeviceName", x.RootDevice}, {"blockDeviceMapping", devices}, {"virtualizationType", "hvm"}, {"tagSet?", a.tagItems(x.ID)},
		{"hypervisor", "xen"}, {"enaSupport", true}, {"sourceInstanceId?", x.Source}, e.owners(x.Owner),
	}
}

var imageListing = listing{
	ids: "ImageId", set: "imagesSet", kind: imageKind, chosen: map[string]string{"Owner": "owner/item"},
	ignored: []string{"ExecutableBy", "IncludeDeprecated", "IncludeDisabled"},
	filters: map[string]string{
		"image-id": "imageId", "name": "name", "state": "imageState", "architecture": "architecture", "description": "description",
		"owner-id": "imageOwnerId", "platform": "platform", "owner-alias": "imageOwnerAlias", "root-device-type": "rootDeviceType", "is-public": "isPublic",
		"block-device-mapping.snapshot-id": "blockDeviceMapping/item/ebs/snapshotId",
	},
	rows: rows(func(a *account) map[string]*image { return a.Images }, (*EC2).imageItem),
}
