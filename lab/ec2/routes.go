package ec2

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) table(id string) (*routeTable, error) { return find(a.Routes, tableKind, id) }

func (a *account) mainTable(vpc string) *routeTable {
	for _, t := range a.Routes {
		if t.Vpc == vpc && t.Main {
			return t
		}
	}
	return nil
}

func (e *EC2) createRouteTable(_ context.Context, r *request) (any, error) {
	id, clientToken, tags := r.Require("VpcId"), r.String("ClientToken"), r.tagsAtCreation("route-table")
	var answer struct {
		Table tableItem `xml:"routeTable"`
		Token string    `xml:"clientToken,omitempty"`
	}
	answer.Token = clientToken
	return e.act(r, &answer, func(a *account, now time.Time) error {
		v, err := a.vpc(id)
		if err != nil {
			return err
		}
		made, err := a.remembered("CreateRouteTable", clientToken, r)
		if err != nil {
			return err
		}
		if made == nil {
			t := &routeTable{
				ID: e.newID("rtb"), Vpc: id, Associations: map[string]string{}, Routes: []route{{v.CIDR, "local", "CreateRouteTable"}},
			}
			a.Routes[t.ID] = t
			made = one(t.ID)
			a.born(now, tags["route-table"], t.ID)
			a.remember("CreateRouteTable", clientToken, r, made)
		}
		t, err := a.table(made[0])
		if err == nil {
			answer.Table = e.tableItem(a, t)
		}
		return err
	})
}

func (e *EC2) createRoute(_ context.Context, r *request) (any, error) {
	id, to, by := r.Require("RouteTableId"), r.Require("DestinationCidrBlock"), r.Require("GatewayId")
	prefix, err := netip.ParsePrefix(to)
	if err != nil && to != "" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.", to))
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	to = prefix.Masked().String()
	return done, e.change(func(a *account, _ time.Time) error {
		t, err := a.table(id)
		if err != nil {
			return err
		}
		g, err := a.gateway(by)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(t.Routes, func(x route) bool { return x.Destination == to })
		switch {
		case g.Vpc != t.Vpc:
			return wire.Faultf("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", id, by)
		case at >= 0 && t.Routes[at].Gateway != by:
			return wire.Faultf("RouteAlreadyExists", "The route identified by %s already exists.", to)
		case at < 0:
			t.Routes = append(t.Routes, route{to, by, "CreateRoute"})
		}
		return nil
	})
}

func (e *EC2) associateRouteTable(_ context.Context, r *request) (any, error) {
	id, subnetID := r.Require("RouteTableId"), r.Require("SubnetId")
	var answer struct {
		ID    string `xml:"associationId"`
		State string `xml:"associationState>state"`
	}
	answer.State = "associated"
	return e.act(r, &answer, func(a *account, _ time.Time) error {
		t, err := a.table(id)
		if err != nil {
			return err
		}
		s, err := a.subnet(subnetID)
		if err != nil {
			return err
		}
		if s.Vpc != t.Vpc {
			return wire.Faultf("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", id, subnetID)
		}
		for _, other := range a.Routes {
			for key, sub := range other.Associations {
				switch {
				case sub == subnetID && other.ID == id:
					answer.ID = key
					return nil
				case sub == subnetID:
					return wire.Faultf("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", id)
				}
			}
		}
		answer.ID = e.newID("rtbassoc")
		t.Associations[answer.ID] = subnetID
		return nil
	})
}

func (e *EC2) disassociateRouteTable(_ context.Context, r *request) (any, error) {
	id := r.Require("AssociationId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		for _, t := range a.Routes {
			if t.MainID == id {
				return wire.Faultf("InvalidParameterValue", "cannot disassociate the main route table association %s", id)
			}
			if _, ok := t.Associations[id]; ok {
				delete(t.Associations, id)
				return nil
			}
		}
		return wire.Faultf("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
	})
}

func (e *EC2) deleteRouteTable(_ context.Context, r *request) (any, error) {
	id := r.Require("RouteTableId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		t, err := a.table(id)
		if err != nil {
			return err
		}
		if t.Main || len(t.Associations) > 0 {
			return wire.Faultf("DependencyViolation", "The routeTable '%s' has dependencies and cannot be deleted.", id)
		}
		delete(a.Routes, id)
		a.forget(id)
		return nil
	})
}

type tableItem struct {
	ID           string             `xml:"routeTableId"`
	Vpc          string             `xml:"vpcId"`
	Owner        string             `xml:"ownerId"`
	Routes       []routeItem        `xml:"routeSet>item"`
	Associations []tableAssociation `xml:"associationSet>item"`
	Tags         []tagItem          `xml:"tagSet>item"`
}

type routeItem struct {
	Destination string `xml:"destinationCidrBlock"`
	Gateway     string `xml:"gatewayId"`
	State       string `xml:"state"`
	Origin      string `xml:"origin"`
}

type tableAssociation struct {
	ID     string `xml:"routeTableAssociationId"`
	Table  string `xml:"routeTableId"`
	Subnet string `xml:"subnetId,omitempty"`
	Main   bool   `xml:"main"`
	State  string `xml:"associationState>state"`
}

func (e *EC2) tableItem(a *account, t *routeTable) tableItem {
	item := tableItem{ID: t.ID, Vpc: t.Vpc, Owner: e.Account, Tags: a.tagItems(t.ID)}
	for _, x := range t.Routes {
		state := "active"
		if g := a.Gateways[x.Gateway]; x.Gateway != "local" && (g == nil || g.Vpc != t.Vpc) {
			state = "blackhole"
		}
		item.Routes = append(item.Routes, routeItem{x.Destination, x.Gateway, state, x.Origin})
	}
	if t.Main {
		item.Associations = append(item.Associations, tableAssociation{t.MainID, t.ID, "", true, "associated"})
	}
	for _, key := range keys(t.Associations) {
		item.Associations = append(item.Associations, tableAssociation{key, t.ID, t.Associations[key], false, "associated"})
	}
	return item
}

func (e *EC2) describeRouteTables(_ context.Context, r *request) (any, error) {
	return describe(e, r, "RouteTableId", "routeTableSet", tableListing, func(a *account, x *routeTable, _ time.Time) tableItem { return e.tableItem(a, x) })
}

var tableListing = listing[*routeTable]{
	all: func(a *account) []*routeTable { return sorted(a.Routes) }, id: func(t *routeTable) string { return t.ID }, kind: tableKind,
	fields: map[string]func(*account, *routeTable) []string{
		"route-table-id":   func(_ *account, t *routeTable) []string { return one(t.ID) },
		"vpc-id":           func(_ *account, t *routeTable) []string { return one(t.Vpc) },
		"association.main": func(_ *account, t *routeTable) []string { return one(btoa(t.Main)) },
		"association.subnet-id": func(_ *account, t *routeTable) []string {
			var ids []string
			for _, s := range t.Associations {
				ids = append(ids, s)
			}
			return ids
		},
		"association.route-table-association-id": func(_ *account, t *routeTable) []string { return append(keys(t.Associations), t.MainID) },
		"route.gateway-id":                       func(_ *account, t *routeTable) []string { return t.each(func(x route) string { return x.Gateway }) },
		"route.destination-cidr-block":           func(_ *account, t *routeTable) []string { return t.each(func(x route) string { return x.Destination }) },
	},
}

func (t *routeTable) each(field func(route) string) []string {
	var values []string
	for _, x := range t.Routes {
		values = append(values, field(x))
	}
	return values
}

// describeVpcEndpoints: the lab has none; its machines reach Systems Manager as
// from a public subnet.
func (e *EC2) describeVpcEndpoints(_ context.Context, r *request) (any, error) {
	r.query("VpcEndpointId")
	return listed[struct{}]{set: "vpcEndpointSet"}, r.end()
}
