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
	g := &gateway{ID: e.newID("igw"), Vpc: v.ID}
	a.Gateways[g.ID] = g
	main := e.addVpc(a, v)
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
func (e *EC2) addVpc(a *account, v *vpc) *routeTable {
	a.Vpcs[v.ID] = v
	main := e.addTable(a, v)
	main.Main, main.MainID = true, e.newID("rtbassoc")
	g := e.addGroup(a, v.ID, "default", "default VPC security group")
	g.Ingress = []permission{{Rule: e.newID("sgr"), Protocol: "-1", From: -1, To: -1, List: "groups", Target: g.ID}}
	return main
}

func (a *account) vpc(id string) (*vpc, error) { return find(a.Vpcs, vpcKind, id) }

func (a *account) defaultVpc() string {
	for _, v := range a.Vpcs {
		if v.Default {
			return v.ID
		}
	}
	return ""
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
	return e.act(r, func(a *account, now time.Time) (any, error) {
		if len(a.Vpcs) >= rules.LimitOf("ec2.vpc.count") {
			return nil, wire.Faultf("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
		}
		v := &vpc{ID: e.newID("vpc"), CIDR: cidr.String(), State: pending, Due: e.after(now, "ec2.vpc.pending"), DnsSupport: true}
		e.addVpc(a, v)
		a.born(now, tags["vpc"], v.ID)
		return item{{"vpc", e.vpcItem(a, v, now)}}, nil
	})
}

// deleteVpc refuses while anything but the default group and the main table of
// the VPC is left in it.
func (e *EC2) deleteVpc(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "VpcId", (*account).vpc, func(a *account, v *vpc, _ time.Time) (any, error) {
		if a.vpcInUse(v.ID) {
			return nil, dependency(vpcKind, v.ID)
		}
		drop(a, a.Vpcs, v.ID)
		for id, t := range a.Routes {
			if t.Vpc == v.ID {
				drop(a, a.Routes, id)
			}
		}
		for id, g := range a.Groups {
			if g.Vpc == v.ID {
				drop(a, a.Groups, id)
			}
		}
		return done, nil
	})
}

func dependency(k kind, id string) error {
	return wire.Faultf("DependencyViolation", "The %s '%s' has dependencies and cannot be deleted.", k.name, id)
}

func (a *account) vpcInUse(id string) bool {
	return some(a.Subnets, func(s *subnet) bool { return s.Vpc == id }) ||
		some(a.Gateways, func(g *gateway) bool { return g.Vpc == id }) ||
		some(a.Routes, func(t *routeTable) bool { return t.Vpc == id && !t.Main }) ||
		some(a.Groups, func(g *group) bool { return g.Vpc == id && g.Name != "default" })
}

func (e *EC2) modifyVpcAttribute(_ context.Context, r *request) (any, error) {
	support, hostnames := r.value("EnableDnsSupport"), r.value("EnableDnsHostnames")
	if support != nil && hostnames != nil {
		r.Fail(wire.Faultf("InvalidParameterCombination", "Only one attribute can be modified at a time."))
	}
	return actOn(e, r, "VpcId", (*account).vpc, func(_ *account, v *vpc, _ time.Time) (any, error) {
		set(&v.DnsSupport, support)
		set(&v.DnsHostnames, hostnames)
		return done, nil
	})
}

func (e *EC2) vpcItem(a *account, v *vpc, _ time.Time) item {
	return item{
		{"vpcId", v.ID}, {"ownerId", e.Account}, {"state", v.State}, {"cidrBlock", v.CIDR}, {"dhcpOptionsId", "default"}, {"instanceTenancy", "default"},
		{"isDefault", v.Default}, {"tagSet?", a.tagItems(v.ID)},
	}
}

var vpcListing = listing{
	ids: "VpcId", set: "vpcSet", kind: vpcKind,
	filters: map[string]string{"vpc-id": "vpcId", "state": "state", "cidr": "cidrBlock", "is-default": "isDefault", "isDefault": "isDefault"},
	rows:    rows(func(a *account) map[string]*vpc { return a.Vpcs }, (*EC2).vpcItem),
}
