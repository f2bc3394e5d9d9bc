package autoscaling

import (
	"bytes"
	"encoding/xml"
	"maps"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// fleet is an EC2 with nothing but states.
type fleet map[string]string

func (f fleet) Instance(id string) (state, zone, kind string, ok bool) {
	state, ok = f[id]
	return state, "us-east-1a", "t3.micro", ok
}

func (f fleet) Terminate(id string) error {
	f[id] = "shutting-down"
	return nil
}

type bench struct {
	*testing.T
	*AutoScaling
	fleet fleet
	now   time.Time
	dir   string
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, fleet: fleet{"i-1": "running", "i-2": "running"}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), dir: t.TempDir()}
	b.open()
	if err := b.Put(Group{"web", 1, 2, 2}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"i-1", "i-2"} {
		if err := b.Join("web", id, InService); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) open() {
	b.Helper()
	var err error
	b.AutoScaling, err = Open(Config{
		Dir: b.dir, Account: "123456789012", Region: "us-east-1", Pace: rules.Pace{Speed: 1}, Now: func() time.Time { return b.now },
		Random: rand.NewChaCha8([32]byte{}), Fleet: b.fleet,
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) call(action string, params ...string) (string, error) {
	b.Helper()
	values := url.Values{}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		values.Set(name, value)
	}
	answer, err := b.Do(b.Context(), &wire.Call{Action: action, Query: values})
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := xml.NewEncoder(&out).EncodeElement(answer, xml.StartElement{Name: xml.Name{Local: "x"}}); err != nil {
		b.Fatal(err)
	}
	return out.String(), nil
}

func (b *bench) state(id string) string {
	b.Helper()
	text, err := b.call("DescribeAutoScalingInstances", "InstanceIds.member.1="+id)
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "<LifecycleState>")
	state, _, _ := strings.Cut(rest, "<")
	return state
}

func (b *bench) pass(d time.Duration) {
	b.Helper()
	b.now = b.now.Add(d)
	if err := b.settle(); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) wantState(id, want string) {
	b.Helper()
	if got := b.state(id); got != want {
		b.Errorf("%s is %q, want %q", id, got, want)
	}
}

func (b *bench) desired() string {
	b.Helper()
	text, err := b.call("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=web")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "<DesiredCapacity>")
	return rest[:1]
}

var standby = []string{"AutoScalingGroupName=web", "InstanceIds.member.1=i-1", "ShouldDecrementDesiredCapacity=true"}

// TestStandby goes there and back, through a restart on the way.
func TestStandby(t *testing.T) {
	b := newBench(t)
	text, err := b.call("EnterStandby", standby...)
	if err != nil || !strings.Contains(text, "<AutoScalingGroupName>web</AutoScalingGroupName>") {
		t.Fatalf("got %s, %v", text, err)
	}
	b.wantState("i-1", EnteringStandby)
	b.open()
	b.pass(time.Minute)
	b.wantState("i-1", Standby)
	if got := b.desired(); got != "1" {
		t.Errorf("desired is %s, want 1", got)
	}
	b.fleet["i-1"] = "stopped"
	b.pass(time.Hour)
	b.wantState("i-1", Standby)
	b.fleet["i-1"] = "running"
	if _, err := b.call("ExitStandby", standby[:2]...); err != nil {
		t.Fatal(err)
	}
	b.wantState("i-1", Pending)
	b.pass(time.Minute)
	b.wantState("i-1", InService)
	if got := b.desired(); got != "2" {
		t.Errorf("desired is %s, want 2", got)
	}
}

func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		action string
		params []string
		first  bool // i-2 is in Standby already
	}{
		"below the least":    {"EnterStandby", standby, true},
		"twice":              {"EnterStandby", []string{standby[0], "InstanceIds.member.1=i-2", standby[2]}, true},
		"not a member":       {"EnterStandby", []string{standby[0], "InstanceIds.member.1=i-3", standby[2]}, false},
		"no such group":      {"EnterStandby", []string{"AutoScalingGroupName=none", standby[1], standby[2]}, false},
		"nothing about size": {"EnterStandby", standby[:2], false},
		"not in Standby":     {"ExitStandby", standby[:2], false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if tt.first {
				if _, err := b.call("EnterStandby", standby[0], "InstanceIds.member.1=i-2", standby[2]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.call(tt.action, tt.params...); !wire.IsFault(err, "ValidationError") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestExitAboveTheMost(t *testing.T) {
	b := newBench(t)
	if _, err := b.call("EnterStandby", standby[0], standby[1], "ShouldDecrementDesiredCapacity=false"); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Minute)
	if _, err := b.call("ExitStandby", standby[:2]...); !wire.IsFault(err, "ValidationError") {
		t.Errorf("got %v", err)
	}
}

// TestStoppedMemberIsTerminated: what people fear who stop a member.
func TestStoppedMemberIsTerminated(t *testing.T) {
	b := newBench(t)
	b.fleet["i-1"] = "stopping"
	b.pass(time.Second)
	b.wantState("i-1", InService)
	b.pass(30 * time.Second)
	if b.fleet["i-1"] != "stopping" {
		t.Fatal("terminated before the health check")
	}
	b.pass(time.Minute)
	b.wantState("i-1", Terminating)
	if b.fleet["i-1"] != "shutting-down" {
		t.Errorf("it is %s", b.fleet["i-1"])
	}
	b.fleet["i-1"] = "terminated"
	b.pass(time.Second)
	b.wantState("i-1", "")
}

// TestKilledBeforeTermination: the member is condemned, and the lab was killed
// before it told EC2.
func TestKilledBeforeTermination(t *testing.T) {
	b := newBench(t)
	if err := b.file.Update(func(d *document) error {
		d.Groups["web"].Members["i-1"].State = Terminating
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.open()
	b.pass(0)
	if b.fleet["i-1"] != "shutting-down" {
		t.Errorf("it is %s", b.fleet["i-1"])
	}
}

func TestRecovery(t *testing.T) {
	b := newBench(t)
	b.fleet["i-1"] = "stopping"
	b.pass(time.Second)
	b.fleet["i-1"] = "running"
	b.pass(time.Second)
	b.fleet["i-1"] = "stopping"
	b.pass(59 * time.Second)
	if b.fleet["i-1"] != "stopping" {
		t.Error("an old illness counted")
	}
}

func TestPages(t *testing.T) {
	b := newBench(t)
	first, err := b.call("DescribeAutoScalingInstances", "MaxRecords=1")
	if err != nil || !strings.Contains(first, "i-1") || strings.Contains(first, "i-2") {
		t.Fatalf("got %s, %v", first, err)
	}
	_, rest, _ := strings.Cut(first, "<NextToken>")
	token, _, _ := strings.Cut(rest, "<")
	second, err := b.call("DescribeAutoScalingInstances", "MaxRecords=1", "NextToken="+token)
	if err != nil || !strings.Contains(second, "i-2") || strings.Contains(second, "NextToken") {
		t.Errorf("got %s, %v", second, err)
	}
	if _, err := b.call("DescribeAutoScalingInstances", "NextToken=?"); !wire.IsFault(err, "InvalidNextToken") {
		t.Errorf("got %v", err)
	}
}

func TestPutAndJoin(t *testing.T) {
	b := newBench(t)
	for _, g := range []Group{{}, {"x", 2, 1, 1}, {"x", 0, 1, 2}, {"x", -1, 1, 0}} {
		if err := b.Put(g); err == nil {
			t.Errorf("put %+v", g)
		}
	}
	if b.Join("", "i-1", InService) == nil || b.Join("web", "i-1", "Detached") == nil {
		t.Error("joined where it cannot")
	}
	if err := b.Join("new", "i-2", InService); err != nil {
		t.Fatal(err)
	}
	if text, err := b.call("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=new"); err != nil || !strings.Contains(text, "<DesiredCapacity>1<") {
		t.Errorf("got %s, %v", text, err)
	}
	if err := b.Least("new", 3); err != nil {
		t.Fatal(err)
	}
	if text, err := b.call("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=new"); err != nil || !strings.Contains(text, "<MinSize>3<") || !strings.Contains(text, "<DesiredCapacity>3<") {
		t.Errorf("got %s, %v", text, err)
	}
	if err := b.Join("new", "i-2", PendingWait); err != nil {
		t.Error(err)
	}
}

func TestChecks(t *testing.T) {
	b := newBench(t)
	for action, want := range map[string]string{"DescribeAutoScalingGroups": "*", "EnterStandby": ":autoScalingGroupName/web"} {
		values := url.Values{}
		if action == "EnterStandby" {
			values.Set("AutoScalingGroupName", "web")
		}
		checks, err := b.Checks(t.Context(), &wire.Call{Action: action, Query: values})
		if err != nil || len(checks) != 1 || !strings.HasSuffix(checks[0].Resource, want) {
			t.Errorf("%s: got %+v, %v", action, checks, err)
		}
	}
	if got := b.Actions(); len(got) != len(maps.Clone(actions)) {
		t.Errorf("got %q", got)
	}
	if _, err := b.call("DeleteAutoScalingGroup"); !wire.IsFault(err, "InvalidAction") {
		t.Errorf("got %v", err)
	}
}
