package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

const everywhere = "0.0.0.0/0"

// MakePart makes a part of a network, unless it has an id, and joins it to the
// others. The id is given also when only the joining failed.
func (c *Cloud) MakePart(ctx context.Context, p controller.Part) (string, error) {
	makes := map[string]func(context.Context, controller.Part) (*string, error){
		controller.VPCPart: c.makeVPC, controller.GatewayPart: c.makeGateway, controller.SubnetPart: c.makeSubnet,
		controller.TablePart: c.makeTable, controller.GroupPart: c.makeGroup,
	}
	if makes[p.Kind] == nil {
		return "", fmt.Errorf("cannot make a %q: it is no part of a network", p.Kind)
	}
	if p.ID == "" {
		id, err := makes[p.Kind](ctx, p)
		if err != nil {
			return "", err
		}
		p.ID = sdk.ToString(id)
	}
	switch p.Kind {
	case controller.GatewayPart:
		return p.ID, c.joinGateway(ctx, p)
	case controller.TablePart:
		return p.ID, c.joinTable(ctx, p)
	}
	return p.ID, nil
}

// makeVPC makes a VPC. CreateVpc turns the DNS resolver on by itself, which is
// all that a helper with public names to look up needs.
func (c *Cloud) makeVPC(ctx context.Context, p controller.Part) (*string, error) {
	out, err := call(ctx, c.ec2.CreateVpc, &ec2.CreateVpcInput{CidrBlock: &p.CIDR, TagSpecifications: specify(p.Tags, types.ResourceTypeVpc)})
	if err != nil {
		return nil, err
	}
	return out.Vpc.VpcId, nil
}

func (c *Cloud) makeGateway(ctx context.Context, p controller.Part) (*string, error) {
	out, err := call(ctx, c.ec2.CreateInternetGateway, &ec2.CreateInternetGatewayInput{TagSpecifications: specify(p.Tags, types.ResourceTypeInternetGateway)})
	if err != nil {
		return nil, err
	}
	return out.InternetGateway.InternetGatewayId, nil
}

func (c *Cloud) joinGateway(ctx context.Context, p controller.Part) error {
	return unless(controller.Exists, do(ctx, c.ec2.AttachInternetGateway, &ec2.AttachInternetGatewayInput{InternetGatewayId: &p.ID, VpcId: &p.VPC}))
}

func (c *Cloud) makeSubnet(ctx context.Context, p controller.Part) (*string, error) {
	out, err := call(ctx, c.ec2.CreateSubnet, &ec2.CreateSubnetInput{
		VpcId: &p.VPC, CidrBlock: &p.CIDR, AvailabilityZone: &p.Zone, TagSpecifications: specify(p.Tags, types.ResourceTypeSubnet),
	})
	if err != nil {
		return nil, err
	}
	return out.Subnet.SubnetId, nil
}

func (c *Cloud) makeTable(ctx context.Context, p controller.Part) (*string, error) {
	out, err := call(ctx, c.ec2.CreateRouteTable, &ec2.CreateRouteTableInput{VpcId: &p.VPC, TagSpecifications: specify(p.Tags, types.ResourceTypeRouteTable)})
	if err != nil {
		return nil, err
	}
	return out.RouteTable.RouteTableId, nil
}

func (c *Cloud) joinTable(ctx context.Context, p controller.Part) error {
	everywhere := everywhere
	err := do(ctx, c.ec2.CreateRoute, &ec2.CreateRouteInput{RouteTableId: &p.ID, DestinationCidrBlock: &everywhere, GatewayId: &p.Gateway})
	if err := unless(controller.Exists, err); err != nil {
		return err
	}
	return unless(controller.Exists, do(ctx, c.ec2.AssociateRouteTable, &ec2.AssociateRouteTableInput{RouteTableId: &p.ID, SubnetId: &p.Subnet}))
}

// makeGroup makes a security group. A new one lets nothing in and everything out.
func (c *Cloud) makeGroup(ctx context.Context, p controller.Part) (*string, error) {
	out, err := call(ctx, c.ec2.CreateSecurityGroup, &ec2.CreateSecurityGroupInput{
		VpcId: &p.VPC, GroupName: &p.Name, Description: sdk.String("regain: a helper, without ingress"),
		TagSpecifications: specify(p.Tags, types.ResourceTypeSecurityGroup),
	})
	if err != nil {
		return nil, err
	}
	return out.GroupId, nil
}
