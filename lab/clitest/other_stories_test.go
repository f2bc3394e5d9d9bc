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

var groupStory = []step{
	{
		call: "autoscaling DescribeAutoScalingGroups", params: object{"AutoScalingGroupNames": []string{"cli"}},
		want: map[string]any{"AutoScalingGroups.0.AutoScalingGroupName": "cli", "AutoScalingGroups.0.Instances.0.InstanceId": "{instance}"},
	},
	{
		call: "autoscaling DescribeAutoScalingInstances", params: object{"InstanceIds": []string{"{instance}"}},
		want: map[string]any{"AutoScalingInstances.0.LifecycleState": "InService", "AutoScalingInstances.0.AutoScalingGroupName": "cli", "AutoScalingInstances.0.HealthStatus": "~(?i)^healthy$"},
	},
	{call: "autoscaling EnterStandby", params: standby(object{"ShouldDecrementDesiredCapacity": true}), want: map[string]any{"Activities.0.StatusCode": "~."}},
	{
		call: "autoscaling DescribeAutoScalingInstances", params: object{"InstanceIds": []string{"{instance}"}}, until: true,
		want: map[string]any{"AutoScalingInstances.0.LifecycleState": "Standby"},
	},
	{call: "autoscaling ExitStandby", params: standby(nil), want: map[string]any{"Activities.0.StatusCode": "~."}},
	{
		call: "autoscaling DescribeAutoScalingInstances", params: object{"InstanceIds": []string{"{instance}"}}, until: true,
		want: map[string]any{"AutoScalingInstances.0.LifecycleState": "InService"},
	},
}
