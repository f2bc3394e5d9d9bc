package rules

import "time"

const scaling = "Amazon EC2 Auto Scaling User Guide, "

// autoscaling are the rules of EC2 Auto Scaling.
var autoscaling = []Rule{
	{"autoscaling.entering-standby", Delay(5 * time.Second), scaling + "Temporarily remove instances: EnteringStandby, then Standby; AWS names no duration"},
	{"autoscaling.pending", Delay(10 * time.Second), scaling + "Lifecycle: from Standby through Pending to InService; AWS names no duration"},
	{"autoscaling.health", Delay(60 * time.Second), scaling + "Health checks: an instance that is not running is unhealthy and is replaced; observed within 1 to 2 min"},
	{"autoscaling.standby", Fact("a member in Standby is not checked, and lowers the desired capacity when that is asked for"), scaling + "Temporarily remove instances"},
	{"autoscaling.replace", Fact("an unhealthy member is terminated; the lab launches no new one, as it has no launch template"), scaling + "Health checks; the second half is the lab's limit"},
}
