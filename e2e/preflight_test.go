package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A refusal is something in an account that a rescue must not run into.
type refusal struct {
	create []string                         // flags of create-instance
	with   func(l *lab) []string            // more of them, made before
	make   func(l *lab, id string) []string // does the rest, and may give flags of reset
	flags  []string                         // of reset
	risks  []string                         // that refuse, all of them, in their order
}

const intelAMI = "ami-0a12023086064a001" // as docs/lab.md has it: the lab's helper for x86_64

var refusals = map[string]refusal{
	"terminated":                   {make: calling("TerminateInstances"), risks: one("terminated")},
	"root in instance storage":     {create: one("--instance-store"), risks: one("instance-store-root")},
	"no root":                      {create: one("--stopped"), make: detached(""), risks: one("root-missing")},
	"root detaching":               {create: one("--stopped"), make: detached("stuck"), risks: one("root-attachment")},
	"data in instance storage":     {create: []string{"--type", "m5d.large"}, risks: one("instance-store-loss")},
	"public address":               {create: []string{"--public-ip", "true"}, risks: one("public-ip-change")},
	"can hibernate":                {create: one("--hibernation"), risks: one("hibernation")},
	"hibernated":                   {create: one("--hibernation"), make: calling("StopInstances", "Hibernate=true"), risks: one("hibernated")},
	"stop protection":              {create: one("--stop-protection"), risks: one("stop-protection")},
	"Spot":                         {create: []string{"--spot", "stop"}, risks: one("spot")},
	"operated by a service":        {create: []string{"--operator", "eks.amazonaws.com"}, risks: one("operator-managed")},
	"Marketplace":                  {create: []string{"--product-code", "abc123"}, risks: one("marketplace-codes")},
	"group at its minimum":         {make: joining("small", "--min", "1"), risks: one("auto-scaling-minimum")},
	"group waits for a hook":       {make: joining("hooked", "--lifecycle", "Pending:Wait"), risks: one("auto-scaling-state")},
	"another run":                  {create: []string{"--tag", "regain:run=20261122T155300Z-3fa2c1", "--tag", "regain:owner=ann@laptop"}, risks: one("locked")},
	"a helper":                     {create: []string{"--tag", "regain:run=R", "--tag", "regain:role=helper"}, risks: one("is-helper")},
	"parameter of another type":    {make: plainParameter, risks: one("parameter-type")},
	"parameter's key unknown":      {flags: []string{"--kms-key", "alias/none"}, risks: one("parameter-key")},
	"parameter's key disabled":     {make: disabledKey, risks: one("parameter-key")},
	"image unknown":                {flags: []string{"--helper-ami", "ami-00000000000000000"}, risks: one("helper-image")},
	"image with all names taken":   {create: append(allNames(), "--stopped"), make: imageOf, risks: one("device-busy")},
	"type unknown":                 {flags: []string{"--helper-type", "t9.nano"}, risks: one("helper-type")},
	"type of another architecture": {flags: []string{"--helper-type", "t4g.micro", "--helper-ami", intelAMI}, risks: one("helper-type")},
	"subnet unknown":               {flags: []string{"--subnet", "subnet-00000000000000000"}, risks: one("subnet-missing")},
	"subnet of another zone":       {create: []string{"--zone", "us-east-1a"}, make: anotherZone, risks: one("subnet-zone")},
	"subnet full":                  {create: []string{"--zone", "us-east-1a"}, make: fullSubnet, risks: one("subnet-full")},
	"subnet without a way":         {create: []string{"--zone", "us-east-1a"}, make: closedSubnet, risks: one("no-ssm-path")},
	"five VPCs":                    {make: moreVPCs, flags: []string{"--subnet", "new-vpc"}, risks: one("vpc-quota")},
	"no profile":                   {flags: []string{"--instance-profile", "nobody"}, risks: one("missing-profile")},
	"no bucket":                    {flags: []string{"--bucket", "not-there-at-all"}, risks: one("missing-bucket")},
	"no agent":                     {flags: []string{"--agent", "/dev/null"}, risks: one("no-agent")},
	"volumes with a disabled key":  {with: customerKey, make: disableKey, risks: one("kms-key")},
	"too many tags":                {create: tags(46), risks: one("too-many-tags")},
	"several": {
		create: []string{"--spot", "stop", "--hibernation", "--stop-protection", "--public-ip", "true", "--product-code", "abc123", "--type", "m5d.large"},
		flags:  []string{"--helper-type", "t9.nano", "--subnet", "subnet-00000000000000000", "--instance-profile", "nobody"},
		risks: []string{
			"instance-store-loss", "public-ip-change", "hibernation", "stop-protection", "spot", "marketplace-codes",
			"helper-type", "subnet-missing", "missing-profile",
		},
	},
}

// What a lab cannot be brought to, and what TestMissingPermissions has.
var refusedElsewhere = []string{"multi-attach", "macos", "kms-grant", "missing-permission", "look-denied", "unsimulated"}

func one(s string) []string { return []string{s} }

// tags are flags that give an instance n tags; EC2 allows 50.
func tags(n int) (flags []string) {
	for i := range n {
		flags = append(flags, "--tag", fmt.Sprintf("t%d=v", i))
	}
	return flags
}

// Whatever stands in the way is said, all of it, with its id and the flag that
// accepts it; and no call was made that could have changed anything.
func TestPreflight(t *testing.T) {
	l := newLab(t, "--speed", "200", "--boot", "none", "--faults", filepath.Join(t.TempDir(), "faults.yaml"))
	refusals := maps.Clone(refusals)
	maps.Copy(refusals, windowsRefusals)
	names := slices.Sorted(maps.Keys(refusals))
	itself := func(name string) string { return strings.ReplaceAll(name, " ", "-") }
	var mu sync.Mutex
	asks := map[string][]string{}
	sideBySide(t, 4, names, func(name string) string { return "set up " + itself(name) }, func(t *testing.T, name string) {
		ask := refusals[name].setUp(l.with(t))
		mu.Lock()
		defer mu.Unlock()
		asks[name] = ask
	})
	if t.Failed() {
		t.FailNow()
	}
	before := len(l.calls())
	sideBySide(t, 4, names, itself, func(t *testing.T, name string) { l.with(t).refuses(asks[name], refusals[name].risks) })
	all := l.calls()[before:]
	if len(all) < 10*len(refusals) {
		t.Errorf("%d calls only", len(all))
	}
	for _, c := range all {
		if c.Mutating {
			t.Errorf("%s:%s was called on %q", c.Service, c.Action, c.Resources)
		}
	}
	refusalsAreAll(t, refusals)
}

// setUp makes the instance, and gives the command line of its reset.
func (r refusal) setUp(l *lab) []string {
	flags := slices.Clone(r.create)
	if !slices.Contains(flags, "--public-ip") {
		flags = append(flags, "--public-ip", "false")
	}
	if r.with != nil {
		flags = append(flags, r.with(l)...)
	}
	id := l.blank(flags...)
	ask := append([]string{id, "--agent", filepath.Join(programs, "regain-agent")}, r.flags...)
	if r.make != nil {
		ask = append(ask, r.make(l, id)...)
	}
	return ask
}

// refuses runs a reset three times: it is refused, a dry run says why, and what
// can be accepted is accepted.
func (l *lab) refuses(ask, want []string) {
	l.t.Helper()
	state := []string{"--state-dir", l.t.TempDir()}
	r := l.run(nil, "regain", slices.Concat(one("reset"), ask, one("--yes"), state)...)
	if r.code != 1 || r.stdout != "" || !strings.HasSuffix(r.stderr, "regain: refused: nothing was changed\n") {
		l.t.Errorf("reset ended with %d: %q\n%s", r.code, r.stdout, r.stderr)
	}
	risks := l.dryRun(4, slices.Concat(ask, state)...)
	var ids, accept []string
	for _, risk := range risks {
		ids = append(ids, risk.ID)
		if !strings.Contains(r.stderr, "["+risk.ID+"]") || risk.Flag != "" && !strings.Contains(r.stderr, "to accept it: "+risk.Flag+"\n") {
			l.t.Errorf("%+v is not told: %s", risk, r.stderr)
		}
		if risk.Flag != "" {
			accept = append(accept, risk.Flag)
		}
	}
	if !slices.Equal(ids, want) {
		l.t.Errorf("refused because of %q, want %q", ids, want)
	}
	left, code := 0, 0
	for _, risk := range risks {
		if risk.Flag == "" {
			left, code = left+1, 4
		}
	}
	if again := l.dryRun(code, slices.Concat(ask, accept, state)...); len(again) != left {
		l.t.Errorf("with %q it is refused because of %+v", accept, again)
	}
}

// risk is one of a plan's.
type risk struct {
	ID, Detail, Flag string
	Accepted, Note   bool
}

// dryRun gives the risks that refuse.
func (l *lab) dryRun(code int, ask ...string) []risk {
	l.t.Helper()
	var line struct{ Plan struct{ Risks []risk } }
	out := l.must(code, "regain", slices.Concat(one("reset"), ask, []string{"--dry-run", "--json"})...)
	if err := json.Unmarshal([]byte(out), &line); err != nil {
		l.t.Fatalf("%v: %s", err, out)
	}
	return slices.DeleteFunc(line.Plan.Risks, func(r risk) bool { return r.Note || r.Accepted })
}

// refusalsAreAll compares with docs/preflight.md.
func refusalsAreAll(t *testing.T, refusals map[string]refusal) {
	page, err := os.ReadFile("../docs/preflight.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [^|]* \\| refused").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	tested := slices.Clone(refusedElsewhere)
	for _, r := range refusals {
		tested = append(tested, r.risks...)
	}
	slices.Sort(documented)
	slices.Sort(tested)
	if tested = slices.Compact(tested); !slices.Equal(tested, documented) {
		t.Errorf("tested  %q\nrefused %q", tested, documented)
	}
}

// blank is an instance with an empty disk, which never runs anything.
func (l *lab) blank(flags ...string) string {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), "blank.raw")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return strings.Fields(l.must(0, "regain-lab", append([]string{"create-instance", "--state", l.state, "--image", path}, flags...)...))[0]
}

// calling calls EC2 about the instance.
func calling(action string, parameters ...string) func(*lab, string) []string {
	return func(l *lab, id string) []string {
		l.awaitState(id, "running")
		l.ec2(action, append(parameters, "InstanceId.1="+id)...)
		return nil
	}
}

// awaitState waits for a state of an instance.
func (l *lab) awaitState(id, state string) {
	l.t.Helper()
	is := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if is = l.describe(id).State; is == state {
			return
		}
	}
	l.t.Fatalf("instance %s is %s and not %s", id, is, state)
}

func plainParameter(l *lab, id string) []string {
	l.aws("ssm", "put-parameter", "--type", "String", "--value", "x", "--name", "/ec2rl/openssh/"+id+"/key")
	return nil
}

func joining(group string, flags ...string) func(*lab, string) []string {
	return func(l *lab, id string) []string {
		l.must(0, "regain-lab", append([]string{"join-group", "--state", l.state, "--group", group, "--instance", id}, flags...)...)
		return nil
	}
}

// made calls EC2 and gives the first id of a kind in the answer.
func (l *lab) made(kind, action string, parameters ...string) string {
	l.t.Helper()
	answer := l.ec2(action, parameters...)
	id := regexp.MustCompile(`\b` + kind + `-[0-9a-f]{17}\b`).FindString(answer)
	if id == "" {
		l.t.Fatalf("%s names no %s: %s", action, kind, answer)
	}
	return id
}

// detached takes the root volume off; with a fault that does not end.
func detached(kind string) func(*lab, string) []string {
	return func(l *lab, id string) []string {
		volume := l.describe(id).Volumes[0]
		if kind != "" {
			rule := "- {action: DetachVolume, resource: " + volume + ", kind: " + kind + ", for: 1h}\n"
			if err := os.WriteFile(l.args[slices.Index(l.args, "--faults")+1], []byte(rule), 0o600); err != nil {
				l.t.Fatal(err)
			}
		}
		l.ec2("DetachVolume", "VolumeId="+volume)
		return nil
	}
}

// key makes a KMS key.
func (l *lab) key() string {
	l.t.Helper()
	return strings.TrimSpace(l.aws("kms", "create-key", "--query", "KeyMetadata.Arn", "--output", "text"))
}

func customerKey(l *lab) []string { return []string{"--encrypted", "--kms-key", l.key()} }

var keyARN = regexp.MustCompile(`arn:aws:kms:[a-z0-9:/-]+`)

// disableKey disables the key of an instance's volume.
func disableKey(l *lab, id string) []string {
	l.aws("kms", "disable-key", "--key-id", keyARN.FindString(l.ec2("DescribeVolumes", "VolumeId.1="+l.describe(id).Volumes[0])))
	return nil
}

func disabledKey(l *lab, _ string) []string {
	key := l.key()
	l.aws("kms", "disable-key", "--key-id", key)
	return []string{"--kms-key", key}
}

// allNames are volumes at all names that EC2 recommends for one more.
func allNames() []string {
	var flags []string
	for _, letter := range "fghijklmnop" {
		flags = append(flags, "--volume", "/dev/sd"+string(letter)+"=1")
	}
	return flags
}

func imageOf(l *lab, id string) []string {
	ami := l.made("ami", "CreateImage", "Name=busy", "NoReboot=true", "InstanceId="+id)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if strings.Contains(l.ec2("DescribeImages", "Owner.1=self"), "<imageState>available<") {
			return []string{"--helper-ami", ami}
		}
	}
	l.t.Fatal("there is no image")
	return nil
}

func anotherZone(l *lab, _ string) []string {
	return []string{"--subnet", l.made("subnet", "DescribeSubnets", "Filter.1.Name=availability-zone", "Filter.1.Value.1=us-east-1b")}
}

// fullSubnet is one of sixteen addresses, of which EC2 keeps five.
func fullSubnet(l *lab, _ string) []string {
	vpc := l.made("vpc", "DescribeVpcs", "Filter.1.Name=is-default", "Filter.1.Value.1=true")
	subnet := l.made("subnet", "CreateSubnet", "AvailabilityZone=us-east-1a", "CidrBlock=172.31.240.0/28", "VpcId="+vpc)
	for range 16 - 5 {
		l.blank("--stopped", "--subnet", subnet)
	}
	return []string{"--subnet", subnet}
}

// closedSubnet is one of a VPC without a gateway.
func closedSubnet(l *lab, _ string) []string {
	vpc := l.made("vpc", "CreateVpc", "CidrBlock=10.9.0.0/16")
	return []string{"--subnet", l.made("subnet", "CreateSubnet", "AvailabilityZone=us-east-1a", "CidrBlock=10.9.1.0/24", "VpcId="+vpc)}
}

// moreVPCs are five, with the default one and that of closedSubnet.
func moreVPCs(l *lab, _ string) []string {
	for _, cidr := range []string{"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"} {
		l.ec2("CreateVpc", "CidrBlock="+cidr)
	}
	return nil
}
