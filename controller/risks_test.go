package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A situation is what is unusual in an account, and the risks that it makes.
var situationCases = []struct {
	name  string
	make  func(*still, *Ask)
	risks []string
	says  string // in the detail of one of them
}{
	{name: "nothing", make: func(*still, *Ask) {}},
	{"terminated", inState(Terminated), []string{"terminated"}, "is terminated"},
	{"shutting down", inState(ShuttingDown), []string{"terminated"}, ""},
	{"pending", inState(Pending), []string{"in-transition"}, "is pending"},
	{"stopping", inState(Stopping), []string{"in-transition"}, ""},
	{"stopped", inState(Stopped), nil, ""},
	{"instance store root", patientWith(func(i *Instance) { i.RootDeviceType, i.Devices = "instance-store", nil }), []string{"instance-store-root"}, "of the type instance-store"},
	{"no root", patientWith(func(i *Instance) { i.Devices = nil }), []string{"root-missing"}, "/dev/xvda"},
	{"another volume is all there is", patientWith(func(i *Instance) { i.Devices[0].Name = "/dev/xvdb" }), []string{"root-missing", "several-volumes"}, ""},
	{"root volume unknown", func(c *still, _ *Ask) { delete(c.volumes, rootVol) }, []string{"root-missing"}, rootVol},
	{"root detaching", patientWith(func(i *Instance) { i.Devices[0].State = "detaching" }), []string{"root-attachment"}, "is detaching"},
	{"attachment busy", rootWith(func(v *Volume) { v.Attachments[0].State = "busy" }), []string{"root-attachment"}, "is busy"},
	{"attached elsewhere", rootWith(func(v *Volume) { v.Attachments[0].Instance = "i-2" }), []string{"root-attachment"}, "i-2"},
	{"attached by another name", rootWith(func(v *Volume) { v.Attachments[0].Device = "/dev/sdf" }), []string{"root-attachment"}, "/dev/sdf"},
	{"attached to nothing", rootWith(func(v *Volume) { v.Attachments = nil }), []string{"root-attachment"}, "no attachment"},
	{"root in another zone", rootWith(func(v *Volume) { v.Zone = "eu-central-1b" }), []string{"root-attachment"}, "eu-central-1b"},
	{"multi attach", rootWith(func(v *Volume) { v.MultiAttach = true }), []string{"multi-attach"}, ""},
	{"two volumes", secondVolume(Volume{ID: "vol-2"}), []string{"several-volumes"}, "vol-2"},
	{"scarce", patientWith(func(i *Instance) { i.Type = "p5.48xlarge" }), []string{"scarce-capacity"}, "p5.48xlarge"},
	{"scarce, stopped", patientWith(func(i *Instance) { i.Type, i.State = "m5.metal", Stopped }), nil, ""},
	{"many tags", patientWith(func(i *Instance) { i.Tags = manyTags(46) }), []string{"too-many-tags"}, "has 46 tags, of 50"},
	{"as many tags as there is room for", patientWith(func(i *Instance) { i.Tags = manyTags(45) }), nil, ""},
	{"instance store", patientWith(func(i *Instance) { i.Type = "m5d.large" }), []string{"instance-store-loss"}, "m5d.large"},
	{"instance store, stopped", patientWith(func(i *Instance) { i.Type, i.State = "m5d.large", Stopped }), nil, ""},
	{"public address", patientWith(func(i *Instance) { i.PublicIP = "203.0.113.7" }), []string{"public-ip-change"}, "203.0.113.7"},
	{"Elastic IP", patientWith(func(i *Instance) { i.PublicIP, i.Elastic = "203.0.113.7", true }), nil, ""},
	{"can hibernate", patientWith(func(i *Instance) { i.Hibernation = true }), []string{"hibernation"}, ""},
	{"hibernated", patientWith(func(i *Instance) {
		i.Hibernation, i.State, i.StateCode = true, Stopped, "Client.UserInitiatedHibernate"
	}), []string{"hibernated"}, "UserInitiatedHibernate"},
	{"stopped by itself", patientWith(func(i *Instance) { i.Hibernation, i.State = true, Stopped }), []string{"hibernated"}, "none"},
	{"stopped, not hibernated", patientWith(func(i *Instance) { i.Hibernation, i.State, i.StateCode = true, Stopped, plainStop }), nil, ""},
	{"stop protection", func(c *still, _ *Ask) { c.attributes.StopProtection = true }, []string{"stop-protection"}, ""},
	{"stop protection, stopped", func(c *still, _ *Ask) { c.attributes.StopProtection = true; inState(Stopped)(c, nil) }, nil, ""},
	{"termination protection", func(c *still, _ *Ask) { c.attributes.TerminationProtection = true }, nil, ""},
	{"shutdown terminates", func(c *still, _ *Ask) { c.attributes.Shutdown = "terminate" }, []string{"shutdown-terminates"}, ""},
	{"an agent of Windows", func(_ *still, a *Ask) { a.WindowsAgent = "ec2config" }, []string{"not-windows"}, "--windows-agent"},
	{"mac", patientWith(func(i *Instance) { i.Architecture = "arm64_mac" }), []string{"macos"}, "arm64_mac"},
	{"spot", patientWith(func(i *Instance) { i.Spot = true }), []string{"spot"}, ""},
	{"operator", patientWith(func(i *Instance) { i.Operator = "eks.amazonaws.com" }), []string{"operator-managed"}, "eks.amazonaws.com"},
	{"marketplace", patientWith(func(i *Instance) { i.ProductCodes = []string{"abc"} }), []string{"marketplace-codes"}, "abc"},

	{"in service", inGroup(Group{Lifecycle: "InService", Min: 1, Desired: 2}), []string{"auto-scaling"}, "workers"},
	{"at the minimum", inGroup(Group{Lifecycle: "InService", Min: 2, Desired: 2}), []string{"auto-scaling-minimum"}, "--min-size 1 --region eu-central-1"},
	{"at the minimum of none", inGroup(Group{Lifecycle: "InService"}), []string{"auto-scaling-minimum"}, "fewer than 0. Lower"},
	{"in standby", inGroup(Group{Lifecycle: "Standby", Min: 2, Desired: 2}), nil, ""},
	{"in standby, stopped", func(c *still, a *Ask) { inState(Stopped)(c, a); inGroup(Group{Lifecycle: "Standby"})(c, a) }, nil, ""},
	{"entering standby", inGroup(Group{Lifecycle: "EnteringStandby"}), []string{"auto-scaling-state"}, "is EnteringStandby"},
	{"about to be terminated", inGroup(Group{Lifecycle: "Terminating:Wait", Desired: 3}), []string{"auto-scaling-state"}, ""},
	{"stopped, in service", func(c *still, a *Ask) {
		inState(Stopped)(c, a)
		inGroup(Group{Lifecycle: "InService", Desired: 2})(c, a)
	}, []string{"auto-scaling-state"}, "replace"},

	{"locked", patientWith(lockedByR), []string{"locked"}, "run R of ann@laptop, begun 2h0m0s ago, has not"},
	{"volume locked", rootWith(func(v *Volume) { v.Tags = map[string]string{TagRun: "R"} }), []string{"locked"}, "run R of unknown has not"},
	{"backup kept", patientWith(func(i *Instance) { i.Tags[TagKept] = "R" }), nil, ""},
	{"helper", patientWith(func(i *Instance) { i.Tags[TagRun], i.Tags[TagRole] = "R", "helper" }), []string{"is-helper"}, ""},
	{"no backup", func(_ *still, a *Ask) { a.Backup = BackupNone }, []string{"no-backup"}, ""},
	{"force", func(_ *still, a *Ask) { a.Accept = []string{"force-stop"} }, []string{"force-stop"}, ""},
	{"parameter", withParameter(Parameter{Type: "SecureString", Version: 3}), []string{"parameter-exists"}, "version 3"},
	{"parameter, key given", func(c *still, a *Ask) { withParameter(Parameter{Type: "String"})(c, a); a.PublicKey = "ssh-ed25519 A" }, nil, ""},
	{"parameter of another type", withParameter(Parameter{Type: "String"}), []string{"parameter-type"}, "delete-parameter --name /ec2rl/openssh/" + patientID + "/key"},
	{"parameter's key unknown", func(_ *still, a *Ask) { a.KMSKey = "alias/none" }, []string{"parameter-key"}, "alias/none"},
	{"parameter's key disabled", func(c *still, a *Ask) { c.keys["k"], a.KMSKey = KMSKey{ARN: "arn:k", State: "Disabled"}, "k" }, []string{"parameter-key"}, "Disabled"},

	{"no public image", func(c *still, _ *Ask) { clear(c.public) }, []string{"helper-image"}, "al2023"},
	{"unknown image", func(_ *still, a *Ask) { a.HelperAMI = "ami-no" }, []string{"helper-image"}, "ami-no"},
	{"image pending", withImage(Image{State: "pending", Architecture: "x86_64"}), []string{"helper-image"}, "is pending"},
	{"image full", withImage(Image{State: "available", Architecture: "x86_64", Devices: xvds("fghijklmnop")}), []string{"device-busy"}, "ami-own"},
	{"type unknown", func(_ *still, a *Ask) { a.HelperType = "t9.nano" }, []string{"helper-type"}, "t9.nano"},
	{"type of no architecture", func(c *still, a *Ask) { a.HelperType, c.types["m5.large"] = "m5.large", InstanceType{} }, []string{"helper-type"}, ""},
	{"type of Xen", func(c *still, a *Ask) {
		a.HelperType, c.types["t2.medium"], c.offered["t2.medium"] = "t2.medium", InstanceType{Xen: true, Architectures: []string{"x86_64"}}, zoneA
	}, []string{"helper-type"}, "Xen"},
	{"type not offered", func(_ *still, a *Ask) { a.HelperType = "m5d.large" }, []string{"helper-type"}, "does not offer m5d.large"},
	{"type of another architecture", func(c *still, a *Ask) { a.HelperType, a.HelperAMI = "m5.large", "ami-arm" }, []string{"helper-type"}, "is for arm64"},
	{"no type offered", func(c *still, _ *Ask) { clear(c.offered) }, []string{"helper-type"}, "t3.medium, t3a.medium"},
	{"no subnet", func(_ *still, a *Ask) { a.Subnet = "subnet-9" }, []string{"subnet-missing"}, "subnet-9"},
	{"subnet of another zone", withSubnet(Subnet{Zone: "eu-central-1b", Free: 1}, "nat-2"), []string{"subnet-zone"}, "eu-central-1b"},
	{"subnet full", withSubnet(Subnet{Zone: zoneA}, "nat-2"), []string{"subnet-full"}, "subnet-2"},
	{"subnet closed", withSubnet(Subnet{Zone: zoneA, Free: 1}, ""), []string{"no-ssm-path"}, "no endpoint for ssm, ssmmessages, s3"},
	{"no room for a VPC", func(c *still, a *Ask) { c.vpcs, a.Subnet = 5, SubnetNewVPC }, []string{"vpc-quota"}, "5 VPCs"},
	{"nowhere", func(c *still, _ *Ask) { clear(c.routes); c.vpcs = 5 }, []string{"vpc-quota"}, "no subnet of " + zoneA},

	{"no profile", func(c *still, _ *Ask) { clear(c.profiles) }, []string{"missing-profile"}, "aws cloudformation deploy"},
	{"profile without a role", func(c *still, _ *Ask) { c.profiles["regain-helper"] = Profile{Name: "regain-helper"} }, []string{"missing-profile"}, "aws iam add-role-to-instance-profile --instance-profile-name regain-helper"},
	{"no bucket", func(c *still, _ *Ask) { clear(c.buckets) }, []string{"missing-bucket"}, "regain-123456789012-eu-central-1"},
	{"no bucket, installed", func(c *still, a *Ask) { clear(c.buckets); a.Installed = true }, nil, ""},
	{"key disabled", withKey(KMSKey{ARN: "arn:k", State: "PendingDeletion"}), []string{"kms-key"}, "PendingDeletion"},
	{"key unknown", rootWith(func(v *Volume) { v.Encrypted, v.KMSKey = true, "arn:gone" }), []string{"kms-key"}, "arn:gone"},
	{"key of another volume", secondVolume(Volume{ID: "vol-2", Encrypted: true, KMSKey: "arn:gone"}), []string{"kms-key", "several-volumes"}, "arn:gone"},
	{"one key unknown to two volumes", func(c *still, a *Ask) {
		secondVolume(Volume{ID: "vol-2", Encrypted: true, KMSKey: "arn:gone"})(c, a)
		c.changeVolume(func(v *Volume) { v.Encrypted, v.KMSKey = true, "arn:gone" })
	}, []string{"kms-key", "several-volumes"}, ""},
	{"key of what is not encrypted", rootWith(func(v *Volume) { v.KMSKey = "arn:gone" }), nil, ""},
	{"encrypted", withKey(KMSKey{ARN: "arn:k", State: "Enabled"}), nil, ""},
	{"simulation denied", func(c *still, _ *Ask) { c.fails["Simulate"] = denial("iam:SimulatePrincipalPolicy") }, []string{"unsimulated"}, "iam:SimulatePrincipalPolicy"},
	{"looking denied", func(c *still, _ *Ask) { c.fails["Parameters"] = denial("ssm:DescribeParameters") }, []string{"look-denied"}, "ssm:DescribeParameters is denied to arn:aws:iam::123456789012:user/op"},
	{"start denied", func(c *still, _ *Ask) { c.denied = []string{"ec2:StartInstances"} }, []string{"missing-permission"}, "the statement Patient grants it"},
	{"several denied", func(c *still, _ *Ask) { c.denied = []string{"ec2:StartInstances", "ec2:StopInstances", "iam:PassRole"} },
		[]string{"missing-permission", "missing-permission", "missing-permission"}, "iam:PassRole on arn:aws:iam::123456789012:role/regain-helper"},
	{"denied and not needed", func(c *still, _ *Ask) {
		c.denied = []string{"autoscaling:EnterStandby", "ec2:CreateVpc", "kms:CreateGrant", "ec2:CreateSnapshot"}
	}, nil, ""},
	{"grant denied", func(c *still, a *Ask) {
		withKey(KMSKey{ARN: "arn:k", State: "Enabled"})(c, a)
		c.denied = []string{"kms:CreateGrant"}
	}, []string{"kms-grant"}, "kms:CreateGrant on arn:k is denied"},
	{"grant and start denied", func(c *still, a *Ask) {
		withKey(KMSKey{ARN: "arn:k", State: "Enabled"})(c, a)
		c.denied = []string{"kms:CreateGrant", "ec2:StartInstances", "iam:PassRole"}
	}, []string{"kms-grant", "missing-permission", "missing-permission"}, ""},
	{"grant denied, key of AWS", func(c *still, a *Ask) {
		withKey(KMSKey{ARN: "arn:k", State: "Enabled", Managed: true})(c, a)
		c.denied = []string{"kms:CreateGrant"}
	}, nil, ""},
	{"standby denied", func(c *still, a *Ask) {
		inGroup(Group{Lifecycle: "InService", Desired: 2})(c, a)
		c.denied = []string{"autoscaling:EnterStandby"}
	}, []string{"auto-scaling", "missing-permission"}, "autoScalingGroupName/workers"},
	{"bucket denied", func(c *still, _ *Ask) { c.denied = []string{"s3:PutObject"} }, []string{"missing-permission"}, "regain-123456789012-eu-central-1"},
}

func inState(s string) func(*still, *Ask) { return patientWith(func(i *Instance) { i.State = s }) }

func patientWith(edit func(*Instance)) func(*still, *Ask) {
	return func(c *still, _ *Ask) { c.change(edit) }
}

func rootWith(edit func(*Volume)) func(*still, *Ask) {
	return func(c *still, _ *Ask) { c.changeVolume(edit) }
}

func secondVolume(v Volume) func(*still, *Ask) {
	return func(c *still, _ *Ask) {
		c.change(func(i *Instance) {
			i.Devices = append(i.Devices, Device{Name: "/dev/sdf", Volume: v.ID, State: "attached"})
		})
		c.volumes[v.ID] = v
	}
}

func inGroup(g Group) func(*still, *Ask) {
	g.Name = "workers"
	return func(c *still, _ *Ask) { c.group = &g }
}

func withParameter(p Parameter) func(*still, *Ask) {
	p.Name = "/ec2rl/openssh/" + patientID + "/key"
	return func(c *still, _ *Ask) { c.parameters = map[string]Parameter{p.Name: p} }
}

func withImage(i Image) func(*still, *Ask) {
	i.ID = "ami-own"
	return func(c *still, a *Ask) { c.images[i.ID], a.HelperAMI = i, i.ID }
}

func withSubnet(s Subnet, route string) func(*still, *Ask) {
	s.ID, s.VPC = "subnet-2", "vpc-2"
	return func(c *still, a *Ask) {
		c.subnets = append(c.subnets, s)
		c.routes[s.ID], a.Subnet = route, s.ID
	}
}

func withKey(k KMSKey) func(*still, *Ask) {
	return func(c *still, _ *Ask) {
		c.changeVolume(func(v *Volume) { v.Encrypted, v.KMSKey = true, k.ARN })
		c.keys[k.ARN] = k
	}
}

func lockedByR(i *Instance) {
	i.Tags[TagRun], i.Tags[TagOwner], i.Tags[TagSince] = "R", "ann@laptop", "2026-11-22T10:00:00Z"
}

func xvds(all string) []string {
	var names []string
	for _, l := range all {
		names = append(names, "/dev/xvd"+string(l))
	}
	return names
}

func denial(action string) error {
	return &CloudError{Kind: Denied, Action: action, Code: "AccessDenied", Message: "no"}
}

func TestSituations(t *testing.T) {
	for _, s := range situationCases {
		t.Run(s.name, func(t *testing.T) {
			c, ask := quiet(), Ask{Instance: patientID}
			s.make(c, &ask)
			p := c.plan(t, ask)
			if got := riskIDs(p.Risks); !slices.Equal(got, s.risks) {
				t.Fatalf("got the risks %q, want %q: %+v", got, s.risks, p.Risks)
			}
			if !slices.ContainsFunc(p.Risks, func(r Risk) bool { return strings.Contains(r.Detail, s.says) }) && s.says != "" {
				t.Errorf("nothing says %q: %+v", s.says, p.Risks)
			}
			expectConsents(t, c, ask, p)
		})
	}
}

// expectConsents: what has a flag is accepted by it, what has none refuses, and
// a note does neither.
func expectConsents(t *testing.T, c *still, ask Ask, p Plan) {
	t.Helper()
	refused := false
	for _, r := range p.Risks {
		if r.Title == "" || r.Detail == "" || strings.Contains(r.Detail, "%!") {
			t.Errorf("%s is not explained: %+v", r.ID, r)
		}
		refused = refused || r.Flag == "" && !r.Note
		ask.Accept = append(ask.Accept, r.ID)
	}
	if again := c.plan(t, ask); again.Refused() != refused {
		t.Errorf("with everything accepted, refused is %v, want %v: %+v", again.Refused(), refused, again.Risks)
	}
	if ask.Accepts("unknown") {
		t.Error("accepts what nobody asked for")
	}
}

// Every check of the catalogue fires in some situation.
func TestEveryCheckFires(t *testing.T) {
	fired := map[string]bool{}
	for _, s := range situationCases {
		for _, id := range s.risks {
			fired[id] = true
		}
	}
	for _, s := range windowsCases {
		for _, id := range s.risks {
			fired[id] = true
		}
	}
	for _, c := range checks {
		if !fired[c.id] && !slices.Contains(firedElsewhere, c.id) {
			t.Errorf("no situation makes %s fire", c.id)
		}
	}
}

// firedElsewhere have tests of their own.
var firedElsewhere = []string{"no-agent"}

func TestEverythingIsToldAtOnce(t *testing.T) {
	c, ask := quiet(), Ask{Instance: patientID}
	var want []string
	for _, s := range situationCases {
		if slices.Contains([]string{"public address", "stop protection", "spot", "marketplace", "no profile", "no bucket", "type unknown", "key unknown"}, s.name) {
			s.make(c, &ask)
			want = append(want, s.risks...)
		}
	}
	slices.Sort(want)
	p := c.plan(t, ask)
	if got := riskIDs(p.Risks); !slices.Equal(got, want) || len(want) != 8 {
		t.Fatalf("got %q, want %q", got, want)
	}
	var refused *RefusedError
	if err := p.refusal(); !errors.As(err, &refused) || len(refused.Risks) != 8 || !strings.Contains(err.Error(), "spot") {
		t.Errorf("the refusal is %v", err)
	}
}

func TestNoRefusal(t *testing.T) {
	c := quiet()
	inGroup(Group{Lifecycle: "InService", Desired: 2})(c, nil)
	if err := c.plan(t, Ask{Instance: patientID}).refusal(); err != nil {
		t.Errorf("a note refuses: %v", err)
	}
}

func TestNoAgent(t *testing.T) {
	for _, broken := range []func(string) ([]byte, error){nil, func(string) ([]byte, error) { return nil, errors.New("none embedded") }} {
		c := quiet().controller()
		c.Agent = broken
		p, err := c.Plan(t.Context(), Ask{Instance: patientID})
		if err != nil || !slices.Equal(riskIDs(p.Risks), []string{"no-agent"}) {
			t.Errorf("got %v, %v", p.Risks, err)
		}
		p, err = c.Plan(t.Context(), Ask{Instance: patientID, Installed: true})
		if err != nil || p.Refused() {
			t.Errorf("installed: got %v, %v", p.Risks, err)
		}
	}
}

// A run's own lock is no obstacle to it.
func TestOwnLock(t *testing.T) {
	c := quiet()
	c.change(lockedByR)
	was, err := look(t.Context(), c, patientID)
	if err != nil {
		t.Fatal(err)
	}
	for run, want := range map[string]int{"R": 0, "other": 1, "": 1} {
		p, err := c.controller().examine(t.Context(), run, Ask{Instance: patientID}.withDefaults(), was)
		if err != nil || len(p.Risks) != want {
			t.Errorf("run %q: got %v, %v", run, p.Risks, err)
		}
	}
}

func TestConsents(t *testing.T) {
	flags := map[string]bool{}
	for _, c := range Consents() {
		if !strings.HasPrefix(c.Flag, "--") || c.Usage == "" || c.Risk == "" || flags[c.Flag] {
			t.Errorf("%+v", c)
		}
		flags[c.Flag] = true
	}
	for _, flag := range []string{"--accept-instance-store-loss", "--accept-ip-change", "--lift-stop-protection", "--take-over", "--force-stop"} {
		if !flags[flag] {
			t.Errorf("there is no %s", flag)
		}
	}
}

func TestAge(t *testing.T) {
	s := situation{now: (&noon{late: 90 * time.Second}).Now()}
	if got := s.age("2026-11-22T12:00:00Z"); got != ", begun 1m30s ago," {
		t.Errorf("got %q", got)
	}
	if got := s.age("yesterday"); got != "" {
		t.Errorf("got %q", got)
	}
}

// manyTags are so many, besides those of AWS.
func manyTags(n int) map[string]string {
	tags := map[string]string{"aws:autoscaling:groupName": "x", "aws:cloudformation:stack-name": "y"}
	for i := range n {
		tags[fmt.Sprint("tag", i)] = "v"
	}
	return tags
}
