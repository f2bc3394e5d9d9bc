package controller

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPlanOfARunningInstance(t *testing.T) {
	c := quiet()
	c.attributes.StopProtection = true
	inGroup(Group{Lifecycle: "InService", Desired: 2})(c, nil)
	p := c.plan(t, Ask{Instance: patientID})
	var names []string
	for _, step := range p.Steps {
		name, text, ok := strings.Cut(step, ": ")
		if !ok || text == "" || strings.Contains(step, "%!") {
			t.Errorf("the step %q says nothing", step)
		}
		names = append(names, name)
	}
	want := []string{"lock", "deliver", "helper", "prepare, arm", "standby", "unprotect", "stop", "backup", "detach, attach", "rescue"}
	if !slices.Equal(slices.DeleteFunc(names, func(n string) bool { return n == "home" }), want) {
		t.Errorf("the steps are %q, want %q", names, want)
	}
	if p.Downtime < time.Minute || p.Downtime > 5*time.Minute {
		t.Errorf("the downtime is estimated at %v", p.Downtime)
	}
	if without := c.plan(t, Ask{Instance: patientID, Backup: BackupNone}); without.Downtime >= p.Downtime {
		t.Errorf("without a backup the downtime is estimated at %v, with one at %v", without.Downtime, p.Downtime)
	}
	if p.Caller.Account != "123456789012" || p.Ask.Profile != "regain-helper" {
		t.Errorf("got %+v", p)
	}
}

// What is not so is not promised.
func TestPlanOfTheUsual(t *testing.T) {
	text := strings.Join(quiet().plan(t, Ask{Instance: patientID, Verify: VerifyAlways}).Steps, "\n")
	for _, want := range []string{"(t3.medium, ami-x86) in subnet-1 (the instance's own; ", "look again, and compare"} {
		if !strings.Contains(text, want) {
			t.Errorf("no step says %q:\n%s", want, text)
		}
	}
	for _, no := range []string{"standby", "in service", "protect", "network:", "snapshot", "as it was", "if there is a way"} {
		if strings.Contains(text, no) {
			t.Errorf("a step says %q:\n%s", no, text)
		}
	}
	if text = strings.Join(quiet().plan(t, Ask{Instance: patientID, Verify: VerifyNever, Backup: BackupNone}).Steps, "\n"); strings.Contains(text, "log in") || strings.Contains(text, "AMI of") {
		t.Errorf("a step says what was not asked for:\n%s", text)
	}
}

func TestPlanOfAStoppedInstance(t *testing.T) {
	c := quiet()
	inState(Stopped)(c, nil)
	c.attributes.StopProtection = true
	inGroup(Group{Lifecycle: "Standby"})(c, nil)
	p := c.plan(t, Ask{Instance: patientID, Subnet: SubnetNewVPC, Backup: BackupSnapshot, Installed: true, PublicKey: "ssh-ed25519 A"})
	text := strings.Join(p.Steps, "\n")
	for _, want := range []string{"network: make a temporary VPC", "snapshot of " + rootVol, "stopped, as it was", "your public key", "DeleteOnTermination on"} {
		if !strings.Contains(text, want) {
			t.Errorf("no step says %q:\n%s", want, text)
		}
	}
	for _, no := range []string{"stop: ", "home: start", "log in", "deliver", "standby", "back in service", "protect"} {
		if strings.Contains(text, no) {
			t.Errorf("a step says %q:\n%s", no, text)
		}
	}
	if p.Downtime != 0 {
		t.Errorf("the downtime is estimated at %v", p.Downtime)
	}
}

func TestPlanOfATerminatedInstance(t *testing.T) {
	c := quiet()
	inState(Terminated)(c, nil)
	if p := c.plan(t, Ask{Instance: patientID}); len(p.Steps) != 0 || len(p.Permissions) != 0 || p.Downtime != 0 || !p.Refused() {
		t.Errorf("got %+v", p)
	}
}

// What is missing is not asked for by half a name.
func TestPermissionsNameWholeThings(t *testing.T) {
	c := quiet()
	clear(c.public)
	c.change(func(i *Instance) { i.Devices = nil })
	p := c.plan(t, Ask{Instance: patientID, Subnet: SubnetNewVPC, Keys: KeysController})
	if len(p.Permissions) < 20 {
		t.Fatalf("only %d permissions are asked for", len(p.Permissions))
	}
	for _, permission := range p.Permissions {
		if r := permission.Resource; r == "" || strings.HasSuffix(r, "/") || strings.ContainsAny(r, "{}") {
			t.Errorf("%s is asked for on %q", permission.Action, r)
		}
	}
}

// Each alternative asks for what it needs, and for nothing else.
func TestPermissionsFollowTheAsk(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:123456789012:key/k"
	for _, test := range []struct {
		action string
		make   func(*still, *Ask)
	}{
		{"ec2:CreateVpc", func(_ *still, a *Ask) { a.Subnet = SubnetNewVPC }},
		{"ec2:CreateSnapshot", func(_ *still, a *Ask) { a.Backup = BackupSnapshot }},
		{"ssm:PutParameter", func(_ *still, a *Ask) { a.Keys = KeysController }},
		{"autoscaling:EnterStandby", inGroup(Group{Lifecycle: "InService", Desired: 2})},
		{"kms:CreateGrant", withKey(KMSKey{ARN: key, State: keyEnabled})},
		{"kms:Encrypt", func(c *still, a *Ask) {
			c.keys["k"], a.KMSKey, a.Keys = KMSKey{ARN: key, State: keyEnabled}, "k", KeysController
		}},
	} {
		asks := func(p Plan) bool {
			return slices.ContainsFunc(p.Permissions, func(q Permission) bool { return q.Action == test.action })
		}
		c, ask := quiet(), Ask{Instance: patientID}
		if asks(c.plan(t, ask)) {
			t.Errorf("%s is asked for always", test.action)
		}
		test.make(c, &ask)
		if !asks(c.plan(t, ask)) {
			t.Errorf("%s is not asked for", test.action)
		}
	}
	c := quiet()
	bare := c.plan(t, Ask{Instance: patientID, Backup: BackupNone, Installed: true, PublicKey: "k"})
	for _, p := range bare.Permissions {
		if strings.HasPrefix(p.Action, "s3:") || p.Action == "ec2:CreateImage" || p.Action == "ssm:PutParameter" {
			t.Errorf("%s is asked for", p.Action)
		}
	}
}

func TestKeysInThePlan(t *testing.T) {
	for keys, want := range map[string]string{KeysAgent: "made on the helper", KeysController: "made here"} {
		if got := (Ask{Keys: keys}).repairs(Instance{ID: patientID}); !strings.Contains(got, want) || !strings.Contains(got, "/ec2rl/openssh/"+patientID+"/key") {
			t.Errorf("%s: got %q", keys, got)
		}
	}
}

func TestDefaults(t *testing.T) {
	got := Ask{Instance: "i"}.withDefaults()
	if got.Keys != KeysAgent || got.Backup != BackupAMI || got.Verify != VerifyAuto || got.Subnet != SubnetAuto || got.Profile != "regain-helper" {
		t.Errorf("got %+v", got)
	}
	chosen := Ask{Keys: KeysController, Backup: BackupNone, Verify: VerifyNever, Subnet: "subnet-1", Profile: "p"}
	if got := chosen.withDefaults(); got.Keys != KeysController || got.Backup != BackupNone || got.Verify != VerifyNever || got.Subnet != "subnet-1" || got.Profile != "p" {
		t.Errorf("got %+v", got)
	}
	if got := (Ask{PublicKey: "k"}).withDefaults(); got.Keys != KeysGiven {
		t.Errorf("got %+v", got)
	}
}

// A failure that is no denial ends the plan: what was not looked at is never
// reported sound.
func TestPlanFails(t *testing.T) {
	for _, method := range []string{
		"Caller", "Image", "Public", "TypeOffered", "Subnets", "Routes", "Profile", "BucketExists", "Parameters", "Simulate",
	} {
		c := quiet()
		c.fails[method] = &CloudError{Kind: Throttled, Action: "test:" + method, Code: "RequestLimitExceeded"}
		_, err := c.controller().Plan(t.Context(), Ask{Instance: patientID})
		if !is(err, Throttled) || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s fails, and the plan's error is %v", method, err)
		}
	}
}

func TestPlanFailsWithTheTypeAskedFor(t *testing.T) {
	for _, ask := range []Ask{{HelperType: "m5.large"}, {HelperType: "m5.large", HelperAMI: "ami-x86"}} {
		was, err := look(t.Context(), quiet(), patientID)
		if err != nil {
			t.Fatal(err)
		}
		c := quiet()
		c.fails["InstanceType"] = &CloudError{Kind: Throttled}
		if _, err := c.controller().examine(t.Context(), "", ask.withDefaults(), was); !is(err, Throttled) {
			t.Errorf("%+v: got %v", ask, err)
		}
	}
}

// What is denied is told with everything else.
func TestPlanTellsOfDenials(t *testing.T) {
	c := quiet()
	c.fails["Subnets"], c.fails["Profile"] = denial("ec2:DescribeSubnets"), denial("iam:GetInstanceProfile")
	c.attributes.StopProtection = true
	p := c.plan(t, Ask{Instance: patientID})
	if got := riskIDs(p.Risks); !slices.Equal(got, []string{"look-denied", "look-denied", "stop-protection"}) {
		t.Errorf("got %+v", p.Risks)
	}
}

func TestLookupsAreRemembered(t *testing.T) {
	account := quiet()
	clock := &noon{}
	c := account.controller()
	c.Clock = clock
	plan := func() int {
		before := len(account.asked)
		if _, err := c.Plan(t.Context(), Ask{Instance: patientID}); err != nil {
			t.Fatal(err)
		}
		return len(account.asked) - before
	}
	first, second := plan(), plan()
	if second != 4 { // instances, volumes, attributes, group
		t.Errorf("the first plan took %d calls, the second %d: %q", first, second, account.asked[first:])
	}
	clock.late = lookupsLast + time.Second
	if third := plan(); third != first {
		t.Errorf("the first plan took %d calls, and one after %v %d", first, lookupsLast, third)
	}
}

// Of a second instance, only what is its own is simulated.
func TestPermissionsAreSimulatedOnce(t *testing.T) {
	const second, secondRoot = "i-1a2b3c4d", "vol-0bbbbbbbbbbbbbbbb"
	account := quiet()
	i, v := account.instances[patientID], account.volumes[rootVol]
	i.ID, v.ID = second, secondRoot
	i.Devices = []Device{{Name: "/dev/xvda", Volume: secondRoot, State: "attached"}}
	v.Attachments = []Attachment{{Instance: second, Device: "/dev/xvda", State: "attached"}}
	account.instances[second], account.volumes[secondRoot] = i, v
	c := account.controller()
	for _, id := range []string{patientID, second} {
		if p, err := c.Plan(t.Context(), Ask{Instance: id}); err != nil || len(p.Risks) != 0 {
			t.Fatal(p.Risks, err)
		}
	}
	if len(account.simulated) != 3 {
		t.Fatalf("simulated %d times", len(account.simulated))
	}
	for n, asked := range account.simulated {
		if len(asked) == 0 {
			t.Error("nothing is simulated")
		}
		for _, p := range asked {
			own := []bool{
				strings.Contains(p.Resource, patientID) || strings.Contains(p.Resource, rootVol),
				strings.Contains(p.Resource, second) || strings.Contains(p.Resource, secondRoot),
			}
			if want := [][]bool{{false, false}, {true, false}, {false, true}}[n]; !slices.Equal(own, want) {
				t.Errorf("in simulation %d %s is asked for on %s", n, p.Action, p.Resource)
			}
			if told := p.Context["aws:RequestedRegion"] == "eu-central-1"; told != !strings.HasPrefix(p.Action, "iam:") {
				t.Errorf("of %s the simulation is told %v", p.Action, p.Context)
			}
		}
	}
}

func TestFailedLookupsAreNotRemembered(t *testing.T) {
	account := quiet()
	clear(account.buckets)
	c := account.controller()
	l := c.remembering(c.Cloud)
	if there, err := l.BucketExists(t.Context(), "b"); there || err != nil {
		t.Fatal(there, err)
	}
	account.buckets["b"] = true
	if there, err := l.BucketExists(t.Context(), "b"); !there || err != nil {
		t.Error("that there is no bucket is remembered")
	}
	broken := errors.New("broken")
	account.fails["Image"] = broken
	if _, err := l.Image(t.Context(), "ami-x86"); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	delete(account.fails, "Image")
	if i, err := c.remembering(c.Cloud).Image(t.Context(), "ami-x86"); err != nil || i.ID != "ami-x86" {
		t.Errorf("a failure is remembered: %v", err)
	}
}

// Many that ask at the same time ask once.
func TestLookupsAreShared(t *testing.T) {
	account := quiet()
	c := account.controller()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := c.remembering(c.Cloud).Caller(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(account.asked) != 1 {
		t.Errorf("asked %d times", len(account.asked))
	}
}
