package ec2

import (
	"context"
	"regexp"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) image(id string) (*image, error) { return find(a.Images, imageKind, id) }

// imageDue: an image is available when its time is over and its snapshots are
// complete.
func (a *account) imageDue(x *image, now time.Time) bool {
	for _, d := range x.Devices {
		if s := a.Snapshots[d.Snapshot]; s == nil || s.State != "completed" {
			return false
		}
	}
	return !now.Before(x.Due)
}

// imageName: CreateImage's rule. A colon is not among the characters.
var imageName = regexp.MustCompile(`^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$`)

type imageAsk struct {
	instance, name, description string
	noReboot                    bool
	tags                        map[string]map[string]string
}

func (e *EC2) createImage(ctx context.Context, r *request) (any, error) {
	ask := imageAsk{r.Require("InstanceId"), r.Require("Name"), r.String("Description"), r.Bool("NoReboot"), r.tagsAtCreation("image", "snapshot")}
	if ask.name != "" && !imageName.MatchString(ask.name) {
		r.Fail(wire.Faultf("InvalidAMIName.Malformed",
			"AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'"))
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	var x image
	var reboot bool
	err := e.change(func(a *account, now time.Time) error {
		var err error
		x, reboot, err = e.beginImage(a, ask, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := e.copyImage(ctx, x, reboot); err != nil {
		return nil, err
	}
	var answer struct {
		ImageID string `xml:"imageId"`
	}
	answer.ImageID = x.ID
	return answer, e.change(func(a *account, now time.Time) error {
		a.born(now, ask.tags["image"], x.ID)
		for _, d := range x.Devices {
			e.taken(a.Snapshots[d.Snapshot], now)
			a.born(now, ask.tags["snapshot"], d.Snapshot)
		}
		a.Images[x.ID].Due = e.after(now, "ec2.image.pending")
		return nil
	})
}

// beginImage notes the image and the snapshots that are about to be taken. Begin
// forgets them again if that never ends.
func (e *EC2) beginImage(a *account, ask imageAsk, now time.Time) (image, bool, error) {
	i, err := a.instance(ask.instance)
	if err != nil {
		return image{}, false, err
	}
	for _, x := range a.Images {
		if x.Name == ask.name && x.Owner == e.Account {
			return image{}, false, wire.Faultf("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", ask.name, x.ID)
		}
	}
	switch {
	case i.State != running && i.State != stopped:
		return image{}, false, wire.Faultf("IncorrectState", "Instance is not in state 'running' or 'stopped'.")
	case i.StoreRoot != "" || a.rootOf(i) == nil:
		return image{}, false, wire.Faultf("InvalidParameterValue", "Instance does not have a volume attached at root (%s)", i.RootDevice)
	}
	x := image{
		ID: e.newID("ami"), Name: ask.name, Description: ask.description, State: pending, Owner: e.Account, Arch: i.Arch, Platform: i.Platform,
		RootDevice: i.RootDevice, Made: now, Source: i.ID,
	}
	for _, v := range a.volumesOf(i) {
		if err := e.mayCopy(a, v, now); err != nil {
			return image{}, false, err
		}
		s := e.newSnapshot(a, v, "Created by CreateImage("+i.ID+") for "+x.ID, now)
		x.Devices = append(x.Devices, imageDevice{v.Attachment.Device, s.ID, v.Type, v.Size, v.Encrypted, v.Attachment.DeleteOnTermination})
		x.ProductCodes = append(x.ProductCodes, v.ProductCodes...)
	}
	kept := x
	a.Images[x.ID] = &kept
	return x, i.State == running && !ask.noReboot && e.hasMachine(i), nil
}

// mayCopy is maySnapshot without the rate, which is CreateSnapshot's.
func (e *EC2) mayCopy(a *account, v *volume, now time.Time) error {
	alone := *v
	alone.LastSnapshot = time.Time{}
	return e.maySnapshot(a, &alone, now)
}

// copyImage takes the snapshots. Unless it is told not to, EC2 reboots a running
// instance, so that its file systems are clean: the machine is off meanwhile.
func (e *EC2) copyImage(ctx context.Context, x image, reboot bool) error {
	if reboot {
		if err := e.pause(ctx, x.Source); err != nil {
			return err
		}
		defer e.resume(x.Source)
	}
	for n, d := range x.Devices {
		var volume string
		_ = e.look(func(a *account, _ time.Time) error {
			if s := a.Snapshots[d.Snapshot]; s != nil {
				volume = s.Volume
			}
			return nil
		})
		if err := e.take(ctx, d.Snapshot, volume); err != nil {
			e.abandon(x.ID, x.Devices[:n], x.Devices[n+1:])
			return err
		}
	}
	return nil
}

// abandon removes an image that could not be made, and its other snapshots.
func (e *EC2) abandon(id string, parts ...[]imageDevice) {
	_ = e.change(func(a *account, _ time.Time) error {
		delete(a.Images, id)
		for _, devices := range parts {
			for _, d := range devices {
				delete(a.Snapshots, d.Snapshot)
				a.Trash = append(a.Trash, e.snapshotPath(d.Snapshot))
			}
		}
		return nil
	})
}

// deregisterImage leaves the snapshots, as EC2 does by default.
func (e *EC2) deregisterImage(_ context.Context, r *request) (any, error) {
	id, snapshots := r.Require("ImageId"), r.Bool("DeleteAssociatedSnapshots")
	return e.act(r, done, func(a *account, _ time.Time) error {
		x, err := a.image(id)
		if err != nil {
			return err
		}
		if x.Owner != e.Account {
			return wire.Faultf("AuthFailure", "Not authorized for image:%s", id)
		}
		delete(a.Images, id)
		a.forget(id)
		for _, d := range x.Devices {
			if snapshots {
				delete(a.Snapshots, d.Snapshot)
				a.forget(d.Snapshot)
				a.Trash = append(a.Trash, e.snapshotPath(d.Snapshot))
			}
		}
		return nil
	})
}
