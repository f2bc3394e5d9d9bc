package ec2

import (
	"context"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

func (e *EC2) allocateAddress(_ context.Context, r *request) (any, error) {
	r.String("Domain")
	tags := r.tagsAtCreation("elastic-ip")
	var answer struct {
		IP         string `xml:"publicIp"`
		Domain     string `xml:"domain"`
		Allocation string `xml:"allocationId"`
		Border     string `xml:"networkBorderGroup"`
	}
	return e.act(r, &answer, func(a *account, now time.Time) error {
		if len(a.Addresses) >= rules.LimitOf("ec2.address.count") {
			return wire.Faultf("AddressLimitExceeded", "The maximum number of addresses has been reached.")
		}
		x := e.newAddress(a)
		a.born(now, tags["elastic-ip"], x.Allocation)
		answer.IP, answer.Domain, answer.Allocation, answer.Border = x.IP, "vpc", x.Allocation, e.Region
		return nil
	})
}

func (e *EC2) newAddress(a *account) *address {
	x := &address{Allocation: e.newID("eipalloc"), IP: a.newPublic()}
	a.Addresses[x.Allocation] = x
	return x
}

func (a *account) allocation(id string) (*address, error) { return find(a.Addresses, addressKind, id) }

func (e *EC2) associateAddress(_ context.Context, r *request) (any, error) {
	id, instanceID, again := r.Require("AllocationId"), r.Require("InstanceId"), !r.Has("AllowReassociation") || r.Bool("AllowReassociation")
	var answer struct {
		Return      bool   `xml:"return"`
		Association string `xml:"associationId"`
	}
	answer.Return = true
	return e.act(r, &answer, func(a *account, _ time.Time) error {
		x, err := a.allocation(id)
		if err != nil {
			return err
		}
		i, err := a.instance(instanceID)
		switch {
		case err != nil:
			return err
		case i.State != running && i.State != stopped && i.State != stopping:
			return wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in a valid state for this operation.", instanceID)
		case x.Instance != "" && x.Instance != instanceID && !again:
			return wire.Faultf("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", id, x.Association)
		}
		if x.Instance != instanceID {
			e.bind(a, x, i)
		}
		answer.Association = x.Association
		return nil
	})
}

// bind gives an instance an Elastic IP, which takes the place of an automatic one
// or of another Elastic IP.
func (e *EC2) bind(a *account, x *address, i *instance) {
	if other := a.addressOf(i.ID); other != nil {
		other.Instance, other.Association = "", ""
	}
	x.Instance, x.Association, i.Public = i.ID, e.newID("eipassoc"), ""
}

func (e *EC2) disassociateAddress(_ context.Context, r *request) (any, error) {
	id := r.Require("AssociationId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		for _, x := range a.Addresses {
			if x.Association == id {
				x.Instance, x.Association = "", ""
				return nil
			}
		}
		return wire.Faultf("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
	})
}

func (e *EC2) releaseAddress(_ context.Context, r *request) (any, error) {
	id := r.Require("AllocationId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		x, err := a.allocation(id)
		if err != nil {
			return err
		}
		if x.Association != "" {
			return wire.Faultf("InvalidIPAddress.InUse", "Address %s is in use.", x.IP)
		}
		delete(a.Addresses, id)
		a.forget(id)
		return nil
	})
}

type addressItem struct {
	IP          string    `xml:"publicIp"`
	Allocation  string    `xml:"allocationId"`
	Domain      string    `xml:"domain"`
	Instance    string    `xml:"instanceId,omitempty"`
	Association string    `xml:"associationId,omitempty"`
	Card        string    `xml:"networkInterfaceId,omitempty"`
	Private     string    `xml:"privateIpAddress,omitempty"`
	Tags        []tagItem `xml:"tagSet>item"`
}

func (e *EC2) describeAddresses(_ context.Context, r *request) (any, error) {
	return describe(e, r, "AllocationId", "addressesSet", addressListing, func(a *account, x *address, _ time.Time) addressItem {
		item := addressItem{IP: x.IP, Allocation: x.Allocation, Domain: "vpc", Instance: x.Instance, Association: x.Association, Tags: a.tagItems(x.Allocation)}
		if i := a.Instances[x.Instance]; i != nil {
			item.Card, item.Private = i.Card, i.Private
		}
		return item
	})
}

var addressListing = listing[*address]{
	all: func(a *account) []*address { return sorted(a.Addresses) }, id: func(x *address) string { return x.Allocation }, kind: addressKind,
	fields: map[string]func(*account, *address) []string{
		"allocation-id":  func(_ *account, x *address) []string { return one(x.Allocation) },
		"association-id": func(_ *account, x *address) []string { return optional(x.Association) },
		"instance-id":    func(_ *account, x *address) []string { return optional(x.Instance) },
		"public-ip":      func(_ *account, x *address) []string { return one(x.IP) },
	},
}
