package ec2

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// removeVolume deletes a volume that is attached to nothing. Its file goes as soon
// as nobody copies from it.
func (e *EC2) removeVolume(a *account, v *volume, now time.Time) {
	v.State, v.Due = "deleting", e.after(now, "ec2.volume.deleting")
	a.Trash = append(a.Trash, e.volumePath(v.ID))
}

func (a *account) volume(id string) (*volume, error) {
	v, err := find(a.Volumes, volumeKind, id)
	if err == nil && v.State == "deleting" {
		return nil, volumeKind.lost(id)
	}
	return v, err
}

func (e *EC2) createVolume(ctx context.Context, r *request) (any, error) {
	ask := volume{
		Zone: r.Require("AvailabilityZone"), Type: r.String("VolumeType"), Snapshot: r.String("SnapshotId"), Size: r.Int("Size", 0),
		Iops: r.Int("Iops", 0), Throughput: r.Int("Throughput", 0), Encrypted: r.Bool("Encrypted"),
	}
	key, clientToken, tags := r.String("KmsKeyId"), r.String("ClientToken"), r.tagsAtCreation("volume")
	return e.act(r, func(a *account, now time.Time) (any, error) {
		made, err := a.once(r, clientToken, func() ([]string, error) {
			v, err := e.newVolume(a, ask, key, now)
			if err != nil {
				return nil, err
			}
			v.State, v.Due = "creating", e.after(now, "ec2.volume.creating")
			a.born(now, tags["volume"], v.ID)
			return one(v.ID), nil
		})
		if err != nil {
			return nil, err
		}
		v, err := a.volume(made[0])
		if err != nil {
			return nil, err
		}
		x := e.volumeItem(a, v, now)
		if !e.opens(ctx, v) {
			e.removeVolume(a, v, now) // as EC2 does it: the call succeeds, and there is no volume
		}
		return x, nil
	})
}

// newVolume adds a volume, whose file is made later, to the account.
func (e *EC2) newVolume(a *account, ask volume, key string, now time.Time) (*volume, error) {
	v := &ask
	v.ID, v.Made = cmp.Or(v.ID, e.newID("vol")), now
	if !slices.Contains(e.zones(), v.Zone) {
		return nil, wire.Faultf("InvalidZone.NotFound", "The zone '%s' does not exist.", v.Zone)
	}
	if v.Snapshot != "" {
		s, err := a.snapshot(v.Snapshot)
		if err != nil {
			return nil, err
		}
		if s.State != "completed" {
			return nil, wire.Faultf("IncorrectState", "Snapshot is in invalid state - %s", s.State)
		}
		if v.Size = cmp.Or(v.Size, s.Size); v.Size < s.Size {
			return nil, wire.Faultf("InvalidParameterValue", "The volume size cannot be smaller than the size of its snapshot, %d GiB.", s.Size)
		}
		v.Encrypted, v.Key, v.ProductCodes = v.Encrypted || s.Encrypted, s.Key, s.ProductCodes
	}
	if v.Size < 1 || v.Size > 65536 {
		return nil, wire.Faultf("InvalidParameterValue", "Volume of %dGiB is invalid; it must be between 1 and 65536 GiB.", v.Size)
	}
	if err := v.typed(); err != nil {
		return nil, err
	}
	a.Volumes[v.ID] = v
	return v, e.encryptWith(v, key)
}

// typed fills in what the volume's type implies.
func (v *volume) typed() error {
	switch v.Type = cmp.Or(v.Type, "gp2"); v.Type {
	case "gp3":
		v.Throughput, v.Iops = cmp.Or(v.Throughput, 125), cmp.Or(v.Iops, 3000)
	case "gp2":
		v.Iops = min(max(3*v.Size, 100), 16000)
	case "io1", "io2", "st1", "sc1", "standard":
	default:
		return wire.Faultf("InvalidParameterValue", "Invalid volume type: %s", v.Type)
	}
	return nil
}

// defaultKey is AWS's own for EBS.
const defaultKey = "alias/aws/ebs"

// encryptWith sets the key of an encrypted volume: the one that is named, the
// snapshot's, or the account's default.
func (e *EC2) encryptWith(v *volume, key string) error {
	switch {
	case key != "" && !v.Encrypted:
		return wire.Faultf("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	case !v.Encrypted:
		return nil
	}
	arn, _, _, ok := e.Keys.Key(cmp.Or(key, v.Key, defaultKey))
	if !ok && (key != "" || v.Key == "") {
		return wire.Faultf("InvalidParameterValue", "The KMS key %s does not exist.", key)
	}
	v.Key = cmp.Or(arn, v.Key)
	return nil
}

func (e *EC2) deleteVolume(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "VolumeId", (*account).volume, func(a *account, v *volume, now time.Time) (any, error) {
		switch {
		case v.Attachment != nil:
			return nil, wire.Faultf("VolumeInUse", "Volume %s is currently attached to %s", v.ID, v.Attachment.Instance)
		case v.State == "creating":
			return nil, wire.Faultf("IncorrectState", "Volume '%s' is in the 'creating' state.", v.ID)
		}
		e.removeVolume(a, v, now)
		return done, nil
	})
}

var volumeListing = listing{
	ids: "VolumeId", set: "volumeSet", kind: volumeKind,
	filters: map[string]string{
		"volume-id": "volumeId", "status": "status", "availability-zone": "availabilityZone", "snapshot-id": "snapshotId", "volume-type": "volumeType",
		"size": "size", "encrypted": "encrypted", "create-time": "createTime", "attachment.instance-id": "attachmentSet/item/instanceId",
		"attachment.device": "attachmentSet/item/device", "attachment.status": "attachmentSet/item/status",
		"attachment.attach-time": "attachmentSet/item/attachTime", "attachment.delete-on-termination": "attachmentSet/item/deleteOnTermination",
	},
	rows: rows(func(a *account) map[string]*volume { return a.Volumes }, (*EC2).volumeItem),
}

func (e *EC2) volumeItem(a *account, v *volume, _ time.Time) item {
	var attachments []item
	if v.Attachment != nil {
		attachments = []item{v.attachmentItem()}
	}
	return item{
		{"volumeId", v.ID}, {"size", v.Size}, {"snapshotId", v.Snapshot}, {"availabilityZone", v.Zone}, {"status", v.State}, {"createTime", v.Made},
		{"attachmentSet", attachments}, {"tagSet?", a.tagItems(v.ID)}, {"volumeType", v.Type}, {"iops?", v.Iops}, {"throughput?", v.Throughput},
		{"encrypted", v.Encrypted}, {"kmsKeyId?", v.Key}, {"multiAttachEnabled", false}, operated(v.Operator),
	}
}

func (v *volume) attachmentItem() item {
	x := v.Attachment
	return item{
		{"volumeId", v.ID}, {"instanceId", x.Instance}, {"device", x.Device}, {"status", x.State}, {"attachTime", x.Since},
		{"deleteOnTermination", x.DeleteOnTermination},
	}
}

// operated says by which service a resource is managed.
func operated(principal string) field {
	return field{"operator", item{{"managed", principal != ""}, {"principal?", principal}}}
}

func productCodes(codes []string) field {
	var items []item
	for _, code := range codes {
		items = append(items, item{{"productCode", code}, {"type", "marketplace"}})
	}
	return field{"productCodes", items}
}
