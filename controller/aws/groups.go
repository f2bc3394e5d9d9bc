package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"github.com/seed-77750964/regain/controller"
)

// Group is the Auto Scaling group that an instance belongs to, or nil.
func (c *Cloud) Group(ctx context.Context, instance string) (*controller.Group, error) {
	members, err := call(ctx, c.autoscaling.DescribeAutoScalingInstances, &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{instance}})
	if err != nil || len(members.AutoScalingInstances) == 0 {
		return nil, err
	}
	member := members.AutoScalingInstances[0]
	got := &controller.Group{Name: sdk.ToString(member.AutoScalingGroupName), Lifecycle: sdk.ToString(member.LifecycleState)}
	groups, err := call(ctx, c.autoscaling.DescribeAutoScalingGroups, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{got.Name}})
	if err != nil {
		return nil, err
	}
	for _, g := range groups.AutoScalingGroups {
		got.Min, got.Desired = int(sdk.ToInt32(g.MinSize)), int(sdk.ToInt32(g.DesiredCapacity))
	}
	return got, nil
}

// Grouped are those of the instances that belong to an Auto Scaling group.
func (c *Cloud) Grouped(ctx context.Context, instances ...string) ([]string, error) {
	out, err := call(ctx, c.autoscaling.DescribeAutoScalingInstances, &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: instances})
	if err != nil {
		return nil, err
	}
	var members []string
	for _, m := range out.AutoScalingInstances {
		members = append(members, sdk.ToString(m.InstanceId))
	}
	return members, nil
}

// EnterStandby takes an instance out of service; the group wants one less
// meanwhile, and launches none instead.
func (c *Cloud) EnterStandby(ctx context.Context, group, instance string) error {
	return do(ctx, c.autoscaling.EnterStandby, &autoscaling.EnterStandbyInput{
		AutoScalingGroupName: &group, InstanceIds: []string{instance}, ShouldDecrementDesiredCapacity: sdk.Bool(true),
	})
}

// ExitStandby puts an instance back into service.
func (c *Cloud) ExitStandby(ctx context.Context, group, instance string) error {
	return do(ctx, c.autoscaling.ExitStandby, &autoscaling.ExitStandbyInput{AutoScalingGroupName: &group, InstanceIds: []string{instance}})
}
