package controller

import (
	"slices"
	"strings"
	"testing"
)

func TestPlace(t *testing.T) {
	usual := Place{Subnet: "subnet-1", VPC: "vpc-1", Zone: zoneA, AMI: "ami-x86", Type: "t3.medium", Arch: "amd64", Device: "/dev/sdf"}
	with := func(edit func(*Place)) Place {
		p := usual
		edit(&p)
		return p
	}
	elsewhere := func(p *Place) { p.Subnet, p.VPC = "subnet-2", "vpc-2" }
	for _, test := range []struct {
		name string
		make func(*still, *Ask)
		want Place
		why  string
	}{
		{"its own", func(*still, *Ask) {}, usual, "the instance's own; it reaches Systems Manager through a NAT gateway"},
		{"its own, selected", func(_ *still, a *Ask) { a.Subnet = SubnetSelected }, usual, "NAT"},
		{"its own, public", func(c *still, _ *Ask) { c.routes["subnet-1"] = "igw-1" }, with(func(p *Place) { p.PublicIP = true }), "internet gateway and a public address"},
		{"its own, endpoints", func(c *still, _ *Ask) {
			clear(c.routes)
			c.endpoints["vpc-1"] = []string{"s3", "ssm", "ssmmessages", "kms"}
		}, usual, "through its VPC's endpoints"},
		{"endpoints without S3", func(c *still, _ *Ask) {
			clear(c.routes)
			c.endpoints["vpc-1"] = []string{"ec2messages", "ssm", "ssmmessages"}
		}, with(inNewVPC), "no subnet of"},
		{"endpoints without S3, installed", func(c *still, a *Ask) {
			clear(c.routes)
			c.endpoints["vpc-1"], a.Installed = []string{"ec2messages", "ssm", "ssmmessages"}, true
		}, usual, "endpoints"},
		{"its own is full", func(c *still, a *Ask) {
			withSubnet(Subnet{Zone: zoneA, Free: 1}, "tgw-1")(c, a)
			a.Subnet, c.subnets[0].Free = SubnetAuto, 0
		}, with(elsewhere), "of the instance's zone; it reaches Systems Manager through a transit gateway"},
		{"its own is closed", func(c *still, a *Ask) {
			withSubnet(Subnet{Zone: zoneA, Free: 1}, "igw-1")(c, a)
			delete(c.routes, "subnet-1")
			a.Subnet = SubnetAuto
		}, with(func(p *Place) { elsewhere(p); p.PublicIP = true }), "of the instance's zone"},
		{"never in what another run has made", func(c *still, a *Ask) {
			withSubnet(Subnet{Zone: zoneA, Free: 1, Temporary: true}, "igw-1")(c, a)
			delete(c.routes, "subnet-1")
			a.Subnet = SubnetAuto
		}, with(inNewVPC), "no subnet of"},
		{"the same VPC first", func(c *still, _ *Ask) {
			delete(c.routes, "subnet-1")
			c.subnets = append(c.subnets, Subnet{ID: "subnet-0", VPC: "vpc-0", Zone: zoneA, Free: 9}, Subnet{ID: "subnet-9", VPC: "vpc-1", Zone: zoneA, Free: 9})
			c.routes["subnet-0"], c.routes["subnet-9"] = "nat-0", "nat-9"
		}, with(func(p *Place) { p.Subnet = "subnet-9" }), "of the instance's VPC and zone"},
		{"a route to nowhere", func(c *still, _ *Ask) { c.routes["subnet-1"] = "" }, with(inNewVPC), "no subnet of"},
		{"no other zone", func(c *still, a *Ask) {
			withSubnet(Subnet{Zone: "eu-central-1b", Free: 1}, "igw-1")(c, a)
			delete(c.routes, "subnet-1")
			a.Subnet = SubnetAuto
		}, with(inNewVPC), "no subnet of"},
		{"a new VPC", func(_ *still, a *Ask) { a.Subnet = SubnetNewVPC }, with(inNewVPC), "as asked for"},
		{"arm64", patientWith(func(i *Instance) { i.Architecture = "arm64" }),
			with(func(p *Place) { p.Arch, p.AMI, p.Type = "arm64", "ami-arm", "t4g.medium" }), ""},
		{"i386", patientWith(func(i *Instance) { i.Architecture = "i386" }), usual, ""},
		{"a type of another architecture", func(c *still, a *Ask) { a.HelperType, c.offered["t4g.small"] = "t4g.small", zoneA },
			with(func(p *Place) { p.Arch, p.AMI, p.Type = "arm64", "ami-arm", "t4g.small" }), ""},
		{"an image of another architecture", func(_ *still, a *Ask) { a.HelperAMI = "ami-arm" },
			with(func(p *Place) { p.Arch, p.AMI, p.Type = "arm64", "ami-arm", "t4g.medium" }), ""},
		{"the first type is not offered", func(c *still, _ *Ask) { delete(c.offered, "t3.medium") }, with(func(p *Place) { p.Type = "m5.large" }), ""},
		{"a type", func(_ *still, a *Ask) { a.HelperType = "m5.large" }, with(func(p *Place) { p.Type = "m5.large" }), ""},
		{"an image with volumes", func(c *still, a *Ask) {
			withImage(Image{State: "available", Architecture: "x86_64", RootDevice: "/dev/sda1", Devices: []string{"/dev/sda1", "/dev/xvdf", "/dev/sdg"}})(c, a)
		}, with(func(p *Place) { p.AMI, p.Device = "ami-own", "/dev/sdh" }), ""},
	} {
		c, ask := quiet(), Ask{Instance: patientID}
		test.make(c, &ask)
		p := c.plan(t, ask)
		got := p.Place
		got.Why = ""
		if got != test.want || !strings.Contains(p.Place.Why, test.why) || len(p.Risks) != 0 {
			t.Errorf("%s:\ngot  %+v %v\nwant %+v %q", test.name, p.Place, p.Risks, test.want, test.why)
		}
	}
}

func inNewVPC(p *Place) { p.Subnet, p.VPC, p.New, p.PublicIP = "", "", true, true }

// However many subnets a zone has, a few are looked at.
func TestPlaceLooksAtFewSubnets(t *testing.T) {
	c := quiet()
	clear(c.routes)
	for n := range 100 {
		c.subnets = append(c.subnets, Subnet{ID: "subnet-x" + strings.Repeat("x", n), VPC: "vpc-1", Zone: zoneA, Free: 1})
	}
	if p := c.plan(t, Ask{Instance: patientID}); !p.Place.New {
		t.Errorf("got %+v", p.Place)
	}
	looked := 0
	for _, method := range c.asked {
		if method == "Routes" {
			looked++
		}
	}
	if looked != mostSubnets {
		t.Errorf("looked at %d subnets", looked)
	}
}

// An instance without a subnet has no own one to select.
func TestSelectedOfNone(t *testing.T) {
	c := quiet()
	c.change(func(i *Instance) { i.Subnet = "" })
	if p := c.plan(t, Ask{Instance: patientID, Subnet: SubnetSelected}); !slices.Equal(riskIDs(p.Risks), []string{"subnet-missing"}) {
		t.Errorf("got %+v in %+v", p.Risks, p.Place)
	}
}

func TestThrough(t *testing.T) {
	for target, want := range map[string]bool{
		"igw-1": true, "nat-1": true, "tgw-1": true, "vgw-1": true, "pcx-1": true, "vpce-1": true, "eni-1": true, "i-1": true, "lgw-1": true,
		"arn:aws:networkmanager::1:core-network/c": true, "local": false, "eigw-1": false, "": false,
	} {
		if got := through(target); got.leads != want || got.public != (target == "igw-1") {
			t.Errorf("%q: got %+v", target, got)
		}
	}
}

func TestHelperTypesFitTheirArchitecture(t *testing.T) {
	for arch, types := range helperTypes {
		for _, name := range types {
			graviton := slices.Contains([]string{"t4g", "m6g", "m7g", "c6g", "c7g"}, strings.Split(name, ".")[0])
			if graviton != (arch == "arm64") {
				t.Errorf("%s is no machine of %s", name, arch)
			}
		}
	}
}
