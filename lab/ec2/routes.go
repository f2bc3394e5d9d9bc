package ec2

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) table(id string) (*routeTable, error) { return find(a.Routes, tableKind, id) }

func (e *EC2) addTable(a *account, v *vpc) *routeTable {
	t := &routeTable{ID: e.newID("rtb"), Vpc: v.ID, Associations: map[string]string{}, Routes: []route{{v.CIDR, "local", "CreateRouteTable"}}}
	a.Routes[t.ID] = t
	return t
}

func (e *EC2) createRouteTable(_ context.Context, r *request) (any, error) {
	clientToken, tags := r.String("ClientToken"), r.tagsAtCreation("route-table")
	return actOn(e, r, "VpcId", (*account).vpc, func(a *account, v *vpc, now time.Time) (any, error) {
		made, err := a.once(r, clientToken, func() ([]string, error) {
			t := e.addTable(a, v)
			a.born(now, tags["route-table"], t.ID)
			return one(t.ID), nil
		})
		if err != nil {
			return nil, err
		}
		t, err := a.table(made[0])
		if err != nil {
			return nil, err
		}
		return item{{"routeTable", e.tableItem(a, t, now)}, {"clientToken?", clientToken}}, nil
	})
}

func (e *EC2) createRoute(_ context.Context, r *request) (any, error) {
	to, by := r.Require("DestinationCidrBlock"), r.Require("GatewayId")
	prefix, err := netip.ParsePrefix(to)
	if err != nil && to != "" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.", to))
	}
	return actOn(e, r, "RouteTableId", (*account).table, func(a *account, t *routeTable, _ time.Time) (any, error) {
		g, err := a.gateway(by)
		if err != nil {
			return nil, err
		}
		to := prefix.Masked().String()
		at := slices.IndexFunc(t.Routes, func(x route) bool { return x.Destination == to })
		switch {
		case g.Vpc != t.Vpc:
			return nil, wire.Faultf("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", t.ID, by)
		case at >= 0 && t.Routes[at].Gateway != by:
			return nil, wire.Faultf("RouteAlreadyExists", "The route identified by %s already exists.", to)
		case at < 0:
			t.Routes = append(t.Routes, route{to, by, "CreateRoute"})
		}
		return done, nil
	})
}

func (e *EC2) associateRouteTable(_ context.Context, r *request) (any, error) {
	subnetID := r.Require("SubnetId")
	return actOn(e, r, "RouteTableId", (*account).table, func(a *account, t *routeTable, _ time.Time) (any, error) {
		s, err := a.subnet(subnetID)
		if err != nil {
			return nil, err
		}
		if s.Vpc != t.Vpc {
			return nil, wire.Faultf("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", t.ID, s.ID)
		}
		id, of := a.associationOf(s)
		switch {
		case of != nil && of != t:
			return nil, wire.Faultf("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", t.ID)
		case of == nil:
			id = e.newID("rtbassoc")
			t.Associations[id] = s.ID
		}
		return item{{"associationId", id}, {"associationState", item{{"state", "associated"}}}}, nil
	})
}

// associationOf is the route table that a subnet is associated with; nil where that
// is its VPC's main one.
func (a *account) associationOf(s *subnet) (id string, t *routeTable) {
	for _, t := range a.Routes {
		for id, of := range t.Associations {
			if of == s.ID {
				return id, t
			}
		}
	}
	return "", nil
}

func (e *EC2) disassociateRouteTable(_ context.Context, r *request) (any, error) {
	id := r.Require("AssociationId")
	return e.act(r, func(a *account, _ time.Time) (any, error) {
		for _, t := range a.Routes {
			if t.MainID == id {
				return nil, wire.Faultf("InvalidParameterValue", "cannot disassociate the main route table association %s", id)
			}
			if _, ok := t.Associations[id]; ok {
				delete(t.Associations, id)
				return done, nil
			}
		}
		return nil, wire.Faultf("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
	})
}

func (e *EC2) deleteRouteTable(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "RouteTableId", (*account).table, func(a *account, t *routeTable, _ time.Time) (any, error) {
		if t.Main || len(t.Associations) > 0 {
			return nil, dependency(tableKind, t.ID)
		}
		drop(a, a.Routes, t.ID)
		return done, nil
	})
}

func (e *EC2) tableItem(a *account, t *routeTable, _ time.Time) item {
	var routes, associations []item
	for _, x := range t.Routes {
		state := "active"
		if g := a.Gateways[x.Gateway]; x.Gateway != "local" && (g == nil || g.Vpc != t.Vpc) {
			state = "blackhole"
		}
		routes = append(routes, item{{"destinationCidrBlock", x.Destination}, {"gatewayId", x.Gateway}, {"state", state}, {"origin", x.Origin}})
	}
	associate := func(id, subnet string) {
		associations = append(associations, item{
			{"routeTableAssociationId", id}, {"routeTableId", t.ID}, {"subnetId?", subnet}, {"main", subnet == ""},
			{"associationState", item{{"state", "associated"}}},
		})
	}
	if t.Main {
		associate(t.MainID, "")
	}
	for _, id := range keys(t.Associations) {
		associate(id, t.Associations[id])
	}
	return item{
		{"routeTableId", t.ID}, {"vpcId", t.Vpc}, {"ownerId", e.Account}, {"routeSet", routes}, {"associationSet", associations}, {"tagSet?", a.tagItems(t.ID)},
	}
}

var tableListing = listing{
	ids: "RouteTableId", set: "routeTableSet", kind: tableKind,
	filters: map[string]string{
		"route-table-id": "routeTableId", "vpc-id": "vpcId", "association.main": "associationSet/item/main",
		"association.subnet-id": "associationSet/item/subnetId", "association.route-table-association-id": "associationSet/item/routeTableAssociationId",
		"route.gateway-id": "routeSet/item/gatewayId", "route.destination-cidr-block": "routeSet/item/destinationCidrBlock",
	},
	rows: rows(func(a *account) map[string]*routeTable { return a.Routes }, (*EC2).tableItem),
}

// endpointListing: the lab has none; its machines reach Systems Manager as from a
// public subnet.
var endpointListing = listing{
	ids: "VpcEndpointId", set: "vpcEndpointSet", kind: kind{"vpce", "vpc-endpoint", "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", ""},
	filters: map[string]string{"service-name": "", "vpc-id": "", "vpc-endpoint-id": "", "vpc-endpoint-state": "", "vpc-endpoint-type": ""},
	rows:    func(*EC2, *account, time.Time) []row { return nil },
}
