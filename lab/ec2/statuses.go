package ec2

import (
	"context"
	"time"
)

// describeInstanceStatus shows those that run, and on demand the others.
func (e *EC2) describeInstanceStatus(ctx context.Context, r *request) (any, error) {
	all := r.Bool("IncludeAllInstances")
	statuses := listing{
		ids: "InstanceId", set: "instanceStatusSet", kind: instanceKind,
		filters: map[string]string{
			"availability-zone": "availabilityZone", "instance-state-name": "instanceState/name", "instance-state-code": "instanceState/code",
			"instance-status.status": "instanceStatus/status", "instance-status.reachability": "instanceStatus/details/item/status",
			"system-status.status": "systemStatus/status", "system-status.reachability": "systemStatus/details/item/status",
		},
		rows: rows(func(a *account) map[string]*instance { return a.Instances }, func(e *EC2, _ *account, i *instance, now time.Time) item {
			if i.State != running && !all {
				return nil
			}
			return e.statusItem(i, now)
		}),
	}
	return statuses.describe(e, ctx, r)
}

// statusItem: the checks of a running instance take a while, and there are none of
// any other.
func (e *EC2) statusItem(i *instance, now time.Time) item {
	checks := item{{"status", "not-applicable"}}
	reachability := func(status, reachable string) item {
		return item{{"status", status}, {"details", []item{{{"name", "reachability"}, {"status", reachable}}}}}
	}
	switch {
	case i.State != running:
	case now.Before(e.after(i.Ran, "ec2.instance.checks")):
		checks = reachability("initializing", "initializing")
	default:
		checks = reachability("ok", "passed")
	}
	return item{
		{"instanceId", i.ID}, {"availabilityZone", i.Zone}, {"instanceState", stateItem(i.State)}, {"systemStatus", checks}, {"instanceStatus", checks},
	}
}
