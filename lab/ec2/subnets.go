package ec2

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) subnet(id string) (*subnet, error) { return find(a.Subnets, subnetKind, id) }

func (e *EC2) createSubnet(_ context.Context, r *request) (any, error) {
	id, cidr, zone, tags := r.Require("VpcId"), r.block("CidrBlock"), r.String("AvailabilityZone"), r.tagsAtCreation("subnet")
	var answer struct {
		Subnet subnetItem `xml:"subnet"`
	}
	return e.act(r, &answer, func(a *account, now time.Time) error {
		v, err := a.vpc(id)
		if err != nil {
			return err
		}
		if zone == "" {
			zone = e.zones()[0]
		}
		if err := e.maySubnet(a, v, cidr, zone); err != nil {
			return err
		}
		s := &subnet{ID: e.newID("subnet"), Vpc: id, CIDR: cidr.String(), Zone: zone, State: pending, Due: e.after(now, "ec2.vpc.pending")}
		a.Subnets[s.ID] = s
		a.born(now, tags["subnet"], s.ID)
		answer.Subnet = e.subnetItem(a, s)
		return nil
	})
}

func (e *EC2) maySubnet(a *account, v *vpc, cidr netip.Prefix, zone string) error {
	whole := netip.MustParsePrefix(v.CIDR)
	if !e.hasZone(zone) {
		return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %v.", zone, e.zones())
	}
	if !whole.Contains(cidr.Addr()) || cidr.Bits() < whole.Bits() {
		return wire.Faultf("InvalidSubnet.Range", "The CIDR '%s' is invalid.", cidr)
	}
	for _, s := range a.Subnets {
		if s.Vpc == v.ID && netip.MustParsePrefix(s.CIDR).Overlaps(cidr) {
			return wire.Faultf("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", cidr)
		}
	}
	return nil
}

func (e *EC2) deleteSubnet(_ context.Context, r *request) (any, error) {
	id := r.Require("SubnetId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		if _, err := a.subnet(id); err != nil {
			return err
		}
		for _, i := range a.Instances {
			if i.Subnet == id {
				return wire.Faultf("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", id)
			}
		}
		for _, t := range a.Routes {
			for key, s := range t.Associations {
				if s == id {
					delete(t.Associations, key)
				}
			}
		}
		delete(a.Subnets, id)
		a.forget(id)
		return nil
	})
}

func (e *EC2) modifySubnetAttribute(_ context.Context, r *request) (any, error) {
	id, public := r.Require("SubnetId"), r.value("MapPublicIpOnLaunch")
	return e.act(r, done, func(a *account, _ time.Time) error {
		s, err := a.subnet(id)
		if err == nil {
			set(&s.MapPublic, public)
		}
		return err
	})
}

type subnetItem struct {
	ID        string    `xml:"subnetId"`
	ARN       string    `xml:"subnetArn"`
	State     string    `xml:"state"`
	Owner     string    `xml:"ownerId"`
	Vpc       string    `xml:"vpcId"`
	CIDR      string    `xml:"cidrBlock"`
	Free      int       `xml:"availableIpAddressCount"`
	Zone      string    `xml:"availabilityZone"`
	ZoneID    string    `xml:"availabilityZoneId"`
	Default   bool      `xml:"defaultForAz"`
	MapPublic bool      `xml:"mapPublicIpOnLaunch"`
	Tags      []tagItem `xml:"tagSet>item"`
}

func (e *EC2) subnetItem(a *account, s *subnet) subnetItem {
	free := 1<<(32-netip.MustParsePrefix(s.CIDR).Bits()) - 5
	for _, i := range a.Instances {
		if i.Subnet == s.ID {
			free--
		}
	}
	return subnetItem{s.ID, e.arn("subnet", s.ID), s.State, e.Account, s.Vpc, s.CIDR, free, s.Zone, e.zoneID(s.Zone), s.Default, s.MapPublic, a.tagItems(s.ID)}
}

// zoneID is the name of a zone that means the same in all accounts: use1-az1.
func (e *EC2) zoneID(zone string) string {
	for n, z := range e.zones() {
		if z == zone {
			return shortRegion(e.Region) + "-az" + itoa(n+1)
		}
	}
	return ""
}

func (e *EC2) describeSubnets(_ context.Context, r *request) (any, error) {
	return describe(e, r, "SubnetId", "subnetSet", subnetListing, func(a *account, x *subnet, _ time.Time) subnetItem { return e.subnetItem(a, x) })
}

var subnetListing = listing[*subnet]{
	all: func(a *account) []*subnet { return sorted(a.Subnets) }, id: func(s *subnet) string { return s.ID }, kind: subnetKind,
	fields: map[string]func(*account, *subnet) []string{
		"subnet-id":               func(_ *account, s *subnet) []string { return one(s.ID) },
		"vpc-id":                  func(_ *account, s *subnet) []string { return one(s.Vpc) },
		"state":                   func(_ *account, s *subnet) []string { return one(s.State) },
		"availability-zone":       func(_ *account, s *subnet) []string { return one(s.Zone) },
		"cidr-block":              func(_ *account, s *subnet) []string { return one(s.CIDR) },
		"default-for-az":          func(_ *account, s *subnet) []string { return one(btoa(s.Default)) },
		"map-public-ip-on-launch": func(_ *account, s *subnet) []string { return one(btoa(s.MapPublic)) },
	},
}

type zoneItem struct {
	Name   string `xml:"zoneName"`
	ID     string `xml:"zoneId"`
	State  string `xml:"zoneState"`
	Region string `xml:"regionName"`
	Group  string `xml:"groupName"`
	OptIn  string `xml:"optInStatus"`
	Kind   string `xml:"zoneType"`
}

func (e *EC2) describeAvailabilityZones(_ context.Context, r *request) (any, error) {
	names, ids := r.Strings("ZoneName"), r.Strings("ZoneId")
	r.Ignore("AllAvailabilityZones")
	named := e.zoneListing().only(func(z zoneItem) bool {
		return (len(names) == 0 || slices.Contains(names, z.Name)) && (len(ids) == 0 || slices.Contains(ids, z.ID))
	})
	return describe(e, r, "", "availabilityZoneInfo", named, func(_ *account, z zoneItem, _ time.Time) zoneItem { return z })
}

func (e *EC2) zoneListing() listing[zoneItem] {
	return listing[zoneItem]{
		all: func(*account) []zoneItem {
			var all []zoneItem
			for _, z := range e.zones() {
				all = append(all, zoneItem{z, e.zoneID(z), "available", e.Region, e.Region, "opt-in-not-required", "availability-zone"})
			}
			return all
		},
		id: func(z zoneItem) string { return z.Name },
		fields: map[string]func(*account, zoneItem) []string{
			"zone-name":   func(_ *account, z zoneItem) []string { return one(z.Name) },
			"zone-id":     func(_ *account, z zoneItem) []string { return one(z.ID) },
			"zone-type":   func(_ *account, z zoneItem) []string { return one(z.Kind) },
			"region-name": func(_ *account, z zoneItem) []string { return one(z.Region) },
			"state":       func(_ *account, z zoneItem) []string { return one(z.State) },
			"group-name":  func(_ *account, z zoneItem) []string { return one(z.Group) },
		},
	}
}
