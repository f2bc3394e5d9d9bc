package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sideBySide runs the cases of a test, a few at a time: they wait more than they
// work, and go test's own -parallel follows the number of processors.
func sideBySide[C any](t *testing.T, most int, cases []C, name func(C) string, f func(*testing.T, C)) {
	var all sync.WaitGroup
	free := make(chan struct{}, most)
	for _, c := range cases {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			t.Run(name(c), func(t *testing.T) { f(t, c) })
		})
	}
	all.Wait()
}

// sweep tells whether every case is wanted, or those that CI has the time for.
func sweep() bool { return os.Getenv("REGAIN_SWEEP") != "" }

// patient is an instance that is worked on, and how it was.
type patient struct {
	l             *lab
	id, volume    string
	state         string // of whoever drives the run
	before, files string
	oldKey        string // the user's own, which sshd refused at first
}

// begin makes an instance whose user is locked out. It goes with the test.
func begin(t testing.TB, l *lab, flags ...string) *patient {
	t.Helper()
	image, key := keptDisk(t)
	p := &patient{l: l.with(t), state: filepath.Join(t.TempDir(), "state"), oldKey: key}
	p.id = p.l.patient(image, flags...)
	p.before = p.l.description(p.id)
	p.volume = p.l.describe(p.id).Volumes[0]
	p.files = files(t, p.disk())
	t.Cleanup(func() {
		if !t.Failed() { // its volume takes memory
			p.l.ec2("TerminateInstances", "InstanceId.1="+p.id)
		}
	})
	return p
}

func (p *patient) disk() string { return filepath.Join(p.l.state, "volumes", p.volume+".raw") }

// reset is a reset of the patient as somebody who wants to see it fast asks for.
func (p *patient) reset(flags ...string) []string {
	return append(reset(p.id, "--state-dir", p.state, "--backup", "none"), flags...)
}

// judge is the promise: you are back in, or the instance is as it was, nothing
// of the run is left, and what was said is true.
func (p *patient) judge(t testing.TB, run string, said ending) {
	t.Helper()
	about := fmt.Sprintf("it ended with %d, %q:\n%s\n%s", said.code, said.state, tail(said.stdout), tail(said.stderr))
	if diff := cmp.Diff(p.before, p.l.description(p.id)); diff != "" {
		t.Fatalf("the instance is not as it was:\n%s\n%s", diff, about)
	}
	if left := p.l.leftovers(run); left != "" {
		t.Errorf("there is left:\n%s\n%s", left, about)
	}
	p.l.awaitSSH(p.id)
	rescued := p.rescued(t, said.stdout+said.stderr)
	changed := cmp.Diff(p.files, files(t, p.disk()))
	switch {
	case !rescued && changed != "":
		t.Errorf("the new key opens nothing, and the volume is not as it was:\n%s\n%s", changed, about)
	case rescued && changed == "":
		t.Errorf("somebody is let in by a volume that is as it was\n%s", about)
	case said.state == "rescued" && !rescued:
		t.Errorf("it says rescued, and the new key opens nothing\n%s", about)
	case said.state != "rescued" && said.state != "" && rescued:
		t.Errorf("it says %s, and the new key lets in\n%s", said.state, about)
	}
	if old := p.opens(t, p.oldKey); old != rescued {
		t.Errorf("the user's own key lets in: %v, the new one: %v\n%s", old, rescued, about)
	}
	if p.opens(t, newKey(t)) {
		t.Errorf("any key lets in\n%s", about)
	}
}

// leftovers are what a run has left in the account, and what machines that are
// off leave on this host: those of other tests may be about to go.
func (l *lab) leftovers(run string) string {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		r := l.run(nil, "regain-lab", "leftovers", "--state", l.state, "--run", run, "--json")
		var left struct{ Resources, Host []string }
		if err := json.Unmarshal([]byte(r.stdout), &left); err != nil {
			l.t.Fatalf("leftovers: %v %+v", err, r)
		}
		if len(left.Resources) > 0 || len(left.Host) > 0 && time.Now().After(deadline) {
			return strings.Join(append(left.Resources, left.Host...), "\n")
		}
		if len(left.Host) == 0 {
			return ""
		}
	}
}

// rescued tells whether there is a new key, and it lets in. The key may lie
// nowhere in clear.
func (p *patient) rescued(t testing.TB, said string) bool {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if p.l.run(nil, "regain", "key", p.id, "--out", key).code != 0 {
		return false
	}
	noSecret(t, p.l, key, said, p.state, p.disk())
	return p.opens(t, key)
}

// opens tells whether sshd takes a key. It says so either way.
func (p *patient) opens(t testing.TB, key string) bool {
	t.Helper()
	r := p.l.login(p.id, "admin", key)
	if in := r.code == 0 && r.stdout == "in: admin\n"; in || strings.Contains(r.stderr, "Permission denied") {
		return in
	}
	t.Fatalf("sshd answers neither yes nor no: %+v", r)
	return false
}
