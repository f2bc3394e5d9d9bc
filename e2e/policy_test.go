package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// statement is one of a policy; the rest of it is kept as it is.
type statement struct {
	Sid    string
	Action []string
	text   json.RawMessage
}

// printed are the statements of a policy that regain prints.
func (l *lab) printed(which string, flags ...string) (all []statement) {
	l.t.Helper()
	in := json.NewDecoder(strings.NewReader(l.must(0, "regain", append([]string{"policy", which}, flags...)...)))
	for {
		var document struct{ Statement []json.RawMessage }
		if err := in.Decode(&document); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			l.t.Fatal(err)
		}
		for _, text := range document.Statement {
			s := statement{text: text}
			if err := json.Unmarshal(text, &s); err != nil {
				l.t.Fatal(err)
			}
			all = append(all, s)
		}
	}
}

// policyFile is a policy of these statements, in a file.
func (l *lab) policyFile(statements []statement) string {
	l.t.Helper()
	document := struct {
		Version   string
		Statement []json.RawMessage
	}{Version: "2012-10-17"}
	for _, s := range statements {
		document.Statement = append(document.Statement, s.text)
	}
	data, err := json.Marshal(document)
	file := filepath.Join(l.t.TempDir(), "policy.json")
	if err = errors.Join(err, os.WriteFile(file, data, 0o600)); err != nil {
		l.t.Fatal(err)
	}
	return file
}

const (
	everything  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	roles       = "arn:aws:iam::123456789012:role/"
	byOperators = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/operator"},"Action":"sts:AssumeRole"}]}`
)

// newStrictLab enforces IAM. The operator may do everything; regain takes a role
// that may do what regain policy controller prints, and the helper has what regain
// policy helper prints. So the call log tells who called what.
func newStrictLab(t testing.TB, flags ...string) *lab {
	t.Helper()
	l := newLab(t, append([]string{"--enforce-iam"}, flags...)...)
	l.permit("everything", everything)
	l.mayRescue(l.printed("controller"))
	l.must(0, "regain-lab", "create-role", "--state", l.state, "--name", "regain-helper", "--policy", l.policyFile(l.printed("helper")))
	return l
}

// mayRescue is all that the rescuer may do.
func (l *lab) mayRescue(statements []statement) {
	l.t.Helper()
	l.role("rescuer", statements)
}

// role is one that the operator may take.
func (l *lab) role(name string, statements []statement) {
	l.t.Helper()
	trust := filepath.Join(l.t.TempDir(), "trust.json")
	if err := os.WriteFile(trust, []byte(byOperators), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.must(0, "regain-lab", "create-role", "--state", l.state, "--name", name, "--policy", l.policyFile(statements), "--trust", trust)
}

func asRescuer(args ...string) []string { return as("rescuer", args...) }

func as(role string, args ...string) []string { return append(args, "--role-arn", roles+role) }

// Each statement of the policy, when it is missing, makes preflight refuse, and is
// named. Nothing is called that could change anything.
func TestMissingPermissions(t *testing.T) {
	l := newStrictLab(t, "--speed", "200", "--boot", "none")
	all := l.printed("controller")
	key := l.key()
	id := l.blank("--encrypted", "--kms-key", key, "--public-ip", "false")
	joining("web")(l, id)
	ask := asRescuer(id, "--agent", filepath.Join(programs, "regain-agent"), "--state-dir", t.TempDir(), "--keys", "controller", "--kms-key", key, "--subnet", "new-vpc")
	l.ec2("CreateKeyPair", "KeyName=ops")
	askWindows := asRescuer(l.blank("--platform", "windows", "--key-name", "ops", "--public-ip", "false"), "--agent", filepath.Join(programs, "regain-agent"), "--state-dir", t.TempDir())
	for _, ask := range [][]string{ask, askWindows} {
		if risks := l.dryRun(0, ask...); len(risks) > 0 {
			t.Fatalf("the whole policy is not enough: %+v", risks)
		}
	}
	before := len(l.calls())
	for n, s := range all {
		if slices.Contains([]string{"FetchKey", "FetchKeyDecrypted", "FetchPassword", "NewEncryptedVolumes"}, s.Sid) {
			continue // of regain key and password; of accounts that encrypt every new volume
		}
		t.Run(s.Sid, func(t *testing.T) {
			l := l.with(t)
			l.mayRescue(slices.Delete(slices.Clone(all), n, n+1))
			if s.Sid == "LookAtKeyPairs" {
				l.lacks(s.Sid, askWindows)
				return
			}
			l.lacks(s.Sid, ask)
		})
	}
	for _, c := range l.calls()[before:] {
		if c.Mutating && c.name() != "sts:AssumeRole" {
			t.Errorf("%s was called", c.name())
		}
	}
}

// lacks wants a dry run to name the statement that is missing, and nothing else.
func (l *lab) lacks(sid string, ask []string) {
	l.t.Helper()
	if sid == "Look" || sid == "LookAtGroup" { // then nothing is known of the instance
		r := l.run(nil, "regain", slices.Concat(one("reset"), ask, one("--dry-run"))...)
		if r.code != 1 || !strings.HasSuffix(r.stderr, "in the statement "+sid+"\n") {
			l.t.Errorf("it ended with %d: %s", r.code, r.stderr)
		}
		return
	}
	if strings.HasPrefix(sid, "BackUpVolume") {
		ask = append(slices.Clone(ask), "--backup", "snapshot")
	}
	risks := l.dryRun(4, ask...)
	named := func(r risk) bool { return strings.Contains(r.Detail, sid) }
	if sid == "Simulate" {
		named = func(r risk) bool { return r.ID == "unsimulated" }
	}
	if !slices.ContainsFunc(risks, named) {
		l.t.Errorf("it is not named: %+v", risks)
	}
	refusing := []string{"kms-grant", "missing-permission", "look-denied", "unsimulated"}
	if i := slices.IndexFunc(risks, func(r risk) bool { return !slices.Contains(refusing, r.ID) }); i >= 0 {
		l.t.Errorf("it is taken for something else: %+v", risks[i])
	}
}

// What the policies allow is what is called, over all features: nothing is denied
// that is needed, and nothing is allowed that is not.
func TestPolicies(t *testing.T) {
	needWindows(t)
	l := newStrictLab(t, "--speed", "50")
	sideBySide(t, 4, features, func(f feature) string { return f.name }, func(t *testing.T, f feature) { f.run(t, l.with(t)) })
	seen := map[string][]string{}
	for _, c := range l.calls() {
		for _, who := range []string{"rescuer", "replacer", "regain-helper"} {
			if !strings.Contains(c.Caller, ":assumed-role/"+who+"/") {
				continue
			}
			seen[who] = append(seen[who], c.name())
			if strings.Contains(c.Outcome, "Denied") || c.Outcome == "UnauthorizedOperation" {
				t.Errorf("%s is denied %s on %q", who, c.name(), c.Resources)
			}
		}
	}
	compareActions(t, l.printed("controller"), seen["rescuer"], impliedActions)
	compareActions(t, l.printed("helper"), seen["regain-helper"], append(agentActions, "kms:Encrypt"))
	called := slices.Concat(seen["replacer"], impliedActions, one("ec2:CreateTags")) // that is asked of who launches with tags
	for _, s := range l.printed("replace") {
		for _, action := range s.Action {
			if !slices.Contains(called, action) {
				t.Errorf("%s is allowed to who replaces, and never called", action)
			}
		}
	}
}

// impliedActions are asked of the caller in the course of other calls.
var impliedActions = []string{
	"iam:PassRole", "kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
}

// agentActions are those of Systems Manager's own agent, which the lab stands for.
var agentActions = []string{
	"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint", "ec2messages:GetMessages",
	"ec2messages:SendReply", "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
	"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
}

func compareActions(t *testing.T, policy []statement, seen, besides []string) {
	t.Helper()
	var allowed []string
	for _, s := range policy {
		allowed = append(allowed, s.Action...)
	}
	called := slices.Clone(besides)
	for _, name := range seen {
		if name == "s3:HeadBucket" || name == "s3:ListObjectsV2" {
			name = "s3:ListBucket" // as IAM calls it
		}
		called = append(called, name)
	}
	for _, list := range []*[]string{&allowed, &called} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	for _, action := range allowed {
		if !slices.Contains(called, action) {
			t.Errorf("%s is allowed and never called", action)
		}
	}
	for _, action := range called {
		if !slices.Contains(allowed, action) {
			t.Errorf("%s is called and not allowed", action)
		}
	}
}

// A feature is a way to use regain that needs permissions of its own.
type feature struct {
	name string
	run  func(*testing.T, *lab)
}

var features = []feature{
	{"image, temporary VPC, group, own key", func(t *testing.T, l *lab) {
		p := begin(t, l, "--encrypted", "--kms-key", l.key(), "--stop-protection")
		joining("web")(l, p.id)
		p.back(t, asRescuer("--backup", "ami", "--subnet", "new-vpc", "--lift-stop-protection")...)
		p.l.must(0, "regain", asRescuer("key", p.id, "--out", filepath.Join(t.TempDir(), "key"))...)
	}},
	{"snapshot, key made here, with a key of KMS", func(t *testing.T, l *lab) {
		p := begin(t, l)
		p.back(t, asRescuer("--backup", "snapshot", "--keys", "controller", "--kms-key", l.key())...)
		p.l.must(0, "regain", asRescuer("key", p.id, "--out", filepath.Join(t.TempDir(), "key"))...)
	}},
	{"key made there, with a key of KMS, and again", func(t *testing.T, l *lab) {
		p := begin(t, l)
		p.back(t, asRescuer("--backup", "none", "--kms-key", l.key())...)
		p.back(t, asRescuer("--backup", "none")...)
	}},
	{"a subnet without a way out", func(t *testing.T, l *lab) {
		ask := append([]string{l.blank("--zone", "us-east-1a", "--stopped"), "--agent", filepath.Join(programs, "regain-agent")}, closedSubnet(l, "")...)
		var risks []risk
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			if risks = l.dryRun(4, asRescuer(ask...)...); risks[0].ID != "subnet-missing" { // a new one may not show at once
				break
			}
		}
		if len(risks) != 1 || risks[0].ID != "no-ssm-path" {
			t.Errorf("refused because of %+v", risks)
		}
	}},
	{"interrupted after the backup", func(t *testing.T, l *lab) {
		for _, backup := range []string{"ami", "snapshot"} {
			begin(t, l).interrupted(t, moment{"detach", "out", "begins"}, asRescuer("--backup", backup)...)
		}
	}},
	{"interrupted while the agent works", func(t *testing.T, l *lab) {
		begin(t, l).interrupted(t, moment{"rescue", "out", "begins"}, asRescuer("--backup", "none", "--subnet", "new-vpc")...)
	}},
	{"killed, and resumed elsewhere", func(t *testing.T, l *lab) {
		p := begin(t, l)
		cut := p.l.watch(p.asked(asRescuer("--backup", "snapshot", "--subnet", "new-vpc")...), signalAt(moment{"attach", "out", "done"}, syscall.SIGKILL))
		p.l.must(0, "regain", asRescuer("list", "--state-dir", t.TempDir())...)
		end := p.l.watch(asRescuer("resume", p.id, "--take-over", "--state-dir", t.TempDir(), "--agent", filepath.Join(programs, "regain-agent")), undisturbed)
		if end.code != 0 {
			t.Errorf("it ended with %d: %s%s", end.code, tail(end.stdout), end.stderr)
		}
		p.judge(t, cut.run, end)
	}},
	{"Windows, by its launch agent", func(t *testing.T, l *lab) {
		l.must(0, "regain-lab", "create-role", "--state", l.state, "--name", "web", "--policy", l.policyFile(l.printed("helper")))
		s := serve(t, l, windows.EC2LaunchV2, "--encrypted", "--kms-key", l.key(), "--stop-protection", "--profile", "web", "--tag", "Name=web")
		s.back(t, s.key, "--backup", "ami", "--lift-stop-protection")
		s.replacedWithin(t)
	}},
	{"Windows, by a start-up script", func(t *testing.T, l *lab) {
		s, own := serve(t, l, windows.EC2LaunchV1), rsaKey(t)
		s.back(t, own, "--public-key", own+".pub")
	}},
}

// asked is a reset of the patient with these flags.
func (p *patient) asked(flags ...string) []string {
	return append(reset(p.id, "--state-dir", p.state), flags...)
}

// back resets the patient and wants it rescued.
func (p *patient) back(t testing.TB, flags ...string) ending {
	t.Helper()
	end := p.l.watch(p.asked(flags...), undisturbed)
	if end.code != 0 || end.state != "rescued" {
		t.Errorf("with %q it ended with %d, %s\n%s%s", flags, end.code, end.state, tail(end.stdout), end.stderr)
	}
	p.judge(t, end.run, end)
	return end
}

// interrupted resets the patient, and interrupts that.
func (p *patient) interrupted(t testing.TB, at moment, flags ...string) {
	t.Helper()
	end := p.l.watch(p.asked(flags...), signalAt(at, syscall.SIGINT))
	if end.code != 130 {
		t.Errorf("it ended with %d: %s%s", end.code, tail(end.stdout), end.stderr)
	}
	p.judge(t, end.run, end)
}

// signalAt sends a signal at such an event.
func signalAt(m moment, signal syscall.Signal) func(event) syscall.Signal {
	return func(e event) syscall.Signal {
		if m.is(e) {
			return signal
		}
		return 0
	}
}
