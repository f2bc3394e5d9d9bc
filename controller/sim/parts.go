package sim

import (
	"context"
	"maps"

	"github.com/seed-77750964/regain/controller"
)

// MakePart makes a part and joins it to others, a call each.
func (c *Cloud) MakePart(ctx context.Context, p controller.Part) (id string, err error) {
	if id = p.ID; id == "" {
		if id, err = c.create(ctx, p); err != nil {
			return "", err
		}
	}
	switch p.Kind {
	case controller.VPCPart:
		err = c.onPart(ctx, "ec2:ModifyVpcAttribute", id, func(*part) error { return nil })
	case controller.GatewayPart:
		err = c.join(ctx, "ec2:AttachInternetGateway", id, p.VPC, "")
	case controller.TablePart:
		if err = c.route(ctx, id, p.Gateway); err == nil {
			err = c.join(ctx, "ec2:AssociateRouteTable", id, p.VPC, p.Subnet)
		}
	}
	return id, err
}

// route gives a table its default route.
func (c *Cloud) route(ctx context.Context, id, gateway string) error {
	if c.partIs(id, func(p *part) bool { return p.routed }) {
		return nil
	}
	return c.onPart(ctx, "ec2:CreateRoute", id, func(t *part) error {
		if c.parts[gateway] == nil {
			return refusal(controller.NotFound, "InvalidGatewayID.NotFound", "the gateway ID '%s' does not exist", gateway)
		}
		t.routed, t.Gateway = true, gateway
		return nil
	})
}

var creators = map[string]struct{ action, id string }{
	controller.VPCPart: {"ec2:CreateVpc", "vpc"}, controller.GatewayPart: {"ec2:CreateInternetGateway", "igw"},
	controller.SubnetPart: {"ec2:CreateSubnet", "subnet"}, controller.TablePart: {"ec2:CreateRouteTable", "rtb"},
	controller.GroupPart: {"ec2:CreateSecurityGroup", "sg"},
}

func (c *Cloud) create(ctx context.Context, p controller.Part) (id string, err error) {
	err = c.call(ctx, creators[p.Kind].action, func() error {
		if err := c.mayCreate(p); err != nil {
			return err
		}
		id = c.id(creators[p.Kind].id)
		p.ID, p.Tags = id, maps.Clone(p.Tags)
		c.parts[id] = &part{Part: p}
		c.makes(id)
		switch p.Kind {
		case controller.VPCPart:
			c.vpcs[id] = &vpc{}
		case controller.SubnetPart:
			c.subnets[id] = &subnet{controller.Subnet{ID: id, VPC: p.VPC, Zone: p.Zone, Free: 11, Temporary: true}, nil}
		}
		return nil
	})
	return id, err
}

func (c *Cloud) mayCreate(p controller.Part) error {
	if p.Kind == controller.VPCPart {
		if len(c.vpcs) >= c.options.VPCQuota {
			return refusal(controller.Quota, "VpcLimitExceeded", "the maximum number of VPCs has been reached")
		}
		return checkTags(nil, p.Tags)
	}
	if p.Kind != controller.GatewayPart && (c.vpcs[p.VPC] == nil || !c.seen(p.VPC)) {
		return refusal(controller.NotFound, "InvalidVpcID.NotFound", "the vpc ID '%s' does not exist", p.VPC)
	}
	for _, o := range c.parts {
		switch {
		case o.Kind != p.Kind || o.VPC != p.VPC:
		case p.Kind == controller.SubnetPart && o.CIDR == p.CIDR:
			return refusal(controller.Exists, "InvalidSubnet.Conflict", "the CIDR '%s' conflicts with another subnet", p.CIDR)
		case p.Kind == controller.GroupPart && o.Name == p.Name:
			return refusal(controller.Exists, "InvalidGroup.Duplicate", "the security group '%s' already exists", p.Name)
		}
	}
	return checkTags(nil, p.Tags)
}

// join attaches a gateway to its VPC, or a table to its subnet.
func (c *Cloud) join(ctx context.Context, action, id, to, subnet string) error {
	if c.isJoined(id) {
		return nil
	}
	return c.onPart(ctx, action, id, func(p *part) error {
		switch {
		case c.vpcs[to] == nil || !c.seen(to):
			return refusal(controller.NotFound, "InvalidVpcID.NotFound", "the vpc ID '%s' does not exist", to)
		case subnet != "" && c.subnets[subnet] == nil:
			return refusal(controller.NotFound, "InvalidSubnetID.NotFound", "the subnet ID '%s' does not exist", subnet)
		case subnet != "":
			p.Subnet = subnet
			c.subnets[subnet].routes = []controller.Route{{Destination: "0.0.0.0/0", Target: p.Gateway}}
		}
		p.joined, p.VPC = true, to
		return nil
	})
}

func (c *Cloud) onPart(ctx context.Context, action, id string, do func(*part) error) error {
	return c.call(ctx, action, func() error {
		p := c.parts[id]
		if p == nil || !c.seen(id) {
			return refusal(controller.NotFound, "InvalidID.NotFound", "the ID '%s' does not exist", id)
		}
		return do(p)
	})
}

// DeletePart parts what is joined, and deletes, a call each. What others depend
// on stays.
func (c *Cloud) DeletePart(ctx context.Context, p controller.Part) error {
	parted, action := "", ""
	switch p.Kind {
	case controller.VPCPart:
		action = "ec2:DeleteVpc"
	case controller.GatewayPart:
		parted, action = "ec2:DetachInternetGateway", "ec2:DeleteInternetGateway"
	case controller.SubnetPart:
		action = "ec2:DeleteSubnet"
	case controller.TablePart:
		parted, action = "ec2:DisassociateRouteTable", "ec2:DeleteRouteTable"
	case controller.GroupPart:
		action = "ec2:DeleteSecurityGroup"
	}
	if parted != "" && c.isJoined(p.ID) {
		err := c.onPart(ctx, parted, p.ID, func(p *part) error {
			if p.Kind == controller.GatewayPart && c.inhabited(func(i *instance) bool { return i.VPC == p.VPC && i.PublicIP != "" }) {
				return depends(p.ID)
			}
			p.joined = false
			return nil
		})
		if err != nil {
			return err
		}
	}
	return c.onPart(ctx, action, p.ID, func(p *part) error {
		if c.holds(p) {
			return depends(p.ID)
		}
		delete(c.parts, p.ID)
		delete(c.vpcs, p.ID)
		delete(c.subnets, p.ID)
		return nil
	})
}

func (c *Cloud) isJoined(id string) bool {
	return c.partIs(id, func(p *part) bool { return p.joined })
}

// partIs looks at a part for the adapter's own knowledge, without a call.
func (c *Cloud) partIs(id string, what func(*part) bool) (is bool) {
	c.outside(func() { is = c.parts[id] != nil && what(c.parts[id]) })
	return is
}

func depends(id string) error {
	return refusal(controller.State, "DependencyViolation", "%s has dependencies and cannot be deleted", id)
}

// holds tells whether something depends on a part.
func (c *Cloud) holds(p *part) bool {
	switch p.Kind {
	case controller.VPCPart:
		for _, o := range c.parts {
			if o.Kind != controller.VPCPart && o.VPC == p.ID && (o.Kind != controller.GatewayPart || o.joined) {
				return true
			}
		}
		return c.inhabited(func(i *instance) bool { return i.VPC == p.ID })
	case controller.SubnetPart:
		return c.inhabited(func(i *instance) bool { return i.Subnet == p.ID })
	case controller.GroupPart:
		return c.inhabited(func(i *instance) bool { return i.member(p.ID) })
	case controller.GatewayPart, controller.TablePart:
		return p.joined
	}
	return false
}

func (c *Cloud) inhabited(by func(*instance) bool) bool {
	for _, i := range c.instances {
		if i.State != controller.Terminated && by(i) {
			return true
		}
	}
	return false
}
