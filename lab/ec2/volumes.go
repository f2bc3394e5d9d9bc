package ec2

import (
	"context"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// volumeDue tells whether advanceVolume would change something.
func (e *EC2) volumeDue(a *account, v *volume, now time.Time) bool {
	due := !now.Before(v.Due)
	if v.Attachment != nil {
		return e.attachmentDue(a, v, now)
	}
	return due && (v.State == "creating" && v.Filled || v.State == "deleting")
}

func (e *EC2) advanceVolume(a *account, v *volume, now time.Time) {
	switch {
	case v.Attachment != nil:
		e.advanceAttachment(a, v, now)
	case v.State == "creating":
		v.State = "available"
	case v.State == "deleting":
		delete(a.Volumes, v.ID)
		a.forget(v.ID)
	}
}

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

func (e *EC2) createVolume(_ context.Context, r *request) (any, error) {
	ask := volume{
		Zone: r.Require("AvailabilityZone"), Type: r.String("VolumeType"), Snapshot: r.String("SnapshotId"), Size: r.Int("Size", 0),
		Iops: r.Int("Iops", 0), Throughput: r.Int("Throughput", 0), Encrypted: r.Bool("Encrypted"),
	}
	key, clientToken, tags := r.String("KmsKeyId"), r.String("ClientToken"), r.tagsAtCreation("volume")
	var answer volumeItem
	return e.act(r, &answer, func(a *account, now time.Time) error {
		made, err := a.remembered("CreateVolume", clientToken, r)
		if err != nil {
			return err
		}
		if made == nil {
			v, err := e.newVolume(a, ask, key, now)
			if err != nil {
				return err
			}
			v.State, v.Due = "creating", e.after(now, "ec2.volume.creating")
			made = []string{v.ID}
			a.born(now, tags["volume"], v.ID)
			a.remember("CreateVolume", clientToken, r, made)
		}
		v, err := a.volume(made[0])
		if err != nil {
			return err
		}
		answer = a.volumeItem(v)
		return nil
	})
}

// newVolume adds a volume, whose file is made later, to the account.
func (e *EC2) newVolume(a *account, ask volume, key string, now time.Time) (*volume, error) {
	v := &ask
	v.Made = now
	if v.ID == "" {
		v.ID = e.newID("vol")
	}
	if !e.hasZone(v.Zone) {
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
		if v.Size == 0 {
			v.Size = s.Size
		}
		if v.Size < s.Size {
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
	switch v.Type {
	case "":
		v.Type = "gp2"
	case "gp3":
		if v.Throughput == 0 {
			v.Throughput = 125
		}
		if v.Iops == 0 {
			v.Iops = 3000
		}
	case "gp2", "io1", "io2", "st1", "sc1", "standard":
	default:
		return wire.Faultf("InvalidParameterValue", "Invalid volume type: %s", v.Type)
	}
	if v.Type == "gp2" {
		v.Iops = min(max(3*v.Size, 100), 16000)
	}
	return nil
}

// encryptWith sets the key of an encrypted volume: the one that is named, the
// snapshot's, or the account's default.
func (e *EC2) encryptWith(v *volume, key string) error {
	switch {
	case key != "" && !v.Encrypted:
		return wire.Faultf("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	case !v.Encrypted:
		return nil
	case key == "" && v.Key != "":
		return nil
	case key == "":
		key = "alias/aws/ebs"
	}
	arn, _, _, ok := e.Keys.Key(key)
	if !ok {
		return wire.Faultf("InvalidParameterValue", "The KMS key %s does not exist.", key)
	}
	v.Key = arn
	return nil
}

func (e *EC2) deleteVolume(_ context.Context, r *request) (any, error) {
	id := r.Require("VolumeId")
	return e.act(r, done, func(a *account, now time.Time) error {
		v, err := a.volume(id)
		switch {
		case err != nil:
			return err
		case v.Attachment != nil:
			return wire.Faultf("VolumeInUse", "Volume %s is currently attached to %s", id, v.Attachment.Instance)
		case v.State == "creating":
			return wire.Faultf("IncorrectState", "Volume '%s' is in the 'creating' state.", id)
		}
		e.removeVolume(a, v, now)
		return nil
	})
}

func (e *EC2) describeVolumes(_ context.Context, r *request) (any, error) {
	return describe(e, r, "VolumeId", "volumeSet", volumeListing, func(a *account, x *volume, _ time.Time) volumeItem { return a.volumeItem(x) })
}

var volumeListing = listing[*volume]{
	all: func(a *account) []*volume { return sorted(a.Volumes) }, id: func(v *volume) string { return v.ID }, kind: volumeKind,
	fields: map[string]func(*account, *volume) []string{
		"volume-id":         func(_ *account, v *volume) []string { return one(v.ID) },
		"status":            func(_ *account, v *volume) []string { return one(v.State) },
		"availability-zone": func(_ *account, v *volume) []string { return one(v.Zone) },
		"snapshot-id":       func(_ *account, v *volume) []string { return one(v.Snapshot) },
		"volume-type":       func(_ *account, v *volume) []string { return one(v.Type) },
		"size":              func(_ *account, v *volume) []string { return one(itoa(v.Size)) },
		"encrypted":         func(_ *account, v *volume) []string { return one(btoa(v.Encrypted)) },
		"create-time":       func(_ *account, v *volume) []string { return one(stamp(v.Made)) },
		"attachment.instance-id": func(_ *account, v *volume) []string {
			return v.attached(func(x *attachment) string { return x.Instance })
		},
		"attachment.device": func(_ *account, v *volume) []string {
			return v.attached(func(x *attachment) string { return x.Device })
		},
		"attachment.status": func(_ *account, v *volume) []string {
			return v.attached(func(x *attachment) string { return x.State })
		},
		"attachment.attach-time": func(_ *account, v *volume) []string {
			return v.attached(func(x *attachment) string { return stamp(x.Since) })
		},
		"attachment.delete-on-termination": func(_ *account, v *volume) []string {
			return v.attached(func(x *attachment) string { return btoa(x.DeleteOnTermination) })
		},
	},
}

func (v *volume) attached(field func(*attachment) string) []string {
	if v.Attachment == nil {
		return nil
	}
	return one(field(v.Attachment))
}

type volumeItem struct {
	VolumeID    string           `xml:"volumeId"`
	Size        int              `xml:"size"`
	SnapshotID  string           `xml:"snapshotId"`
	Zone        string           `xml:"availabilityZone"`
	Status      string           `xml:"status"`
	CreateTime  string           `xml:"createTime"`
	Attachments []attachmentItem `xml:"attachmentSet>item"`
	Tags        []tagItem        `xml:"tagSet>item"`
	Type        string           `xml:"volumeType"`
	Iops        int              `xml:"iops,omitempty"`
	Throughput  int              `xml:"throughput,omitempty"`
	Encrypted   bool             `xml:"encrypted"`
	KmsKeyID    string           `xml:"kmsKeyId,omitempty"`
	MultiAttach bool             `xml:"multiAttachEnabled"`
	Operator    *operatorItem    `xml:"operator"`
}

type attachmentItem struct {
	VolumeID            string `xml:"volumeId"`
	InstanceID          string `xml:"instanceId"`
	Device              string `xml:"device"`
	Status              string `xml:"status"`
	AttachTime          string `xml:"attachTime"`
	DeleteOnTermination bool   `xml:"deleteOnTermination"`
}

type operatorItem struct {
	Managed   bool   `xml:"managed"`
	Principal string `xml:"principal,omitempty"`
}

type productCode struct {
	Code string `xml:"productCode"`
	Type string `xml:"type"`
}

func (a *account) volumeItem(v *volume) volumeItem {
	item := volumeItem{
		VolumeID: v.ID, Size: v.Size, SnapshotID: v.Snapshot, Zone: v.Zone, Status: v.State, CreateTime: stamp(v.Made), Tags: a.tagItems(v.ID),
		Type: v.Type, Iops: v.Iops, Throughput: v.Throughput, Encrypted: v.Encrypted, KmsKeyID: v.Key, Operator: operator(v.Operator),
	}
	if v.Attachment != nil {
		item.Attachments = []attachmentItem{v.attachmentItem()}
	}
	return item
}

func (v *volume) attachmentItem() attachmentItem {
	x := v.Attachment
	return attachmentItem{v.ID, x.Instance, x.Device, x.State, stamp(x.Since), x.DeleteOnTermination}
}

func operator(principal string) *operatorItem {
	return &operatorItem{Managed: principal != "", Principal: principal}
}
