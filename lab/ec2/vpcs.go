package ec2

import (
	"context"
	"net/netip"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// makeDefaultVpc makes what every account begins with: a VPC with one public
// subnet in each zone.
func (e *EC2) makeDefaultVpc(a *account) {
	v := &vpc{ID: e.newID("vpc"), CIDR: "172.31.0.0/16", State: "available", Default: true, DnsSupport: true, DnsHostnames: true}
	e.addVpc(a, v)
	g := &gateway{ID: e.newID("igw"), Vpc: v.ID}
	a.Gateways[g.ID] = g
	main := a.mainTable(v.ID)
	main.Routes = append(main.Routes, route{"0.0.0.0/0", g.ID, "CreateRoute"})
	for n, zone := range e.zones() {
		s := &subnet{
			ID: e.newID("subnet"), Vpc: v.ID, CIDR: offset(netip.MustParseAddr("172.31.0.0"), n<<12).String() + "/20", Zone: zone,
			State: "available", Default: true, MapPublic: true,
		}
		a.Subnets[s.ID] = s
	}
}

// addVpc adds a VPC with its main route table and its default security group.
func (e *EC2) addVpc(a *account, v *vpc) {
	a.Vpcs[v.ID] = v
	t := &routeTable{
		ID: e.newID("rtb"), Vpc: v.ID, Main: true, MainID: e.newID("rtbassoc"), Associations: map[string]string{},
		Routes: []route{{v.CIDR, "local", "CreateRouteTable"}},
	}
	a.Routes[t.ID] = t
	g := e.newGroup(v.ID, "default", "default VPC security group")
	g.Ingress = []permission{{Rule: e.newID("sgr"), Protocol: "-1", From: -1, To: -1, Group: g.ID}}
	a.Groups[g.ID] = g
}

func (a *account) vpc(id string) (*vpc, error) { return find(a.Vpcs, vpcKind, id) }

func (a *account) networkDue(now time.Time) bool {
	for _, v := range a.Vpcs {
		if v.State == pending && !now.Before(v.Due) {
			return true
		}
	}
	for _, s := range a.Subnets {
		if s.State == pending && !now.Before(s.Due) {
			return true
		}
	}
	return false
}

func (a *account) advanceNetwork(now time.Time) {
	for _, v := range a.Vpcs {
		if v.State == pending && !now.Before(v.Due) {
			v.State = "available"
		}
	}
	for _, s := range a.Subnets {
		if s.State == pending && !now.Before(s.Due) {
			s.State = "available"
		}
	}
}

// block reads an IPv4 range of a VPC or subnet: from /16 to /28.
func (r *request) block(name string) netip.Prefix {
	text := r.Require(name)
	prefix, err := netip.ParsePrefix(text)
	switch {
	case text == "":
	case err != nil || !prefix.Addr().Is4():
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", text))
	case prefix.Bits() < 16 || prefix.Bits() > 28:
		r.Fail(wire.Faultf("InvalidVpc.Range", "The CIDR '%s' is invalid.", text))
	}
	return prefix.Masked()
}

func (e *EC2) createVpc(_ context.Context, r *request) (any, error) {
	cidr, tags := r.block("CidrBlock"), r.tagsAtCreation("vpc")
	r.String("InstanceTenancy")
	if r.Bool("AmazonProvidedIpv6CidrBlock") {
		r.Fail(wire.Faultf("UnsupportedOperation", "The lab has no IPv6."))
	}
	var answer struct {
		Vpc vpcItem `xml:"vpc"`
	}
	return e.act(r, &answer, func(a *account, now time.Time) error {
		if len(a.Vpcs) >= rules.LimitOf("ec2.vpc.count") {
			return wire.Faultf("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
		}
		v := &vpc{ID: e.newID("vpc"), CIDR: cidr.String(), State: pending, Due: e.after(now, "ec2.vpc.pending"), DnsSupport: true}
		e.addVpc(a, v)
		a.born(now, tags["vpc"], v.ID)
		answer.Vpc = e.vpcItem(a, v)
		return nil
	})
}

// deleteVpc refuses while anything but the default group and the main table of
// the VPC is left in it.
func (e *EC2) deleteVpc(_ context.Context, r *request) (any, error) {
	id := r.Require("VpcId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		if _, err := a.vpc(id); err != nil {
			return err
		}
		if a.vpcInUse(id) {
			return wire.Faultf("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", id)
		}
		delete(a.Vpcs, id)
		a.forget(id)
		for key, t := range a.Routes {
			if t.Vpc == id {
				delete(a.Routes, key)
				a.forget(key)
			}
		}
		for key, g := range a.Groups {
			if g.Vpc == id {
				delete(a.Groups, key)
				a.forget(key)
			}
		}
		return nil
	})
}

func (a *account) vpcInUse(id string) bool {
	for _, s := range a.Subnets {
		if s.Vpc == id {
			return true
		}
	}
	for _, g := range a.Gateways {
		if g.Vpc == id {
			return true
		}
	}
	for _, t := range a.Routes {
		if t.Vpc == id && !t.Main {
			return true
		}
	}
	for _, g := range a.Groups {
		if g.Vpc == id && g.Name != "default" {
			return true
		}
	}
	return false
}

func (e *EC2) modifyVpcAttribute(_ context.Context, r *request) (any, error) {
	id := r.Require("VpcId")
	support, hostnames := r.value("EnableDnsSupport"), r.value("EnableDnsHostnames")
	if support != nil && hostnames != nil {
		r.Fail(wire.Faultf("InvalidParameterCombination", "Only one attribute can be modified at a time."))
	}
	return e.act(r, done, func(a *account, _ time.Time) error {
		v, err := a.vpc(id)
		if err != nil {
			return err
		}
		set(&v.DnsSupport, support)
		set(&v.DnsHostnames, hostnames)
		return nil
	})
}

// value reads an attribute's truth value, NAME.Value; nil where there is none.
func (r *request) value(name string) *bool {
	if !r.Has(name) {
		return nil
	}
	v := r.Sub(name).Bool("Value")
	return &v
}

func set(field *bool, value *bool) {
	if value != nil {
		*field = *value
	}
}

type vpcItem struct {
	ID      string    `xml:"vpcId"`
	Owner   string    `xml:"ownerId"`
	State   string    `xml:"state"`
	CIDR    string    `xml:"cidrBlock"`
	Options string    `xml:"dhcpOptionsId"`
	Tenancy string    `xml:"instanceTenancy"`
	Default bool      `xml:"isDefault"`
	Tags    []tagItem `xml:"tagSet>item"`
}

func (e *EC2) vpcItem(a *account, v *vpc) vpcItem {
	return vpcItem{v.ID, e.Account, v.State, v.CIDR, "default", "default", v.Default, a.tagItems(v.ID)}
}

func (e *EC2) describeVpcs(_ context.Context, r *request) (any, error) {
	return describe(e, r, "VpcId", "vpcSet", vpcListing, func(a *account, x *vpc, _ time.Time) vpcItem { return e.vpcItem(a, x) })
}

var vpcListing = listing[*vpc]{
	all: func(a *account) []*vpc { return sorted(a.Vpcs) }, id: func(v *vpc) string { return v.ID }, kind: vpcKind,
	fields: map[string]func(*account, *vpc) []string{
		"vpc-id":     func(_ *account, v *vpc) []string { return one(v.ID) },
		"state":      func(_ *account, v *vpc) []string { return one(v.State) },
		"cidr":       func(_ *account, v *vpc) []string { return one(v.CIDR) },
		"is-default": func(_ *account, v *vpc) []string { return one(btoa(v.Default)) },
		"isDefault":  func(_ *account, v *vpc) []string { return one(btoa(v.Default)) },
	},
}
