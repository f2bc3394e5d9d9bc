package sim

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/controller"
)

// A subnet knows its own routes; one that a run made is a part too.
type subnet struct {
	controller.Subnet
	routes []controller.Route
}

type vpc struct {
	endpoints []string
}

// A part is a piece of a network that a run made.
type part struct {
	controller.Part
	joined bool // a gateway to its VPC, a table to its subnet
	routed bool
}

// AddVPC adds a VPC with endpoints for services.
func (c *Cloud) AddVPC(id string, endpoints ...string) {
	c.outside(func() { c.vpcs[id] = &vpc{endpoints} })
}

// AddSubnet adds a subnet, and its VPC when that is new.
func (c *Cloud) AddSubnet(s controller.Subnet, routes ...controller.Route) {
	c.outside(func() {
		if c.vpcs[s.VPC] == nil {
			c.vpcs[s.VPC] = &vpc{}
		}
		c.subnets[s.ID] = &subnet{s, routes}
	})
}

// Subnets is DescribeSubnets.
func (c *Cloud) Subnets(ctx context.Context, q controller.SubnetQuery) (found []controller.Subnet, err error) {
	err = c.call(ctx, "ec2:DescribeSubnets", func() error {
		for _, id := range sorted(c.subnets) {
			s := c.subnets[id]
			if (q.ID == "" || q.ID == id) && (q.Zone == "" || q.Zone == s.Zone) && (q.VPC == "" || q.VPC == s.VPC) && c.seen(id) {
				found = append(found, s.Subnet)
			}
		}
		return nil
	})
	return found, err
}

// Routes is DescribeRouteTables.
func (c *Cloud) Routes(ctx context.Context, s controller.Subnet) (routes []controller.Route, err error) {
	err = c.call(ctx, "ec2:DescribeRouteTables", func() error {
		if known := c.subnets[s.ID]; known != nil {
			routes = slices.Clone(known.routes)
		}
		return nil
	})
	return routes, err
}

// Endpoints is DescribeVpcEndpoints.
func (c *Cloud) Endpoints(ctx context.Context, id string) (names []string, err error) {
	err = c.call(ctx, "ec2:DescribeVpcEndpoints", func() error {
		if v := c.vpcs[id]; v != nil {
			names = slices.Clone(v.endpoints)
		}
		return nil
	})
	return names, err
}

// VPCs is DescribeVpcs.
func (c *Cloud) VPCs(ctx context.Context) (count int, err error) {
	err = c.call(ctx, "ec2:DescribeVpcs", func() error {
		count = len(c.vpcs)
		return nil
	})
	return count, err
}

// reaches tells whether an instance has a way to Systems Manager.
func (c *Cloud) reaches(i *instance) bool {
	s := c.subnets[i.Subnet]
	if s == nil {
		return false
	}
	if v := c.vpcs[s.VPC]; v != nil && slices.Contains(v.endpoints, "ssm") && slices.Contains(v.endpoints, "ssmmessages") {
		return true
	}
	return slices.ContainsFunc(s.routes, func(r controller.Route) bool {
		return r.Destination == "0.0.0.0/0" && (i.PublicIP != "" || !strings.HasPrefix(r.Target, "igw-"))
	})
}

// describers are the calls that find the parts.
var describers = []struct{ kind, action string }{
	{controller.VPCPart, "ec2:DescribeVpcs"}, {controller.GatewayPart, "ec2:DescribeInternetGateways"},
	{controller.SubnetPart, "ec2:DescribeSubnets"}, {controller.TablePart, "ec2:DescribeRouteTables"},
	{controller.GroupPart, "ec2:DescribeSecurityGroups"},
}

// Parts finds the parts of each kind in a call.
func (c *Cloud) Parts(ctx context.Context, key, value string) (found []controller.Part, err error) {
	for _, d := range describers {
		err = c.call(ctx, d.action, func() error {
			for _, id := range sorted(c.parts) {
				if p := c.parts[id]; p.Kind == d.kind && tagged(p.Tags, key, value) && c.seen(id) {
					found = append(found, p.describe())
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// describe shows only the joints that exist.
func (p *part) describe() controller.Part {
	d := p.Part
	d.Tags = maps.Clone(d.Tags)
	switch {
	case d.Kind == controller.GatewayPart && !p.joined:
		d.VPC = ""
	case d.Kind == controller.TablePart:
		if !p.joined {
			d.Subnet = ""
		}
		if !p.routed {
			d.Gateway = ""
		}
	}
	return d
}
