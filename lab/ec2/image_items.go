package ec2

import (
	"context"
	"time"
)

type imageItem struct {
	ID             string        `xml:"imageId"`
	Location       string        `xml:"imageLocation"`
	State          string        `xml:"imageState"`
	Owner          string        `xml:"imageOwnerId"`
	OwnerAlias     string        `xml:"imageOwnerAlias,omitempty"`
	Created        string        `xml:"creationDate"`
	Public         bool          `xml:"isPublic"`
	ProductCodes   []productCode `xml:"productCodes>item"`
	Arch           string        `xml:"architecture"`
	Kind           string        `xml:"imageType"`
	Platform       string        `xml:"platform,omitempty"`
	Details        string        `xml:"platformDetails"`
	Name           string        `xml:"name"`
	Description    string        `xml:"description"`
	RootType       string        `xml:"rootDeviceType"`
	RootDevice     string        `xml:"rootDeviceName"`
	Devices        []imageBlock  `xml:"blockDeviceMapping>item"`
	Virtualization string        `xml:"virtualizationType"`
	Tags           []tagItem     `xml:"tagSet>item"`
	Hypervisor     string        `xml:"hypervisor"`
	Ena            bool          `xml:"enaSupport"`
	Source         string        `xml:"sourceInstanceId,omitempty"`
}

type imageBlock struct {
	Device string        `xml:"deviceName"`
	Ebs    imageBlockEbs `xml:"ebs"`
}

type imageBlockEbs struct {
	Snapshot            string `xml:"snapshotId"`
	Size                int    `xml:"volumeSize"`
	DeleteOnTermination bool   `xml:"deleteOnTermination"`
	Type                string `xml:"volumeType"`
	Encrypted           bool   `xml:"encrypted"`
}

func (a *account) imageItem(x *image) imageItem {
	item := imageItem{
		ID: x.ID, Location: x.Owner + "/" + x.Name, State: x.State, Owner: x.Owner, OwnerAlias: x.OwnerAlias, Created: stamp(x.Made),
		Public: x.Helper, Arch: x.Arch, Kind: "machine", Platform: x.Platform, Details: "Linux/UNIX", Name: x.Name, Description: x.Description,
		RootType: "ebs", RootDevice: x.RootDevice, Virtualization: "hvm", Tags: a.tagItems(x.ID), Hypervisor: "xen", Ena: true, Source: x.Source,
	}
	if x.Platform == "windows" {
		item.Details = "Windows"
	}
	for _, code := range x.ProductCodes {
		item.ProductCodes = append(item.ProductCodes, productCode{code, "marketplace"})
	}
	for _, d := range x.Devices {
		item.Devices = append(item.Devices, imageBlock{d.Device, imageBlockEbs{d.Snapshot, d.Size, d.DeleteOnTermination, d.Type, d.Encrypted}})
	}
	return item
}

func (e *EC2) describeImages(_ context.Context, r *request) (any, error) {
	owners := r.Strings("Owner")
	r.Ignore("ExecutableBy", "IncludeDeprecated", "IncludeDisabled")
	owned := imageListing.only(func(x *image) bool { return e.owned(x.Owner, owners) })
	return describe(e, r, "ImageId", "imagesSet", owned, func(a *account, x *image, _ time.Time) imageItem { return a.imageItem(x) })
}

var imageListing = listing[*image]{
	all: func(a *account) []*image { return sorted(a.Images) }, id: func(x *image) string { return x.ID }, kind: imageKind,
	fields: map[string]func(*account, *image) []string{
		"image-id":         func(_ *account, x *image) []string { return one(x.ID) },
		"name":             func(_ *account, x *image) []string { return one(x.Name) },
		"state":            func(_ *account, x *image) []string { return one(x.State) },
		"architecture":     func(_ *account, x *image) []string { return one(x.Arch) },
		"description":      func(_ *account, x *image) []string { return one(x.Description) },
		"owner-id":         func(_ *account, x *image) []string { return one(x.Owner) },
		"owner-alias":      func(_ *account, x *image) []string { return optional(x.OwnerAlias) },
		"root-device-type": func(*account, *image) []string { return one("ebs") },
		"is-public":        func(_ *account, x *image) []string { return one(btoa(x.Helper)) },
		"block-device-mapping.snapshot-id": func(_ *account, x *image) []string {
			var ids []string
			for _, d := range x.Devices {
				ids = append(ids, d.Snapshot)
			}
			return ids
		},
	},
}
