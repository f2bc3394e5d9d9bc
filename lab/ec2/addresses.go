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
	return e.act(r, func(a *account, now time.Time) (any, error) {
		if len(a.Addresses) >= rules.LimitOf("ec2.address.count") {
			return nil, wire.Faultf("AddressLimitExceeded", "The maximum number of addresses has been reached.")
		}
		x := e.newAddress(a)
		a.born(now, tags["elastic-ip"], x.Allocation)
		return item{{"publicIp", x.IP}, {"domain", "vpc"}, {"allocationId", x.Allocation}, {"networkBorderGroup", e.Region}}, nil
	})
}

func (e *EC2) newAddress(a *account) *address {
	x := &address{Allocation: e.newID("eipalloc"), IP: a.newPublic()}
	a.Addresses[x.Allocation] = x
	return x
}

func (a *account) address(id string) (*address, error) { return find(a.Addresses, addressKind, id) }

func (e *EC2) associateAddress(_ context.Context, r *request) (any, error) {
	instanceID, again := r.Require("InstanceId"), truth(r.Params, "AllowReassociation")
	return actOn(e, r, "AllocationId", (*account).address, func(a *account, x *address, _ time.Time) (any, error) {
		i, err := a.instance(instanceID)
		switch {
		case err != nil:
			return nil, err
		case i.State != running && i.State != stopped && i.State != stopping:
			return nil, wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in a valid state for this operation.", i.ID)
		case x.Instance != "" && x.Instance != i.ID && again != nil && !*again:
			return nil, wire.Faultf("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", x.Allocation, x.Association)
		case x.Instance != i.ID:
			e.bind(a, x, i)
		}
		return item{{"return", true}, {"associationId", x.Association}}, nil
	})
}

// bind gives an instance an Elastic IP, which takes the place of an automatic one
// or of another Elastic IP.
func (e *EC2) bind(a *account, x *address, i *instance) {
	a.unbind(a.addressOf(i.ID))
	x.Instance, x.Association, i.Public = i.ID, e.newID("eipassoc"), ""
}

func (a *account) unbind(x *address) {
	if x != nil {
		x.Instance, x.Association = "", ""
	}
}

// disassociateAddress is idempotent: an association that is no more is no error.
func (e *EC2) disassociateAddress(_ context.Context, r *request) (any, error) {
	id := r.Require("AssociationId")
	return e.act(r, func(a *account, _ time.Time) (any, error) {
		for _, x := range a.Addresses {
			if x.Association == id {
				a.unbind(x)
			}
		}
		return done, checkID(id, associationKind)
	})
}

var associationKind = kind{"eipassoc", "association", "", "", "InvalidAssociationID.NotFound"}

func (e *EC2) releaseAddress(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "AllocationId", (*account).address, func(a *account, x *address, _ time.Time) (any, error) {
		if x.Association != "" {
			return nil, wire.Faultf("InvalidIPAddress.InUse", "Address %s is in use.", x.IP)
		}
		drop(a, a.Addresses, x.Allocation)
		return done, nil
	})
}

var addressListing = listing{
	ids: "AllocationId", set: "addressesSet", kind: addressKind,
	filters: map[string]string{
		"allocation-id": "allocationId", "association-id": "associationId", "instance-id": "instanceId", "public-ip": "publicIp",
	},
	rows: rows(func(a *account) map[string]*address { return a.Addresses }, (*EC2).addressItem),
}

func (e *EC2) addressItem(a *account, x *address, _ time.Time) item {
	var card, private string
	if i := a.Instances[x.Instance]; i != nil {
		card, private = i.Card, i.Private
	}
	return item{
		{"publicIp", x.IP}, {"allocationId", x.Allocation}, {"domain", "vpc"}, {"instanceId?", x.Instance}, {"associationId?", x.Association},
		{"networkInterfaceId?", card}, {"privateIpAddress?", private}, {"tagSet?", a.tagItems(x.Allocation)},
	}
}
