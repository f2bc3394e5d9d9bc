package controller

import (
	"context"
	"slices"
	"strings"
)

// A way is how Systems Manager is reached from a subnet.
type way struct {
	leads  bool
	public bool   // by a public address of the helper's own
	why    string // "reaches Systems Manager through …"
}

// endpointsNeeded are the interface endpoints that the agent of Systems Manager
// needs where there is no way out. ec2messages is none of them: since 3.3.40 the
// agent does without, and the regions launched since 2024 have none.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
var endpointsNeeded = []string{"ssm", "ssmmessages"}

// reach judges a subnet by its default route and the endpoints of its VPC. What
// filters beyond (security groups, network ACLs, firewalls, policies of
// endpoints) shows when the helper registers, before anything is stopped.
// delivery says that the helper has to fetch the agent from S3.
func reach(ctx context.Context, cloud Networks, subnet Subnet, delivery bool) (way, error) {
	routes, err := cloud.Routes(ctx, subnet)
	if err != nil {
		return way{}, err
	}
	for _, r := range routes {
		if r.Destination == "0.0.0.0/0" {
			return through(r.Target), nil
		}
	}
	there, err := cloud.Endpoints(ctx, subnet.VPC)
	if err != nil {
		return way{}, err
	}
	needed := endpointsNeeded
	if delivery {
		needed = append(slices.Clone(needed), "s3")
	}
	var missing []string
	for _, name := range needed {
		if !slices.Contains(there, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return way{why: "has no default route, and its VPC no endpoint for " + strings.Join(missing, ", ")}, nil
	}
	return way{leads: true, why: "reaches Systems Manager through its VPC's endpoints"}, nil
}

// gateways are the targets of a default route that lead out, by prefix.
var gateways = []struct {
	prefix, name string
	public       bool
}{
	{"igw-", "an internet gateway and a public address", true},
	{"nat-", "a NAT gateway", false},
	{"tgw-", "a transit gateway", false},
	{"vgw-", "a virtual private gateway", false},
	{"pcx-", "a peering connection", false},
	{"vpce-", "a gateway endpoint", false},
	{"eni-", "a network interface", false},
	{"i-", "a NAT instance", false},
	{"lgw-", "a local gateway", false},
	{"arn:", "a core network", false},
}

// through judges a default route. What stands behind a transit gateway or an
// appliance cannot be seen from here, and gets the benefit of the doubt.
func through(target string) way {
	for _, g := range gateways {
		if strings.HasPrefix(target, g.prefix) {
			return way{leads: true, public: g.public, why: "reaches Systems Manager through " + g.name}
		}
	}
	return way{why: "has a default route to " + orNone(target) + ", which leads nowhere"}
}
