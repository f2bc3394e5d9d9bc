package rules

import (
	"slices"
	"strings"
)

const (
	ec2Throttling = "Amazon EC2 Developer Guide, Request throttling for the Amazon EC2 API"
	ssmQuotas     = "AWS General Reference, Systems Manager endpoints and quotas"
)

// throttle are the token buckets. EC2 keeps one for each action, account and
// region; the name says which actions have such a bucket.
var throttle = []Rule{
	{"throttle.ec2.describe", Bucket{100, 20}, ec2Throttling},
	{"throttle.ec2.describe-unfiltered", Bucket{50, 10}, ec2Throttling},
	{"throttle.ec2.mutating", Bucket{50, 5}, ec2Throttling},
	{"throttle.ec2.RunInstances", Bucket{5, 2}, ec2Throttling},
	{"throttle.ec2.StartInstances", Bucket{5, 2}, ec2Throttling},
	{"throttle.ec2.TerminateInstances", Bucket{100, 5}, ec2Throttling},
	{"throttle.ec2.CreateSnapshot", Bucket{100, 5}, ec2Throttling},
	{"throttle.ec2.CreateVolume", Bucket{100, 5}, ec2Throttling},
	{"throttle.ec2.DeleteVolume", Bucket{100, 5}, ec2Throttling},
	{"throttle.ec2.DeleteSnapshot", Bucket{100, 5}, ec2Throttling},
	{"throttle.ec2.DeregisterImage", Bucket{100, 5}, ec2Throttling},
	{"throttle.ec2.CreateTags", Bucket{100, 10}, ec2Throttling},
	{"throttle.ec2.resources.RunInstances", Bucket{1000, 2}, ec2Throttling + ", resource token buckets"},
	{"throttle.ec2.resources.StartInstances", Bucket{1000, 2}, ec2Throttling + ", resource token buckets"},
	{"throttle.ec2.resources.StopInstances", Bucket{1000, 20}, ec2Throttling + ", resource token buckets"},
	{"throttle.ec2.resources.TerminateInstances", Bucket{1000, 20}, ec2Throttling + ", resource token buckets"},
	{"throttle.ssm.GetParameter", Bucket{40, 40}, ssmQuotas + ": 40 a second, default throughput; shared there, kept for each action here"},
	{"throttle.ssm.GetParameters", Bucket{40, 40}, ssmQuotas + ": 40 a second, default throughput; shared there, kept for each action here"},
	{"throttle.ssm.PutParameter", Bucket{3, 3}, ssmQuotas + ": 3 a second, default throughput"},
	{"throttle.ssm", Bucket{40, 20}, "assumption: AWS publishes no rates for Run Command"},
}

// unfilteredToo are the describing actions that have a smaller bucket for requests
// with neither filter nor page size.
var unfilteredToo = []string{
	"DescribeImages", "DescribeInstanceAttribute", "DescribeInstanceStatus", "DescribeInstances", "DescribeNetworkInterfaces",
	"DescribeSecurityGroups", "DescribeSnapshots", "DescribeSubnets", "DescribeVolumes", "DescribeVpcs",
}

// RequestBucket is the bucket that a call takes a token from; filtered tells
// whether the request names ids, filters or a page size. There is none for the
// services that the lab does not throttle.
func RequestBucket(service, action string, filtered bool) (Rule, bool) {
	for _, id := range []string{"throttle." + service + "." + action, "throttle." + service} {
		if r, ok := find(id); ok {
			return r, true
		}
	}
	switch {
	case service != "ec2":
		return Rule{}, false
	case Mutating(service, action):
		return find("throttle.ec2.mutating")
	case !filtered && slices.Contains(unfilteredToo, action):
		return find("throttle.ec2.describe-unfiltered")
	}
	return find("throttle.ec2.describe")
}

// ResourceBucket is the bucket from which a call takes a token for each resource
// that it names.
func ResourceBucket(service, action string) (Rule, bool) {
	return find("throttle." + service + ".resources." + action)
}

func find(id string) (Rule, bool) {
	all := All()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// Mutating tells whether an action may change something in the account.
func Mutating(service, action string) bool {
	switch action {
	case "AssumeRole", "Decrypt", "Encrypt", "GenerateDataKey", "SimulatePrincipalPolicy":
		return false
	}
	for _, verb := range []string{"Describe", "Get", "List", "Head"} {
		if strings.HasPrefix(action, verb) {
			return false
		}
	}
	return true
}
