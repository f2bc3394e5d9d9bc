package controller

import "fmt"

// ownerChecks are about what else has a say in the life of the instance.
var ownerChecks = []check{
	{
		id: "spot", title: "the instance is a Spot Instance",
		instead: "EC2 terminates a stopped Spot Instance whose start fails for lack of its root volume (EC2 User Guide, Spot Instances):" +
			" make an image of it, launch that On-Demand with a key pair of yours, and if that does not let you in, reset it",
		look: func(s *situation) []string { return when(s.was.Instance.Spot, "its life cycle is spot") },
	},
	{
		id: "operator-managed", title: "the instance is managed by a service",
		instead: "EC2 refuses others to change it: use that service's own means",
		look: func(s *situation) []string {
			return when(s.was.Instance.Operator != "", "it is operated by %s", s.was.Instance.Operator)
		},
	},
	{
		id: "marketplace-codes", title: "the root volume has product codes of AWS Marketplace",
		instead: "Such a volume can be attached only to a stopped helper (EBS User Guide), which this version does not do:" +
			" ask the product's vendor, or launch it anew",
		look: func(s *situation) []string {
			var found []string
			for _, code := range s.was.Instance.ProductCodes {
				found = append(found, "its product code is "+code)
			}
			return found
		},
	},
	{
		id: "auto-scaling", title: "the instance is in service in an Auto Scaling group", note: true,
		instead: "It is put in standby before it is stopped, since it would be replaced otherwise, and back in service afterwards",
		look: func(s *situation) []string {
			g := s.was.Group
			return when(g != nil && g.Lifecycle == "InService" && s.stops() && g.Desired > g.Min, "it belongs to the group %s", groupName(g))
		},
	},
	{id: "auto-scaling-minimum", title: "its Auto Scaling group cannot spare it", look: scalingMinimum,
		instead: "Lower the group's minimum for the time of the rescue, or detach the instance from the group"},
	{id: "auto-scaling-state", title: "its Auto Scaling group is about to do something with it", look: scalingState,
		instead: "A rescue begins when it is in service or in standby; or detach it from the group"},
}

// scalingMinimum is the refusal of EnterStandby, which takes the instance off
// the group's desired capacity, found beforehand.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_EnterStandby.html
func scalingMinimum(s *situation) []string {
	g := s.was.Group
	if g == nil || g.Lifecycle != "InService" || g.Desired > g.Min || !s.stops() {
		return nil
	}
	lower := ""
	if g.Min > 0 {
		lower = "; this lowers the minimum: " +
			s.aws(fmt.Sprintf("autoscaling update-auto-scaling-group --auto-scaling-group-name %q --min-size %d", g.Name, g.Min-1))
	}
	return when(true, "the group %s wants %d instances and may not have fewer than %d%s", g.Name, g.Desired, g.Min, lower)
}

func scalingState(s *situation) []string {
	g := s.was.Group
	switch {
	case g == nil || g.Lifecycle == "Standby":
		return nil
	case g.Lifecycle != "InService":
		return when(true, "it is %s in the group %s", g.Lifecycle, g.Name)
	}
	return when(!s.stops(), "it is %s and in service, and the group %s is about to replace it", s.was.Instance.State, g.Name)
}
