package controller

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// still is an account that stands still: it answers what may be asked, and
// panics at everything that changes something, since Cloud is nil.
type still struct {
	Cloud
	caller     Caller
	instances  map[string]Instance
	volumes    map[string]Volume
	attributes Attributes
	group      *Group
	types      map[string]InstanceType
	offered    map[string]string // type: the zones that offer it
	images     map[string]Image
	public     map[string]string
	subnets    []Subnet
	routes     map[string]string // subnet: target of its default route
	endpoints  map[string][]string
	vpcs       int
	profiles   map[string]Profile
	keys       map[string]KMSKey
	buckets    map[string]bool
	parameters map[string]Parameter
	pairs      map[string]KeyPair
	userData   []byte
	managed    []Managed
	denied     []string // actions, by the simulation
	fails      map[string]error

	asked     []string // methods
	simulated [][]Permission
}

func (c *still) ask(method string) error {
	c.asked = append(c.asked, method)
	return c.fails[method]
}

func those[V any](all map[string]V, ids []string) []V {
	var found []V
	for _, id := range ids {
		if v, ok := all[id]; ok {
			found = append(found, v)
		}
	}
	return found
}

func exactly[V any](all map[string]V, id string, err error) (V, error) {
	v, ok := all[id]
	if err == nil && !ok {
		err = &CloudError{Kind: NotFound, Action: "test:Get", Code: "NotFound", Message: id}
	}
	return v, err
}

func (c *still) Caller(context.Context) (Caller, error) { return c.caller, c.ask("Caller") }

func (c *still) Instances(_ context.Context, ids ...string) ([]Instance, error) {
	return those(c.instances, ids), c.ask("Instances")
}

func (c *still) Volumes(_ context.Context, ids ...string) ([]Volume, error) {
	return those(c.volumes, ids), c.ask("Volumes")
}

func (c *still) Attributes(context.Context, string) (Attributes, error) {
	return c.attributes, c.ask("Attributes")
}

func (c *still) Group(context.Context, string) (*Group, error) { return c.group, c.ask("Group") }

func (c *still) InstanceType(_ context.Context, name string) (InstanceType, error) {
	return exactly(c.types, name, c.ask("InstanceType"))
}

func (c *still) TypeOffered(_ context.Context, name, zone string) (bool, error) {
	return strings.Contains(c.offered[name], zone), c.ask("TypeOffered")
}

func (c *still) Image(_ context.Context, id string) (Image, error) {
	return exactly(c.images, id, c.ask("Image"))
}

func (c *still) Public(_ context.Context, name string) (string, error) {
	return exactly(c.public, name, c.ask("Public"))
}

func (c *still) Subnets(_ context.Context, q SubnetQuery) ([]Subnet, error) {
	var found []Subnet
	for _, s := range c.subnets {
		if (q.ID == "" || q.ID == s.ID) && (q.Zone == "" || q.Zone == s.Zone) && (q.VPC == "" || q.VPC == s.VPC) {
			found = append(found, s)
		}
	}
	return found, c.ask("Subnets")
}

func (c *still) Routes(_ context.Context, s Subnet) ([]Route, error) {
	routes := []Route{{Destination: "10.0.0.0/16", Target: "local"}}
	if target := c.routes[s.ID]; target != "" {
		routes = append(routes, Route{Destination: "0.0.0.0/0", Target: target})
	}
	return routes, c.ask("Routes")
}

func (c *still) Endpoints(_ context.Context, vpc string) ([]string, error) {
	return c.endpoints[vpc], c.ask("Endpoints")
}

func (c *still) VPCs(context.Context) (int, error)     { return c.vpcs, c.ask("VPCs") }
func (c *still) VPCQuota(context.Context) (int, error) { return 5, c.ask("VPCQuota") }

func (c *still) Profile(_ context.Context, name string) (Profile, error) {
	return exactly(c.profiles, name, c.ask("Profile"))
}

func (c *still) Key(_ context.Context, id string) (KMSKey, error) {
	return exactly(c.keys, id, c.ask("Key"))
}

func (c *still) BucketExists(_ context.Context, bucket string) (bool, error) {
	return c.buckets[bucket], c.ask("BucketExists")
}

func (c *still) Parameters(_ context.Context, names ...string) ([]Parameter, error) {
	return those(c.parameters, names), c.ask("Parameters")
}

func (c *still) KeyPair(_ context.Context, name string) (KeyPair, error) {
	return exactly(c.pairs, name, c.ask("KeyPair"))
}

func (c *still) UserData(context.Context, string) ([]byte, error) {
	return c.userData, c.ask("UserData")
}

func (c *still) Managed(context.Context, ...string) ([]Managed, error) {
	return c.managed, c.ask("Managed")
}

func (c *still) Simulate(_ context.Context, _ Caller, asked []Permission) ([]Permission, error) {
	c.simulated = append(c.simulated, asked)
	var denied []Permission
	for _, p := range asked {
		if slices.Contains(c.denied, p.Action) {
			denied = append(denied, p)
		}
	}
	return denied, c.ask("Simulate")
}

const (
	patientID = "i-0123456789abcdef0"
	rootVol   = "vol-0aaaaaaaaaaaaaaaa"
	zoneA     = "eu-central-1a"
)

// quiet is an account in which nothing stands in the way.
func quiet() *still {
	root := Device{Name: "/dev/xvda", Volume: rootVol, State: "attached", DeleteOnTermination: true}
	return &still{
		caller: Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/op", Partition: "aws", Region: "eu-central-1"},
		instances: map[string]Instance{patientID: {
			ID: patientID, State: Running, Type: "t3.micro", Platform: "linux", Architecture: "x86_64", Zone: zoneA, VPC: "vpc-1", Subnet: "subnet-1",
			RootDevice: "/dev/xvda", RootDeviceType: "ebs", PrivateIP: "10.0.0.7", KeyName: "lost", Devices: []Device{root},
			Tags: map[string]string{"Name": "web-1"},
		}},
		volumes: map[string]Volume{rootVol: {
			ID: rootVol, State: "in-use", Zone: zoneA, GiB: 8, Type: "gp3",
			Attachments: []Attachment{{Instance: patientID, Device: "/dev/xvda", State: "attached", DeleteOnTermination: true}},
		}},
		attributes: Attributes{Shutdown: "stop"},
		types: map[string]InstanceType{
			"p5.48xlarge": {Architectures: []string{"x86_64"}}, "m5.metal": {Architectures: []string{"x86_64"}},
			"t3.micro": {Name: "t3.micro", Architectures: []string{"x86_64"}}, "m5.large": {Name: "m5.large", Architectures: []string{"x86_64"}},
			"t4g.small": {Name: "t4g.small", Architectures: []string{"arm64"}}, "m5d.large": {Name: "m5d.large", InstanceStore: true, Architectures: []string{"x86_64"}},
		},
		offered: map[string]string{"t3.medium": zoneA, "m5.large": zoneA, "t4g.medium": zoneA},
		images: map[string]Image{
			"ami-x86": {ID: "ami-x86", State: "available", Architecture: "x86_64", RootDevice: "/dev/xvda", Devices: []string{"/dev/xvda"}},
			"ami-arm": {ID: "ami-arm", State: "available", Architecture: "arm64", RootDevice: "/dev/xvda", Devices: []string{"/dev/xvda"}},
		},
		public: map[string]string{
			"/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id": "ami-x86",
			"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64":              "ami-x86",
			"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64":               "ami-arm",
		},
		subnets:   []Subnet{{ID: "subnet-1", VPC: "vpc-1", Zone: zoneA, Free: 9}},
		routes:    map[string]string{"subnet-1": "nat-1"},
		endpoints: map[string][]string{},
		vpcs:      1,
		profiles:  map[string]Profile{"regain-helper": {Name: "regain-helper", ARN: "arn:aws:iam::123456789012:instance-profile/regain-helper", Role: "arn:aws:iam::123456789012:role/regain-helper"}},
		keys:      map[string]KMSKey{},
		buckets:   map[string]bool{"regain-123456789012-eu-central-1": true},
		pairs:     map[string]KeyPair{"lost": {Name: "lost", Type: "rsa"}},
		fails:     map[string]error{},
	}
}

// change edits the patient.
func (c *still) change(edit func(*Instance)) {
	i := c.instances[patientID]
	i.Tags = maps.Clone(i.Tags)
	i.Devices = slices.Clone(i.Devices)
	edit(&i)
	c.instances[patientID] = i
}

func (c *still) changeVolume(edit func(*Volume)) {
	v := c.volumes[rootVol]
	v.Attachments = slices.Clone(v.Attachments)
	edit(&v)
	c.volumes[rootVol] = v
}

// plan is what the controller plans in the account.
func (c *still) plan(t *testing.T, ask Ask) Plan {
	t.Helper()
	p, err := c.controller().Plan(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (c *still) controller() *Controller {
	return &Controller{Cloud: c, Clock: &noon{}, Agent: func(string) ([]byte, error) { return []byte("agent"), nil }}
}

// noon is a clock that moves only when it is told to.
type noon struct{ late time.Duration }

func (n *noon) Now() time.Time {
	return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(n.late)
}
func (n *noon) Sleep(context.Context, time.Time) { panic("a look waits for nothing") }

// ids are those of risks, sorted.
func riskIDs(risks []Risk) []string {
	var all []string
	for _, r := range risks {
		all = append(all, r.ID)
	}
	slices.Sort(all)
	return all
}
