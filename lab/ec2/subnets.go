package ec2

import (
	"cmp"
	"context"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) subnet(id string) (*subnet, error) { return find(a.Subnets, subnetKind, id) }

func (e *EC2) createSubnet(_ context.Context, r *request) (any, error) {
	cidr, zone, tags := r.block("CidrBlock"), cmp.Or(r.String("AvailabilityZone"), e.zones()[0]), r.tagsAtCreation("subnet")
	return actOn(e, r, "VpcId", (*account).vpc, func(a *account, v *vpc, now time.Time) (any, error) {
		if err := e.maySubnet(a, v, cidr, zone); err != nil {
			return nil, err
		}
		s := &subnet{ID: e.newID("subnet"), Vpc: v.ID, CIDR: cidr.String(), Zone: zone, State: pending, Due: e.after(now, "ec2.vpc.pending")}
		a.Subnets[s.ID] = s
		a.born(now, tags["subnet"], s.ID)
		return item{{"subnet", e.subnetItem(a, s, now)}}, nil
	})
}

func (e *EC2) maySubnet(a *account, v *vpc, cidr netip.Prefix, zone string) error {
	whole := netip.MustParsePrefix(v.CIDR)
	switch {
	case !slices.Contains(e.zones(), zone):
		return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %v.", zone, e.zones())
	case !whole.Contains(cidr.Addr()) || cidr.Bits() < whole.Bits():
		return wire.Faultf("InvalidSubnet.Range", "The CIDR '%s' is invalid.", cidr)
	case some(a.Subnets, func(s *subnet) bool { return s.Vpc == v.ID && netip.MustParsePrefix(s.CIDR).Overlaps(cidr) }):
		return wire.Faultf("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", cidr)
	}
	return nil
}

// deleteSubnet takes its route table's association with it.
func (e *EC2) deleteSubnet(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "SubnetId", (*account).subnet, func(a *account, s *subnet, _ time.Time) (any, error) {
		if some(a.Instances, func(i *instance) bool { return i.Subnet == s.ID }) {
			return nil, dependency(subnetKind, s.ID)
		}
		for _, t := range a.Routes {
			maps.DeleteFunc(t.Associations, func(_, of string) bool { return of == s.ID })
		}
		drop(a, a.Subnets, s.ID)
		return done, nil
	})
}

func (e *EC2) modifySubnetAttribute(_ context.Context, r *request) (any, error) {
	public := r.value("MapPublicIpOnLaunch")
	return actOn(e, r, "SubnetId", (*account).subnet, func(_ *account, s *subnet, _ time.Time) (any, error) {
		set(&s.MapPublic, public)
		return done, nil
	})
}

func (e *EC2) subnetItem(a *account, s *subnet, _ time.Time) item {
	free := 1<<(32-netip.MustParsePrefix(s.CIDR).Bits()) - 5
	for _, i := range a.Instances {
		if i.Subnet == s.ID {
			free--
		}
	}
	return item{
		{"subnetId", s.ID}, {"subnetArn", e.arn("subnet", s.ID)}, {"state", s.State}, {"ownerId", e.Account}, {"vpcId", s.Vpc}, {"cidrBlock", s.CIDR},
		{"availableIpAddressCount", free}, {"availabilityZone", s.Zone}, {"availabilityZoneId", e.zoneID(s.Zone)}, {"defaultForAz", s.Default},
		{"mapPublicIpOnLaunch", s.MapPublic}, {"tagSet?", a.tagItems(s.ID)},
	}
}

var subnetListing = listing{
	ids: "SubnetId", set: "subnetSet", kind: subnetKind,
	filters: map[string]string{
		"subnet-id": "subnetId", "vpc-id": "vpcId", "state": "state", "availability-zone": "availabilityZone", "cidr-block": "cidrBlock",
		"default-for-az": "defaultForAz", "map-public-ip-on-launch": "mapPublicIpOnLaunch",
	},
	rows: rows(func(a *account) map[string]*subnet { return a.Subnets }, (*EC2).subnetItem),
}

// subnetFor is the subnet that is named, or the default one of a zone; the first
// zone's, where none is named.
func (a *account) subnetFor(id, zone string) (*subnet, error) {
	if id != "" {
		return a.subnet(id)
	}
	var found *subnet
	for _, s := range a.Subnets {
		if s.Default && (zone == "" || s.Zone == zone) && (found == nil || s.Zone < found.Zone) {
			found = s
		}
	}
	if found == nil {
		return nil, wire.Faultf("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
	}
	return found, nil
}

// newPrivate is the next free address of a subnet. It is unique in the account, as
// all machines share one host.
func (a *account) newPrivate(s *subnet) (string, error) {
	prefix := netip.MustParsePrefix(s.CIDR)
	usable := 1<<(32-prefix.Bits()) - 5 // EC2 keeps the first four and the last
	for range usable {
		ip := offset(prefix.Addr(), 4+s.Used%usable).String()
		s.Used++
		if !some(a.Instances, func(i *instance) bool { return i.Private == ip }) {
			return ip, nil
		}
	}
	return "", wire.Faultf("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", s.ID)
}

// newPublic is a public address that was never used: from 198.18.0.0/15, which is
// for tests (RFC 2544), so that no client ever reaches a stranger.
func (a *account) newPublic() string {
	a.NextPublic++
	return offset(netip.MustParseAddr("198.18.0.0"), a.NextPublic).String()
}

func offset(ip netip.Addr, n int) netip.Addr {
	b := ip.As4()
	v := binary.BigEndian.Uint32(b[:]) + uint32(n)
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}
