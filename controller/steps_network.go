package controller

import (
	"context"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// networkCIDR is that of a temporary VPC: it is joined to nothing else.
const networkCIDR = "10.255.255.0/28"

var partKinds = []string{VPCPart, GatewayPart, SubnetPart, TablePart, GroupPart}

// makeNetwork makes what is missing of the temporary network, in order.
func (b *bracket) makeNetwork(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if !r.Place.New {
		return flow.Wait{}, nil
	}
	if wait, err := b.findNetwork(ctx, r); err != nil || !wait.Done() {
		return wait, err
	}
	for _, kind := range partKinds {
		if r.part(kind) != "" {
			continue
		}
		p := Part{Kind: kind, ID: idOf(b.partial, kind), VPC: r.part(VPCPart), Gateway: r.part(GatewayPart), Subnet: r.part(SubnetPart),
			Zone: r.Place.Zone, CIDR: networkCIDR, Name: "regain-" + r.Run, Tags: r.made("network", "regain "+r.Ask.Instance, nil)}
		b.doubt("network")
		id, err := b.cloud.MakePart(ctx, p)
		b.sure("network", err)
		if err != nil {
			return flow.Wait{}, err
		}
		p.ID, p.Tags = id, nil
		r.Network = append(r.Network, p)
	}
	return flow.Wait{}, nil
}

// findNetwork looks for parts that were made without our knowing, and may not be
// complete.
func (b *bracket) findNetwork(ctx context.Context, r *Rescue) (flow.Wait, error) {
	next := slices.IndexFunc(partKinds, func(kind string) bool { return r.part(kind) == "" })
	if next < 0 || !b.unsure("network") {
		return flow.Wait{}, nil
	}
	var err error
	if b.partial, err = b.cloud.Parts(ctx, TagRun, r.Run); err != nil || idOf(b.partial, partKinds[next]) != "" {
		return flow.Wait{}, err
	}
	return b.settle("network"), nil
}

func (r *Rescue) part(kind string) string { return idOf(r.Network, kind) }

func idOf(parts []Part, kind string) string {
	if i := slices.IndexFunc(parts, func(p Part) bool { return p.Kind == kind }); i >= 0 {
		return parts[i].ID
	}
	return ""
}

// removeNetwork removes all that the run has made of a network, the last first.
// What still depends on a part is waited for: the helper's interface goes a
// little after the helper.
func (b *bracket) removeNetwork(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Place == nil || !r.Place.New {
		return flow.Wait{}, nil
	}
	parts, err := b.cloud.Parts(ctx, TagRun, r.Run)
	if err != nil {
		return flow.Wait{}, err
	}
	if len(parts) == 0 {
		return b.settle("network"), nil // one that was just made may not show yet
	}
	for _, kind := range slices.Backward(partKinds) {
		for _, p := range parts {
			if p.Kind != kind {
				continue
			}
			switch err := b.cloud.DeletePart(ctx, p); {
			case is(err, State):
				return b.wait("network", rhythm{0, 3 * time.Second}, "something still depends on %s", p.ID), nil
			case err != nil && !is(err, NotFound):
				return flow.Wait{}, err
			}
		}
	}
	return flow.Wait{For: time.Second, Why: "for the network to be gone"}, nil
}
