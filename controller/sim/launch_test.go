package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

func TestLaunch(t *testing.T) {
	b, ctx := newBed(t, sim.RealDelays()), t.Context()
	id, err := b.Launch(ctx, launch("token"))
	b.must(err)
	again, err := b.Launch(ctx, launch("token"))
	b.must(err)
	if again != id {
		t.Errorf("the same token launched %s and %s", id, again)
	}
	other := launch("token")
	other.Type = "t3.medium"
	_, err = b.Launch(ctx, other)
	b.refused(err, controller.Invalid, "IdempotentParameterMismatch")

	missed := 0
	for range 2 {
		if found, err := b.Instances(ctx, id); err == nil && len(found) == 0 {
			missed++
		}
	}
	if missed != 2 {
		t.Errorf("%d answers missed the new instance", missed)
	}
	i := b.instance(id)
	root := b.volume(i.Devices[0].Volume)
	if i.State != controller.Pending || i.PublicIP != "" || i.Tags[controller.TagRun] != "run" || root.Tags[controller.TagRun] != "run" || !i.Devices[0].DeleteOnTermination {
		t.Errorf("right after the launch it is %+v with %+v", i, root)
	}
	b.clock.Pass(15 * time.Second)
	if i := b.instance(id); i.State != controller.Running || i.PublicIP == "" {
		t.Errorf("then it is %+v", i)
	}
	b.managed(id, "")
	b.clock.Pass(30 * time.Second)
	b.managed(id, "Online")
	b.Lose(id)
	b.managed(id, "ConnectionLost")
	b.must(b.Terminate(ctx, id))
	b.clock.Pass(30 * time.Second)
	_, err = b.Launch(ctx, launch("token"))
	b.refused(err, controller.State, "IdempotentInstanceTerminated")
	if v, err := b.Volumes(ctx, root.ID); err != nil || len(v) != 0 {
		t.Errorf("its volume is %v, %v", v, err)
	}
}

func (b bed) managed(id, ping string) {
	b.Helper()
	found, err := b.Managed(b.Context(), id)
	b.must(err)
	got := ""
	if len(found) == 1 {
		got = found[0].Ping
	}
	if got != ping {
		b.Errorf("Systems Manager says %q, want %q", got, ping)
	}
}

// TestRefusesToLaunch is what EC2 refuses.
func TestRefusesToLaunch(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*controller.Launch)
		kind   controller.Kind
		code   string
	}{
		"no such image":       {func(l *controller.Launch) { l.Image = "ami-none" }, controller.NotFound, "InvalidAMIID.NotFound"},
		"an image of arm64":   {func(l *controller.Launch) { l.Image = "ami-0000000000000arm4" }, controller.Invalid, "InvalidParameterValue"},
		"no such type":        {func(l *controller.Launch) { l.Type = "x9.none" }, controller.Invalid, "InvalidParameterValue"},
		"a type elsewhere":    {func(l *controller.Launch) { l.Type = "t1.rare" }, controller.Invalid, "Unsupported"},
		"no such subnet":      {func(l *controller.Launch) { l.Subnet = "subnet-none" }, controller.NotFound, "InvalidSubnetID.NotFound"},
		"a full subnet":       {func(l *controller.Launch) { l.Subnet = "subnet-full" }, controller.Capacity, "InsufficientFreeAddressesInSubnet"},
		"no such profile":     {func(l *controller.Launch) { l.Profile = "none" }, controller.Invalid, "InvalidParameterValue"},
		"no such group":       {func(l *controller.Launch) { l.Groups = []string{"sg-none"} }, controller.NotFound, "InvalidGroup.NotFound"},
		"too long a token":    {func(l *controller.Launch) { l.Token = strings.Repeat("x", 65) }, controller.Invalid, "InvalidParameterValue"},
		"a tag that is AWS's": {func(l *controller.Launch) { l.Tags = map[string]string{"aws:x": ""} }, controller.Invalid, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, sim.Delays{})
			b.AddType(controller.InstanceType{Name: "t1.rare", Architectures: []string{"x86_64"}}, sim.ZoneB)
			b.AddSubnet(controller.Subnet{ID: "subnet-full", VPC: sim.VPC, Zone: sim.ZoneA})
			l := launch("token")
			tt.change(&l)
			_, err := b.Launch(t.Context(), l)
			b.refused(err, tt.kind, tt.code)
			if n := len(b.Snapshot().Instances); n != 0 {
				t.Errorf("there are %d instances", n)
			}
		})
	}
}

// TestReachesSystemsManager wants a helper to register only where there is a way.
func TestReachesSystemsManager(t *testing.T) {
	to := func(target string) []controller.Route {
		return []controller.Route{{Destination: "0.0.0.0/0", Target: target}}
	}
	for name, tt := range map[string]struct {
		routes    []controller.Route
		endpoints []string
		public    bool
		ping      string
	}{
		"a gateway and an address": {routes: to("igw-1"), public: true, ping: "Online"},
		"a gateway, no address":    {routes: to("igw-1")},
		"network translation":      {routes: to("nat-1"), ping: "Online"},
		"endpoints":                {endpoints: []string{"ssm", "ssmmessages", "ec2messages"}, ping: "Online"},
		"too few endpoints":        {endpoints: []string{"ssm", "s3"}},
		"no way":                   {public: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, sim.Delays{})
			b.AddVPC("vpc-1", tt.endpoints...)
			b.AddSubnet(controller.Subnet{ID: "subnet-1", VPC: "vpc-1", Zone: sim.ZoneA, Free: 9}, tt.routes...)
			l := launch("token")
			l.Subnet, l.PublicIP = "subnet-1", tt.public
			id, err := b.Launch(t.Context(), l)
			b.must(err)
			b.managed(id, tt.ping)
		})
	}
}

func TestTypes(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	b.AddType(controller.InstanceType{Name: "t1.rare", Architectures: []string{"x86_64"}}, sim.ZoneB)
	if m, err := b.InstanceType(ctx, "m5d.large"); err != nil || !m.InstanceStore || m.Architectures[0] != "x86_64" {
		t.Errorf("m5d.large is %+v, %v", m, err)
	}
	_, err := b.InstanceType(ctx, "x9.none")
	b.refused(err, controller.NotFound, "InvalidInstanceType")
	for zone, want := range map[string]bool{sim.ZoneA: false, sim.ZoneB: true} {
		if ok, err := b.TypeOffered(ctx, "t1.rare", zone); ok != want || err != nil {
			t.Errorf("offered in %s: %v, %v", zone, ok, err)
		}
	}
	b.AddImage(controller.Image{ID: "ami-mine", State: "pending", Architecture: "x86_64"})
	if i, err := b.Image(ctx, "ami-mine"); err != nil || i.State != "pending" {
		t.Errorf("ami-mine is %+v, %v", i, err)
	}
	_, err = b.Image(ctx, "ami-none")
	b.refused(err, controller.NotFound, "InvalidAMIID.NotFound")
}

// TestNetwork makes a temporary VPC, launches in it, and takes it down, in which
// each part holds what it depends on.
func TestNetwork(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	tags := map[string]string{controller.TagRun: "run"}
	var parts []controller.Part
	add := func(p controller.Part) string {
		t.Helper()
		p.Tags = tags
		id, err := b.MakePart(ctx, p)
		b.must(err)
		p.ID = id
		again, err := b.MakePart(ctx, p) // does nothing more
		b.must(err)
		if again != id {
			t.Errorf("made again, %s is %s", id, again)
		}
		parts = append(parts, p)
		return id
	}
	vpc := add(controller.Part{Kind: controller.VPCPart, CIDR: "10.0.0.0/28"})
	gateway := add(controller.Part{Kind: controller.GatewayPart, VPC: vpc})
	place := add(controller.Part{Kind: controller.SubnetPart, VPC: vpc, Zone: sim.ZoneA, CIDR: "10.0.0.0/28"})
	_, err := b.MakePart(ctx, controller.Part{Kind: controller.SubnetPart, VPC: vpc, Zone: sim.ZoneA, CIDR: "10.0.0.0/28"})
	b.refused(err, controller.Exists, "InvalidSubnet.Conflict")
	add(controller.Part{Kind: controller.TablePart, VPC: vpc, Subnet: place, Gateway: gateway})
	group := add(controller.Part{Kind: controller.GroupPart, VPC: vpc, Name: "regain"})
	_, err = b.MakePart(ctx, controller.Part{Kind: controller.GroupPart, VPC: vpc, Name: "regain"})
	b.refused(err, controller.Exists, "InvalidGroup.Duplicate")

	found, err := b.Parts(ctx, controller.TagRun, "run")
	b.must(err)
	if len(found) != 5 {
		t.Errorf("the parts are %v", found)
	}
	l := launch("token")
	l.Subnet, l.Groups = place, []string{group}
	helper, err := b.Launch(ctx, l)
	b.must(err)
	b.managed(helper, "Online")
	for _, p := range parts {
		if p.Kind != controller.TablePart {
			b.refused(b.DeletePart(ctx, p), controller.State, "DependencyViolation")
		}
	}
	b.must(b.Terminate(ctx, helper))
	for _, k := range []int{4, 3, 2, 1, 0} {
		b.must(b.DeletePart(ctx, parts[k]))
		b.refused(b.DeletePart(ctx, parts[k]), controller.NotFound, "InvalidID.NotFound")
	}
	if left := b.Snapshot().Leftovers("run"); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

func TestVPCQuota(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	for range 4 {
		_, err := b.MakePart(ctx, controller.Part{Kind: controller.VPCPart})
		b.must(err)
	}
	_, err := b.MakePart(ctx, controller.Part{Kind: controller.VPCPart})
	b.refused(err, controller.Quota, "VpcLimitExceeded")
	n, err := b.VPCs(ctx)
	b.must(err)
	if most, err := b.VPCQuota(ctx); n != 5 || most != 5 || err != nil {
		t.Errorf("%d of %d VPCs, %v", n, most, err)
	}
}

func TestSubnets(t *testing.T) {
	b, ctx := newBed(t, sim.Delays{}), t.Context()
	for q, want := range map[controller.SubnetQuery]int{
		{}: 2, {Zone: sim.ZoneA}: 1, {ID: sim.SubnetB}: 1, {ID: sim.SubnetB, Zone: sim.ZoneA}: 0, {VPC: sim.VPC}: 2, {VPC: "vpc-none"}: 0,
	} {
		if found, err := b.Subnets(ctx, q); err != nil || len(found) != want {
			t.Errorf("%+v: %v, %v", q, found, err)
		}
	}
	if r, err := b.Routes(ctx, controller.Subnet{ID: sim.SubnetA}); err != nil || len(r) != 1 {
		t.Errorf("routes: %v, %v", r, err)
	}
	b.AddVPC("vpc-1", "ssm")
	if e, err := b.Endpoints(ctx, "vpc-1"); err != nil || len(e) != 1 {
		t.Errorf("endpoints: %v, %v", e, err)
	}
}
