package ec2

import (
	"context"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// newGroup is a security group with what every one begins with: all may go out.
func (e *EC2) newGroup(vpc, name, description string) *group {
	return &group{
		ID: e.newID("sg"), Vpc: vpc, Name: name, Description: description,
		Egress: []permission{{Rule: e.newID("sgr"), Protocol: "-1", From: -1, To: -1, CIDR: "0.0.0.0/0"}},
	}
}

func (a *account) group(id string) (*group, error) { return find(a.Groups, groupKind, id) }

func (a *account) defaultGroup(vpc string) *group {
	for _, g := range a.Groups {
		if g.Vpc == vpc && g.Name == "default" {
			return g
		}
	}
	return &group{}
}

func (a *account) defaultVpc() string {
	for _, v := range a.Vpcs {
		if v.Default {
			return v.ID
		}
	}
	return ""
}

func (a *account) groupItems(ids []string) []groupItem {
	var items []groupItem
	for _, id := range ids {
		if g := a.Groups[id]; g != nil {
			items = append(items, groupItem{g.ID, g.Name})
		}
	}
	return items
}

func (e *EC2) createSecurityGroup(_ context.Context, r *request) (any, error) {
	name, description, vpcID := r.Require("GroupName"), r.Require("GroupDescription"), r.String("VpcId")
	tags := r.tagsAtCreation("security-group")
	if len(name) > 255 || len(description) > 255 || name == "default" || len(name) > 3 && name[:3] == "sg-" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Invalid group name or description"))
	}
	var answer struct {
		Return bool      `xml:"return"`
		ID     string    `xml:"groupId"`
		ARN    string    `xml:"securityGroupArn"`
		Tags   []tagItem `xml:"tagSet>item"`
	}
	return e.act(r, &answer, func(a *account, now time.Time) error {
		if vpcID == "" {
			vpcID = a.defaultVpc()
		}
		if _, err := a.vpc(vpcID); err != nil {
			return err
		}
		for _, g := range a.Groups {
			if g.Vpc == vpcID && g.Name == name {
				return wire.Faultf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpcID)
			}
		}
		g := e.newGroup(vpcID, name, description)
		a.Groups[g.ID] = g
		a.born(now, tags["security-group"], g.ID)
		answer.Return, answer.ID, answer.ARN, answer.Tags = true, g.ID, e.arn("security-group", g.ID), a.tagItems(g.ID)
		return nil
	})
}

func (e *EC2) deleteSecurityGroup(_ context.Context, r *request) (any, error) {
	id := r.Require("GroupId")
	return e.act(r, done, func(a *account, _ time.Time) error {
		g, err := a.group(id)
		if err != nil {
			return err
		}
		if g.Name == "default" {
			return wire.Faultf("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", id)
		}
		for _, i := range a.Instances {
			if slices.Contains(i.Groups, id) {
				return wire.Faultf("DependencyViolation", "resource %s has a dependent object", id)
			}
		}
		for _, other := range a.Groups {
			for _, p := range slices.Concat(other.Ingress, other.Egress) {
				if p.Group == id && other.ID != id {
					return wire.Faultf("DependencyViolation", "resource %s has a dependent object", id)
				}
			}
		}
		delete(a.Groups, id)
		a.forget(id)
		return nil
	})
}

// permissions reads IpPermissions: one permission for each range or group.
func (r *request) permissions() []permission {
	var all []permission
	for _, p := range r.List("IpPermissions") {
		base := permission{Protocol: p.Require("IpProtocol"), From: p.Int("FromPort", -1), To: p.Int("ToPort", -1)}
		for _, x := range p.List("IpRanges") {
			one := base
			one.CIDR, one.Description = x.Require("CidrIp"), x.String("Description")
			all = append(all, one)
		}
		for _, x := range p.List("Ipv6Ranges") {
			one := base
			one.CIDR6, one.Description = x.Require("CidrIpv6"), x.String("Description")
			all = append(all, one)
		}
		for _, x := range p.List("Groups") {
			one := base
			one.Group, one.Description = x.Require("GroupId"), x.String("Description")
			x.String("UserId")
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameter ipPermissions"))
	}
	return all
}

func (p permission) same(q permission) bool {
	p.Rule, q.Rule, p.Description, q.Description = "", "", "", ""
	return p == q
}

func (e *EC2) authorizeSecurityGroupEgress(_ context.Context, r *request) (any, error) {
	id, add := r.Require("GroupId"), r.permissions()
	var answer struct {
		Return bool       `xml:"return"`
		Rules  []ruleItem `xml:"securityGroupRuleSet>item"`
	}
	answer.Return = true
	return e.act(r, &answer, func(a *account, _ time.Time) error {
		g, err := a.group(id)
		if err != nil {
			return err
		}
		for _, p := range add {
			if slices.ContainsFunc(g.Egress, p.same) {
				return wire.Faultf("InvalidPermission.Duplicate", "the specified rule already exists")
			}
			p.Rule = e.newID("sgr")
			g.Egress = append(g.Egress, p)
			answer.Rules = append(answer.Rules, ruleItem{p.Rule, id, e.Account, true, p.Protocol, p.From, p.To, p.CIDR})
		}
		return nil
	})
}

func (e *EC2) revokeSecurityGroupEgress(_ context.Context, r *request) (any, error) {
	id, drop := r.Require("GroupId"), r.permissions()
	return e.act(r, done, func(a *account, _ time.Time) error {
		g, err := a.group(id)
		if err != nil {
			return err
		}
		for _, p := range drop {
			if !slices.ContainsFunc(g.Egress, p.same) {
				return wire.Faultf("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			g.Egress = slices.DeleteFunc(g.Egress, p.same)
		}
		return nil
	})
}

type ruleItem struct {
	ID       string `xml:"securityGroupRuleId"`
	Group    string `xml:"groupId"`
	Owner    string `xml:"groupOwnerId"`
	Egress   bool   `xml:"isEgress"`
	Protocol string `xml:"ipProtocol"`
	From     int    `xml:"fromPort"`
	To       int    `xml:"toPort"`
	CIDR     string `xml:"cidrIpv4,omitempty"`
}

type groupDescribed struct {
	Owner       string           `xml:"ownerId"`
	ID          string           `xml:"groupId"`
	Name        string           `xml:"groupName"`
	ARN         string           `xml:"securityGroupArn"`
	Description string           `xml:"groupDescription"`
	Vpc         string           `xml:"vpcId"`
	Ingress     []permissionItem `xml:"ipPermissions>item"`
	Egress      []permissionItem `xml:"ipPermissionsEgress>item"`
	Tags        []tagItem        `xml:"tagSet>item"`
}

type permissionItem struct {
	Protocol string      `xml:"ipProtocol"`
	From     *int        `xml:"fromPort"`
	To       *int        `xml:"toPort"`
	Groups   []rangeItem `xml:"groups>item"`
	Ranges   []rangeItem `xml:"ipRanges>item"`
	Ranges6  []rangeItem `xml:"ipv6Ranges>item"`
}

type rangeItem struct {
	CIDR        string `xml:"cidrIp,omitempty"`
	CIDR6       string `xml:"cidrIpv6,omitempty"`
	Group       string `xml:"groupId,omitempty"`
	Owner       string `xml:"userId,omitempty"`
	Description string `xml:"description,omitempty"`
}

func (e *EC2) permissionItems(of []permission) []permissionItem {
	var items []permissionItem
	for _, p := range of {
		item := permissionItem{Protocol: p.Protocol}
		if p.Protocol != "-1" {
			item.From, item.To = &p.From, &p.To
		}
		switch {
		case p.CIDR != "":
			item.Ranges = []rangeItem{{CIDR: p.CIDR, Description: p.Description}}
		case p.CIDR6 != "":
			item.Ranges6 = []rangeItem{{CIDR6: p.CIDR6, Description: p.Description}}
		default:
			item.Groups = []rangeItem{{Group: p.Group, Owner: e.Account, Description: p.Description}}
		}
		items = append(items, item)
	}
	return items
}

func (e *EC2) describeSecurityGroups(_ context.Context, r *request) (any, error) {
	names := r.Strings("GroupName")
	named := groupListing.only(func(g *group) bool { return len(names) == 0 || slices.Contains(names, g.Name) })
	return describe(e, r, "GroupId", "securityGroupInfo", named, e.groupDescribed)
}

func (e *EC2) groupDescribed(a *account, g *group, _ time.Time) groupDescribed {
	return groupDescribed{
		e.Account, g.ID, g.Name, e.arn("security-group", g.ID), g.Description, g.Vpc,
		e.permissionItems(g.Ingress), e.permissionItems(g.Egress), a.tagItems(g.ID),
	}
}

var groupListing = listing[*group]{
	all: func(a *account) []*group { return sorted(a.Groups) }, id: func(g *group) string { return g.ID }, kind: groupKind,
	fields: map[string]func(*account, *group) []string{
		"group-id":    func(_ *account, g *group) []string { return one(g.ID) },
		"group-name":  func(_ *account, g *group) []string { return one(g.Name) },
		"vpc-id":      func(_ *account, g *group) []string { return one(g.Vpc) },
		"description": func(_ *account, g *group) []string { return one(g.Description) },
	},
}
