package pace

import (
	"context"

	"github.com/seed-77750964/regain/controller"
)

// Subnets describes subnets.
func (c *Cloud) Subnets(ctx context.Context, q controller.SubnetQuery) ([]controller.Subnet, error) {
	return ask(c, "ec2:DescribeSubnets", []string{q.ID + q.Zone + q.VPC}, func() ([]controller.Subnet, error) { return c.Cloud.Subnets(ctx, q) })
}

// Routes describes a subnet's routes.
func (c *Cloud) Routes(ctx context.Context, s controller.Subnet) ([]controller.Route, error) {
	return ask(c, "ec2:DescribeRouteTables", []string{s.ID}, func() ([]controller.Route, error) { return c.Cloud.Routes(ctx, s) })
}

// Endpoints describes a VPC's endpoints.
func (c *Cloud) Endpoints(ctx context.Context, vpc string) ([]string, error) {
	return ask(c, "ec2:DescribeVpcEndpoints", []string{vpc}, func() ([]string, error) { return c.Cloud.Endpoints(ctx, vpc) })
}

// VPCs counts the VPCs.
func (c *Cloud) VPCs(ctx context.Context) (int, error) {
	return ask(c, "ec2:DescribeVpcs", nil, func() (int, error) { return c.Cloud.VPCs(ctx) })
}

// Parts describes the kinds of parts, each with a bucket of its own that is
// like the others. Few are ever made, which needs no pace.
func (c *Cloud) Parts(ctx context.Context, key, value string) ([]controller.Part, error) {
	return ask(c, "ec2:DescribeSecurityGroups", []string{key + value}, func() ([]controller.Part, error) { return c.Cloud.Parts(ctx, key, value) })
}
