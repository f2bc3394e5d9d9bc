package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// gatherNetwork chooses the subnet of the helper.
func gatherNetwork(ctx context.Context, _ *Controller, cloud Cloud, s *situation) error {
	switch s.ask.Subnet {
	case SubnetNewVPC:
		return placeInNewVPC(ctx, cloud, s, "as asked for")
	case SubnetSelected:
		return placeIn(ctx, cloud, s, s.was.Instance.Subnet, "the instance's own")
	case SubnetAuto, "":
		return placeAnywhere(ctx, cloud, s)
	}
	return placeIn(ctx, cloud, s, s.ask.Subnet, "as asked for")
}

// placeIn takes the subnet that the operator chose, and reports what speaks
// against it.
func placeIn(ctx context.Context, cloud Cloud, s *situation, id, why string) error {
	var found []Subnet
	if id != "" { // or it would ask for all of them
		var err error
		if found, err = cloud.Subnets(ctx, SubnetQuery{ID: id}); err != nil && !is(err, NotFound) && !is(err, Invalid) {
			return err
		}
	}
	if len(found) != 1 {
		s.trouble("subnet-missing", "there is no subnet %q in this region", id)
		return nil
	}
	subnet := found[0]
	if subnet.Zone != s.place.Zone {
		s.trouble("subnet-zone", "subnet %s is in %s, and the root volume in %s", id, subnet.Zone, s.place.Zone)
	}
	if subnet.Free < 1 {
		s.trouble("subnet-full", "subnet %s has no free address", id)
	}
	way, err := reach(ctx, cloud, subnet, !s.ask.Installed)
	if err != nil {
		return err
	}
	if !way.leads {
		s.trouble("no-ssm-path", "subnet %s %s", id, way.why)
	}
	s.settle(subnet, way, why)
	return nil
}

func (s *situation) settle(subnet Subnet, way way, why string) {
	s.place.Subnet, s.place.VPC, s.place.PublicIP = subnet.ID, subnet.VPC, way.public
	s.place.Why = fmt.Sprintf("%s; it %s", why, way.why)
}

// mostSubnets bounds how many subnets are looked at for a way out.
const mostSubnets = 12

// placeAnywhere takes the instance's own subnet when Systems Manager is reached
// from it, else another of the zone, those of the same VPC first, else a
// temporary VPC.
func placeAnywhere(ctx context.Context, cloud Cloud, s *situation) error {
	found, err := cloud.Subnets(ctx, SubnetQuery{Zone: s.place.Zone})
	if err != nil {
		return err
	}
	looked := 0
	for _, subnet := range s.byNearness(found) {
		if subnet.Free < 1 || subnet.Temporary || looked == mostSubnets {
			continue
		}
		looked++
		way, err := reach(ctx, cloud, subnet, !s.ask.Installed)
		if err != nil {
			return err
		}
		if way.leads {
			s.settle(subnet, way, s.nearness(subnet))
			return nil
		}
	}
	return placeInNewVPC(ctx, cloud, s, "no subnet of "+s.place.Zone+" with a free address reaches Systems Manager")
}

// byNearness sorts subnets: the instance's own, its VPC's, the others.
func (s *situation) byNearness(subnets []Subnet) []Subnet {
	rank := func(n Subnet) int {
		switch {
		case n.ID == s.was.Instance.Subnet:
			return 0
		case n.VPC == s.was.Instance.VPC:
			return 1
		}
		return 2
	}
	sorted := slices.Clone(subnets)
	slices.SortFunc(sorted, func(a, b Subnet) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	})
	return sorted
}

func (s *situation) nearness(subnet Subnet) string {
	switch {
	case subnet.ID == s.was.Instance.Subnet:
		return "the instance's own"
	case subnet.VPC == s.was.Instance.VPC:
		return "of the instance's VPC and zone"
	}
	return "of the instance's zone"
}

// placeInNewVPC plans a temporary VPC, if the region may hold another.
func placeInNewVPC(ctx context.Context, cloud Cloud, s *situation, why string) error {
	s.place.New, s.place.PublicIP, s.place.Why = true, true, why
	count, err := cloud.VPCs(ctx)
	if err != nil {
		return err
	}
	quota, err := cloud.VPCQuota(ctx)
	if err == nil && count >= quota {
		s.trouble("vpc-quota", "there are %d VPCs in this region, of %d that there may be, and the helper needs a temporary one: %s", count, quota, why)
	}
	return err
}
