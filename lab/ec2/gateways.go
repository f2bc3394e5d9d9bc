package ec2

import (
	"context"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (a *account) gateway(id string) (*gateway, error) { return find(a.Gateways, gatewayKind, id) }

func (e *EC2) createInternetGateway(_ context.Context, r *request) (any, error) {
	tags := r.tagsAtCreation("internet-gateway")
	var answer struct {
		Gateway gatewayItem `xml:"internetGateway"`
	}
	return e.act(r, &answer, func(a *account, now time.Time) error {
		g := &gateway{ID: e.newID("igw")}
		a.Gateways[g.ID] = g
		a.born(now, tags["internet-gateway"], g.ID)
		answer.Gateway = e.gatewayItem(a, g)
		return nil
	})
}

func (e *EC2) attachInternetGateway(_ context.Context, r *request) (any, error) {
	id, vpcID := r.Require("InternetGatewayId"), r.Require("VpcId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		g, err := a.gateway(id)
		if err != nil {
			return err
		}
		if _, err := a.vpc(vpcID); err != nil {
			return err
		}
		if g.Vpc != "" {
			return wire.Faultf("Resource.AlreadyAssociated", "resource %s is already attached to network %s", id, g.Vpc)
		}
		for _, other := range a.Gateways {
			if other.Vpc == vpcID {
				return wire.Faultf("InvalidParameterValue", "Network %s already has an internet gateway attached", vpcID)
			}
		}
		g.Vpc = vpcID
		return nil
	})
}

func (e *EC2) detachInternetGateway(_ context.Context, r *request) (any, error) {
	id, vpcID := r.Require("InternetGatewayId"), r.Require("VpcId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		g, err := a.gateway(id)
		if err != nil {
			return err
		}
		if g.Vpc != vpcID {
			return wire.Faultf("Gateway.NotAttached", "resource %s is not attached to network %s", id, vpcID)
		}
		for _, i := range a.Instances {
			if i.Vpc == vpcID && (i.Public != "" || a.addressOf(i.ID) != nil) {
				return wire.Faultf("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpcID)
			}
		}
		g.Vpc = ""
		return nil
	})
}

func (e *EC2) deleteInternetGateway(_ context.Context, r *request) (any, error) {
	id := r.Require("InternetGatewayId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		g, err := a.gateway(id)
		if err != nil {
			return err
		}
		if g.Vpc != "" {
			return wire.Faultf("DependencyViolation", "The internetGateway '%s' has dependencies and cannot be deleted.", id)
		}
		delete(a.Gateways, id)
		a.forget(id)
		return nil
	})
}

type gatewayItem struct {
	ID          string            `xml:"internetGatewayId"`
	Attachments []gatewayAttached `xml:"attachmentSet>item"`
	Owner       string            `xml:"ownerId"`
	Tags        []tagItem         `xml:"tagSet>item"`
}

type gatewayAttached struct {
	Vpc   string `xml:"vpcId"`
	State string `xml:"state"`
}

func (e *EC2) gatewayItem(a *account, g *gateway) gatewayItem {
	item := gatewayItem{ID: g.ID, Owner: e.Account, Tags: a.tagItems(g.ID)}
	if g.Vpc != "" {
		item.Attachments = []gatewayAttached{{g.Vpc, "available"}}
	}
	return item
}

func (e *EC2) describeInternetGateways(_ context.Context, r *request) (any, error) {
	return describe(e, r, "InternetGatewayId", "internetGatewaySet", gatewayListing, func(a *account, x *gateway, _ time.Time) gatewayItem { return e.gatewayItem(a, x) })
}

var gatewayListing = listing[*gateway]{
	all: func(a *account) []*gateway { return sorted(a.Gateways) }, id: func(g *gateway) string { return g.ID }, kind: gatewayKind,
	fields: map[string]func(*account, *gateway) []string{
		"internet-gateway-id": func(_ *account, g *gateway) []string { return one(g.ID) },
		"attachment.vpc-id":   func(_ *account, g *gateway) []string { return optional(g.Vpc) },
		"attachment.state": func(_ *account, g *gateway) []string {
			return optional(map[bool]string{true: "available"}[g.Vpc != ""])
		},
	},
}
