package ec2

import (
	"context"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) gateway(id string) (*gateway, error) { return find(a.Gateways, gatewayKind, id) }

func (e *EC2) createInternetGateway(_ context.Context, r *request) (any, error) {
	tags := r.tagsAtCreation("internet-gateway")
	return e.act(r, func(a *account, now time.Time) (any, error) {
		g := &gateway{ID: e.newID("igw")}
		a.Gateways[g.ID] = g
		a.born(now, tags["internet-gateway"], g.ID)
		return item{{"internetGateway", e.gatewayItem(a, g, now)}}, nil
	})
}

func (e *EC2) attachInternetGateway(_ context.Context, r *request) (any, error) {
	vpcID := r.Require("VpcId")
	return actOn(e, r, "InternetGatewayId", (*account).gateway, func(a *account, g *gateway, _ time.Time) (any, error) {
		_, err := a.vpc(vpcID)
		switch {
		case err != nil:
			return nil, err
		case g.Vpc != "":
			return nil, wire.Faultf("Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.ID, g.Vpc)
		case some(a.Gateways, func(other *gateway) bool { return other.Vpc == vpcID }):
			return nil, wire.Faultf("InvalidParameterValue", "Network %s already has an internet gateway attached", vpcID)
		}
		g.Vpc = vpcID
		return done, nil
	})
}

func (e *EC2) detachInternetGateway(_ context.Context, r *request) (any, error) {
	vpcID := r.Require("VpcId")
	return actOn(e, r, "InternetGatewayId", (*account).gateway, func(a *account, g *gateway, _ time.Time) (any, error) {
		switch {
		case g.Vpc != vpcID:
			return nil, wire.Faultf("Gateway.NotAttached", "resource %s is not attached to network %s", g.ID, vpcID)
		case some(a.Instances, func(i *instance) bool { return i.Vpc == vpcID && (i.Public != "" || a.addressOf(i.ID) != nil) }):
			return nil, wire.Faultf("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpcID)
		}
		g.Vpc = ""
		return done, nil
	})
}

func (e *EC2) deleteInternetGateway(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "InternetGatewayId", (*account).gateway, func(a *account, g *gateway, _ time.Time) (any, error) {
		if g.Vpc != "" {
			return nil, dependency(gatewayKind, g.ID)
		}
		drop(a, a.Gateways, g.ID)
		return done, nil
	})
}

func (e *EC2) gatewayItem(a *account, g *gateway, _ time.Time) item {
	var attachments []item
	if g.Vpc != "" {
		attachments = []item{{{"vpcId", g.Vpc}, {"state", "available"}}}
	}
	return item{{"internetGatewayId", g.ID}, {"attachmentSet", attachments}, {"ownerId", e.Account}, {"tagSet?", a.tagItems(g.ID)}}
}

var gatewayListing = listing{
	ids: "InternetGatewayId", set: "internetGatewaySet", kind: gatewayKind,
	filters: map[string]string{
		"internet-gateway-id": "internetGatewayId", "attachment.vpc-id": "attachmentSet/item/vpcId", "attachment.state": "attachmentSet/item/state",
	},
	rows: rows(func(a *account) map[string]*gateway { return a.Gateways }, (*EC2).gatewayItem),
}
