package e2e

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// A scene is a way to lose a password, and what becomes of it.
type scene struct {
	name string
	play func(*testing.T, *lab)
}

// scenes play side by side in one account.
var scenes = []scene{
	{windows.EC2Config, func(t *testing.T, l *lab) { newPassword(t, l, windows.EC2Config, "--accept-imdsv2") }}, // no documentation says which version knows it
	{windows.EC2LaunchV1, func(t *testing.T, l *lab) { newPassword(t, l, windows.EC2LaunchV1) }},
	{windows.EC2LaunchV2, func(t *testing.T, l *lab) { newPassword(t, l, windows.EC2LaunchV2) }},
	{"lost key pair", lostKeyPair},
	{"replaced", replaced},
	{"hibernated", refusedFor(func(img *testdisk.NTFSImage) error { return img.Mount(testdisk.Hibernated) }, "hibernat")},
	{"unclean", refusedFor(func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }, "not closed")},
	{"dirty", refusedFor((*testdisk.NTFSImage).MarkDirty, "marked dirty")},
	{"power cut", powerCut},
	{"refused before a stop", refusedBefore},
}

func TestWindows(t *testing.T) {
	needWindows(t)
	settledWindows(t, windows.EC2LaunchV2)
	l := newLab(t, "--speed", "50")
	sideBySide(t, 10, scenes, func(s scene) string { return strings.ReplaceAll(s.name, " ", "-") }, func(t *testing.T, s scene) { s.play(t, l) })
}

// newPassword: a launch agent makes a new one, which comes to nobody but who has the
// key pair; and the password that EC2 still had is not taken for it.
func newPassword(t *testing.T, l *lab, agent string, flags ...string) {
	s := &server{l: l.with(t), state: filepath.Join(t.TempDir(), "state"), key: rsaKey(t)}
	s.from(t, windowsDisk(t, agent))
	s.look(t)
	s.old = s.sealedPassword(s.key)
	s.anotherPair(t)
	end := s.l.watch(s.reset(flags...), undisturbed)
	if end.code != 0 || end.state != "rescued" {
		t.Fatalf("it ended with %d, %s\n%s%s\n%s", end.code, end.state, tail(end.stdout), end.stderr, s.console())
	}
	early := !readyAgain(s.console())
	if password := s.password(s.key); password == s.old || !s.opens(password) {
		t.Errorf("asked early (%v), it tells one of %d letters that does not open it; it is that of before: %v\n%s", early, len(password), password == s.old, s.console())
	}
	s.judge(t, end.run, end, s.key)
	if !regexp.MustCompile(`"agent":\s*"` + agent + `"`).MatchString(end.stdout) {
		t.Errorf("it does not tell the agent: %s", tail(end.stdout))
	}
	t.Logf("asked before the agent had acted: %v", early)
}

// anotherPair gives the name of its key pair to another one, which must not matter: the
// metadata service keeps the public half that it was launched with.
func (s *server) anotherPair(t *testing.T) {
	name := "of " + t.Name()
	s.l.ec2("DeleteKeyPair", "KeyName="+name)
	s.l.keyPair(name, rsaKey(t))
}

// lostKeyPair: nobody has its private half, and nobody wants another instance: a start-up script encrypts
// the password to a key that somebody has, and goes.
func lostKeyPair(t *testing.T, l *lab) {
	s := serve(t, l, windows.EC2LaunchV2)
	own := rsaKey(t)
	end := s.l.watch(s.reset("--public-key", own+".pub"), undisturbed)
	if end.code != 0 || end.state != "rescued" {
		t.Fatalf("it ended with %d, %s\n%s%s", end.code, end.state, tail(end.stdout), end.stderr)
	}
	s.judge(t, end.run, end, own)
	if said := s.console(); strings.Contains(said, "<Password>") || strings.Count(said, "regain1:") == 0 {
		t.Errorf("the console has %s", said)
	}
	if r := s.l.run(nil, "regain", "password", s.id, "--key", s.key, "--state-dir", s.state, "--timeout", "5s"); r.code != 1 || r.stdout != "" {
		t.Errorf("another key: %+v", r)
	}
	if r := s.l.run(nil, "regain", "password", s.id, "--key", own, "--state-dir", t.TempDir(), "--timeout", "1h", "--run", end.agentRun(t)); r.code != 0 || !s.opens(strings.TrimSpace(r.stdout)) {
		t.Errorf("from another machine: %d %s", r.code, r.stderr)
	}
}

// agentRun is the run that the report names.
func (e ending) agentRun(t testing.TB) string {
	t.Helper()
	found := regexp.MustCompile(`"schema":"regain.report/1","run":"([^"]+)"`).FindStringSubmatch(e.stdout)
	if found == nil {
		t.Fatalf("no report: %s", tail(e.stdout))
	}
	return found[1]
}

// replaced: an instance is launched anew, from the image that makes a password of its
// own, with another pair. Asked again, no other is.
func replaced(t *testing.T, l *lab) {
	s := serve(t, l, windows.EC2LaunchV1, "--tag", "Name=web")
	end := s.l.watch(s.reset("--backup", "ami"), undisturbed)
	s.judge(t, end.run, end, s.key)
	if end.code != 0 || end.state != "rescued" {
		t.Fatalf("it ended with %d, %s: %s", end.code, end.state, end.stderr)
	}
	other := rsaKey(t)
	s.l.keyPair("other", other)
	replace := []string{"replace", s.id, "--key-name", "other", "--yes", "--state-dir", s.state}
	out := s.l.must(0, "regain", replace...)
	found := regexp.MustCompile(`LAUNCHED: (i-[0-9a-f]{17})`).FindStringSubmatch(out)
	if found == nil || !strings.Contains(s.l.must(0, "regain", replace...), found[1]) {
		t.Fatalf("replace says %s", out)
	}
	anew := &server{l: s.l, id: found[1], state: s.state}
	anew.awaitReady()
	password := anew.password(other)
	if !anew.opens(password) || s.opens(password) || anew.opens(s.old) || password == "" {
		t.Errorf("the password of the new one opens it: %v, and the old one: %v", anew.opens(password), s.opens(password))
	}
	if shown := s.l.ec2("DescribeInstances", "InstanceId.1="+anew.id); !strings.Contains(shown, "<value>web</value>") || !strings.Contains(shown, "<keyName>other</keyName>") {
		t.Errorf("it is %s", shown)
	}
	anew.noPassword(t, password, out)
}

// refusedFor: what is on the volume forbids to write to it. Then not one byte of it is
// another when it comes back.
func refusedFor(breaks func(*testdisk.NTFSImage) error, because string) func(*testing.T, *lab) {
	return func(t *testing.T, l *lab) {
		d := settledWindows(t, windows.EC2LaunchV2)
		broken := filepath.Join(t.TempDir(), "broken.raw")
		copyFile(t, d.image, broken)
		if err := breaks(&testdisk.NTFSImage{Path: broken, Offset: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		s := &server{l: l.with(t), state: filepath.Join(t.TempDir(), "state"), key: d.key}
		s.from(t, broken, "--stopped")
		s.stays(t, because)
	}
}

// powerCut: a machine that was stopped by force is refused too, and what is advised then
// helps: to start it, and to stop it in order.
func powerCut(t *testing.T, l *lab) {
	s := serve(t, l, windows.EC2Config)
	s.l.ec2("StopInstances", "Force=true", "InstanceId.1="+s.id)
	s.l.awaitState(s.id, "stopped")
	s.stays(t, "not closed")
	s.l.ec2("StartInstances", "InstanceId.1="+s.id)
	s.l.awaitState(s.id, "running")
	s.awaitReady()
	s.before = s.l.description(s.id)
	end := s.l.watch(s.reset("--accept-imdsv2"), undisturbed)
	if s.judge(t, end.run, end, s.key); end.state != "rescued" {
		t.Errorf("it ended with %d, %s: %s", end.code, end.state, end.stderr)
	}
}

// stays wants a reset of the stopped instance to be taken back, because of something that
// is told.
func (s *server) stays(t testing.TB, because string) {
	t.Helper()
	before, sum := s.l.description(s.id), imageSum(t, s.disk())
	end := s.l.watch(s.reset("--accept-imdsv2"), undisturbed)
	if end.code != 1 || end.state != "taken-back" || !strings.Contains(end.stdout+end.stderr, because) {
		t.Errorf("it ended with %d, %q, because of %q", end.code, end.state, regexp.MustCompile(`"error":"[^"]*"`).FindAllString(end.stdout, -1))
	}
	if imageSum(t, s.disk()) != sum {
		t.Error("the volume is not as it was")
	}
	if s.l.description(s.id) != before {
		t.Error("the instance is not as it was")
	}
	if left := s.l.leftovers(end.run); left != "" {
		t.Errorf("there is left:\n%s", left)
	}
}

// refusedBefore: where EC2 tells that it would go wrong, nothing is stopped. The instance
// runs on, and not one byte of its volume is another.
func refusedBefore(t *testing.T, l *lab) {
	s := serve(t, l, windows.EC2LaunchV2)
	s.l.ec2("ModifyInstanceMetadataOptions", "InstanceId="+s.id, "HttpEndpoint=disabled")
	before, sum, calls := s.l.description(s.id), imageSum(t, s.disk()), len(s.l.calls())
	r := s.l.run(nil, "regain", s.reset()...)
	if r.code != 1 || !strings.Contains(r.stderr, "[windows-metadata-off]") {
		t.Errorf("it ended with %d: %s", r.code, r.stderr)
	}
	if imageSum(t, s.disk()) != sum || s.l.description(s.id) != before || !s.opens(s.old) {
		t.Error("it is not as it was")
	}
	for _, c := range s.l.calls()[calls:] {
		if c.Mutating && slices.Contains(c.Resources, s.id) {
			t.Errorf("%s was called", c.name())
		}
	}
}
