package ec2

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// addGroup adds a security group with what every one begins with: all may go out.
func (e *EC2) addGroup(a *account, vpc, name, description string) *group {
	g := &group{
		ID: e.newID("sg"), Vpc: vpc, Name: name, Description: description,
		Egress: []permission{{Rule: e.newID("sgr"), Protocol: "-1", From: -1, To: -1, List: "ipRanges", Target: "0.0.0.0/0"}},
	}
	a.Groups[g.ID] = g
	return g
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

func (a *account) groupItems(ids []string) []item {
	var items []item
	for _, id := range ids {
		if g := a.Groups[id]; g != nil {
			items = append(items, item{{"groupId", g.ID}, {"groupName", g.Name}})
		}
	}
	return items
}

func (e *EC2) createSecurityGroup(_ context.Context, r *request) (any, error) {
	name, description, vpcID := r.Require("GroupName"), r.Require("GroupDescription"), r.String("VpcId")
	tags := r.tagsAtCreation("security-group")
	if len(name) > 255 || len(description) > 255 || name == "default" || strings.HasPrefix(name, "sg-") {
		r.Fail(wire.Faultf("InvalidParameterValue", "Invalid group name or description"))
	}
	return e.act(r, func(a *account, now time.Time) (any, error) {
		v, err := a.vpc(cmp.Or(vpcID, a.defaultVpc()))
		if err != nil {
			return nil, err
		}
		if some(a.Groups, func(g *group) bool { return g.Vpc == v.ID && g.Name == name }) {
			return nil, wire.Faultf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, v.ID)
		}
		g := e.addGroup(a, v.ID, name, description)
		a.born(now, tags["security-group"], g.ID)
		return item{{"return", true}, {"groupId", g.ID}, {"securityGroupArn", e.arn("security-group", g.ID)}, {"tagSet?", a.tagItems(g.ID)}}, nil
	})
}

func (e *EC2) deleteSecurityGroup(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "GroupId", (*account).group, func(a *account, g *group, _ time.Time) (any, error) {
		refers := func(p permission) bool { return p.Target == g.ID }
		switch {
		case g.Name == "default":
			return nil, wire.Faultf("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.ID)
		case some(a.Instances, func(i *instance) bool { return slices.Contains(i.Groups, g.ID) }),
			some(a.Groups, func(o *group) bool { return o != g && slices.ContainsFunc(slices.Concat(o.Ingress, o.Egress), refers) }):
			return nil, wire.Faultf("DependencyViolation", "resource %s has a dependent object", g.ID)
		}
		drop(a, a.Groups, g.ID)
		return done, nil
	})
}

// targets are the lists of IpPermissions, and what stands in each.
var targets = []struct{ list, target string }{{"ipRanges", "cidrIp"}, {"ipv6Ranges", "cidrIpv6"}, {"groups", "groupId"}}

// permissions reads IpPermissions: one permission for each range or group.
func (r *request) permissions() []permission {
	var all []permission
	for _, p := range r.List("IpPermissions") {
		one := permission{Protocol: p.Require("IpProtocol"), From: p.Int("FromPort", -1), To: p.Int("ToPort", -1)}
		for _, t := range targets {
			for _, x := range p.List(param(t.list)) {
				one.List, one.Target, one.Description = t.list, x.Require(param(t.target)), x.String("Description")
				x.String("UserId")
				all = append(all, one)
			}
		}
	}
	if len(all) == 0 {
		r.Fail(wire.Faultf("MissingParameter", "The request must contain the parameter ipPermissions"))
	}
	return all
}

// param is the parameter of an element's name.
func param(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

func (p permission) same(q permission) bool {
	p.Rule, q.Rule, p.Description, q.Description = "", "", "", ""
	return p == q
}

func (e *EC2) authorizeSecurityGroupEgress(_ context.Context, r *request) (any, error) {
	add := r.permissions()
	return actOn(e, r, "GroupId", (*account).group, func(_ *account, g *group, _ time.Time) (any, error) {
		var rules []item
		for _, p := range add {
			if slices.ContainsFunc(g.Egress, p.same) {
				return nil, wire.Faultf("InvalidPermission.Duplicate", "the specified rule already exists")
			}
			p.Rule = e.newID("sgr")
			g.Egress = append(g.Egress, p)
			rules = append(rules, item{
				{"securityGroupRuleId", p.Rule}, {"groupId", g.ID}, {"groupOwnerId", e.Account}, {"isEgress", true}, {"ipProtocol", p.Protocol},
				{"fromPort", p.From}, {"toPort", p.To}, {"cidrIpv4?", p.in("ipRanges")}, {"cidrIpv6?", p.in("ipv6Ranges")},
			})
		}
		return item{{"return", true}, {"securityGroupRuleSet", rules}}, nil
	})
}

func (e *EC2) revokeSecurityGroupEgress(_ context.Context, r *request) (any, error) {
	remove := r.permissions()
	return actOn(e, r, "GroupId", (*account).group, func(_ *account, g *group, _ time.Time) (any, error) {
		for _, p := range remove {
			if !slices.ContainsFunc(g.Egress, p.same) {
				return nil, wire.Faultf("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			g.Egress = slices.DeleteFunc(g.Egress, p.same)
		}
		return done, nil
	})
}

// in is the target of a permission, if it stands in that list.
func (p permission) in(list string) string {
	if p.List != list {
		return ""
	}
	return p.Target
}

func (e *EC2) permissionItems(of []permission) []item {
	var items []item
	for _, p := range of {
		x, owner := item{{"ipProtocol", p.Protocol}}, map[string]string{"groups": e.Account}[p.List]
		if p.Protocol != "-1" {
			x = append(x, field{"fromPort", p.From}, field{"toPort", p.To})
		}
		for _, t := range targets {
			var list []item
			if t.list == p.List {
				list = []item{{{t.target, p.Target}, {"userId?", owner}, {"description?", p.Description}}}
			}
			x = append(x, field{t.list, list})
		}
		items = append(items, x)
	}
	return items
}

var groupListing = listing{
	ids: "GroupId", set: "securityGroupInfo", kind: groupKind, chosen: map[string]string{"GroupName": "groupName"},
	filters: map[string]string{"group-id": "groupId", "group-name": "groupName", "vpc-id": "vpcId", "description": "groupDescription"},
	rows: rows(func(a *account) map[string]*group { return a.Groups }, func(e *EC2, a *account, g *group, _ time.Time) item {
		return item{
			{"ownerId", e.Account}, {"groupId", g.ID}, {"groupName", g.Name}, {"securityGroupArn", e.arn("security-group", g.ID)},
			{"groupDescription", g.Description}, {"vpcId", g.Vpc}, {"ipPermissions", e.permissionItems(g.Ingress)},
			{"ipPermissionsEgress", e.permissionItems(g.Egress)}, {"tagSet?", a.tagItems(g.ID)},
		}
	}),
}
