package clitest

var quotaStory = []step{
	{
		call: "service-quotas GetServiceQuota", params: object{"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"},
		want: map[string]any{"Quota.Value": 5, "Quota.QuotaName": "VPCs per Region", "Quota.ServiceCode": "vpc", "Quota.Adjustable": true},
	},
	{call: "service-quotas GetServiceQuota", params: object{"ServiceCode": "vpc", "QuotaCode": "L-00000000"}, fault: "NoSuchResourceException"},
	{call: "service-quotas ListServiceQuotas", params: object{"ServiceCode": "vpc"}, want: map[string]any{"Quotas.0.QuotaCode": "L-F678F1CE"}},
}

func standby(more object) object {
	params := object{"AutoScalingGroupName": "cli", "InstanceIds": []string{"{instance}"}}
	for k, v := range more {
		params[k] = v
	}
	return params
}

// groupStory has an instance that is in Standby join its group and leave it again.
var groupStory = []step{
	{call: "ec2 DescribeInstances", params: instances(nil), until: true, want: map[string]any{"Reservations.0.Instances.0.State.Name": "running"}},
	{
		call: "autoscaling DescribeAutoScalingGroups", params: object{"AutoScalingGroupNames": []string{"cli"}},
		want: map[string]any{"AutoScalingGroups.0.AutoScalingGroupName": "cli", "AutoScalingGroups.0.Instances.0.InstanceId": "{instance}"},
	},
	member("Standby"),
	{call: "autoscaling ExitStandby", params: standby(nil), want: map[string]any{"Activities.0.StatusCode": "~.", "Activities.0.AutoScalingGroupName": "cli"}},
	member("InService"),
	{call: "autoscaling EnterStandby", params: standby(object{"ShouldDecrementDesiredCapacity": true}), want: map[string]any{"Activities.0.StatusCode": "~."}},
	member("Standby"),
	{call: "autoscaling ExitStandby", params: object{"AutoScalingGroupName": "none", "InstanceIds": []string{"{instance}"}}, fault: "ValidationError"},
}

func member(state string) step {
	return step{
		call: "autoscaling DescribeAutoScalingInstances", params: object{"InstanceIds": []string{"{instance}"}}, until: true,
		want: map[string]any{
			"AutoScalingInstances.0.LifecycleState": state, "AutoScalingInstances.0.AutoScalingGroupName": "cli", "AutoScalingInstances.0.AvailabilityZone": "~^us-east-1",
		},
	}
}
