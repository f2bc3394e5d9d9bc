package aws

import (
	"context"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

// Subnets finds subnets that are ready for use.
func (c *Cloud) Subnets(ctx context.Context, q controller.SubnetQuery) ([]controller.Subnet, error) {
	filters := []types.Filter{filter("state", string(types.SubnetStateAvailable))}
	for name, value := range map[string]string{"subnet-id": q.ID, "availability-zone": q.Zone, "vpc-id": q.VPC} {
		if value != "" {
			filters = append(filters, filter(name, value))
		}
	}
	return c.subnets(ctx, filters...)
}

func (c *Cloud) subnets(ctx context.Context, filters ...types.Filter) ([]controller.Subnet, error) {
	var found []controller.Subnet
	in := &ec2.DescribeSubnetsInput{Filters: filters, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeSubnetsPaginator(c.ec2, in), func(out *ec2.DescribeSubnetsOutput) {
		for _, s := range out.Subnets {
			found = append(found, controller.Subnet{
				ID: sdk.ToString(s.SubnetId), VPC: sdk.ToString(s.VpcId), Zone: sdk.ToString(s.AvailabilityZone),
				AutoPublicIP: sdk.ToBool(s.MapPublicIpOnLaunch), Free: int(sdk.ToInt32(s.AvailableIpAddressCount)),
				Temporary: slices.ContainsFunc(s.Tags, func(t types.Tag) bool { return sdk.ToString(t.Key) == controller.TagRun }),
			})
		}
	})
	return found, err
}

// Routes are the active ones of the table that a subnet goes by.
func (c *Cloud) Routes(ctx context.Context, s controller.Subnet) ([]controller.Route, error) {
	tables, err := c.tables(ctx, filter("vpc-id", s.VPC))
	if err != nil {
		return nil, err
	}
	var routes []controller.Route
	for _, r := range tableOf(tables, s.ID).Routes {
		if r.State == types.RouteStateActive {
			routes = append(routes, controller.Route{
				Destination: first(r.DestinationCidrBlock, r.DestinationIpv6CidrBlock, r.DestinationPrefixListId),
				Target: first(r.GatewayId, r.NatGatewayId, r.TransitGatewayId, r.VpcPeeringConnectionId, r.EgressOnlyInternetGatewayId,
					r.InstanceId, r.NetworkInterfaceId, r.LocalGatewayId, r.CarrierGatewayId, r.CoreNetworkArn),
			})
		}
	}
	return routes, nil
}

// tableOf is the table of a VPC that a subnet goes by: its own, or the main one.
func tableOf(tables []types.RouteTable, subnet string) types.RouteTable {
	var main types.RouteTable
	for _, t := range tables {
		for _, a := range t.Associations {
			switch {
			case sdk.ToString(a.SubnetId) == subnet:
				return t
			case sdk.ToBool(a.Main):
				main = t
			}
		}
	}
	return main
}

func (c *Cloud) tables(ctx context.Context, filters ...types.Filter) ([]types.RouteTable, error) {
	var found []types.RouteTable
	in := &ec2.DescribeRouteTablesInput{Filters: filters, MaxResults: sdk.Int32(100)}
	err := pages(ctx, ec2.NewDescribeRouteTablesPaginator(c.ec2, in), func(out *ec2.DescribeRouteTablesOutput) {
		found = append(found, out.RouteTables...)
	})
	return found, err
}

// first is the first text that is there.
func first(texts ...*string) string {
	for _, t := range texts {
		if sdk.ToString(t) != "" {
			return *t
		}
	}
	return ""
}

// Endpoints are the services that a VPC has endpoints for.
func (c *Cloud) Endpoints(ctx context.Context, vpc string) ([]string, error) {
	var names []string
	in := &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{filter("vpc-id", vpc)}, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeVpcEndpointsPaginator(c.ec2, in), func(out *ec2.DescribeVpcEndpointsOutput) {
		for _, e := range out.VpcEndpoints {
			// The reference writes the states with a capital, EC2 answers without.
			if strings.EqualFold(string(e.State), string(types.StateAvailable)) {
				_, name, _ := strings.Cut(sdk.ToString(e.ServiceName), "."+c.region+".")
				names = append(names, name)
			}
		}
	})
	return names, err
}

// VPCs counts those of the region.
func (c *Cloud) VPCs(ctx context.Context) (int, error) {
	found, err := c.vpcs(ctx)
	return len(found), err
}

func (c *Cloud) vpcs(ctx context.Context, filters ...types.Filter) ([]types.Vpc, error) {
	var found []types.Vpc
	in := &ec2.DescribeVpcsInput{Filters: filters, MaxResults: sdk.Int32(pageSize)}
	err := pages(ctx, ec2.NewDescribeVpcsPaginator(c.ec2, in), func(out *ec2.DescribeVpcsOutput) {
		found = append(found, out.Vpcs...)
	})
	return found, err
}
