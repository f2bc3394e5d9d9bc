package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

// Parts finds the parts of a network by a tag, in the order they are made in.
func (c *Cloud) Parts(ctx context.Context, key, value string) ([]controller.Part, error) {
	var parts []controller.Part
	tag := tagFilter(key, value)
	for _, find := range []func(context.Context, types.Filter) ([]controller.Part, error){
		c.vpcParts, c.gatewayParts, c.subnetParts, c.tableParts, c.groupParts,
	} {
		some, err := find(ctx, tag)
		if err != nil {
			return nil, err
		}
		parts = append(parts, some...)
	}
	return parts, nil
}

func (c *Cloud) vpcParts(ctx context.Context, f types.Filter) ([]controller.Part, error) {
	found, err := c.vpcs(ctx, f)
	var parts []controller.Part
	for _, v := range found {
		parts = append(parts, controller.Part{Kind: controller.VPCPart, ID: sdk.ToString(v.VpcId), CIDR: sdk.ToString(v.CidrBlock), Tags: tags(v.Tags)})
	}
	return parts, err
}

func (c *Cloud) gatewayParts(ctx context.Context, f types.Filter) ([]controller.Part, error) {
	found, err := c.gateways(ctx, f)
	var parts []controller.Part
	for _, g := range found {
		p := controller.Part{Kind: controller.GatewayPart, ID: sdk.ToString(g.InternetGatewayId), Tags: tags(g.Tags)}
		for _, a := range g.Attachments {
			p.VPC = sdk.ToString(a.VpcId)
		}
		parts = append(parts, p)
	}
	return parts, err
}

func (c *Cloud) gateways(ctx context.Context, f types.Filter) ([]types.InternetGateway, error) {
	var found []types.InternetGateway
	in := &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{f}, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeInternetGatewaysPaginator(c.ec2, in), func(out *ec2.DescribeInternetGatewaysOutput) {
		found = append(found, out.InternetGateways...)
	})
	return found, err
}

func (c *Cloud) subnetParts(ctx context.Context, f types.Filter) ([]controller.Part, error) {
	var parts []controller.Part
	in := &ec2.DescribeSubnetsInput{Filters: []types.Filter{f}, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeSubnetsPaginator(c.ec2, in), func(out *ec2.DescribeSubnetsOutput) {
		for _, s := range out.Subnets {
			parts = append(parts, controller.Part{
				Kind: controller.SubnetPart, ID: sdk.ToString(s.SubnetId), VPC: sdk.ToString(s.VpcId),
				Zone: sdk.ToString(s.AvailabilityZone), CIDR: sdk.ToString(s.CidrBlock), Tags: tags(s.Tags),
			})
		}
	})
	return parts, err
}

func (c *Cloud) tableParts(ctx context.Context, f types.Filter) ([]controller.Part, error) {
	found, err := c.tables(ctx, f)
	var parts []controller.Part
	for _, t := range found {
		p := controller.Part{Kind: controller.TablePart, ID: sdk.ToString(t.RouteTableId), VPC: sdk.ToString(t.VpcId), Tags: tags(t.Tags)}
		for _, a := range t.Associations {
			p.Subnet = sdk.ToString(a.SubnetId)
		}
		for _, r := range t.Routes {
			if sdk.ToString(r.DestinationCidrBlock) == everywhere {
				p.Gateway = sdk.ToString(r.GatewayId)
			}
		}
		parts = append(parts, p)
	}
	return parts, err
}

func (c *Cloud) groupParts(ctx context.Context, f types.Filter) ([]controller.Part, error) {
	var parts []controller.Part
	in := &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{f}, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeSecurityGroupsPaginator(c.ec2, in), func(out *ec2.DescribeSecurityGroupsOutput) {
		for _, g := range out.SecurityGroups {
			parts = append(parts, controller.Part{
				Kind: controller.GroupPart, ID: sdk.ToString(g.GroupId), VPC: sdk.ToString(g.VpcId), Name: sdk.ToString(g.GroupName), Tags: tags(g.Tags),
			})
		}
	})
	return parts, err
}

// DeletePart takes a part out of what it is joined to, and removes it. What is
// gone already is no failure.
func (c *Cloud) DeletePart(ctx context.Context, p controller.Part) error {
	var err error
	switch p.Kind {
	case controller.VPCPart:
		err = do(ctx, c.ec2.DeleteVpc, &ec2.DeleteVpcInput{VpcId: &p.ID})
	case controller.GatewayPart:
		err = c.deleteGateway(ctx, p.ID)
	case controller.SubnetPart:
		err = do(ctx, c.ec2.DeleteSubnet, &ec2.DeleteSubnetInput{SubnetId: &p.ID})
	case controller.TablePart:
		err = c.deleteTable(ctx, p.ID)
	case controller.GroupPart:
		err = do(ctx, c.ec2.DeleteSecurityGroup, &ec2.DeleteSecurityGroupInput{GroupId: &p.ID})
	default:
		return fmt.Errorf("cannot delete %s: a %q is no part of a network", p.ID, p.Kind)
	}
	return unless(controller.NotFound, err)
}

func (c *Cloud) deleteGateway(ctx context.Context, id string) error {
	found, err := c.gateways(ctx, filter("internet-gateway-id", id))
	if err != nil {
		return err
	}
	for _, g := range found {
		for _, a := range g.Attachments {
			if err := do(ctx, c.ec2.DetachInternetGateway, &ec2.DetachInternetGatewayInput{InternetGatewayId: &id, VpcId: a.VpcId}); err != nil {
				return err
			}
		}
	}
	return do(ctx, c.ec2.DeleteInternetGateway, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &id})
}

func (c *Cloud) deleteTable(ctx context.Context, id string) error {
	found, err := c.tables(ctx, filter("route-table-id", id))
	if err != nil {
		return err
	}
	for _, t := range found {
		for _, a := range t.Associations {
			if err := do(ctx, c.ec2.DisassociateRouteTable, &ec2.DisassociateRouteTableInput{AssociationId: a.RouteTableAssociationId}); err != nil {
				return err
			}
		}
	}
	return do(ctx, c.ec2.DeleteRouteTable, &ec2.DeleteRouteTableInput{RouteTableId: &id})
}
